"""Temperatures: how much a model's logits are divided by before they are called probabilities.

`calibration.json` holds {"temperature": {task: T}, "region_temperature": {region: T}, "fit": {name: facts}}. A task or
region that is absent from its table is not calibrated.

Federated fit: every site sends, for each inverse temperature of one grid, the gradient of its cases' loss; sums over
sites are the sums over all cases, so the fit equals the pooled one.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import interpolate, optimize

from gmmas_core.config import CalibrationConfig
from gmmas_core.types import REGIONS, DataError, FederationError, Metric, Sum, Task
from gmmas_core.wire_fields import MAX_FLOAT

FILE = "calibration.json"
KEYS = ("temperature", "region_temperature", "fit")

INVERSE_TEMPERATURES: NDArray[np.float64] = np.geomspace(1 / 20, 20, 49)
"""Grid of the federated fit, smallest first."""


def temperatures_of(calibration: Mapping[str, Any], tasks: Iterable[Task]) -> dict[Task, float]:
    """The temperature per calibrated task; empty for `{}`.

    Raises:
        DataError: another key, a task the model does not have, or a temperature that is not positive and finite.
    """
    valid = {task.value: task for task in tasks}
    return {valid[name]: value for name, value in _table(calibration, "temperature", valid).items()}


def calibration_text(content: Mapping[str, Any]) -> str:
    """What a plan carries: the temperatures alone, "" for none; the inverse of `read_calibration`."""
    tables = {key: content[key] for key in KEYS[:2] if content.get(key)}
    return json.dumps(tables, sort_keys=True) if tables else ""


def read_calibration(text: str, tasks: Sequence[Task]) -> dict[str, Any]:
    """A calibration that came with a plan; {} for "".

    Raises:
        FederationError: no JSON object, or one that `temperatures_of` would refuse.
    """
    try:
        content = json.loads(text) if text else {}
        if not isinstance(content, dict):
            raise ValueError
        temperatures_of(content, tasks)
        region_temperatures_of(content)
    except (ValueError, RecursionError, DataError):
        raise FederationError("request: found an unusable calibration; expected tables of temperatures") from None
    return content


def region_temperatures_of(calibration: Mapping[str, Any]) -> dict[str, float]:
    """The temperature per calibrated region of the segmentation; empty for `{}`.

    Raises:
        DataError: as `temperatures_of`.
    """
    return _table(calibration, "region_temperature", REGIONS)


def _table(calibration: Mapping[str, Any], key: str, valid: Iterable[str]) -> dict[str, float]:
    table = calibration.get(key, {})
    if set(calibration) - set(KEYS) or not isinstance(table, Mapping):
        raise DataError(f"{FILE}: found keys {sorted(calibration)}; expected {{}} or tables {', '.join(KEYS)}")
    names = list(valid)
    for name, value in table.items():
        usable = isinstance(value, int | float) and not isinstance(value, bool) and 0 < value <= MAX_FLOAT
        if name not in names or not usable:
            raise DataError(
                f"{FILE}: found {name!r}: {value!r} in {key}; expected a positive number for any of {names}"
            )
    return {name: float(value) for name, value in table.items()}


def gradient_key(name: str, place: int) -> str:
    """Metric that holds the gradient at one entry of INVERSE_TEMPERATURES, for a task or region."""
    return f"calibration.{name}.{place}"


def class_key(task: str) -> str:
    """Metric that holds how many cases of class 1 a task's gradients come from."""
    return f"calibration-positives.{task}"


def no_calibration_metrics(tasks: Iterable[Task]) -> dict[str, Metric]:
    """The same keys from every site, all empty."""
    names = [task.value for task in tasks]
    places = range(len(INVERSE_TEMPERATURES))
    keys = [gradient_key(name, place) for name in (*names, *REGIONS) for place in places]
    return dict.fromkeys((*keys, *(class_key(name) for name in names)), Sum(0.0, 0))


def fit_calibration(metrics: Mapping[str, Metric], tasks: Sequence[Task], config: CalibrationConfig) -> dict[str, Any]:
    """Temperatures from gradients summed over sites.

    Args:
        metrics: pooled; keys of `no_calibration_metrics`.
        tasks: the run's.
        config: how many cases a fit needs; with fewer the temperature stays 1, which "fit" says.

    Returns:
        Content of calibration.json.
    """
    content: dict[str, Any] = {"temperature": {}, "region_temperature": {}, "fit": {}}
    for task in tasks:
        positives = _sum(metrics, class_key(task.value))
        rarer = min(round(positives.total), positives.count - round(positives.total))
        _fit_one(content, "temperature", task.value, metrics, positives.count, config, rarer=rarer)
    for region in REGIONS:
        count = _sum(metrics, gradient_key(region, 0)).count
        _fit_one(content, "region_temperature", region, metrics, count, config)
    return content


def _fit_one(
    content: dict[str, Any],
    table: str,
    name: str,
    metrics: Mapping[str, Metric],
    count: int,
    config: CalibrationConfig,
    rarer: int | None = None,
) -> None:
    facts: dict[str, Any] = {"cases": count} | ({} if rarer is None else {"of_rarer_class": rarer})
    if count < config.min_cases or (rarer is not None and rarer < config.min_per_class):
        needed = f"{config.min_cases} cases" + ("" if rarer is None else f", {config.min_per_class} of each class")
        content["fit"][name] = facts | {"outcome": f"not calibrated: too few cases, {needed} needed"}
        return
    gradient_G = [_sum(metrics, gradient_key(name, place)).total for place in range(len(INVERSE_TEMPERATURES))]
    temperature, outcome = root_temperature(np.array(gradient_G))
    content[table][name] = temperature
    content["fit"][name] = facts | {"outcome": outcome}


def root_temperature(gradient_G: NDArray[np.float64]) -> tuple[float, str]:
    """Where the summed gradient vanishes, and whether that is inside the grid.

    The loss is convex in the inverse temperature, so its gradient never falls; between two entries it is interpolated
    by a monotone cubic in the logarithm.
    """
    if gradient_G[0] >= 0:
        return 1 / float(INVERSE_TEMPERATURES[0]), "at the upper limit of the temperatures tried"
    if gradient_G[-1] <= 0:
        return 1 / float(INVERSE_TEMPERATURES[-1]), "at the lower limit of the temperatures tried"
    log_beta_G = np.log(INVERSE_TEMPERATURES)
    curve = interpolate.PchipInterpolator(log_beta_G, gradient_G)
    root = optimize.brentq(lambda log_beta: float(curve(log_beta)), log_beta_G[0], log_beta_G[-1])
    return float(np.exp(-root)), "fitted"


def _sum(metrics: Mapping[str, Metric], key: str) -> Sum:
    metric = metrics.get(key)
    if not isinstance(metric, Sum):
        raise FederationError(f"calibration: found {type(metric).__name__} under {key!r}; expected a sum")
    return metric
