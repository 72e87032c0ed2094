"""Self-distillation and contrast: their losses in closed form, their gradients, and the collapse monitor."""

from functools import partial

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from gmmas_core.config import Config
from gmmas_core.losses import LossReport, multitask_loss
from gmmas_core.model.contrast import ContrastHeads, build_contrast_heads
from gmmas_core.model.gmmas import GMMAS, build_training_model, released
from gmmas_core.training.availability import any_subset
from gmmas_core.training.stages.contrast import (
    WATCHED,
    SpreadMonitor,
    contrastive,
    siamese_loss,
    siamese_loss_B,
    two_subsets,
)
from gmmas_core.training.stages.distill import distillation, feature_loss, feature_loss_B, logits_loss, logits_loss_B
from gmmas_core.training.stages.finetune import complete_and_incomplete
from gmmas_core.types import Batch, FederationError, Prediction, Sum, Task


def predict(model: GMMAS, batch: Batch) -> Prediction:
    found: Prediction = model(batch.image_BCXYZ, batch.available_BC, batch.context_BCXYZ, batch.box_B23)
    return found


def plain(model: GMMAS, config: Config) -> partial[LossReport]:
    weights = dict.fromkeys(config.task_list, (1.0, 1.0))
    return partial(
        multitask_loss,
        uncertainty=model.uncertainty,
        config=config.loss,
        class_weights=weights,
        tasks=config.task_list,
    )


class TestFeatures:
    def test_an_offset_of_one_deviation_costs_one(self) -> None:
        teacher = torch.randn(3, 5, 4, 4, 4) * torch.tensor([0.1, 1, 2, 5, 9]).view(1, 5, 1, 1, 1)
        scale = teacher.std(dim=(0, 2, 3, 4), keepdim=True, unbiased=False)
        loss = feature_loss(torch.cat([teacher, teacher + scale]))
        assert loss.item() == pytest.approx(1.0, abs=1e-5)

    def test_the_teacher_hears_nothing(self) -> None:
        features = torch.randn(4, 3, 2, 2, 2, requires_grad=True)
        feature_loss(features).backward()
        assert features.grad is not None
        assert not features.grad[:2].any()
        assert features.grad[2:].any()


def test_equal_class_logits_cost_nothing_and_others_the_divergence(batch: Batch, model: GMMAS) -> None:
    prediction = predict(model.eval(), batch)
    teacher, student = torch.tensor([[2.0, 0.0]]), torch.tensor([[0.0, 0.0]])
    prediction.class_logits = {Task.IDH: torch.cat([teacher, teacher])}
    assert logits_loss(prediction, 2.0).item() == pytest.approx(0.0, abs=1e-7)
    prediction.class_logits = {Task.IDH: torch.cat([teacher, student])}
    p = np.exp([1.0, 0.0]) / np.exp([1.0, 0.0]).sum()  # logits over the temperature 2
    expected = 4.0 * float((p * np.log(p / 0.5)).sum())
    assert logits_loss(prediction, 2.0).item() == pytest.approx(expected, rel=1e-5)


def test_distillation_adds_the_features_to_the_loss_of_both_paths(
    batch: Batch, model: GMMAS, tiny_config: Config
) -> None:
    view = complete_and_incomplete(batch, np.random.default_rng(0), sampler=any_subset)
    assert view.available_BC[:2].all()
    prediction = predict(model.eval(), view)
    base = plain(model, tiny_config)
    report = distillation(base, config=tiny_config.adaptation)(prediction, view)
    features = feature_loss(prediction.encoder_BFXYZ) + feature_loss(prediction.bottleneck_BFXYZ)
    assert features.item() > 0
    assert report.total.item() == pytest.approx(base(prediction, view).total.item() + features.item(), rel=1e-5)
    assert report.parts["train-loss.segmentation"].count == 4


def test_losses_per_crop_are_those_of_the_crop_alone() -> None:
    torch.manual_seed(0)
    features, z, p = torch.randn(6, 5, 2, 2, 2), torch.randn(6, 8), torch.randn(6, 8)
    logits = {Task.IDH: torch.randn(6, 2), Task.HISTOLOGY: torch.randn(6, 2)}
    whole = _prediction(features, logits)
    torch.testing.assert_close(logits_loss_B(whole, 2.0).mean(), logits_loss(whole, 2.0))
    torch.testing.assert_close(siamese_loss_B(z, p).mean(), siamese_loss(z, p))
    for crop in range(3):
        views = [crop, crop + 3]
        one = _prediction(features[views], {task: value[views] for task, value in logits.items()})
        torch.testing.assert_close(feature_loss_B(features)[crop], feature_loss(features[views]))
        torch.testing.assert_close(logits_loss_B(whole, 2.0)[crop], logits_loss(one, 2.0))
        torch.testing.assert_close(siamese_loss_B(z, p)[crop], siamese_loss(z[views], p[views]))


