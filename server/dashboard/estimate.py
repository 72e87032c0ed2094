"""When the rounds may be over, from the rounds that were played; no guess before the first."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from statistics import median

from gmmas_core.schedule import Slot
from server.dashboard.status import Estimate
from server.dashboard.story import Story


def estimate(story: Story, slots: Sequence[Slot], now: datetime) -> Estimate | None:
    """The rounds left, each at the median time of its stage's rounds, or of all rounds where its stage is still ahead.

    The time that the round being played has taken so far is taken off, at most all of it.

    Returns:
        None unless the run is training, has played a round and has one left.
    """
    times: dict[str, list[float]] = {}
    for played in story.played.values():
        if played.row.duration_s is not None:
            times.setdefault(played.row.stage, []).append(played.row.duration_s)
    left = slots[story.rounds_played :]
    if story.state != "training" or not times or not left:
        return None
    usual = median(seconds for of_stage in times.values() for seconds in of_stage)
    expected = [median(times.get(slot.stage, [usual])) for slot in left]
    remaining = sum(expected)
    if story.playing is not None and story.round_began is not None:
        elapsed = (now - datetime.fromisoformat(story.round_began)).total_seconds()
        remaining -= min(max(elapsed, 0.0), expected[0])
    return Estimate(
        round_s=usual,
        rounds_left=len(left),
        remaining_s=remaining,
        end=(now + timedelta(seconds=remaining)).isoformat(timespec="seconds"),
        stages_unplayed=tuple(dict.fromkeys(slot.stage for slot in left if slot.stage not in times)),
    )
