"""What each sequence contributes: how the reading changes when it is left out."""

from collections.abc import Mapping
from typing import Any

from client.reading_room.panel.numbers import points, relative
from client.reading_room.panel.words import CLASS_TITLES, FINDING_TITLES, SEQUENCE_TITLES, TASK_TITLES, titled
from gmmas_core.diagnosis import text
from gmmas_core.types import REGIONS, Task

NOTABLE = 0.005
"""A change of a probability that whole percentage points can show."""


def influence_of(document: Mapping[str, Any]) -> list[dict[str, Any]]:
    """One row per sequence; none where it was not asked for or only one sequence was there."""
    return [_row(each, document) for each in document["without"]]


def tasks_of(document: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Title and class of the probabilities in a row's order."""
    return [(TASK_TITLES[task], CLASS_TITLES[task][1]) for task in Task if task.value in document["probability"]]


def _row(each: Mapping[str, Any], document: Mapping[str, Any]) -> dict[str, Any]:
    first = each["first_type"]
    if not each["first_type_changes"]:
        type_words = "stays first" if first else "no type is ranked either way"
    else:
        type_words = text(first) if first else "no type can be ranked"
    lost = [name for name in each["not_assessable"] if name not in document["not_assessable"]]
    return {
        "sequence": SEQUENCE_TITLES[each["sequence"]],
        "tasks": [_probability(each, task) for task in Task if task.value in document["probability"]],
        "regions": [(region.upper(), _volume(each, region, document)) for region in REGIONS],
        "type_changes": each["first_type_changes"],
        "type": type_words,
        "lost": [titled(FINDING_TITLES, name) for name in lost],
    }


def _probability(each: Mapping[str, Any], task: Task) -> dict[str, str]:
    change = each["probability_change"].get(task.value)
    if change is None:
        return {"missing": "not assessable"}
    arrow = "" if abs(change) < NOTABLE else "up" if change > 0 else "down"
    return {"arrow": arrow, "value": points(change)}


def _volume(each: Mapping[str, Any], region: str, document: Mapping[str, Any]) -> dict[str, str]:
    """Relative change of a volume; the same outline by Dice in words. Both are of the model's own outlines."""
    if document["corrected"] and document["corrected"]["mask"]:
        return {"missing": "not comparable with a corrected outline", "dice": ""}
    before, now = document["volume_ml"].get(region), each["volume_ml"].get(region)
    if now is None or before is None:
        return {"missing": "not assessable", "dice": ""}
    dice = each["dice"].get(region)
    same = "" if dice is None else f"overlap {dice:.2f}"
    if before == 0:
        return {
            "arrow": "" if now == 0 else "up",
            "value": "none either way" if now == 0 else "found only without it",
            "dice": same,
        }
    if now == 0:
        return {"arrow": "down", "value": "none found", "dice": same}
    change = now / before - 1
    arrow = "" if abs(change) < NOTABLE else "up" if change > 0 else "down"
    return {"arrow": arrow, "value": relative(change) if arrow else "unchanged", "dice": same}