def _prediction(features: Tensor, logits: dict[Task, Tensor]) -> Prediction:
    return Prediction(
        seg_logits_BKXYZ=features,
        context_seg_logits_BKXYZ=features,
        class_logits=logits,
        encoder_BFXYZ=features,
        bottleneck_BFXYZ=features,
    )


class TestSiamese:
    def test_it_is_minus_the_cosine_across_views(self) -> None:
        z = torch.tensor([[1.0, 0.0], [0.0, 1.0]])
        p = torch.tensor([[0.0, 3.0], [1.0, 1.0]])
        # p of view 1 against z of view 2: cos = 1; p of view 2 against z of view 1: cos = 1/sqrt(2)
        assert siamese_loss(z, p).item() == pytest.approx(-(1 + 0.5**0.5) / 2, rel=1e-6)

    def test_no_gradient_flows_through_the_target(self) -> None:
        z, p = torch.randn(4, 8, requires_grad=True), torch.randn(4, 8, requires_grad=True)
        siamese_loss(z, p).backward()
        assert z.grad is None
        assert p.grad is not None

    def test_it_lies_between_minus_one_and_one(self) -> None:
        p = torch.randn(6, 8)
        assert siamese_loss(torch.cat([p[3:], p[:3]]), p).item() == pytest.approx(-1, abs=1e-6)
        assert siamese_loss(-torch.cat([p[3:], p[:3]]), p).item() == pytest.approx(1, abs=1e-6)


class TestCollapse:
    def test_directions_spread_evenly_have_spread_one(self) -> None:
        torch.manual_seed(0)
        assert SpreadMonitor(0.1).watch(torch.randn(WATCHED, 64)) == pytest.approx(1, abs=0.05)

    def test_a_constant_encoder_stops_the_stage_in_plain_words(self) -> None:
        monitor = SpreadMonitor(0.1)
        monitor.watch(torch.ones(WATCHED - 2, 64))  # too few to judge
        with pytest.raises(FederationError, match=r"collapsed to one .* drop the stage"):
            monitor.watch(torch.ones(2, 64))

    def test_zero_never_stops_it(self) -> None:
        assert SpreadMonitor(0.0).watch(torch.ones(WATCHED, 8)) == pytest.approx(0, abs=1e-6)


def test_the_contrastive_loss_reaches_network_and_heads(batch: Batch, model: GMMAS, tiny_config: Config) -> None:
    view = two_subsets(batch, np.random.default_rng(0), sampler=any_subset)
    heads = build_contrast_heads(tiny_config.model.embed_dim, seed=0)
    loss = contrastive(
        plain(model, tiny_config), heads=heads, config=tiny_config.adaptation, monitor=SpreadMonitor(0.0)
    )
    report = loss(predict(model, view), view)
    report.total.backward()  # type: ignore[no-untyped-call]
    assert all(parameter.grad is not None for parameter in heads.parameters())
    assert model.fusion.stem.weight_t1.grad is not None
    assert report.parts["train-loss.contrast"] == Sum(pytest.approx(report.parts["train-loss.contrast"].total), 1)
    assert -1 <= report.parts["train-loss.contrast"].total <= 1


def test_heads_have_no_buffer_and_only_parameters_of_their_group() -> None:
    heads = ContrastHeads(16)
    assert not list(heads.buffers())
    assert not any(isinstance(module, nn.modules.batchnorm._BatchNorm) for module in heads.modules())


def test_the_network_starts_alike_with_and_without_heads_and_is_released_without(tiny_config: Config) -> None:
    bare = build_training_model(tiny_config)
    tiny_config.curriculum.stages[0].stage = "contrast"
    trained = build_training_model(tiny_config)
    assert bare.contrast is None
    assert trained.contrast is not None
    own = bare.state_dict()
    assert set(trained.state_dict()) - set(own) == {f"contrast.{name}" for name in trained.contrast.state_dict()}
    for name, value in released(trained, tiny_config).state_dict().items():
        assert torch.equal(value, own[name])
