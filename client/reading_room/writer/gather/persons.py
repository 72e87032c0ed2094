"""What persons did with the reading: corrections and decisions, without who, when and what they noted."""

from collections.abc import Iterator, Mapping
from typing import Any

from client.reading_room.writer.fact import BOTH, Fact, Kind
from client.reading_room.writer.words import word
from gmmas_core.types import CLASS_NAMES, Task

DECISIONS = ("signed", "rejected")


def person_facts(document: Mapping[str, Any], decision: str | None, language: str) -> Iterator[Fact]:
    """`corrected`, `label.idh`, `decision`."""
    corrected = document["corrected"]
    if corrected:
        mask, labels = corrected["mask"], corrected["labels"]
        yield Fact(
            id="corrected",
            kind=Kind.CORRECTED,
            value={"mask": mask, "tasks": tuple(labels)},
            text=word("corrected.mask" if mask else "corrected", language),
            audiences=BOTH,
        )
        for task, label in labels.items():
            told = {"task": word(f"task.{task}", language), "answer": word(f"class.{task}.{label}", language)}
            yield Fact(
                id=f"label.{task}",
                kind=Kind.LABEL,
                value={"task": task, "answer": CLASS_NAMES[Task(task)][label]},
                text=word("label", language, **told),
            )
    if decision in DECISIONS:
        words = word(f"decision.{decision}", language)
        yield Fact(id="decision", kind=Kind.DECISION, value={"kind": decision}, text=words, audiences=BOTH)
