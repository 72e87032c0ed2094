"""What imaging suggests: types in their order, the answer to each question, and the flags beside them."""

from collections.abc import Iterator, Mapping
from typing import Any

from client.reading_room.writer.fact import Fact, Kind
from client.reading_room.writer.numbers import percent, percent_range
from client.reading_room.writer.words import word
from gmmas_core.diagnosis import conditional_codeletion, text
from gmmas_core.diagnosis.imaging import LEAST_CONFIDENCE
from gmmas_core.types import CLASS_NAMES, Task

Document = Mapping[str, Any]


def suggestion_facts(document: Document, language: str) -> Iterator[Fact]:
    """`type.1`, `type.1.probability`, `type.1.range`, `histology`, `histology.range`, `task.idh`,
    `task.idh.probability`, `task.idh.range` and `flag.uncalibrated`."""
    suggested = document["suggested"]
    for rank, type_ in enumerate(suggested["types"], start=1):
        yield from _type(rank, type_, language)
    hint = suggested["histology"]
    if hint is not None:
        yield from _histology(hint, language)
    closed = {*suggested["not_assessable"], *document["abstained"]}
    if "segmentation" not in closed:
        for task in document["probability"]:
            if task not in closed:
                yield from _task(Task(task), document, language)
    for flag in suggested["flags"]:
        yield Fact(id=flag["id"], kind=Kind.FLAG, value={"flag": flag["id"]}, text=text(flag["id"], language))


def _type(rank: int, type_: Mapping[str, Any], language: str) -> Iterator[Fact]:
    name = text(type_["id"], language)
    about = {"entity": type_["id"], "rank": rank}
    yield Fact(id=f"type.{rank}", kind=Kind.TYPE, value=about, text=name)
    yield Fact(
        id=f"type.{rank}.probability",
        kind=Kind.TYPE_PROBABILITY,
        value=about | {"probability": type_["probability"]},
        text=word("type_probability", language, name=name),
        value_text=percent(type_["probability"], language),
    )
    interval = type_["interval"]
    if interval is not None:
        yield Fact(
            id=f"type.{rank}.range",
            kind=Kind.TYPE_RANGE,
            value=about | {"low": interval["low"], "high": interval["high"]},
            text=word("type_range", language, name=name),
            value_text=percent_range(interval["low"], interval["high"], language),
        )


def _histology(hint: Mapping[str, Any], language: str) -> Iterator[Fact]:
    probability, bounds = hint["glioblastoma"], hint["with_wildtype"]
    yield Fact(
        id="histology",
        kind=Kind.HISTOLOGY,
        value={"probability": probability},
        text=word("histology", language),
        value_text=percent(probability, language),
    )
    if bounds is not None:
        yield Fact(
            id="histology.range",
            kind=Kind.HISTOLOGY_RANGE,
            value={"low": bounds[0], "high": bounds[1]},
            text=word("histology_range", language),
            value_text=percent_range(bounds[0], bounds[1], language),
        )


def _task(task: Task, document: Document, language: str) -> Iterator[Fact]:
    answer = _answer(task, document["probability"])
    if task is not Task.CODEL or _answer(Task.IDH, document["probability"]) == 1:  # else it is nobody's question
        yield _leaning(task, answer, task in document["calibrated"], language)
    chance = document["probability"][task]
    meant = 1 if task is Task.CODEL or chance >= 0.5 else 0
    about = {"task": task.value, "of": CLASS_NAMES[task][meant]}
    named = f".{task}" if task is Task.CODEL else ""
    told = {"task": word(f"task.{task}", language), "answer": word(f"class.{task}.{meant}", language)}
    yield Fact(
        id=f"task.{task}.probability",
        kind=Kind.TASK_PROBABILITY,
        value=about | {"probability": chance if meant else 1 - chance},
        text=word(f"task_probability{named}", language, **told),
        value_text=percent(chance if meant else 1 - chance, language),
    )
    interval = document["intervals"].get(task)
    if interval:
        low, high = (interval["low"], interval["high"]) if meant else (1 - interval["high"], 1 - interval["low"])
        yield Fact(
            id=f"task.{task}.range",
            kind=Kind.TASK_RANGE,
            value=about | {"low": low, "high": high},
            text=word(f"task_range{named}", language, **told),
            value_text=percent_range(low, high, language),
        )


def _answer(task: Task, probability: Mapping[str, float]) -> int | None:
    """The class that is sure enough to be a finding in the decision table; of 1p/19q, given that IDH is mutant."""
    chance = probability[task]
    if task is Task.CODEL:
        given = conditional_codeletion(probability[Task.IDH], chance)
        chance = 0.5 if given is None else given
    if chance >= LEAST_CONFIDENCE:
        return 1
    return 0 if 1 - chance >= LEAST_CONFIDENCE else None


def _leaning(task: Task, answer: int | None, calibrated: bool, language: str) -> Fact:
    name = word(f"task.{task}", language)
    if answer is None:
        words = word("task.open", language, task=name)
    else:
        words = word("task.answer", language, task=name, answer=word(f"class.{task}.{answer}", language))
    return Fact(
        id=f"task.{task}",
        kind=Kind.TASK,
        value={
            "task": task.value,
            "answer": None if answer is None else CLASS_NAMES[task][answer],
            "calibrated": calibrated,
        },
        text=words if calibrated else word("task.uncalibrated", language, words=words),
    )
