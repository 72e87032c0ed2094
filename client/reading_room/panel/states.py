"""What must be read before anything else: states in which the model's answers are not to be used as they stand."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from client.reading_room.panel.words import CHECK_TITLES, FINDING_TITLES, SEQUENCE_TITLES, titled
from client.reading_room.record import Record
from gmmas_core.diagnosis import text
from gmmas_core.diagnosis.ids import Flag, Reason
from gmmas_core.types import REGIONS, SEQUENCES

SEGMENTATION = "segmentation"

CONFLICTS = (
    Flag.IMAGING_SET_ASIDE,
    Flag.CODEL_WITHOUT_IDH,
    Flag.H3_WITH_IDH_MUTATION,
    Flag.K27_OUTSIDE_MIDLINE,
    Flag.HISTOLOGY_DISCORDANT,
    Flag.ATRX_WITH_CODELETION,
    Flag.GRADE_WITHOUT_CRITERIA,
    Flag.OLIGODENDROGLIOMA_GRADE_4,
)
"""Flags that say that results contradict each other."""

VERDICTS: Mapping[str, tuple[str, str]] = {
    "pass": ("pass", "All checks passed"),
    "not assessable": ("open", "Some checks could not be made"),
    "warn": ("warn", "Checks with warnings: look at them"),
    "fail": ("fail", "Checks failed: do not rely on this reading"),
}
"""Gravest verdict -> shape and words."""


@dataclass(frozen=True, kw_only=True)
class State:
    """One state: what it is, what it means, and the details in words."""

    id: str
    title: str
    meaning: str
    details: tuple[str, ...]


def states_of(record: Record) -> list[State]:
    """The states that hold, the gravest first."""
    document = record.document
    found = [
        _failed(document),
        _no_tumour(document),
        _sequences(document),
        _conflict(record),
        _preliminary(record),
    ]
    return [state for state in found if state is not None]


def has_tumour(document: Mapping[str, Any]) -> bool:
    """Whether anything was outlined."""
    empty = [check for check in document["checks"] if check["id"] == "tumour_found" and check["verdict"] != "pass"]
    return SEGMENTATION not in document["abstained"] and not empty


def status_of(record: Record) -> dict[str, Any]:
    """The bar on top: model, sequences, and the verdict of the checks in words and shape."""
    document = record.document
    used = document["sequences_used"]
    shape, words = VERDICTS[document["verdict"]]
    calibrated, asked = document["calibrated"], list(document["probability"])
    return {
        "model": document["model"]["model_id"],
        "read_at": document["created_at"][:16].replace("T", " "),
        "revision": record.revision.number,
        "author": record.revision.author,
        "sequences": [(SEQUENCE_TITLES[name], name in used) for name in SEQUENCES],
        "missing": [SEQUENCE_TITLES[name] for name in SEQUENCES if name not in used],
        "shape": shape,
        "verdict": words,
        "calibration": _calibration(calibrated, asked),
        "notice": document["notice"],
    }


def _calibration(calibrated: list[str], asked: list[str]) -> str:
    if not calibrated:
        return "not calibrated"
    open_ = [titled(FINDING_TITLES, task) for task in asked if task not in calibrated]
    return f"calibrated, except {', '.join(open_)}" if open_ else "calibrated"


def _failed(document: Mapping[str, Any]) -> State | None:
    failed = [check for check in document["checks"] if check["verdict"] == "fail" and check["id"] != "tumour_found"]
    if not failed:
        return None
    details = dict.fromkeys(
        f"{titled(CHECK_TITLES, check['id'])}{_where(check)}: found {check['found']}; expected {check['expected']}"
        for check in failed
    )
    return State(
        id="failed",
        title="Failed checks: these images are unlike those that the model knows",
        meaning="What follows may be wrong in any way. Look at the images before you read a number.",
        details=tuple(details),
    )


def _no_tumour(document: Mapping[str, Any]) -> State | None:
    if has_tumour(document):
        return None
    corrected = document["corrected"]
    who = "A person emptied the outline." if corrected and corrected["mask"] else "The model outlined nothing."
    return State(
        id="no-tumour",
        title="No tumour was found",
        meaning=f"{who} That does not exclude a tumour; type and genes are not read.",
        details=(),
    )


def _sequences(document: Mapping[str, Any]) -> State | None:
    closed = [name for name in REGIONS if name in document["not_assessable"]]
    if not closed:
        return None
    # One reason covers several regions where the same sequence is missing.
    details = dict.fromkeys(f"{FINDING_TITLES[name]}: {document['not_assessable'][name]}" for name in closed)
    return State(
        id="sequences",
        title="Insufficient sequences",
        meaning="Not assessable here, and not to be read from the outline either:",
        details=tuple(details),
    )


def _conflict(record: Record) -> State | None:
    diagnosis = record.diagnosis
    flags = [text(flag) for flag in diagnosis.flags if flag in CONFLICTS]
    reasons = [text(reason) for reason in diagnosis.reasons if reason is Reason.RESULTS_CONTRADICT]
    if not flags and not reasons:
        return None
    return State(
        id="conflict",
        title="Results contradict each other",
        meaning="The rules of WHO CNS5 and these results do not go together:",
        details=(*reasons, *flags),
    )


def _preliminary(record: Record) -> State | None:
    if not record.document.get("preliminary"):
        return None
    if record.study.state == "failed":
        return State(
            id="preliminary",
            title="First look only: the reading failed",
            meaning="Intervals and what each sequence contributes were not computed; ask for another reading.",
            details=(),
        )
    return State(
        id="preliminary",
        title="First look",
        meaning="Intervals and what each sequence contributes are still being computed; open the page again later.",
        details=(),
    )


def _where(check: Mapping[str, Any]) -> str:
    return f" ({check['where']})" if check["where"] else ""
