"""The assembled network: shapes, size, availability, randomness, masked labels, one context for many crops."""

import dataclasses
from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn

from gmmas_core.config import Config, load_config
from gmmas_core.model.gmmas import GMMAS, build_model
from gmmas_core.types import ConfigError, Prediction, Task

Inputs = tuple[Tensor, Tensor, Tensor, Tensor]


def _config(preset: str = "tiny") -> Config:
    return load_config([f"model={preset}"])


def _build(config: Config, tasks: tuple[Task, ...] | None = None) -> GMMAS:
    return build_model(config.model, config.task_list if tasks is None else tasks, loss=config.loss, seed=0)


def _inputs(batch: int, crop: int = 16, context: int = 16) -> Inputs:
    """Random input; 16 voxels make a bottleneck of 2 x 2 x 2 in the tiny preset."""
    generator = torch.Generator().manual_seed(0)
    image = torch.randn(batch, 4, crop, crop, crop, generator=generator)
    whole = torch.randn(batch, 4, context, context, context, generator=generator)
    low = -0.2 - torch.rand(batch, 3, generator=generator)
    high = 0.2 + torch.rand(batch, 3, generator=generator)
    return image, torch.ones(batch, 4, dtype=torch.bool), whole, torch.stack([low, high], dim=1)


def _outputs(prediction: Prediction) -> list[Tensor]:
    fields = [prediction.seg_logits_BKXYZ, prediction.context_seg_logits_BKXYZ]
    return [*fields, prediction.encoder_BFXYZ, prediction.bottleneck_BFXYZ, *prediction.class_logits.values()]


def _same(one: Prediction, other: Prediction) -> bool:
    return all(torch.equal(a, b) for a, b in zip(_outputs(one), _outputs(other), strict=True))


@pytest.mark.parametrize("batch", [1, 2])
@pytest.mark.parametrize(
    ("preset", "bottleneck", "encoder", "parameters"),
    [
        ("tiny", (64, 4, 4, 4), (64, 4, 4, 4), 1_751_407),
        ("base", (128, 4, 4, 4), (96, 4, 4, 4), 4_821_502),
        # The published 68.19 M (four tasks) less 1.74 M of redundant strided convolutions, 0.26 M of an unused linear
        # and, with three tasks, one head of 4.82 M.
        ("paper", (512, 16, 16, 16), (128, 16, 16, 16), 61_369_722),
    ],
)
def test_shapes_and_size(
    preset: str, bottleneck: tuple[int, ...], encoder: tuple[int, ...], parameters: int, batch: int
) -> None:
    config = _config(preset)
    crop, context = config.model.crop_size, config.model.context_size
    with torch.device("meta"):
        model = _build(config)
        inputs = tuple(torch.empty(value.shape, dtype=value.dtype) for value in _inputs(batch, crop, context))
        seen = model(*inputs)
    assert seen.seg_logits_BKXYZ.shape == (batch, 4, crop, crop, crop)
    assert seen.context_seg_logits_BKXYZ.shape == (batch, 4, context, context, context)
    assert seen.bottleneck_BFXYZ.shape == (batch, *bottleneck)
    assert seen.encoder_BFXYZ.shape == (batch, *encoder)
    assert list(seen.class_logits) == [Task.HISTOLOGY, Task.IDH, Task.CODEL]
    assert {logits.shape for logits in seen.class_logits.values()} == {(batch, 2)}
    assert sum(value.numel() for value in model.parameters()) == parameters


def test_base_has_four_to_five_million_parameters_even_with_every_task() -> None:
    with torch.device("meta"):
        model = _build(_config("base"), tuple(Task))
    assert 4e6 <= sum(value.numel() for value in model.parameters()) <= 5e6


@pytest.mark.parametrize("absent", [(2,), (0, 1), (0, 1, 3), (0, 1, 2, 3)])
def test_content_of_absent_sequences_cannot_change_anything(absent: tuple[int, ...]) -> None:
    config = _config()
    model = _build(config).eval()
    image, available, context, box = _inputs(2)
    available[1, list(absent)] = False
    with torch.no_grad():
        expected = model(image, available, context, box)
        assert all(value.isfinite().all() for value in _outputs(expected))
        for content in (0.0, -3.0, 1e38, float("nan"), float("inf")):
            image[1, list(absent)] = content
            context[1, list(absent)] = content
            assert _same(model(image, available, context, box), expected)


def test_content_of_present_sequences_changes_everything() -> None:
    config = _config()
    model = _build(config).eval()
    image, available, context, box = _inputs(1)
    with torch.no_grad():
        before = model(image, available, context, box)
        for sequence in range(4):
            other = image.clone()
            other[:, sequence] += torch.randn_like(other[:, sequence])
            after = model(other, available, context, box)
            assert not torch.allclose(after.seg_logits_BKXYZ, before.seg_logits_BKXYZ)
            wholes = context.clone()
            wholes[:, sequence] += torch.randn_like(wholes[:, sequence])
            after = model(image, available, wholes, box)
            assert not torch.allclose(after.seg_logits_BKXYZ, before.seg_logits_BKXYZ)
            assert not torch.allclose(after.class_logits[Task.IDH], before.class_logits[Task.IDH])


def test_nothing_available_has_finite_gradients() -> None:
    config = _config()
    model = _build(config)
    image, available, context, box = _inputs(1)
    seen = model(image * float("nan"), available & False, context * float("nan"), box)
    sum(value.square().mean() for value in _outputs(seen)).backward()
    assert all(value.grad is None or value.grad.isfinite().all() for value in model.parameters())


