"""Is this hospital's node alive? For people, for container health checks, and for whatever watches the machine."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from client.node.attendance import LEFT, absence
from client.node.heartbeat import LIMIT_S, Beat, read_beat
from client.node.link import PATIENCE_S, answered_at
from client.site import Site


@dataclass(frozen=True, kw_only=True)
class Health:
    """What was found.

    Attributes:
        is_well: the node lives, or nobody expects it to.
        found: in words.
        action: what was expected and what to do; "" when all is well.
        facts: plain values for programs.
    """

    is_well: bool
    found: str
    action: str
    facts: dict[str, Any]

    def __str__(self) -> str:
        return f"{self.found}; {self.action}" if self.action else self.found


def health(site: Site, now: datetime, limit_s: float = LIMIT_S) -> Health:
    """The node's health by its newest heartbeat.

    Args:
        site: whose node.
        now: with a time zone.
        limit_s: seconds after which a heartbeat is stale.

    Raises:
        DataError: the note of absence cannot be read.
    """
    beat, away = read_beat(site.state), absence(site)
    attendance = away["state"] if away else "present"
    age_s = (now - beat.time).total_seconds() if beat is not None else None
    facts: dict[str, Any] = {"site": site.name, "attendance": attendance, **_facts(beat, age_s)}
    answered = answered_at(site.state)
    silent_s = None if answered is None else now.timestamp() - answered
    facts["server_answered_s"] = None if silent_s is None else round(silent_s, 1)
    is_fresh = age_s is not None and abs(age_s) <= limit_s
    suffix = f" (this site is {attendance})" if away and attendance != LEFT else ""
    if attendance == LEFT:
        return _health(True, f"{site.name}: has left the federation; its node need not run", "", facts)
    if is_fresh:
        return _health(True, f"{site.name}: alive, {_told(beat)}{_link(silent_s)}{suffix}", "", facts)
    if beat is None or age_s is None:
        return _health(
            False,
            f"{site.name}: found no heartbeat{suffix}",
            "expected a running node; start it: gmmas-site start, and see what it says",
            facts,
        )
    when = f"{age_s:.0f} s old" if age_s > 0 else f"{-age_s:.0f} s in the future"
    return _health(
        False,
        f"{site.name}: found a heartbeat {when}, {_told(beat)}{suffix}",
        f"expected one of the last {limit_s:g} s; its process was {beat.process}: see what it does (gmmas-site log), "
        "end the node and start it again",
        facts,
    )


def _health(is_well: bool, found: str, action: str, facts: dict[str, Any]) -> Health:
    return Health(is_well=is_well, found=found, action=action, facts={"ok": is_well, **facts})


def _link(silent_s: float | None) -> str:
    """Words where the node lives and its server does not answer; restarting the node would change nothing."""
    if silent_s is None:
        return ", its server has not answered yet"
    return f", its server has not answered for {silent_s:.0f} s" if silent_s > PATIENCE_S else ""


def _told(beat: Beat | None) -> str:
    if beat is None or beat.state == "idle":
        return "idle"
    return f"{beat.state}, run {beat.run_id[:8]} round {beat.round}"


def _facts(beat: Beat | None, age_s: float | None) -> dict[str, Any]:
    return {
        "age_s": None if age_s is None else round(age_s, 1),
        "state": None if beat is None else beat.state,
        "run": None if beat is None else beat.run_id,
        "round": None if beat is None else beat.round,
        "process": None if beat is None else beat.process,
    }
