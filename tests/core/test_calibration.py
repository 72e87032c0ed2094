"""Temperatures: reading them, and the federated fit against the fit on all cases in one place."""

import json

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import optimize, special

from gmmas_core.calibration import (
    INVERSE_TEMPERATURES,
    calibration_text,
    class_key,
    fit_calibration,
    gradient_key,
    no_calibration_metrics,
    read_calibration,
    region_temperatures_of,
    root_temperature,
    temperatures_of,
)
from gmmas_core.config import CalibrationConfig
from gmmas_core.metrics.evaluation import add
from gmmas_core.training.stages.calibrate import binary_gradient_G
from gmmas_core.types import DataError, FederationError, Metric, Sum, Task

TASKS = (Task.IDH,)
SETTINGS = CalibrationConfig(min_cases=10, min_per_class=3)


def cases(num: int, true_temperature: float, seed: int) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Logits that are `true_temperature` times too large, and outcomes."""
    rng = np.random.default_rng(seed)
    honest = rng.normal(0, 2, num)
    return honest * true_temperature, rng.random(num) < special.expit(honest)


def site(logit_N: NDArray[np.float64], positive_N: NDArray[np.bool_]) -> dict[str, Metric]:
    """What one hospital sends, from its cases one by one."""
    metrics: dict[str, Metric] = dict(no_calibration_metrics(TASKS))
    gradient_G = sum(binary_gradient_G(logit_N[i : i + 1], positive_N[i : i + 1]) for i in range(len(logit_N)))
    for place, value in enumerate(np.broadcast_to(gradient_G, INVERSE_TEMPERATURES.shape)):
        metrics[gradient_key("idh", place)] = Sum(float(value), len(logit_N))
    metrics[class_key("idh")] = Sum(float(positive_N.sum()), len(logit_N))
    return metrics


def pooled_fit(logit_N: NDArray[np.float64], positive_N: NDArray[np.bool_]) -> float:
    """Direct minimisation of the cross-entropy over ln T, an independent reference."""
    signed = np.where(positive_N, logit_N, -logit_N)
    found = optimize.minimize_scalar(
        lambda log_t: np.logaddexp(0, -signed / np.exp(log_t)).mean(), bounds=(-3, 3), method="bounded",
        options={"xatol": 1e-8},
    )  # fmt: skip
    return float(np.exp(found.x))


@pytest.mark.parametrize("true_temperature", [0.5, 1.0, 3.0])
def test_federated_fit_equals_the_pooled_fit(true_temperature: float) -> None:
    logit_N, positive_N = cases(300, true_temperature, seed=1)
    parts = [site(logit_N[part], positive_N[part]) for part in (slice(0, 40), slice(40, 41), slice(41, 300))]
    federated = fit_calibration(add(add(parts[0], parts[1]), parts[2]), TASKS, SETTINGS)
    together = fit_calibration(site(logit_N, positive_N), TASKS, SETTINGS)
    assert federated["temperature"]["idh"] == pytest.approx(together["temperature"]["idh"], rel=1e-9)
    assert federated["temperature"]["idh"] == pytest.approx(pooled_fit(logit_N, positive_N), rel=2e-3)
    assert federated["fit"]["idh"] == {
        "cases": 300,
        "of_rarer_class": min(int(positive_N.sum()), 300 - int(positive_N.sum())),
        "outcome": "fitted",
    }


def test_a_known_temperature_is_recovered() -> None:
    logit_N, positive_N = cases(20_000, 2.5, seed=0)
    assert fit_calibration(site(logit_N, positive_N), TASKS, SETTINGS)["temperature"]["idh"] == pytest.approx(
        2.5, rel=0.05
    )


@pytest.mark.parametrize(("num", "positives"), [(9, 4), (40, 2), (40, 38)])
def test_too_few_cases_leave_the_temperature_at_one_and_say_so(num: int, positives: int) -> None:
    found = fit_calibration(site(np.ones(num), np.arange(num) < positives), TASKS, SETTINGS)
    assert found["temperature"] == {}
    assert "too few cases" in found["fit"]["idh"]["outcome"]
    assert temperatures_of(found, TASKS) == {}


def test_a_fit_without_minimum_ends_at_the_limit_and_says_so() -> None:
    always_right = binary_gradient_G(np.array([2.0, -1.0]), np.array([True, False]))
    assert root_temperature(always_right) == (pytest.approx(1 / 20), "at the lower limit of the temperatures tried")
    always_wrong = binary_gradient_G(np.array([2.0, -1.0]), np.array([False, True]))
    assert root_temperature(always_wrong) == (pytest.approx(20), "at the upper limit of the temperatures tried")


def test_the_gradient_is_that_of_the_cross_entropy() -> None:
    logit_N, positive_N = cases(7, 1.0, seed=3)
    signed = np.where(positive_N, logit_N, -logit_N)
    step = 1e-6
    for beta, gradient in zip(INVERSE_TEMPERATURES, binary_gradient_G(logit_N, positive_N)):
        loss = [np.logaddexp(0, -(beta + s) * signed).mean() for s in (-step, step)]
        assert gradient == pytest.approx((loss[1] - loss[0]) / (2 * step), abs=1e-6)


def test_a_plan_carries_the_temperatures_and_nothing_else() -> None:
    content = {"temperature": {"idh": 1.5}, "region_temperature": {"wt": 2.0}, "fit": {"idh": {"cases": 30}}}
    text = calibration_text(content)
    assert read_calibration(text, TASKS) == {"temperature": {"idh": 1.5}, "region_temperature": {"wt": 2.0}}
    assert calibration_text({}) == ""
    assert read_calibration("", TASKS) == {}


@pytest.mark.parametrize(
    "text",
    ["[]", "{", '{"temperature": {"idh": 0}}', '{"temperature": {"grade": 1}}', '{"other": {}}', '{"temperature": 3}',
     json.dumps({"region_temperature": {"wt": float("inf")}}), "[" * 100_000],
)  # fmt: skip
def test_an_unusable_calibration_from_the_wire_is_refused(text: str) -> None:
    with pytest.raises(FederationError, match="unusable calibration"):
        read_calibration(text, TASKS)


def test_region_temperatures_are_checked_like_those_of_tasks() -> None:
    assert region_temperatures_of({"region_temperature": {"et": 1.25}}) == {"et": 1.25}
    with pytest.raises(DataError, match="region_temperature"):
        region_temperatures_of({"region_temperature": {"necrosis": 1.0}})
