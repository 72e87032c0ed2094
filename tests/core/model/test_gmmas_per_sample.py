"""The whole network has per-sample gradients, so that differential privacy later renames no parameter."""

import pytest
import torch
from opacus import GradSampleModule
from torch import Tensor

from gmmas_core.config import load_config
from gmmas_core.model.gmmas import GMMAS, build_model
from gmmas_core.types import Prediction

BATCH = 3
pytestmark = pytest.mark.filterwarnings("ignore:Full backward hook")


def _model() -> GMMAS:
    dropouts = [f"model.{part}_dropout=0.0" for part in ("stem", "transformer", "head")]
    config = load_config(["model=tiny", *dropouts])
    model = build_model(config.model, config.task_list, loss=config.loss, seed=0)
    generator = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(0.02 * torch.randn(parameter.shape, generator=generator))
    return model.train()


def _inputs() -> tuple[Tensor, Tensor, Tensor, Tensor]:
    generator = torch.Generator().manual_seed(2)
    image = torch.randn(BATCH, 4, 16, 16, 16, generator=generator)
    context = torch.randn(BATCH, 4, 16, 16, 16, generator=generator)
    available = torch.ones(BATCH, 4, dtype=torch.bool)
    available[1, 2] = False
    image[1, 2] = float("nan")
    context[1, 2] = float("nan")
    corner = torch.rand(BATCH, 3, generator=generator)
    return image, available, context, torch.stack([corner - 1, corner], dim=1)


def _losses_BT1(seen: Prediction) -> Tensor:
    dense = seen.seg_logits_BKXYZ.square().mean(dim=(1, 2, 3, 4))
    dense = dense + seen.context_seg_logits_BKXYZ.square().mean(dim=(1, 2, 3, 4))
    return torch.stack([dense, *(logits.square().sum(dim=1) for logits in seen.class_logits.values())], dim=1)


def test_per_sample_gradients_equal_those_of_one_sample_at_a_time() -> None:
    inputs = _inputs()
    private = GradSampleModule(_model(), strict=True, loss_reduction="sum")
    private.uncertainty(_losses_BT1(private(*inputs))).sum().backward()

    for sample in range(BATCH):
        alone = _model()
        one = tuple(value[sample : sample + 1] for value in inputs)
        alone.uncertainty(_losses_BT1(alone(*one))).sum().backward()
        for name, parameter in alone.named_parameters():
            expected = torch.zeros_like(parameter) if parameter.grad is None else parameter.grad
            found = private.get_parameter(f"_module.{name}").grad_sample[sample]
            scale = expected.abs().max().clamp(min=1.0)
            assert ((found - expected).abs().max() / scale) < 1e-5, f"{name}, sample {sample}"


def test_no_parameter_is_left_out_and_none_is_constant_by_construction() -> None:
    private = GradSampleModule(_model(), strict=True, loss_reduction="sum")
    private.uncertainty(_losses_BT1(private(*_inputs()))).sum().backward()
    for name, parameter in private.named_parameters():
        assert parameter.grad_sample.shape == (BATCH, *parameter.shape)
        assert parameter.grad_sample.any(), name


def test_wrapping_renames_nothing() -> None:
    model = _model()
    names = list(model.state_dict())
    private = GradSampleModule(model, strict=True)
    assert [name.removeprefix("_module.") for name in private.state_dict()] == names
