"""What is scored of one case, and what is not."""

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import pytest

from gmmas_core.metrics.case_score import score_case
from gmmas_core.types import UNKNOWN, Case, CaseResult, DataError, Task

SPACING_MM = (1.0, 1.0, 1.0)
SEG = np.zeros((24, 20, 18), dtype=np.uint8)
SEG[4:14, 4:14, 4:14] = 2
SEG[6:12, 6:12, 6:12] = 3
SEG[8:10, 8:10, 8:10] = 1


def _result(
    seg_XYZ: np.ndarray = SEG,
    *,
    not_assessable: Mapping[str, str] | None = None,
    idh: float = 0.7,
    idh_doubt: float = 0.05,
) -> CaseResult:
    return CaseResult(
        case_id="c1",
        seg_XYZ=seg_XYZ,
        affine_44=np.eye(4),
        volume_ml={},
        probability={Task.IDH: idh, Task.CODEL: 0.2},
        epistemic={Task.IDH: idh_doubt, Task.CODEL: 0.1},
        aleatoric={},
        region_uncertainty={"wt": 0.2, "et": None},
        region_epistemic={},
        region_aleatoric={},
        sequences_used=("flair",),
        sequences_missing=("t1", "t1c", "t2"),
        not_assessable=not_assessable or {},
        abstained={"idh": "uncertain"},
        model_id="m",
    )


CASE = Case(
    case_id="c1",
    patient_id="p1",
    site="s",
    images={},
    mask=None,
    labels={Task.IDH: 1, Task.CODEL: UNKNOWN},
    label_source={Task.IDH: "pathology"},
    split="holdout",
    age=41.5,
    sex="F",
)


def test_a_perfect_result() -> None:
    score = score_case(_result(), SEG, CASE, SPACING_MM)
    assert score.has_reference
    for region in ("wt", "tc", "et"):
        measured = score.regions[region]
        assert measured is not None
        assert (measured.dice, measured.hd95_mm, measured.lesion_dice, measured.lesion_hd95_mm) == (1.0, 0.0, 1.0, 0.0)
    assert score.label == {Task.IDH: 1, Task.CODEL: UNKNOWN}
    assert score.probability == {Task.IDH: 0.7, Task.CODEL: 0.2}
    assert (score.age, score.sex) == (41.5, "F")
    assert score.epistemic == {Task.IDH: 0.05, Task.CODEL: 0.1}
    assert score.region_uncertainty == {"wt": 0.2, "et": None}


def test_regions_are_scored_apart() -> None:
    pred = SEG.copy()
    pred[pred == 3] = 1  # no enhancement found, core and whole tumour intact
    score = score_case(_result(pred), SEG, CASE, SPACING_MM).regions
    assert score["wt"] is not None
    assert score["tc"] is not None
    assert score["et"] is not None
    assert (score["wt"].dice, score["tc"].dice, score["et"].dice) == (1.0, 1.0, pytest.approx(2 * 0 / 216))
    assert score["et"].hd95_mm == pytest.approx(373.13, abs=0.01)
    assert score["et"].lesion_hd95_mm == 374


def test_what_is_not_assessable_is_not_scored_rather_than_zero() -> None:
    blocked = {"et": "no t1c", "tc": "no t1c", "codel_1p19q": "no tumour", "t2_flair_mismatch": "no t2"}
    score = score_case(_result(np.zeros_like(SEG), not_assessable=blocked), SEG, CASE, SPACING_MM)
    assert score.regions["et"] is None
    assert score.regions["tc"] is None
    assert score.regions["wt"] is not None
    assert score.regions["wt"].dice == 0.0
    assert set(score.probability) == set(score.epistemic) == {Task.IDH}


def test_no_reference_is_not_an_empty_reference() -> None:
    without = score_case(_result(), None, CASE, SPACING_MM)
    assert not without.has_reference
    assert set(without.regions.values()) == {None}
    empty = np.zeros_like(SEG)
    both_empty = score_case(_result(empty), empty, CASE, SPACING_MM).regions["wt"]
    invented = score_case(_result(), empty, CASE, SPACING_MM).regions["wt"]
    assert both_empty is not None
    assert invented is not None
    assert (both_empty.dice, both_empty.hd95_mm) == (1.0, 0.0)
    assert (invented.dice, invented.lesion_hd95_mm) == (0.0, 374.0)


def test_pseudo_labels_are_no_truth() -> None:
    pseudo = replace(CASE, label_source={Task.IDH: "pseudo"})
    assert score_case(_result(), SEG, pseudo, SPACING_MM).label[Task.IDH] == UNKNOWN


def test_lesions_near_the_edge_of_the_crop_grow_as_on_the_whole_grid() -> None:
    """Two lesions 5 voxels apart are one; the crop around them must leave room to find that out."""
    ref = np.zeros((40, 30, 30), dtype=np.uint8)
    ref[10:15, 10:15, 10:15] = ref[20:25, 10:15, 10:15] = 2
    pred = np.zeros_like(ref)
    pred[10:15, 10:15, 10:15] = 2
    score = score_case(_result(pred), ref, CASE, SPACING_MM).regions["wt"]
    assert score is not None
    assert score.lesion_dice == pytest.approx(2 / 3)


def test_a_reference_on_another_grid_is_refused() -> None:
    with pytest.raises(DataError, match=r"case c1: found a reference mask of \(24, 20, 17\).*expected \(24, 20, 18\)"):
        score_case(_result(), SEG[..., 1:], CASE, SPACING_MM)


@pytest.mark.parametrize("probability", [float("nan"), -0.1, 1.5])
def test_an_impossible_probability_is_refused(probability: float) -> None:
    with pytest.raises(DataError, match="expected 0 to 1"):
        score_case(_result(idh=probability), SEG, CASE, SPACING_MM)


@pytest.mark.parametrize("nats", [float("nan"), -0.01, 0.7])
def test_an_impossible_mutual_information_is_refused(nats: float) -> None:
    with pytest.raises(DataError, match=r"case c1: found mutual information .* for idh; expected 0 to 0.693"):
        score_case(_result(idh_doubt=nats), SEG, CASE, SPACING_MM)


def test_as_doubtful_as_two_classes_allow_is_possible() -> None:
    assert score_case(_result(idh_doubt=float(np.log(2))), SEG, CASE, SPACING_MM).epistemic[Task.IDH] > 0.69
