"""A whole case: on the scanner's grid, repeatable, and honest about what it cannot know."""

import math
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch

from gmmas_core.config import Config
from gmmas_core.inference import predict_case, predict_with_doubt
from gmmas_core.inference.predict import NO_TUMOUR
from gmmas_core.model.gmmas import GMMAS
from gmmas_core.types import REGIONS, SEQUENCES, CaseResult, DataError, Task

LPS = np.array([[-3.0, 0, 0, 90.0], [0, -4.0, 0, 120.0], [0, 0, 5.0, -70.0], [0, 0, 0, 1.0]])


def same(one: CaseResult, other: CaseResult) -> bool:
    def key(result: CaseResult) -> tuple[Any, ...]:
        fields = dict(vars(result))
        return fields.pop("seg_XYZ").tobytes(), fields.pop("affine_44").tobytes(), repr(fields)

    return key(one) == key(other)


def biased(model: GMMAS, label: int) -> GMMAS:
    """The same network, sure of one label everywhere."""
    last = [module for module in model.decoder.modules() if isinstance(module, torch.nn.Conv3d)][-1]
    assert last.bias is not None
    assert last.bias.shape == (4,)
    with torch.no_grad():
        last.bias.zero_()[label] = 1e4
    return model


def test_result_lies_on_the_native_grid(
    make_prepared: Callable[..., Any], tiny_model: GMMAS, tiny_config: Config
) -> None:
    prepared = make_prepared((50, 44, 30), affine_44=LPS)
    result = predict_case(prepared, tiny_model, tiny_config, model_id="m-1")
    assert result.seg_XYZ.shape == (50, 44, 30)
    assert result.seg_XYZ.dtype == np.uint8
    np.testing.assert_array_equal(result.affine_44, LPS)
    for region, labels in REGIONS.items():
        expected = np.isin(result.seg_XYZ, labels).sum() * 60.0 / 1000
        assert result.volume_ml[region] == pytest.approx(expected)
    assert (result.case_id, result.model_id, result.created_at) == ("case-1", "m-1", "")
    assert set(result.probability) == set(tiny_config.task_list)
    assert result.probability[Task.CODEL] <= result.probability[Task.IDH]
    assert result.sequences_used == SEQUENCES
    assert (result.sequences_missing, dict(result.not_assessable)) == ((), {})
    assert (dict(result.epistemic), dict(result.aleatoric)) == ({}, {})


@pytest.mark.parametrize("inference", ["window", "one_pass"])
def test_repeating_gives_the_same_bits(
    make_prepared: Callable[..., Any], tiny_model: GMMAS, tiny_config: Config, inference: str
) -> None:
    config = replace(tiny_config, evaluation=replace(tiny_config.evaluation, inference=inference, mc_passes=3))
    prepared = make_prepared()
    one = predict_case(prepared, tiny_model, config, model_id="m")
    torch.rand(7)
    tiny_model.train()
    assert same(one, predict_case(prepared, tiny_model, config, model_id="m"))
    assert all(module.training for module in tiny_model.modules())


def test_doubt_follows_case_and_run_unless_a_generator_is_given(
    make_prepared: Callable[..., Any], tiny_model: GMMAS, tiny_config: Config
) -> None:
    config = replace(tiny_config, evaluation=replace(tiny_config.evaluation, mc_passes=3))

    def idh(prepared: Any, config: Config = config, seed: int | None = None) -> float:
        generator = None if seed is None else torch.Generator().manual_seed(seed)
        result = predict_case(prepared, tiny_model, config, model_id="m", generator=generator)
        return result.epistemic[Task.IDH]

    prepared = make_prepared()
    assert idh(prepared) != idh(replace(prepared, case_id="case-2"))
    assert idh(prepared) != idh(prepared, replace(config, seed=config.seed + 1))
    assert idh(prepared, seed=5) == idh(replace(prepared, case_id="case-2"), seed=5)


def test_absent_sequence_cannot_speak(
    make_prepared: Callable[..., Any], tiny_model: GMMAS, tiny_config: Config
) -> None:
    prepared = make_prepared(sequences=("t1", "t2", "flair"))
    image, context = prepared.image_CXYZ.copy(), prepared.context_CXYZ.copy()
    image[1], context[1] = 7.0, -3.0
    noisy = replace(prepared, image_CXYZ=image, context_CXYZ=context)
    one, other = (predict_case(p, tiny_model, tiny_config, model_id="m") for p in (prepared, noisy))
    assert same(one, other)


def test_without_contrast_nothing_is_said_about_enhancement(
    make_prepared: Callable[..., Any], tiny_model: GMMAS, tiny_config: Config
) -> None:
    result = predict_case(
        make_prepared(sequences=("t1", "t2", "flair")), biased(tiny_model, 3), tiny_config, model_id="m"
    )
    assert result.sequences_missing == ("t1c",)
    assert (result.volume_ml["et"], result.volume_ml["tc"]) == (None, None)
    assert (result.region_uncertainty["et"], result.region_uncertainty["tc"]) == (None, None)
    assert result.volume_ml["wt"] is not None
    assert result.volume_ml["wt"] > 0
    assert {"et", "tc", "label_1_versus_3"} <= set(result.not_assessable)


