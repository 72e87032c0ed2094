"""One pass of gradient steps: no stage, no loss and no data logic, only what every stage repeats.

It refuses to go on from a number that is not finite: one such step would poison the site's weights and, through the
mean, everybody's.
"""

import math
from collections.abc import Callable, Iterable

import torch
from torch import Tensor, optim

from gmmas_core.losses import LossReport
from gmmas_core.model.gmmas import GMMAS
from gmmas_core.training.precision import Precision
from gmmas_core.types import Batch, FederationError, Prediction, Sum

LossFunction = Callable[[Prediction, Batch], LossReport]
RecordLoss = Callable[[Prediction, Batch], Tensor]
"""Loss per patient, (B,), of a batch that shows every patient once or, view after view, several times; none of its
numbers depends on two patients."""

OnStep = Callable[[int, float], None]
"""Called after every step with its number (from 1) and its loss."""

OnGradients = Callable[[GMMAS], None]
"""Called in every step while the parameters hold their gradients, before these are clipped."""

GRAD_NORM = "train-grad-norm"


def train_steps(
    model: GMMAS,
    stream: Iterable[Batch],
    optimizer: optim.Optimizer,
    loss_fn: LossFunction,
    *,
    steps: int,
    clip_norm: float,
    precision: Precision,
    stage: str,
    on_step: OnStep | None = None,
    on_gradients: OnGradients | None = None,
) -> dict[str, Sum]:
    """Take `steps` gradient steps; the model is left in eval mode.

    Args:
        model: on the device named by `precision`.
        stream: batches, at least `steps` of them.
        optimizer: over the model's parameters.
        loss_fn: loss of a prediction; runs outside autocast, in float32.
        steps: number of optimiser steps.
        clip_norm: the gradient's norm over all parameters is scaled down to this.
        precision: number format of the forward pass.
        stage: named in errors.
        on_step: progress.
        on_gradients: an observer; it changes nothing.

    Returns:
        Losses summed over steps by the names of the reports, and "train-grad-norm" before clipping.

    Raises:
        FederationError: a loss or gradient that is not finite, or a stream that ends early.
    """
    model.train()
    metrics: dict[str, Sum] = {}
    batches = iter(stream)
    for step in range(1, steps + 1):
        where = f"stage {stage}, step {step} of {steps}"
        batch = next(batches, None)
        if batch is None:
            raise FederationError(f"{where}: found no further batch; expected {steps}; check the site's training cases")
        report = _take_step(
            model, batch.to(precision.device), optimizer, loss_fn, clip_norm, precision, where, on_gradients
        )
        for name, part in report.items():
            metrics[name] = metrics.get(name, Sum(0.0, 0)) + part
        if on_step is not None:
            on_step(step, report["train-loss.total"].total)
    model.eval()
    return metrics


def _take_step(
    model: GMMAS,
    batch: Batch,
    optimizer: optim.Optimizer,
    loss_fn: LossFunction,
    clip_norm: float,
    precision: Precision,
    where: str,
    on_gradients: OnGradients | None,
) -> dict[str, Sum]:
    optimizer.zero_grad(set_to_none=True)
    with precision.autocast():
        prediction = model(batch.image_BCXYZ, batch.available_BC, batch.context_BCXYZ, batch.box_B23)
    report = loss_fn(prediction, batch)
    _require_finite(report.parts["train-loss.total"].total, "loss", where)
    report.total.backward()  # type: ignore[no-untyped-call]
    if on_gradients is not None:
        on_gradients(model)
    norm = float(torch.nn.utils.clip_grad_norm_(model.parameters(), clip_norm))
    _require_finite(norm, "gradient norm", where)
    optimizer.step()
    model.uncertainty.project()
    return {**report.parts, GRAD_NORM: Sum(norm, 1)}


def _require_finite(value: float, name: str, where: str) -> None:
    if not math.isfinite(value):
        raise FederationError(
            f"{where}: found a {name} of {value}; expected a finite number; "
            "lower training.lr or set training.precision=float32"
        )
