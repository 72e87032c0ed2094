"""A document as rows: every number and every finding with its unit, its errors and its meaning, or why there is none.

Values are the document's own objects, never rounded. What the model abstained from has no value.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from gmmas_core.diagnosis.ranking import PERCENTILES
from gmmas_core.reporting.wording import REGION_NAMES, TASK_NAMES
from gmmas_core.types import CLASS_NAMES, LABEL_NAMES, NECROSIS, Task

VOLUMES = {**REGION_NAMES, "necrosis": LABEL_NAMES[NECROSIS], "edema": "edema"}
SHARES = {
    "et/wt": "enhancing share of the whole tumour",
    "necrosis/tc": "necrotic and non-enhancing share of the tumour core",
    "edema/wt": "edema share of the whole tumour",
}
KINDS = {"longest": "longest diameter", "perpendicular": "diameter across", "product": "product of both"}
"""Of one lesion, in the axial slice of its largest product."""

_NO_INTERVAL = "no stochastic passes were made, or too few"


@dataclass(frozen=True, kw_only=True)
class Row:
    """One finding.

    Attributes:
        id: stable name, such as "volume.wt".
        name: in words.
        value: number or word; None where there is none.
        unit: "mL", "mm", "mm2", "nat", or "1" for shares, probabilities and counts; "" for words.
        error: what the grid leaves open, plus or minus.
        low, high: interval.
        meaning: of the interval, or why there is none; of a word, what it says.
        reason: why there is no value.
        source: who says so: "model", "outline" (measured on it, the model's or the corrected one), "upload", "checks",
            "clinician" or "pathology".
    """

    id: str
    name: str
    value: float | int | str | None = None
    unit: str = ""
    error: float | None = None
    low: float | None = None
    high: float | None = None
    meaning: str = ""
    reason: str = ""
    source: str = "outline"


def rows_of(document: Mapping[str, Any]) -> tuple[Row, ...]:
    """All rows of a document, in the order in which they are read."""
    measures = document["measures"]
    return (
        *probabilities(document),
        *types(document),
        *volumes(document),
        *(_measure(f"share.{key}", SHARES.get(key, key), each) for key, each in measures["shares"].items()),
        *diameters(document),
        *sides(document),
        *_others(measures),
        *_vasari(measures["vasari"]),
        *missing_sequences(document),
        checks(document),
        *corrected_labels(document),
    )


def probabilities(document: Mapping[str, Any]) -> Iterator[Row]:
    """P(class 1) of every task."""
    calibrated, abstained = document["calibrated"], document["abstained"]
    whole = abstained.get("segmentation")
    for task, value in document["probability"].items():
        name = f"imaging probability of {TASK_NAMES[task]} {document['probability_of'][task]}"
        reason = abstained.get(task) or whole
        if reason:
            yield Row(id=f"probability.{task}", name=name, unit="1", reason=reason, source="model")
            continue
        state = "calibrated" if task in calibrated else "not calibrated: may be far from observed frequencies"
        row = _with_passes(
            Row(id=f"probability.{task}", name=name, value=value, unit="1"), document["intervals"].get(task)
        )
        yield replace(row, meaning=f"{state}; {row.meaning}")


def types(document: Mapping[str, Any]) -> Iterator[Row]:
    """The types that imaging suggests, most probable first."""
    suggested = document["suggested"]
    for each in suggested["types"]:
        kind = each["id"].removeprefix("entity.")
        row = Row(
            id=f"type.{kind}", name=f"imaging-suggested type: {each['name']}", value=each["probability"], unit="1"
        )
        yield _with_passes(row, each["interval"])
    for task, reason in suggested["not_assessable"].items():
        name = f"imaging-suggested type, as far as it needs {task}"
        yield Row(id=f"type_needs.{task}", name=name, unit="1", reason=reason["text"], source="model")


def volumes(document: Mapping[str, Any]) -> Iterator[Row]:
    """Volumes of regions and labels."""
    for key, measure in document["measures"]["volume"].items():
        yield _measure(f"volume.{key}", f"volume of {VOLUMES[key]}", measure)


def diameters(document: Mapping[str, Any]) -> Iterator[Row]:
    """Longest diameters, their sums of products, and both diameters of each lesion."""
    for region, found in document["measures"]["diameters"].items():
        where = REGION_NAMES[region]
        if "reason" in found:
            yield Row(id=f"diameter.{region}", name=f"diameters of {where}", unit="mm", reason=found["reason"])
            continue
        yield _measure(f"diameter.{region}.longest_3d", f"longest diameter in space of {where}", found["longest_3d"])
        yield _measure(f"diameter.{region}.sum_of_products", f"sum of products of {where}", found["sum_of_products"])
        for number, lesion in enumerate(found["lesions"], 1):
            for kind in KINDS:
                name = f"{where}, lesion {number}: {KINDS[kind]}"
                yield _measure(f"diameter.{region}.lesion_{number}.{kind}", name, lesion[kind])


def sides(document: Mapping[str, Any]) -> Iterator[Row]:
    """Side of the patient on which each region lies."""
    for region, found in document["measures"]["side"].items():
        name = f"side of {REGION_NAMES[region]}"
        if "reason" in found:
            yield Row(id=f"side.{region}", name=name, reason=found["reason"])
        else:
            yield Row(
                id=f"side.{region}",
                name=name,
                value=found["side"],
                meaning=f"of the patient; crosses the midline: {found['crossing']}",
            )


def missing_sequences(document: Mapping[str, Any]) -> Iterator[Row]:
    """Sequences that were not there."""
    for sequence in document["sequences_missing"]:
        yield Row(
            id=f"sequence.{sequence}", name=f"MRI sequence {sequence}", reason="the study has none", source="upload"
        )


def checks(document: Mapping[str, Any]) -> Row:
    """The gravest verdict of the checks, and what raised it."""
    raised = [
        f"{each['id']} ({each['where']}): {each['found']}" for each in document["checks"] if each["verdict"] != "pass"
    ]
    return Row(
        id="checks",
        name="quality checks, gravest verdict",
        value=document["verdict"],
        meaning="; ".join(raised),
        source="checks",
    )


def corrected_labels(document: Mapping[str, Any]) -> Iterator[Row]:
    """What a clinician says instead of the model; never a result on tissue."""
    for task, value in ((document.get("corrected") or {}).get("labels") or {}).items():
        word = CLASS_NAMES[Task(task)][value]
        yield Row(id=f"label.{task}", name=f"{TASK_NAMES[task]}, as corrected", value=word, source="clinician")


def _with_passes(row: Row, interval: Mapping[str, Any] | None) -> Row:
    if interval is None:
        return replace(row, meaning=_NO_INTERVAL, source="model")
    first, last = PERCENTILES
    meaning = f"{first:g}th to {last:g}th percentile of {interval['num_passes']} stochastic passes"
    return replace(row, low=interval["low"], high=interval["high"], meaning=meaning, source="model")


def _measure(key: str, name: str, measure: Mapping[str, Any]) -> Row:
    if "value" not in measure:
        return Row(id=key, name=name, reason=measure["reason"])
    interval = measure["interval"]
    unit = {"share": "1"}.get(measure["unit"], measure["unit"])
    return Row(
        id=key,
        name=name,
        value=measure["value"],
        unit=unit,
        error=measure["error"],
        low=interval.get("low"),
        high=interval.get("high"),
        meaning=interval.get("meaning", interval.get("reason", "")),
    )


def _others(measures: Mapping[str, Any]) -> Iterator[Row]:
    for region, found in measures["pieces"].items():
        name = f"separate pieces of {REGION_NAMES[region]}"
        if "reason" in found:
            yield Row(id=f"pieces.{region}", name=name, unit="1", reason=found["reason"])
        else:
            yield Row(id=f"pieces.{region}", name=name, value=len(found["lesions"]), unit="1")
            yield Row(id=f"specks.{region}", name=f"{name}, too small to count", value=found["specks"], unit="1")
    satellites = measures["satellites"]
    if isinstance(satellites, Mapping):
        yield Row(id="satellites", name="satellites", unit="1", reason=satellites["reason"])
    else:
        yield Row(id="satellites", name="satellites", value=satellites, unit="1")
    margin = measures["margin"]
    name = "thickness of the enhancing margin"
    if "reason" in margin:
        yield Row(id="margin.thickness", name=name, unit="mm", reason=margin["reason"])
    else:
        yield _measure("margin.thickness", name, margin["thickness"])
        yield Row(id="margin.covered", name="share of the border that has a margin", value=margin["covered"], unit="1")
    mismatch = measures["mismatch"]
    name = "share of the non-enhancing tumour in which T2 exceeds FLAIR"
    if "reason" in mismatch:
        yield Row(id="mismatch.share", name=name, unit="1", reason=mismatch["reason"])
    else:
        yield Row(id="mismatch.share", name=name, value=mismatch["share"], unit="1")
        name = "T2 minus FLAIR, median, in robust SD of the healthy brain"
        yield Row(id="mismatch.difference", name=name, value=mismatch["difference"], unit="1")


def _vasari(scores: Mapping[str, Any]) -> Iterator[Row]:
    for feature, found in scores.items():
        name = f"VASARI {feature}, from the mask"
        if "reason" in found:
            yield Row(id=f"vasari.{feature}", name=name, reason=found["reason"])
        else:
            yield Row(id=f"vasari.{feature}", name=name, value=found["score"], meaning=found["meaning"])
