"""A site speaks for what it has seen, and the accumulator then hears nobody else."""

import numpy as np
import pytest

from gmmas_core.config import Config, load_config
from gmmas_core.model.gmmas import build_model
from gmmas_core.model.parameter_groups import GROUPS, group_of
from gmmas_core.types import SiteUpdate, Task
from gmmas_core.weights import weights_of
from server.aggregation import Accumulator
from server.strategy import STRATEGIES

TASKS = (Task.HISTOLOGY, Task.IDH, Task.CODEL)


def update_of(seen: dict[str, int], site: str = "a") -> SiteUpdate:
    """A site's reply without arrays: strategies look at counts only."""
    counts = dict.fromkeys(GROUPS(TASKS), 10) | seen
    return SiteUpdate(site=site, run_id="r", round=1, weights={}, num_cases=10, seen=counts, uncertainty={})


def test_every_configured_strategy_exists() -> None:
    assert load_config([]).strategy.name in STRATEGIES


def test_masked_fedavg_weighs_by_cases_seen_per_group() -> None:
    weights = STRATEGIES["masked_fedavg"](update_of({"stem.t2": 0, "global.stem.t2": 0, "head.idh": 4, "trunk": 9}))
    assert weights["stem.t2"] == 0
    assert weights["global.stem.t2"] == 0
    assert weights["stem.t1"] == 10
    assert weights["head.idh"] == 4
    assert weights["trunk"] == 9
    assert set(weights) == set(GROUPS(TASKS))


def test_log_variances_weigh_by_their_tasks_labels_and_masks() -> None:
    seen = {"head.idh": 0, "uncertainty.idh": 10, "decoder": 3, "uncertainty.segmentation": 10, "head.histology": 7}
    weights = STRATEGIES["masked_fedavg"](update_of(seen))
    assert weights["uncertainty.idh"] == 0
    assert weights["uncertainty.segmentation"] == 3
    assert weights["uncertainty.histology"] == 7


def test_a_network_is_averaged_group_by_group(tiny_config: Config) -> None:
    """Two sites, one without T2 and without IDH labels, on every parameter of the real network."""
    tasks = tiny_config.task_list
    reference = weights_of(build_model(tiny_config.model, tasks, loss=tiny_config.loss, seed=0))
    shift = {"a": np.float32(0.25), "b": np.float32(-0.5)}
    seen = {"a": dict.fromkeys(GROUPS(tasks), 30), "b": dict.fromkeys(GROUPS(tasks), 10)}
    seen["b"] |= {"stem.t2": 0, "global.stem.t2": 0, "head.idh": 0}
    seen["a"]["contrast"] = seen["b"]["contrast"] = 0
    accumulator = Accumulator(reference, max_weight=30, max_sites=2)
    for site in ("b", "a"):
        groups = STRATEGIES["masked_fedavg"](update_of(seen[site], site))
        accumulator.add(
            {key: value + shift[site] for key, value in reference.items()},
            {key: groups[group_of(key)] for key in reference},
        )
    silent = ("stem.t2", "global.stem.t2", "head.idh", "uncertainty.idh")
    for key, value in accumulator.result().items():
        expected = 0.25 if group_of(key) in silent else (30 * 0.25 - 10 * 0.5) / 40
        assert value - reference[key] == pytest.approx(expected, abs=1e-6), key
