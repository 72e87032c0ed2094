"""What each sequence is worth: what would change were it missing."""

from collections.abc import Iterator, Mapping
from typing import Any

from client.reading_room.writer.fact import Fact, Kind
from client.reading_room.writer.numbers import points
from client.reading_room.writer.words import word
from gmmas_core.types import CLASS_NAMES, Task


def worth_facts(document: Mapping[str, Any], language: str) -> Iterator[Fact]:
    """`without.t1c`, `without.t1c.idh`."""
    if "segmentation" in document["abstained"]:
        return
    for without in document["without"]:
        sequence = without["sequence"]
        name = word(f"sequence.{sequence}", language)
        first, changes = without["first_type"], without["first_type_changes"]
        outcome = "none" if first is None else "other" if changes else "same"
        yield Fact(
            id=f"without.{sequence}",
            kind=Kind.WITHOUT,
            value={"sequence": sequence, "changes": changes, "entity": first},
            text=word(f"without.{outcome}", language, sequence=name),
        )
        for task, change in without["probability_change"].items():
            yield Fact(
                id=f"without.{sequence}.{task}",
                kind=Kind.CHANGE,
                value={"sequence": sequence, "task": task, "of": CLASS_NAMES[Task(task)][1], "change": change},
                text=word(
                    "change",
                    language,
                    task=word(f"task.{task}", language),
                    answer=word(f"class.{task}.1", language),
                    sequence=name,
                ),
                value_text=points(change, language),
            )
