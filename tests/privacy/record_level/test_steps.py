"""The noisy steps of whole stages: how much noise, from which secret, and what is left of Opacus afterwards."""

import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import Tensor

from gmmas_core.data.pseudo_labels import read_pseudo_labels
from gmmas_core.data.pseudo_table import publish_table, unfinished_table
from gmmas_core.model.gmmas import GMMAS
from gmmas_core.training.private_noise import NoiseStream
from gmmas_core.training.private_steps import NoisySteps, bound, per_sample_gradients
from gmmas_core.training.protection import GRADIENT_STAGES, Protection, require_separable, sample_rate
from gmmas_core.training.stages import STAGES, StageInput
from gmmas_core.types import Case, FederationError, Sum

SECRET = 2**255 + 1
PROTECTION = Protection(noise_multiplier=0.1, max_grad_norm=1.0, secret=SECRET)
StageOf = Callable[..., StageInput]


def weights(model: GMMAS) -> dict[str, Tensor]:
    """A copy."""
    return {name: value.clone() for name, value in model.state_dict().items()}


def same(first: dict[str, Tensor], second: dict[str, Tensor]) -> bool:
    """Bit by bit."""
    return all(torch.equal(value, second[name]) for name, value in first.items())


@pytest.mark.parametrize("stage", GRADIENT_STAGES)
def test_a_protected_stage_trains_tells_nothing_and_leaves_a_plain_model(stage_input: StageOf, stage: str) -> None:
    given, told = stage_input(stage, "strategy.proximal=0.1"), []
    start, foreign = weights(given.model), given.model.encoder.register_forward_pre_hook(lambda *_: None)

    def observe(model: GMMAS) -> None:
        raise AssertionError("gradients of single steps are nobody's business")

    ordinary = STAGES[stage](stage_input(stage, "strategy.proximal=0.1"))
    output = STAGES[stage](
        replace(
            given,
            protection=PROTECTION,
            on_step=lambda step, loss: told.append((step, math.isfinite(loss))),
            on_gradients=observe,
        )
    )
    assert told == [(1, True), (2, True)]
    assert set(output.metrics) == set(ordinary.metrics)
    assert set(output.metrics.values()) == {Sum(0.0, 0)}
    assert output.seen == ordinary.seen
    trained = weights(given.model)
    assert list(trained) == list(start)
    assert not same(trained, start)
    assert all(value.isfinite().all() for value in trained.values())
    for module in given.model.modules():
        hooks = len(module._forward_hooks) + len(module._backward_hooks) + len(module._forward_pre_hooks)
        assert hooks == (1 if module is given.model.encoder else 0)
        assert not module.training
        assert not {"activations", "max_batch_len", "ft_compute_sample_grad"} & set(vars(module))
    for parameter in given.model.parameters():
        assert not vars(parameter)
        assert parameter.requires_grad
        assert parameter.grad is None
    foreign.remove()


def test_equal_secrets_give_equal_weights_and_others_others(stage_input: StageOf) -> None:
    results = []
    for secret, seed in ((SECRET, 0), (SECRET, 1), (SECRET + 1, 0)):
        given = stage_input("supervised", "model.stem_dropout=0.3")
        torch.rand(3)  # what ran before must not matter
        plan = replace(given.plan, seed=seed)
        STAGES["supervised"](replace(given, plan=plan, protection=replace(PROTECTION, secret=secret)))
        results.append(weights(given.model))
    assert same(results[0], results[1])  # nothing comes from the seed, which the coordinator knows
    assert not same(results[0], results[2])


def test_a_step_without_anybody_is_noise_of_the_stated_deviation(stage_input: StageOf) -> None:
    model = stage_input("contrast").model
    start = weights(model)
    protection = Protection(noise_multiplier=2.0, max_grad_norm=0.5, secret=SECRET)
    with per_sample_gradients(model, lambda name: True):
        steps = NoisySteps(
            model,
            torch.optim.SGD(model.parameters(), lr=1.0),
            _no_loss,
            protection=protection,
            expected=4.0,
            views=2,
            then=lambda: None,
        )
        steps.take([])
        once = weights(model)
        steps.take([])
    free = [name for name in start if not name.startswith("uncertainty.")]  # those are held within their limits
    first = torch.cat([(start[name] - once[name]).flatten() for name in free])
    second = torch.cat([(once[name] - value).flatten() for name, value in weights(model).items() if name in free])
    normal = first.double() * 4.0 / (2.0 * 0.5)
    bound = 5 / math.sqrt(len(normal))
    assert abs(float(normal.mean())) < bound
    assert abs(float(normal.std()) - 1) < bound
    for deviations, share in ((1, 0.682689), (2, 0.954500), (3, 0.997300)):
        assert abs(float((normal.abs() < deviations).double().mean()) - share) < bound
    correlation = float(torch.corrcoef(torch.stack([first, second]))[0, 1])
    assert abs(correlation) < bound  # every step has noise of its own
    for name in start:
        moved = (start[name] - once[name]).abs()
        assert moved.max() > 0, name


def _no_loss(*_: object) -> Tensor:
    raise AssertionError("nobody was drawn")


