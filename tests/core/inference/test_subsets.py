"""Reading a case from fewer sequences: what is left out cannot speak, and how far answers move is plain arithmetic."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch

from gmmas_core.config import Config
from gmmas_core.inference import predict_case
from gmmas_core.inference.subsets import SUBSETS, changes, has_sequences, with_sequences
from gmmas_core.model.fusion import learned_weights
from gmmas_core.model.gmmas import GMMAS
from gmmas_core.types import SEQUENCES, CaseResult, DataError, Task
from gmmas_core.weights import weights_of


def test_all_fifteen_from_singles_to_the_full_set() -> None:
    assert [len(subset) for subset in SUBSETS] == [1] * 4 + [2] * 6 + [3] * 4 + [4]
    assert len({frozenset(subset) for subset in SUBSETS}) == 15
    assert SUBSETS[-1] == SEQUENCES
    for subset in SUBSETS:
        assert subset == tuple(sequence for sequence in SEQUENCES if sequence in subset)


@pytest.mark.parametrize("kept", [("t1c",), ("flair", "t1")])
def test_what_is_left_out_cannot_speak(
    make_prepared: Callable[..., Any], tiny_model: GMMAS, tiny_config: Config, kept: tuple[str, ...]
) -> None:
    prepared = make_prepared()
    others = [channel for channel, sequence in enumerate(SEQUENCES) if sequence not in kept]
    image, context = prepared.image_CXYZ.copy(), prepared.context_CXYZ.copy()
    image[others], context[others] = np.float16(7), np.nan
    noisy = replace(prepared, image_CXYZ=image, context_CXYZ=context)
    one, other = (
        predict_case(with_sequences(p, kept), tiny_model, tiny_config, model_id="m") for p in (prepared, noisy)
    )
    assert one.seg_XYZ.tobytes() == other.seg_XYZ.tobytes()
    assert one.probability == other.probability
    assert one.region_uncertainty == other.region_uncertainty
    assert one.sequences_used == tuple(sequence for sequence in SEQUENCES if sequence in kept)
    full = predict_case(prepared, tiny_model, tiny_config, model_id="m")
    assert full.probability != one.probability


def test_the_case_itself_is_not_touched(make_prepared: Callable[..., Any]) -> None:
    prepared = make_prepared(sequences=("t1", "t2", "flair"))
    before = prepared.image_CXYZ.copy()
    reduced = with_sequences(prepared, ("t2",))
    assert reduced.available_C.tolist() == [False, False, True, False]
    assert not reduced.image_CXYZ[[0, 1, 3]].any()
    assert not reduced.context_CXYZ[[0, 1, 3]].any()
    np.testing.assert_array_equal(reduced.image_CXYZ[2], before[2])
    np.testing.assert_array_equal(prepared.image_CXYZ, before)
    assert with_sequences(prepared, ("flair", "t1", "t2")) is prepared


@pytest.mark.parametrize("wanted", [(), ("t1c",), ("t1", "t1c"), ("dwi",)])
def test_a_sequence_that_is_not_there_is_refused(make_prepared: Callable[..., Any], wanted: tuple[str, ...]) -> None:
    prepared = make_prepared(sequences=("t1", "t2"))
    assert has_sequences(prepared, ("t2", "t1"))
    assert has_sequences(prepared, wanted) == (wanted == ())
    with pytest.raises(DataError, match=r"case case-1: found .* to keep; expected some of t1, t2"):
        with_sequences(prepared, wanted)


def result(seg: list[int], idh: float, blocked: tuple[str, ...] = ()) -> CaseResult:
    return CaseResult(
        case_id="case-1",
        seg_XYZ=np.array(seg, np.uint8).reshape(-1, 1, 1),
        affine_44=np.eye(4),
        volume_ml={},
        probability={Task.IDH: idh, Task.HISTOLOGY: 0.5},
        epistemic={},
        aleatoric={},
        region_uncertainty={},
        region_epistemic={},
        region_aleatoric={},
        sequences_used=(),
        sequences_missing=(),
        not_assessable=dict.fromkeys(blocked, "because"),
        abstained={},
        model_id="m",
    )


def test_changes_by_hand() -> None:
    full, without = result([1, 2, 2, 3, 0, 0], 0.9), result([2, 2, 0, 1, 2, 0], 0.25)
    assert changes(full, without) == pytest.approx(
        {
            "idh": 0.65,
            "histology": 0.0,
            "wt": 1 - 2 * 3 / 8,
            "tc": 1 - 2 * 1 / 3,
            "et": 1.0,
        }
    )
    assert changes(full, full) == dict.fromkeys(("idh", "histology", "wt", "tc", "et"), 0.0)


def test_what_either_cannot_assess_has_no_change() -> None:
    full, without = result([0, 0], 0.5), result([0, 3], 0.5, blocked=("et", "tc", "necrosis"))
    assert set(changes(full, without)) == {"idh", "histology", "wt"}
    assert set(changes(without, full)) == {"idh", "histology", "wt"}
    assert changes(full, full)["et"] == 0.0


def test_a_task_that_one_result_lacks_is_absent() -> None:
    full = result([0], 0.5)
    assert set(changes(full, replace(full, probability={Task.IDH: 0.25}))) == {"idh", "wt", "tc", "et"}


def test_weights_are_those_of_the_fusion(tiny_model: GMMAS) -> None:
    even = dict.fromkeys(SEQUENCES, 0.25)
    assert learned_weights(weights_of(tiny_model)) == {"local": even, "global": even}
    with torch.no_grad():
        tiny_model.global_unet.fusion.weights.get_parameter("v_t1c").fill_(1.0 + np.log(3.0))
    found = learned_weights(weights_of(tiny_model))
    assert found["local"]["t1c"] == pytest.approx(0.25)
    assert found["global"] == pytest.approx({"t1": 1 / 6, "t1c": 0.5, "t2": 1 / 6, "flair": 1 / 6})
