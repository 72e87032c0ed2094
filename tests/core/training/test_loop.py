"""The loop on the real tiny network: it learns, it repeats itself, it stops rather than poison."""

import itertools
from collections.abc import Callable
from functools import partial

import pytest
import torch
from torch import Tensor

from gmmas_core.config import Config
from gmmas_core.losses import LossReport, multitask_loss, part_names
from gmmas_core.model.gmmas import GMMAS
from gmmas_core.training.loop import GRAD_NORM, train_steps
from gmmas_core.training.optimizer import build_optimizer
from gmmas_core.training.precision import choose_precision
from gmmas_core.training.seeding import seeded
from gmmas_core.types import Batch, FederationError, Prediction, Sum, Task

TASKS = (Task.HISTOLOGY, Task.IDH, Task.CODEL)
EQUAL = dict.fromkeys(Task, (1.0, 1.0))
LossFunction = Callable[[Prediction, Batch], LossReport]


def loss_of(model: GMMAS, config: Config) -> LossFunction:
    """The multi-task loss with this network's log-variances."""
    return partial(multitask_loss, uncertainty=model.uncertainty, config=config.loss, class_weights=EQUAL, tasks=TASKS)


def train(
    model: GMMAS, batch: Batch, config: Config, *, steps: int, lr: float = 3e-3, precision: str = "float32"
) -> tuple[dict[str, Sum], list[float]]:
    """Metrics and the loss of every step on one batch, again and again."""
    losses: list[float] = []
    with seeded(0):
        metrics = train_steps(
            model,
            itertools.repeat(batch),
            build_optimizer(model, lr=lr, weight_decay=1e-5),
            loss_of(model, config),
            steps=steps,
            clip_norm=1.0,
            precision=choose_precision(precision, "cpu", 4),
            stage="supervised",
            on_step=lambda _, loss: losses.append(loss),
        )
    return metrics, losses


def test_overfits_two_samples(model: GMMAS, batch: Batch, tiny_config: Config) -> None:
    metrics, losses = train(model, batch, tiny_config, steps=30)
    assert losses[-1] < 0.5 * losses[0]
    assert not model.training
    assert set(metrics) == {*part_names(TASKS), GRAD_NORM}
    assert metrics["train-loss.total"].total == pytest.approx(sum(losses))
    assert metrics["train-loss.idh"].count == 60
    with torch.no_grad():
        prediction = model(batch.image_BCXYZ, batch.available_BC, batch.context_BCXYZ, batch.box_B23)
    found = prediction.seg_logits_BKXYZ.argmax(1) > 0
    truth = batch.seg_BXYZ > 0
    assert 2 * (found & truth).sum() / (found.sum() + truth.sum()) > 0.8
    assert prediction.class_logits[Task.IDH].argmax(1).tolist() == [0, 1]


def test_repeats_itself(model: GMMAS, batch: Batch, tiny_config: Config) -> None:
    start = {name: value.clone() for name, value in model.state_dict().items()}
    results = []
    for _ in range(2):
        model.load_state_dict(start)
        torch.rand(3)  # what ran before must not matter
        _, losses = train(model, batch, tiny_config, steps=3)
        results.append((losses, {name: value.clone() for name, value in model.state_dict().items()}))
    assert results[0][0] == results[1][0]
    for name, value in results[0][1].items():
        assert torch.equal(value, results[1][1][name]), name


def test_bfloat16_trains_float32_parameters(model: GMMAS, batch: Batch, tiny_config: Config) -> None:
    finer = {"image_BCXYZ": _enlarge(batch.image_BCXYZ, 2), "seg_BXYZ": _enlarge(batch.seg_BXYZ, 2)}
    finer["context_BCXYZ"] = _enlarge(batch.context_BCXYZ, 3)
    _, losses = train(model, Batch(**{**vars(batch), **finer}), tiny_config, steps=1, precision="bfloat16")
    assert all(torch.isfinite(torch.tensor(losses)))
    assert {parameter.dtype for parameter in model.parameters()} == {torch.float32}


def _enlarge(volume: Tensor, times: int) -> Tensor:
    """Every voxel becomes a cube, so that the deepest maps are as large as a CPU needs for bfloat16."""
    for axis in (-3, -2, -1):
        volume = volume.repeat_interleave(times, axis)
    return volume