def test_without_t2_and_flair_no_whole_tumour(
    make_prepared: Callable[..., Any], tiny_model: GMMAS, tiny_config: Config
) -> None:
    result = predict_case(make_prepared(sequences=("t1", "t1c")), biased(tiny_model, 3), tiny_config, model_id="m")
    assert result.volume_ml["wt"] is None
    assert result.volume_ml["et"] is not None


def test_no_tumour_is_zero_and_said(make_prepared: Callable[..., Any], tiny_model: GMMAS, tiny_config: Config) -> None:
    result = predict_case(make_prepared(), biased(tiny_model, 0), tiny_config, model_id="m")
    assert not result.seg_XYZ.any()
    assert result.volume_ml == {"wt": 0.0, "tc": 0.0, "et": 0.0}
    assert result.region_uncertainty == {"wt": None, "tc": None, "et": None}
    assert result.abstained == {"segmentation": NO_TUMOUR}
    assert set(result.probability) == set(tiny_config.task_list)


def test_outside_the_brain_crop_is_background(
    make_prepared: Callable[..., Any], tiny_model: GMMAS, tiny_config: Config
) -> None:
    result = predict_case(
        make_prepared(affine_44=LPS, spacing_mm=4.0), biased(tiny_model, 2), tiny_config, model_id="m"
    )
    assert not {int(value) for value in np.unique(result.seg_XYZ)} - {0, 2}
    assert (result.seg_XYZ == 2).any()
    assert result.abstained == {}


def test_region_uncertainty_is_an_entropy(
    make_prepared: Callable[..., Any], tiny_model: GMMAS, tiny_config: Config
) -> None:
    result = predict_case(make_prepared(), tiny_model, tiny_config, model_id="m")
    for value in result.region_uncertainty.values():
        assert value is None or 0 < value <= math.log(4)


def test_without_passes_the_parts_of_doubt_are_not_stated(
    make_prepared: Callable[..., Any], tiny_model: GMMAS, tiny_config: Config
) -> None:
    result = predict_case(make_prepared(), tiny_model, tiny_config, model_id="m")
    assert (dict(result.region_epistemic), dict(result.region_aleatoric)) == ({}, {})


def test_doubt_inside_regions_adds_up_and_labels_stay(
    make_prepared: Callable[..., Any], tiny_model: GMMAS, tiny_config: Config
) -> None:
    prepared = make_prepared()
    config = replace(tiny_config, evaluation=replace(tiny_config.evaluation, mc_passes=3))
    plain = predict_case(prepared, tiny_model, config, model_id="m")
    calibration = {"region_temperature": {"wt": 0.3}}
    told: list[None] = []
    read = predict_with_doubt(
        prepared, tiny_model, config, model_id="m", calibration=calibration, on_pass=lambda: told.append(None)
    )
    sharp, entropy_XYZ = read.result, read.entropy_XYZ
    assert len(told) == 4
    assert set(read.prob_M) == set(sharp.probability)
    brain_ml = entropy_XYZ.numel() * prepared.spacing_mm**3 / 1000
    for name, passes_ml in read.passes_ml.items():
        assert len(passes_ml) == 3, name
        assert all(0 <= ml <= brain_ml for ml in passes_ml)
    for parts_M in zip(*(read.passes_ml[name] for name in ("necrosis", "et", "tc")), strict=True):
        assert parts_M[0] + parts_M[1] == pytest.approx(parts_M[2])
    for result in (plain, sharp):
        for region, total in result.region_uncertainty.items():
            epistemic, aleatoric = result.region_epistemic[region], result.region_aleatoric[region]
            assert total is not None
            assert epistemic is not None
            assert aleatoric is not None
            assert epistemic > 0
            assert total == pytest.approx(epistemic + aleatoric, abs=1e-6)
    sharper, before = sharp.region_uncertainty["wt"], plain.region_uncertainty["wt"]
    assert sharper is not None
    assert before is not None
    assert sharper < min(math.log(2), before)
    assert sharp.region_uncertainty["et"] == plain.region_uncertainty["et"]
    np.testing.assert_array_equal(sharp.seg_XYZ, plain.seg_XYZ)
    certain = predict_case(prepared, tiny_model, tiny_config, model_id="m")
    np.testing.assert_array_equal(certain.seg_XYZ, plain.seg_XYZ)
    assert entropy_XYZ.shape == prepared.image_CXYZ.shape[1:]
    assert 0 < float(entropy_XYZ.max()) <= math.log(4) + 1e-6


def test_calibration_is_applied(make_prepared: Callable[..., Any], tiny_model: GMMAS, tiny_config: Config) -> None:
    prepared = make_prepared()

    def logit(calibration: dict[str, Any] | None) -> float:
        result = predict_case(prepared, tiny_model, tiny_config, model_id="m", calibration=calibration)
        p = result.probability[Task.IDH]
        return math.log(p / (1 - p))

    assert logit({}) == logit(None)
    assert logit({"temperature": {"idh": 4.0}}) == pytest.approx(logit(None) / 4, abs=1e-5)


def test_a_case_without_any_sequence_is_refused(
    make_prepared: Callable[..., Any], tiny_model: GMMAS, tiny_config: Config
) -> None:
    nothing = replace(make_prepared(), available_C=np.zeros(4, dtype=bool))
    with pytest.raises(DataError, match="case-1: found no sequence"):
        predict_case(nothing, tiny_model, tiny_config, model_id="m")
