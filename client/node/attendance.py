"""When this hospital takes part: paused by a person, gone for good, or only during its hours.

A refusal goes out at once and says why, so no round waits for a site that does not want to; what is being computed when
somebody pauses is finished and sent, and ended at the next step when somebody leaves (`client.rounds.watch`).
"""

import json
from collections.abc import Iterable
from datetime import datetime, time
from pathlib import Path

from client.node.events import tell
from client.site import Site
from gmmas_core.atomic import write_json
from gmmas_core.types import DataError, FederationError

FILE = "attendance.json"
PAUSED, LEFT = "paused", "left"
MAX_BYTES = 2**14


def stay_away(site: Site, state: str, reason: str, now: datetime) -> None:
    """Refuse from now on, until `come_back`.

    Args:
        site: whose state folder remembers it.
        state: PAUSED refuses training and evaluation, LEFT even the question who this is.
        reason: for the site's own eyes; it is never sent.
        now: with a time zone.

    Raises:
        OSError: the state folder cannot be written.
    """
    site.state.mkdir(parents=True, exist_ok=True)
    content = {"state": state, "since": now.isoformat(timespec="seconds"), "reason": reason}
    write_json(_file(site), content)
    tell(site, state)


def come_back(site: Site) -> bool:
    """Take part again; whether the site was away."""
    was_away = _file(site).exists()
    _file(site).unlink(missing_ok=True)
    if was_away:
        tell(site, "resumed")
    return was_away


def absence(site: Site) -> dict[str, str] | None:
    """ "state", "since" and "reason" while the site is away, else None.

    Raises:
        DataError: the file that says so cannot be read; a site that may have paused must not take part.
    """
    try:
        with _file(site).open("rb") as file:
            content = json.loads(file.read(MAX_BYTES))
        return {key: str(content[key]) for key in ("state", "since", "reason")}
    except FileNotFoundError:
        return None
    except (OSError, ValueError, TypeError, KeyError, RecursionError):
        raise DataError(
            f"{FILE}: found one that cannot be read; expected it as pause wrote it; run gmmas-site resume"
        ) from None


def require_member(site: Site) -> None:
    """Refuse everything after `leave`.

    Raises:
        FederationError: the site has left.
    """
    away = absence(site)
    if away is not None and away["state"] == LEFT:
        raise FederationError("policy: found that this site has left the federation; expected no further question")


def require_present(site: Site) -> None:
    """Refuse to compute while the site is paused or has left.

    Raises:
        FederationError: it is away.
    """
    require_member(site)
    if absence(site) is not None:
        raise FederationError("policy: found this site paused; expected to ask again when it has resumed")


def require_hours(site: Site, now: datetime) -> None:
    """Refuse to train outside `training_hours` of site.yaml.

    Args:
        site: its settings.
        now: local time of this machine.

    Raises:
        FederationError: it is another hour.
    """
    if site.training_hours is not None and not is_within(site.training_hours, now.time()):
        raise FederationError(
            f"policy: found {now:%H:%M}; expected training in this site's hours {site.training_hours}"
        )


def require_stages(site: Site, stages: Iterable[str]) -> None:
    """Refuse what `allowed_stages` of site.yaml does not name.

    Raises:
        FederationError: names the first stage that is not allowed, and those that are.
    """
    for stage in stages:
        if site.allowed_stages is not None and stage not in site.allowed_stages:
            raise FederationError(f"policy: found stage {stage!r}; expected any of {sorted(site.allowed_stages)}")


def is_within(hours: str, now: time) -> bool:
    """Whether a time of day lies in "HH:MM-HH:MM", the end excluded; over midnight when the end is not after the start.

    Equal ends mean the whole day.
    """
    start, end = map(time.fromisoformat, hours.split("-"))
    return start <= now < end if start < end else now >= start or now < end


def _file(site: Site) -> Path:
    return site.state / FILE
