"""What cannot be judged, and why: a sequence is missing, the model did not commit, or nothing was measured."""

from collections.abc import Iterator, Mapping
from typing import Any

from client.reading_room.writer.fact import Fact, Kind
from client.reading_room.writer.words import listed, named, word
from gmmas_core.diagnosis import text
from gmmas_core.diagnosis.ids import Reason
from gmmas_core.inference.assessability import RULES
from gmmas_core.types import REGIONS, Task

Document = Mapping[str, Any]


def open_facts(document: Document, language: str) -> Iterator[Fact]:
    """`not_assessable.et`, `not_assessable.idh`, `not_assessable.side.wt`."""
    used = set(document["sequences_used"])
    for rule in RULES:
        lacking = tuple(group for group in rule.needs if not used & set(group))
        if lacking:
            yield _without(rule.finding, lacking, language)
    reasons = {task: told["id"] for task, told in document["suggested"]["not_assessable"].items()}
    for task in Task:
        if task in document["abstained"]:
            reasons.setdefault(task.value, Reason.ABSTAINED.value)
    for task, reason in reasons.items():
        what = word(f"what.{task}", language)
        yield _closed(task, reason, what, text(reason, language).rstrip(".。"), language)
    if "segmentation" in document["abstained"]:
        return
    for region in REGIONS:
        if document["measures"]["volume"][region].get("value") and "side" not in document["measures"]["side"][region]:
            what = word("what.side", language, **named(region, language))
            told = word("reason.not_measured", language)
            yield _closed(f"side.{region}", "reason.not_measured", what, told, language)


def _without(finding: str, lacking: tuple[tuple[str, ...], ...], language: str) -> Fact:
    """`lacking`: groups of sequences; one of each would be needed."""
    groups = tuple(
        listed(tuple(word(f"sequence.{name}", language) for name in group), language, "list.or") for group in lacking
    )
    return Fact(
        id=f"not_assessable.{finding}",
        kind=Kind.NOT_ASSESSABLE,
        value={"what": finding, "missing": tuple(name for group in lacking for name in group), "reason": "sequences"},
        text=word(
            "without_sequences",
            language,
            what=word(f"what.{finding}", language),
            missing=listed(groups, language),
        ),
    )


def _closed(what: str, reason: str, words: str, told: str, language: str) -> Fact:
    return Fact(
        id=f"not_assessable.{what}",
        kind=Kind.NOT_ASSESSABLE,
        value={"what": what, "missing": (), "reason": reason},
        text=word("without_reason", language, what=words, reason=told),
    )
