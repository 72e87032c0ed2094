"""How a case has changed since earlier ones, with error bands; never a response category.

Compared are volumes and, for every region, the sum of products of diameters and the longest diameter, each against the
first examination (baseline) and against the smallest earlier value (nadir). The band of a change runs from the
smallest to the largest change that both examinations' bands allow, the worst case: a change is called resolved only
where that band leaves out 0.

Whether a change means response or progression (RANO 2.0: doi 10.1200/JCO.23.01059) also takes the dates of treatment,
steroids, the clinical state and new lesions that a reader matched; none of it is known here.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from gmmas_core.measures.case import CaseMeasures
from gmmas_core.measures.diameters import HOSTS
from gmmas_core.measures.values import Measure, Missing, Quantity

SPACING_FACTOR = 1.5
"""Voxel edges, sorted by length, that differ by more make other borders and thereby other sizes."""

NEW_LESIONS = Missing("the examinations are not registered to each other, so lesions cannot be matched")


@dataclass(frozen=True, kw_only=True)
class Change:
    """One measure, then and now.

    Attributes:
        before, now: the two values, in `unit`.
        unit: of both.
        relative: (now - before) / before; None where before is 0.
        relative_band: lowest and highest relative change that both bands allow; None where the earlier band reaches 0.
        is_resolved: whether the bands of the two values do not touch.
    """

    before: float
    now: float
    unit: str
    relative: float | None
    relative_band: tuple[float, float] | None
    is_resolved: bool


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """Changes of every measure, by its name: "volume wt", "products et", "longest_3d tc", ...

    Attributes:
        against_baseline: against the first examination.
        against_nadir: against the smallest earlier value of that measure.
        nadir_case: measure -> pseudonym of the examination that holds the nadir.
        new_lesions: always open, with the reason.
    """

    against_baseline: Mapping[str, Change | Missing]
    against_nadir: Mapping[str, Change | Missing]
    nadir_case: Mapping[str, str]
    new_lesions: Missing = NEW_LESIONS


@dataclass(frozen=True)
class NotComparable:
    """Why two examinations must not be compared; every reason, not the first."""

    reasons: tuple[str, ...]


def compare(earlier: Sequence[CaseMeasures], now: CaseMeasures) -> Comparison | NotComparable:
    """Changes since earlier examinations of the same patient.

    Args:
        earlier: in the order of time, the baseline first; at least one. That they are the same patient's is the
            caller's to know.
        now: the newest.
    """
    if not earlier:
        return NotComparable(("no earlier examination was given",))
    reasons = [f"{case.case_id}: {reason}" for case in earlier for reason in _why_not(case, now)]
    if reasons:
        return NotComparable(tuple(reasons))
    named = [(case.case_id, _named(case)) for case in earlier]
    latest, baseline = _named(now), named[0][1]
    nadirs = {name: nadir for name in latest if (nadir := _nadir(name, named)) is not None}
    return Comparison(
        against_baseline={name: _change(baseline[name], latest[name]) for name in latest},
        against_nadir={
            name: _change(nadirs[name][1] if name in nadirs else baseline[name], latest[name]) for name in latest
        },
        nadir_case={name: case_id for name, (case_id, _) in nadirs.items()},
    )


def _why_not(case: CaseMeasures, now: CaseMeasures) -> list[str]:
    reasons = []
    if case.model_id != now.model_id:
        reasons.append(f"read by model {case.model_id}, now by {now.model_id}: read both with one model")
    if case.sequences_used != now.sequences_used:
        then, today = (", ".join(c.sequences_used) for c in (case, now))
        reasons.append(f"read from {then}, now from {today}: read both from the sequences they share")
    edges = zip(sorted(case.spacing_mm), sorted(now.spacing_mm), strict=True)
    if any(max(a, b) > SPACING_FACTOR * min(a, b) for a, b in edges):
        then, today = ("x".join(f"{mm:.3g}" for mm in c.spacing_mm) for c in (case, now))
        reasons.append(f"voxels of {then} mm, now {today} mm: resample both to one grid and read them again")
    return reasons


def _named(case: CaseMeasures) -> dict[str, Measure]:
    measures: dict[str, Measure] = {f"volume {name}": measure for name, measure in case.volume.items()}
    for region in HOSTS:
        diameters = case.diameters[region]
        parts = (
            (diameters, diameters)
            if isinstance(diameters, Missing)
            else (diameters.sum_of_products, diameters.longest_3d)
        )
        measures[f"products {region}"], measures[f"longest_3d {region}"] = parts
    return measures


def _nadir(name: str, named: Sequence[tuple[str, Mapping[str, Measure]]]) -> tuple[str, Quantity] | None:
    known = [(case_id, measure) for case_id, all_ in named if isinstance(measure := all_[name], Quantity)]
    return min(known, key=lambda pair: pair[1].value) if known else None


def _change(before: Measure, now: Measure) -> Change | Missing:
    if isinstance(before, Missing):
        return Missing(f"not measured before: {before.reason}")
    if isinstance(now, Missing):
        return Missing(f"not measured now: {now.reason}")
    (low_then, high_then), (low_now, high_now) = before.band, now.band
    band = None if low_then <= 0 else (low_now / high_then - 1, high_now / low_then - 1)
    return Change(
        before=before.value,
        now=now.value,
        unit=now.unit,
        relative=None if before.value == 0 else now.value / before.value - 1,
        relative_band=band,
        is_resolved=low_now > high_then or high_now < low_then,
    )
