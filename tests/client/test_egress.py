"""The last gate: floor, names and shapes, finite values, and a line for everything that leaves."""

from pathlib import Path

import numpy as np
import pytest

from client.egress import above_floor, gate_update
from client.site import Site
from gmmas_core.types import DataError, SiteUpdate, Sum, Task
from gmmas_core.update_encoding import Encoded, whole

SHAPES = {"w": (2,)}
TASKS = (Task.HISTOLOGY, Task.IDH)


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return Site(
        name="north",
        folder=tmp_path,
        state=tmp_path / "state",
        label_convention="canonical",
        device="cpu",
        threads=1,
        cohort_floor=5,
        allowed_stages=None,
    )


def update(num_cases: int = 9, **weights: np.ndarray) -> SiteUpdate:
    return SiteUpdate(
        site="north",
        run_id="r",
        round=3,
        weights=weights or {"w": np.zeros(2, np.float32)},
        num_cases=num_cases,
        seen={},
        uncertainty={},
        metrics={"dice.wt": Sum(2.0, 4), "train-loss.total": Sum(9.0, 20)},
    )


def gate(made: SiteUpdate, site: Site) -> SiteUpdate:
    return gate_update(made, whole(made.weights), site, SHAPES, TASKS, (), ())


def test_fewer_cases_than_the_floor_send_nothing(site: Site) -> None:
    with pytest.raises(DataError, match="cohort floor"):
        gate(update(num_cases=4), site)
    assert not site.state.exists()


@pytest.mark.parametrize(
    "weights",
    [
        {"w": np.zeros(3, np.float32)},
        {"w": np.zeros(2, np.float32), "patients": np.zeros(9, np.float32)},
        {"v": np.zeros(2, np.float32)},
    ],
)
def test_only_the_models_own_parameters_leave(site: Site, weights: dict[str, np.ndarray]) -> None:
    with pytest.raises(DataError, match="not the model's"):
        gate(update(**weights), site)


def test_non_finite_weights_stay(site: Site) -> None:
    with pytest.raises(DataError, match="non-finite"):
        gate(update(w=np.array([np.nan, 0], np.float32)), site)


@pytest.mark.parametrize(
    ("arrays", "says"),
    [({"w": np.array([np.nan, 0], "<f2")}, "non-finite"), ({"patients": np.zeros(2, "<f2")}, "not the model's")],
)
def test_what_travels_is_looked_at_too(site: Site, arrays: dict[str, np.ndarray], says: str) -> None:
    encoded = Encoded(encoding="float16", arrays=arrays, scales={"w": 1.0})
    with pytest.raises(DataError, match=says):
        gate_update(update(), encoded, site, SHAPES, TASKS, (), ())


def test_metrics_below_the_floor_are_emptied_and_every_key_stays() -> None:
    metrics = {"few": Sum(2.0, 4), "many": Sum(2.0, 5), "histogram": (0, 2, 2), "full": (3, 2), "none": Sum(0.0, 0)}
    assert above_floor(metrics, 5) == {
        "few": Sum(0.0, 0),
        "many": Sum(2.0, 5),
        "histogram": (0, 0, 0),
        "full": (5, 0),
        "none": Sum(0.0, 0),
    }
