"""Does this machine's clock agree with the server's closely enough for Flower?

A SuperNode signs the time of every request. Flower's SuperLink refuses one that is more than 5 s ahead of its own
clock, or more than 300 s behind (of 305 s allowed, 5 are meant for drift); half of either is worth a warning.
"""

from email.utils import parsedate_to_datetime

from gmmas_core.preflight import Line, Verdict

AHEAD_S, BEHIND_S = 5.0, 300.0


def clock_line(date: str | None, before: float, after: float) -> Line:
    """A line about the difference of two clocks.

    Args:
        date: header of the server's answer, whole seconds.
        before, after: this machine's time around the request, seconds since the epoch; the server's time may be that
            of any moment between them, so a fault is only told where none of them would do.
    """
    try:
        there = parsedate_to_datetime(date or "").timestamp()
    except (ValueError, OverflowError):
        action = "compare this machine's clock with another"
        return Line(name="clock", verdict="warn", found="found no time in the server's answer", action=action)
    # The server's clock read between there and there + 1 at a moment between before and after.
    ahead, behind = before - (there + 1), there - after
    verdict: Verdict = "pass"
    if ahead > AHEAD_S / 2 or behind > BEHIND_S / 2:
        verdict = "fail" if ahead > AHEAD_S or behind > BEHIND_S else "warn"
    off = (before + after) / 2 - (there + 0.5)
    way = "ahead of" if off > 0 else "behind"
    if verdict == "pass":
        return Line(name="clock", verdict=verdict, found=f"{abs(off):.0f} s from the server's")
    action = (
        f"expected at most {AHEAD_S:g} s ahead or {BEHIND_S:g} s behind: beyond it the server refuses this node; set "
        "this machine's clock (NTP); if it is right, tell the coordinator"
    )
    return Line(name="clock", verdict=verdict, found=f"found it {abs(off):.0f} s {way} the server's", action=action)