@pytest.mark.parametrize("what", ["loss", "gradient norm"])
def test_stops_at_a_number_that_is_not_finite(model: GMMAS, batch: Batch, tiny_config: Config, what: str) -> None:
    start = {name: value.clone() for name, value in model.state_dict().items()}
    if what == "loss":
        broken, loss_fn = Batch(**{**vars(batch), "image_BCXYZ": batch.image_BCXYZ * float("nan")}), None
    else:
        broken, loss_fn = batch, _infinite_slope_from_the_second_call(loss_of(model, tiny_config))
    with pytest.raises(FederationError, match=f"stage supervised, step 2 of 3: found a {what} of (nan|inf)"):
        train_steps(
            model,
            [batch, broken, batch],
            build_optimizer(model, lr=0.0, weight_decay=0.0),
            loss_fn or loss_of(model, tiny_config),
            steps=3,
            clip_norm=1.0,
            precision=choose_precision("float32", "cpu", 4),
            stage="supervised",
        )
    for name, value in model.state_dict().items():
        assert torch.equal(value, start[name]), name


def _infinite_slope_from_the_second_call(loss_fn: LossFunction) -> LossFunction:
    """The loss stays finite, its gradient does not: the square root at zero."""
    calls = itertools.count(1)

    def broken(prediction: Prediction, batch: Batch) -> LossReport:
        report = loss_fn(prediction, batch)
        if next(calls) == 1:
            return report
        zero = (prediction.seg_logits_BKXYZ - prediction.seg_logits_BKXYZ.detach()).sum()
        return LossReport(total=report.total + zero.abs().sqrt(), parts=report.parts)

    return broken


def test_a_stream_that_ends_is_an_error(model: GMMAS, batch: Batch, tiny_config: Config) -> None:
    with pytest.raises(FederationError, match="step 2 of 2: found no further batch"):
        train_steps(
            model,
            [batch],
            build_optimizer(model, lr=1e-3, weight_decay=0.0),
            loss_of(model, tiny_config),
            steps=2,
            clip_norm=1.0,
            precision=choose_precision("float32", "cpu", 4),
            stage="supervised",
        )


def test_clips_the_gradient(model: GMMAS, batch: Batch, tiny_config: Config) -> None:
    metrics, _ = train(model, batch, tiny_config, steps=1)
    norm = torch.linalg.vector_norm(torch.stack([p.grad.norm() for p in model.parameters() if p.grad is not None]))
    assert metrics[GRAD_NORM].total > 1
    assert norm.item() == pytest.approx(1.0, abs=1e-4)


def test_log_variances_stay_inside_their_limit(model: GMMAS, batch: Batch, tiny_config: Config) -> None:
    for parameter in model.uncertainty.parameters():
        parameter.data.fill_(tiny_config.loss.log_variance_limit)
    train(model, batch, tiny_config, steps=2, lr=0.5)
    for parameter in model.uncertainty.parameters():
        assert abs(parameter.item()) <= tiny_config.loss.log_variance_limit


@pytest.mark.parametrize("unknown", TASKS)
def test_unknown_label_gives_the_final_linear_no_gradient(
    model: GMMAS, batch: Batch, tiny_config: Config, unknown: Task
) -> None:
    column = TASKS.index(unknown)
    batch.known_BT[:, column] = False
    batch.target_BTK[:, column] = 0
    prediction = model(batch.image_BCXYZ, batch.available_BC, batch.context_BCXYZ, batch.box_B23)
    loss_of(model, tiny_config)(prediction, batch).total.backward()
    for task in TASKS:
        linears = [layer for layer in model.heads.of[task.value].modules() if isinstance(layer, torch.nn.Linear)]
        final = list(linears[-1].parameters())
        assert linears[-1].out_features == 2
        has_gradient = any(p.grad is not None and bool(p.grad.any()) for p in final)
        assert has_gradient == (task is not unknown)
        assert all(p.grad is None or bool(torch.isfinite(p.grad).all()) for p in final)


def test_one_sequence_and_no_label_at_all(model: GMMAS, batch: Batch, tiny_config: Config) -> None:
    batch.available_BC[:, 1:] = False
    batch.image_BCXYZ[:, 1:] = 0
    batch.context_BCXYZ[:, 1:] = 0
    batch.has_seg_B[:] = False
    batch.seg_weight_B[:] = 0
    batch.seg_BXYZ[:] = 0
    batch.known_BT[:] = False
    batch.target_BTK[:] = 0
    metrics, losses = train(model, batch, tiny_config, steps=2)
    assert losses == [0.0, 0.0]
    assert metrics["train-loss.segmentation"] == Sum(0.0, 0)
    assert set(metrics) == {*part_names(TASKS), GRAD_NORM}
