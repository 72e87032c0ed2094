"""What imaging suggests: types and tasks with probabilities, what is open about them, and this hospital's own sets."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import log
from typing import Any

from client.reading_room.conformal import ALPHA, FEWEST, AnswerSet, NoSet, conformal_set
from client.reading_room.model_answers import answers_of
from client.reading_room.pairs import Pair, first_of_each
from client.reading_room.panel.numbers import nats, percent, percent_range
from client.reading_room.panel.words import CLASS_TITLES, TASK_TITLES
from client.reading_room.record import Record
from client.reading_room.tissue_classes import TYPES, tissue_class, tissue_type
from gmmas_core.diagnosis import text
from gmmas_core.types import CLASS_NAMES, Task

COVERAGE = f"{round(100 * (1 - ALPHA))} %"
MOST_NATS = log(2)


@dataclass(frozen=True, kw_only=True)
class Bar:
    """A probability as a bar: whole percentages along the track, and words for it."""

    width: float
    low: float | None
    high: float | None
    value: str
    interval: str


def bar_of(probability: float, interval: Mapping[str, Any] | None) -> Bar:
    """A bar with the whiskers of an interval, where there is one."""
    low, high = (None, None) if not interval else (100 * interval["low"], 100 * interval["high"])
    words = ""
    if interval:
        words = f"{percent_range(interval['low'], interval['high'])} in {interval['num_passes']} passes"
    return Bar(
        width=round(100 * probability, 1),
        low=None if low is None else round(low, 1),
        high=None if high is None else round(high, 1),
        value=percent(probability),
        interval=words,
    )


def suggestion_of(record: Record, pairs: Sequence[Pair]) -> dict[str, Any]:
    """The ranked types, the tasks and the hint of histology.

    Args:
        record: of the case page.
        pairs: this hospital's studies with pathology, of the same kind (patients or phantoms), any model and patient.
    """
    document, suggested = record.document, record.document["suggested"]
    like = [
        pair
        for pair in pairs
        if pair.patient != record.study.patient and pair.answers.model_id == document["model"]["model_id"]
    ]
    return {
        "types": [
            {"name": each["name"], "bar": bar_of(each["probability"], each["interval"])} for each in suggested["types"]
        ],
        "type_set": _type_set(document, like),
        "tasks": [_task(task, record, like) for task in Task if task.value in document["probability"]],
        "histology": _histology(suggested["histology"]),
        "not_assessable": [
            (TASK_TITLES[Task(task)], reason["text"]) for task, reason in suggested["not_assessable"].items()
        ],
        "flags": [flag["text"] for flag in suggested["flags"]],
        "uncalibrated": [TASK_TITLES[Task(task)] for task in suggested["uncalibrated"]],
        "passes": document["reading"]["mc_passes"],
        "corrected": _corrected(document["corrected"]),
        "coverage": COVERAGE,
    }


def _task(task: Task, record: Record, like: Sequence[Pair]) -> dict[str, Any]:
    document, zero_one = record.document, CLASS_TITLES[task]
    row: dict[str, Any] = {"id": task.value, "title": TASK_TITLES[task], "class": zero_one[1], "other": zero_one[0]}
    closed = _why_closed(task, document)
    if closed:
        return row | {"closed": closed}
    answers = answers_of(document)
    row |= {
        "closed": "",
        "bar": bar_of(document["probability"][task], document["intervals"].get(task.value)),
        "calibrated": task.value in document["calibrated"],
        "doubt": _doubt(task, document),
        "given_mutant": percent(answers.probability[task])
        if task is Task.CODEL and task in answers.probability
        else "",
    }
    earlier = [
        (pair.answers.classes(task), CLASS_NAMES[task][tissue_class(task, pair.tissue) or 0])
        for pair in first_of_each(like, [tissue_class(task, pair.tissue) is not None for pair in like])
        if task in pair.answers.probability
    ]
    names = dict(zip(CLASS_NAMES[task], zero_one, strict=True))
    if task not in answers.probability:
        return row | {"set": {"reason": "an IDH mutation is too improbable to ask the question"}}
    return row | {"set": _set_words(conformal_set(answers.classes(task), earlier), names)}


def _type_set(document: Mapping[str, Any], like: Sequence[Pair]) -> dict[str, str]:
    types = answers_of(document).types
    if not types:
        return {"reason": "the model ranked no three types here"}
    earlier = [
        (pair.answers.types, str(tissue_type(pair.tissue)))
        for pair in first_of_each(like, [tissue_type(pair.tissue) is not None for pair in like])
        if pair.answers.types
    ]
    return _set_words(conformal_set(types, earlier), {each.value: text(each) for each in TYPES})


def _set_words(found: AnswerSet | NoSet, names: Mapping[str, str]) -> dict[str, str]:
    if isinstance(found, NoSet):
        few = " and ".join(f"{count} with {names[name]}" for name, count in found.few.items())
        return {"reason": f"{few} among this hospital's earlier cases; at least {FEWEST} of each answer are needed"}
    inside = " or ".join(names[name] for name in found.classes)
    counts = ", ".join(f"{count} with {names[name]}" for name, count in found.counts.items())
    if not inside:
        return {"value": "none: unlike the earlier cases of every answer", "basis": counts}
    return {"value": inside, "basis": counts}


def _why_closed(task: Task, document: Mapping[str, Any]) -> str:
    if task.value in document["suggested"]["not_assessable"]:
        return str(document["suggested"]["not_assessable"][task.value]["text"])
    for table in (document["abstained"], document["not_assessable"]):
        if task.value in table:
            return str(table[task.value])
    return str(document["abstained"].get("segmentation", ""))


def _doubt(task: Task, document: Mapping[str, Any]) -> dict[str, Any] | None:
    """The two parts of a task's entropy as shares of the most there can be, and in words."""
    if task.value not in document["epistemic"]:
        return None
    model, data = document["epistemic"][task.value], document["aleatoric"][task.value]
    return {
        "model": nats(model),
        "data": nats(data),
        "most": nats(MOST_NATS),
        "model_share": round(100 * min(model / MOST_NATS, 1.0), 1),
        "data_share": round(100 * min(data / MOST_NATS, 1.0), 1),
    }


def _histology(hint: Mapping[str, Any] | None) -> dict[str, str] | None:
    if hint is None:
        return None
    bounds = hint["with_wildtype"]
    return {
        "glioblastoma": percent(hint["glioblastoma"]),
        "with_wildtype": "" if bounds is None else percent_range(*bounds),
    }


def _corrected(corrected: Mapping[str, Any] | None) -> dict[str, Any] | None:
    if corrected is None:
        return None
    labels = [
        f"{TASK_TITLES[Task(task)]}: {CLASS_TITLES[Task(task)][label]}" for task, label in corrected["labels"].items()
    ]
    return {"by": corrected["by"], "mask": corrected["mask"], "labels": labels, "note": corrected["note"]}