def test_the_bound_holds_where_float32_loses_count() -> None:
    parts = [torch.full((1, 4_000_000), 0.1), torch.full((1, 3), 0.1)]
    bound(parts, 1.0)
    assert math.hypot(*(float(part.double().norm()) for part in parts)) <= 1 + 1e-6
    rows = torch.tensor([[3.0, 4.0], [float("inf"), 1.0], [0.0, 0.0], [1e30, 1e30], [0.3, 0.4]])
    bound([rows], 1.0)
    expected = torch.tensor([[0.6, 0.8], [0.0, 0.0], [0.0, 0.0], [0.5**0.5, 0.5**0.5], [0.3, 0.4]])
    torch.testing.assert_close(rows, expected)


def test_noise_is_as_secret_as_all_its_bits() -> None:
    low = NoiseStream(5, 0).normal(4)
    assert torch.equal(low, NoiseStream(5, 0).normal(4))
    for other in (NoiseStream(5 + 2**200, 0), NoiseStream(5, 1), NoiseStream(5 + 2**32, 0)):
        assert not torch.isclose(low, other.normal(4)).any()


def test_patients_without_anything_to_teach_still_cost_noise(stage_input: StageOf, patients: tuple[Case, ...]) -> None:
    given = replace(stage_input("supervised"), cases=patients[5:], protection=PROTECTION)
    start = weights(given.model)
    output = STAGES["supervised"](given)
    assert not same(weights(given.model), start)
    assert set(output.seen.values()) == {0}


def test_the_pull_of_fedprox_comes_after_the_noise(stage_input: StageOf) -> None:
    """The first step begins at the anchor; what is added later does not depend on anybody's gradient."""
    results = []
    for mu in (0.0, 10.0):
        given = stage_input("supervised", f"strategy.proximal={mu}")
        STAGES["supervised"](replace(given, cases=given.cases[5:], protection=PROTECTION))
        results.append(weights(given.model))
    start = weights(stage_input("supervised").model)
    distances = [sum(float((value - start[name]).square().sum()) for name, value in each.items()) for each in results]
    assert 0 < distances[1] < distances[0]


@pytest.mark.parametrize(
    ("stage", "override", "named"),
    [
        ("global_pretrain", "data.tumor_cutmix=paper", "data.tumor_cutmix=none"),
        ("supervised", "loss.class_weighting=inverse_frequency", "loss.class_weighting=none"),
        ("semi_supervised", "pseudo_labels.balance=2", "pseudo_labels.balance=0"),
        ("finetune", "pseudo_labels.mask_entropy_quantile=0.8", "pseudo_labels.mask_entropy_quantile=1"),
        ("contrast", "adaptation.collapse_share=0.02", "adaptation.collapse_share=0"),
    ],
)
def test_settings_that_mix_patients_are_refused_by_name(
    stage_input: StageOf, stage: str, override: str, named: str
) -> None:
    given = stage_input(stage, override)
    start = weights(given.model)
    with pytest.raises(FederationError, match=rf"stage {stage}: found settings that mix patients .*{named}"):
        STAGES[stage](replace(given, protection=PROTECTION))
    assert same(weights(given.model), start)


def test_settings_are_refused_only_where_they_matter(stage_input: StageOf) -> None:
    config = stage_input("supervised", "pseudo_labels.balance=2", "adaptation.collapse_share=0.02").config
    require_separable(config, "supervised")
    require_separable(config, "calibrate")
    with pytest.raises(FederationError, match=r"balance=2.0, adaptation.collapse_share=0.02\)"):
        require_separable(config, "contrast")
    assert sample_rate(config, 2) == 1.0
    assert sample_rate(config, 8) == 0.25


def test_pseudo_labels_that_were_ranked_are_refused_whatever_the_settings_say_now(stage_input: StageOf) -> None:
    given = replace(stage_input("semi_supervised"), protection=PROTECTION)
    given.plan = replace(given.plan, round=2)
    thresholds = {"balance": 2.0, "mask_entropy_quantile": 1.0}
    with unfinished_table(given.state, "run") as folder:
        publish_table(folder, round=1, model_id="m", labels=[], masks=[], about={"thresholds": thresholds})
    with pytest.raises(FederationError, match=r"pseudo-labels of run run.*balance=2.0"):
        STAGES["semi_supervised"](given)


def test_a_pseudo_label_hangs_on_its_own_patient_alone(stage_input: StageOf, tmp_path: Path) -> None:
    """Under the rules that protection allows; and a protected stage learns from them."""
    everything = ("confidence=0.5", "deviation=1", "codel_confidence=0.5", "codel_deviation=1", "mask_volume_ml=0")
    given = stage_input("pseudo_label", "pseudo_labels.mc_passes=2", *(f"pseudo_labels.{rule}" for rule in everything))
    tables = []
    for name, cases in (("all", given.cases), ("fewer", given.cases[:1] + given.cases[3:])):
        STAGES["pseudo_label"](replace(given, cases=cases, state=tmp_path / name))
        tables.append(read_pseudo_labels(tmp_path / name, "run"))
    assert tables[0].keys() == tables[1].keys() >= {case.case_id for case in given.cases[3:]}
    for case_id, found in tables[0].items():
        assert found.labels == tables[1][case_id].labels
        assert (found.mask_XYZ is None) == (tables[1][case_id].mask_XYZ is None)
    plan = replace(given.plan, stage="semi_supervised", round=2)
    later = replace(given, plan=plan, state=tmp_path / "all", cases=given.cases[5:], protection=PROTECTION)
    taught = STAGES["semi_supervised"](later)
    assert taught.seen["trunk"] == 1  # half a count, rounded up: this patient has pseudo-labels and nothing else
