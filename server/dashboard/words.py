"""A status in words; terminal, page and plain lines say the same. What nobody knows is called unknown."""

from collections.abc import Sequence

from gmmas_core.reporting.wording import REGION_NAMES, STAGE_NAMES, TASK_NAMES, seconds
from server.dashboard.status import ENDED, UNHEARD, RoundRow, RunStatus, SiteRow

UNKNOWN = "unknown"


def size(num_bytes: float | None) -> str:
    """Bytes for reading."""
    if num_bytes is None:
        return UNKNOWN
    for unit in ("bytes", "kB", "MB", "GB"):
        if num_bytes < 1000:
            return f"{num_bytes:.0f} {unit}" if unit == "bytes" or num_bytes >= 100 else f"{num_bytes:.1f} {unit}"
        num_bytes /= 1000
    return f"{num_bytes:.1f} TB"


def duration(value: float | None) -> str:
    """Seconds as people say them."""
    return UNKNOWN if value is None else seconds(value)


def clock(timestamp: str | None) -> str:
    """An ISO time to the second, in UTC."""
    return f"{timestamp[:10]} {timestamp[11:19]} UTC" if timestamp else UNKNOWN


def stage(name: str | None) -> str:
    """A stage as reports call it."""
    return UNKNOWN if name is None else STAGE_NAMES.get(name, name)


def measure(name: str) -> str:
    """A curve's title."""
    kind, _, of = name.partition(".")
    return f"Dice, {REGION_NAMES[of]}" if kind == "dice" else f"{kind.upper()}, {TASK_NAMES.get(of, of)}"


def position(status: RunStatus) -> str:
    """Which round of how many."""
    total = UNKNOWN if status.rounds_total is None else str(status.rounds_total)
    if status.playing is not None:
        return f"round {status.playing} of {total}"
    return f"{status.rounds_played} of {total} rounds played"


def headline(status: RunStatus) -> str:
    """The run in one line."""
    said = f"{status.state}, {position(status)}"
    if status.playing is not None and status.stage is not None:
        said += f", {stage(status.stage)}"
    return f"{said}: {status.detail}" if status.detail else said


def end(status: RunStatus) -> str:
    """When the rounds may be over."""
    if status.state in ENDED:
        return "the run has ended"
    if status.estimate is None:
        return UNKNOWN
    day, time = status.estimate.end[:10], status.estimate.end[11:16]
    return f"about {time} UTC" if day == status.taken[:10] else f"about {day} {time} UTC"


def end_basis(status: RunStatus) -> str:
    """What the estimate rests on, or what it waits for."""
    found = status.estimate
    if found is None:
        return "" if status.state in ENDED else "known while a round is played and one was played before"
    said = f"in {duration(found.remaining_s)}; {found.rounds_left} left at a median of {duration(found.round_s)}"
    if found.stages_unplayed:
        said += f"; not yet timed: {', '.join(stage(name) for name in found.stages_unplayed)}"
    return f"{said}; final evaluation not included"


def doing(site: SiteRow) -> str:
    """What a site is doing, and why."""
    was_asked_again = site.sends > 1 and site.state in ("training", "evaluating")
    said = f"{site.state} (asked {site.sends} times)" if was_asked_again else site.state
    return f"{said}: {site.reason}" if site.reason else said


def replies(status: RunStatus) -> str:
    """How many of those asked have answered."""
    counts = [site.state for site in status.sites]
    answered = counts.count("replied") + counts.count("scored")
    asked = len(counts) - sum(counts.count(state) for state in (*UNHEARD, "ready", "offline", "quarantined"))
    asked -= counts.count("not asked")
    return f"{answered} of {asked}" if asked else "none asked"


def shares(site: SiteRow) -> str:
    """A site's share of the last round's mean, over the parameter groups that anyone spoke for."""
    known = [100 * share for share in site.shares.values() if share is not None]
    if not known:
        return UNKNOWN if not site.shares else "nobody spoke"
    low, high = min(known), max(known)
    return f"{low:.0f} %" if f"{low:.0f}" == f"{high:.0f}" else f"{low:.0f} to {high:.0f} %"


def share(value: float | None) -> str:
    """One group's share; "silent" is not the same as small."""
    if value is None:
        return "nobody"
    return "silent" if value == 0 else f"{100 * value:.1f} %"


def phases(row: RoundRow) -> str:
    """Time per phase."""
    said = [f"{name.removesuffix('_s')} {duration(value)}" for name, value in row.phases.items()]
    return ", ".join(said) or UNKNOWN


def reasons(row: RoundRow) -> str:
    """Who was left out of a round, and why."""
    return "; ".join(f"{site}: {reason}" for site, reason in sorted(row.left_out.items())) or "nobody"


def parameter_groups(sites: Sequence[SiteRow]) -> list[str]:
    """Every group that any site has a share of, in the ledger's order."""
    return list(dict.fromkeys(group for site in sites for group in site.shares))
