"""One case against what is known about it.

Only what can be scored is scored: a region or task that the result calls not assessable, a case without a reference
mask, a label nobody determined or that a model made (pseudo-label) leave nothing behind but their absence. Abstained
findings are scored all the same, and counted, or a model could improve by keeping quiet about the hard cases.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from gmmas_core.metrics import overlap
from gmmas_core.metrics.doubt import MOST_NATS
from gmmas_core.metrics.lesion_wise import BRATS_2023_GLIOMA, LesionRules, lesion_wise
from gmmas_core.types import REGIONS, UNKNOWN, Case, CaseResult, DataError, Task


@dataclass(frozen=True, kw_only=True)
class RegionScore:
    """One region of one case; conventions for empty regions in `overlap` (first two) and `lesion_wise` (last two)."""

    dice: float
    hd95_mm: float
    lesion_dice: float
    lesion_hd95_mm: float


@dataclass(frozen=True, kw_only=True)
class CaseScore:
    """What one case contributes; stays at the site.

    Attributes:
        case_id, patient_id: pseudonyms.
        has_reference: whether there was a mask to compare with.
        regions: None where there is no reference or the region is not assessable.
        not_assessable: regions and tasks that the result could not judge.
        probability: P(class 1) of the tasks that were judged.
        label: pathology label of every task of the case, UNKNOWN where there is none.
        abstained: tasks and findings for which the result did not commit itself.
        age: years, None where unknown.
        sex: as the site's table has it, None where unknown.
        epistemic: mutual information in nats of the tasks that were judged; empty without stochastic passes.
        region_uncertainty: mean predictive entropy in nats inside each region; None where there is none.
    """

    case_id: str
    patient_id: str
    has_reference: bool
    regions: Mapping[str, RegionScore | None]
    not_assessable: frozenset[str]
    probability: Mapping[Task, float]
    label: Mapping[Task, int]
    abstained: frozenset[str]
    age: float | None
    sex: str | None = None
    epistemic: Mapping[Task, float] = field(default_factory=dict)
    region_uncertainty: Mapping[str, float | None] = field(default_factory=dict)


def score_case(
    result: CaseResult,
    reference_seg_XYZ: NDArray[np.uint8] | None,
    case: Case,
    spacing_mm: Sequence[float],
    rules: LesionRules = BRATS_2023_GLIOMA,
) -> CaseScore:
    """Compare a result with the reference mask and the labels of its case.

    Args:
        result: on the native grid.
        reference_seg_XYZ: canonical labels on the same grid, or None.
        case: carries the labels, the age and the sex.
        spacing_mm: voxel edge per axis of that grid.
        rules: what counts as one lesion.

    Raises:
        DataError: result and reference differ in shape, or a probability is outside [0, 1] or a mutual information
            outside [0, ln 2].
    """
    _check(result, "probability", result.probability, 1.0)
    _check(result, "mutual information", result.epistemic, MOST_NATS + 1e-6)
    judged = {task: p for task, p in result.probability.items() if task.value not in result.not_assessable}
    return CaseScore(
        case_id=case.case_id,
        patient_id=case.patient_id,
        has_reference=reference_seg_XYZ is not None,
        regions=_score_regions(result, reference_seg_XYZ, spacing_mm, rules),
        not_assessable=frozenset(result.not_assessable),
        probability=judged,
        label={task: _pathology(case, task) for task in case.labels},
        abstained=frozenset(str(finding) for finding in result.abstained),
        age=case.age,
        sex=case.sex,
        epistemic={task: nats for task, nats in result.epistemic.items() if task in judged},
        region_uncertainty=dict(result.region_uncertainty),
    )


def _check(result: CaseResult, what: str, values: Mapping[Task, float], most: float) -> None:
    """Refuse numbers that no model can have meant, NaN among them."""
    for task, value in values.items():
        if not 0 <= value <= most:
            raise DataError(
                f"case {result.case_id}: found {what} {value} for {task}; expected 0 to {most:.3g}; "
                "predict the case again"
            )


def _pathology(case: Case, task: Task) -> int:
    """The label, unless a model made it."""
    return case.labels[task] if case.label_source.get(task) != "pseudo" else UNKNOWN


def _score_regions(
    result: CaseResult,
    reference_seg_XYZ: NDArray[np.uint8] | None,
    spacing_mm: Sequence[float],
    rules: LesionRules,
) -> dict[str, RegionScore | None]:
    if reference_seg_XYZ is None:
        return dict.fromkeys(REGIONS)
    if reference_seg_XYZ.shape != result.seg_XYZ.shape:
        raise DataError(
            f"case {result.case_id}: found a reference mask of {reference_seg_XYZ.shape} voxels; expected "
            f"{result.seg_XYZ.shape} as in the result; compare both on the native grid"
        )
    # Everything outside the grown box around both tumours is background to every region.
    margin = rules.iterations(spacing_mm) + 1
    box = overlap.foreground_box((result.seg_XYZ > 0) | (reference_seg_XYZ > 0), [margin] * 3)
    box = box or (slice(1), slice(1), slice(1))
    pred, ref = result.seg_XYZ[box], reference_seg_XYZ[box]
    scores: dict[str, RegionScore | None] = {}
    for region in REGIONS:
        masks = overlap.region_mask(pred, region), overlap.region_mask(ref, region)
        assessable = region not in result.not_assessable
        scores[region] = _score_region(*masks, spacing_mm, rules) if assessable else None
    return scores


def _score_region(
    pred_XYZ: NDArray[np.bool_], ref_XYZ: NDArray[np.bool_], spacing_mm: Sequence[float], rules: LesionRules
) -> RegionScore:
    lesions = lesion_wise(pred_XYZ, ref_XYZ, spacing_mm, rules)
    return RegionScore(
        dice=overlap.dice(pred_XYZ, ref_XYZ),
        hd95_mm=overlap.hd95(pred_XYZ, ref_XYZ, spacing_mm),
        lesion_dice=lesions.dice,
        lesion_hd95_mm=lesions.hd95_mm,
    )