def test_eval_is_deterministic_and_monte_carlo_dropout_is_not() -> None:
    config = _config()
    model = _build(config).eval()
    inputs = _inputs(1)
    with torch.no_grad():
        assert _same(model(*inputs), model(*inputs))
        for module in model.modules():
            if isinstance(module, nn.Dropout | nn.Dropout3d):
                module.train()
        torch.manual_seed(0)
        passes = [model(*inputs) for _ in range(10)]
    for read in _READ_OUTS:
        assert torch.stack([read(seen) for seen in passes]).std(dim=0).max() > 0


_READ_OUTS: list[Callable[[Prediction], Tensor]] = [
    lambda seen: seen.seg_logits_BKXYZ,
    lambda seen: seen.context_seg_logits_BKXYZ,
    lambda seen: seen.class_logits[Task.CODEL],
    lambda seen: seen.bottleneck_BFXYZ,
]


def test_two_training_steps_are_the_same_bytes() -> None:
    config = _config()

    def step() -> list[Tensor]:
        model = _build(config).train()
        torch.manual_seed(3)
        seen = model(*_inputs(2))
        sum(value.square().mean() for value in _outputs(seen)).backward()
        return [value.grad for value in model.parameters() if value.grad is not None]

    assert all(torch.equal(a, b) for a, b in zip(step(), step(), strict=True))


def test_an_unknown_label_leaves_the_tasks_last_layers_alone() -> None:
    config = _config()
    model = _build(config).train()
    seen = model(*_inputs(2))
    label = {Task.HISTOLOGY: [1, 0], Task.IDH: [-1, -1], Task.CODEL: [-1, 1]}
    losses = []
    for task, logits in seen.class_logits.items():
        target = torch.tensor(label[task])
        per_case = nn.functional.cross_entropy(logits, target.clamp(min=0), reduction="none")
        losses.append((per_case * (target >= 0)).sum())
    torch.stack(losses).sum().backward()
    for task in label:
        head = model.heads[task]
        gradients = [value.grad for value in [*head.logits.parameters(), *head.classify.parameters()]]
        assert all(value.isfinite().all() for value in gradients)
        assert any(value.any() for value in gradients) == (task is not Task.IDH)
    # What a task has read still serves the others: cross-task sharing.
    assert model.heads[Task.IDH].read_encoder.weight.grad.any()


def test_one_context_serves_many_crops() -> None:
    config = _config()
    model = _build(config).eval()
    image, available, context, box = _inputs(3)
    with torch.no_grad():
        features = model.read_context(context[:1], available[:1])
        together = model.read_crop(image, available, features, box)
        for index in range(3):
            crop = slice(index, index + 1)
            alone = model(image[crop], available[crop], context[:1], box[crop])
            torch.testing.assert_close(together.seg_logits_BKXYZ[crop], alone.seg_logits_BKXYZ, rtol=1e-4, atol=1e-5)


def test_the_crops_place_in_the_brain_matters() -> None:
    config = _config()
    model = _build(config).eval()
    image, available, context, box = _inputs(1)
    with torch.no_grad():
        here = model(image, available, context, box)
        there = model(image, available, context, box + 0.4)
    assert torch.equal(here.encoder_BFXYZ, there.encoder_BFXYZ)
    assert not torch.allclose(here.seg_logits_BKXYZ, there.seg_logits_BKXYZ)


@pytest.mark.parametrize("stride", [1, 2])
@pytest.mark.parametrize("edges", [(1, 1, 1), (2, 3, 5)])
def test_any_crop_of_whole_coarse_cells_is_read(stride: int, edges: tuple[int, int, int]) -> None:
    config = _config()
    config.model = dataclasses.replace(config.model, stem_stride=stride)
    model = _build(config).eval()
    _, available, context, box = _inputs(1)
    shape = [8 * stride * edge for edge in edges]
    with torch.no_grad():
        seen = model(torch.randn(1, 4, *shape), available, context, box)
    assert seen.seg_logits_BKXYZ.shape == (1, 4, *shape)
    assert seen.bottleneck_BFXYZ.shape[2:] == edges


def test_building_is_reproducible_and_leaves_the_global_generator_alone() -> None:
    config = _config()
    torch.manual_seed(7)
    expected = torch.rand(3)
    torch.manual_seed(7)
    one = _build(config)
    assert torch.equal(torch.rand(3), expected)
    other = build_model(config.model, config.task_list, loss=config.loss, seed=1)
    assert all(torch.equal(a, b) for a, b in zip(one.parameters(), _build(config).parameters()))
    assert not torch.equal(one.encoder.downs[0].weight, other.encoder.downs[0].weight)


def test_codeletion_without_idh_is_refused() -> None:
    with pytest.raises(ConfigError, match="without idh"):
        _build(_config(), (Task.CODEL,))


def test_a_few_steps_learn_one_batch() -> None:
    config = _config()
    model = _build(config).train()
    image, available, context, box = _inputs(2)
    seg = (image[:, 3] > 0.5).long() * 2
    target = torch.tensor([0, 1])
    optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3)
    history = []
    for _ in range(15):
        seen = model(image, available, context, box)
        dense = nn.functional.cross_entropy(seen.seg_logits_BKXYZ, seg)
        loss = dense + nn.functional.cross_entropy(seen.class_logits[Task.IDH], target)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        history.append(loss.item())
    assert history[-1] < 0.6 * history[0]
