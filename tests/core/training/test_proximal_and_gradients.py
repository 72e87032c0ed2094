"""The two observers of a step: the pull towards the round's start, and the spread of the gradients."""

import itertools
from functools import partial

import numpy as np
import pytest
import torch
from torch import nn

from gmmas_core.config import Config
from gmmas_core.losses import LossReport, multitask_loss
from gmmas_core.model.gmmas import GMMAS
from gmmas_core.model.parameter_groups import GROUPS
from gmmas_core.training.gradient_variance import GradientVariance
from gmmas_core.training.loop import train_steps
from gmmas_core.training.optimizer import build_optimizer
from gmmas_core.training.precision import choose_precision
from gmmas_core.training.proximal import PROXIMAL, proximal
from gmmas_core.training.seeding import seeded
from gmmas_core.types import Batch, Prediction, Sum, Task

TASKS = (Task.HISTOLOGY, Task.IDH, Task.CODEL)
EQUAL = dict.fromkeys(Task, (1.0, 1.0))


def steps(
    model: GMMAS, batch: Batch, config: Config, mu: float, watch: GradientVariance | None = None
) -> dict[str, Sum]:
    """Three steps on one batch."""
    loss = partial(multitask_loss, uncertainty=model.uncertainty, config=config.loss, class_weights=EQUAL, tasks=TASKS)
    with seeded(0):
        return train_steps(
            model,
            itertools.repeat(batch),
            build_optimizer(model, lr=3e-3, weight_decay=0.0),
            proximal(loss, model, mu) if mu else loss,
            steps=3,
            clip_norm=1.0,
            precision=choose_precision("float32", "cpu", 4),
            stage="supervised",
            on_gradients=None if watch is None else watch.watch,
        )


def test_the_pull_is_half_mu_times_the_squared_distance() -> None:
    model = nn.Linear(2, 1)
    anchor = torch.nn.utils.parameters_to_vector(model.parameters()).detach().clone()
    zero = LossReport(total=torch.tensor(2.0), parts={"train-loss.total": Sum(2.0, 1), "other": Sum(1.0, 4)})
    pulled = proximal(lambda prediction, batch: zero, model, 0.5)
    nothing: tuple[Prediction, Batch] = (None, None)  # type: ignore[assignment]
    assert pulled(*nothing).parts[PROXIMAL] == Sum(0.0, 1)
    with torch.no_grad():
        model.weight += torch.tensor([[3.0, 0.0]])
        model.bias += 1.0
    report = pulled(*nothing)
    assert report.total.item() == pytest.approx(2 + 0.25 * 10)
    assert report.parts[PROXIMAL].total == pytest.approx(2.5)
    assert report.parts["train-loss.total"].total == pytest.approx(4.5)
    assert report.parts["other"] == Sum(1.0, 4)
    report.total.backward()  # type: ignore[no-untyped-call]
    gradient = torch.cat([model.weight.grad.flatten(), model.bias.grad])  # type: ignore[union-attr, list-item]
    moved = torch.nn.utils.parameters_to_vector(model.parameters()).detach() - anchor
    torch.testing.assert_close(gradient, 0.5 * moved)


def test_a_pull_keeps_the_weights_nearer(model: GMMAS, batch: Batch, tiny_config: Config) -> None:
    start = {name: value.clone() for name, value in model.state_dict().items()}
    distances = []
    for mu in (0.0, 10.0):
        model.load_state_dict(start)
        metrics = steps(model, batch, tiny_config, mu)
        assert (PROXIMAL in metrics) == (mu > 0)
        distances.append(sum(float((value - start[name]).square().sum()) for name, value in model.state_dict().items()))
    assert distances[1] < 0.8 * distances[0]


class Two(nn.Module):
    """Parameters of two groups, under the network's names."""

    def __init__(self) -> None:
        super().__init__()
        self.encoder = nn.ParameterDict({"a": torch.zeros(2, 2), "b": torch.zeros(1)})
        self.decoder = nn.ParameterDict({"c": torch.zeros(3)})


def test_the_variance_is_numpys_over_steps_and_parameters() -> None:
    gradients_S5 = np.random.default_rng(0).normal(3, 2, size=(6, 5)).astype(np.float32)
    model, watch = Two(), GradientVariance()
    for a in gradients_S5:
        model.encoder["a"].grad = torch.from_numpy(a[:4].reshape(2, 2).copy())
        model.encoder["b"].grad = torch.from_numpy(a[4:].copy())
        watch.watch(model)
    metrics = watch.metrics(TASKS)
    assert list(metrics) == [f"signal.gradient_variance.{group}" for group in GROUPS(TASKS)]
    trunk = metrics["signal.gradient_variance.trunk"]
    assert isinstance(trunk, Sum)
    assert trunk.count == 6
    assert trunk.mean == pytest.approx(gradients_S5.var(axis=0, ddof=1).mean(), rel=1e-5)
    assert metrics["signal.gradient_variance.decoder"] == Sum(0.0, 0), "it never had a gradient"


def test_a_step_without_gradient_counts_as_zero_and_one_step_says_nothing() -> None:
    model, watch = Two(), GradientVariance()
    model.encoder["b"].grad = torch.tensor([4.0])
    watch.watch(model)
    assert set(watch.metrics(TASKS).values()) == {Sum(0.0, 0)}
    model.encoder["b"].grad = None
    watch.watch(model)
    # Variance of (4, 0) is 8, of the other four parameters of the group 0.
    assert watch.metrics(TASKS)["signal.gradient_variance.trunk"] == Sum(pytest.approx(8 / 5 * 2), 2)


def test_watching_changes_nothing(model: GMMAS, batch: Batch, tiny_config: Config) -> None:
    start = {name: value.clone() for name, value in model.state_dict().items()}
    ends = []
    watch = GradientVariance()
    for observer in (None, watch):
        model.load_state_dict(start)
        steps(model, batch, tiny_config, 0.0, observer)
        ends.append({name: value.clone() for name, value in model.state_dict().items()})
    assert all(torch.equal(value, ends[1][name]) for name, value in ends[0].items())
    metrics = watch.metrics(TASKS)
    assert metrics["signal.gradient_variance.trunk"].count == 3  # type: ignore[union-attr]
    assert metrics["signal.gradient_variance.contrast"] == Sum(0.0, 0)
