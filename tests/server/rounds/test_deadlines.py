"""Deadlines against percentiles computed by hand."""

from dataclasses import replace

import pytest

from gmmas_core.config import Config
from gmmas_core.config_federation import FederationConfig
from server.rounds.deadlines import Deadlines, deadlines, observe


@pytest.fixture
def settings(tiny_config: Config) -> FederationConfig:
    return replace(tiny_config.federation, deadline_s=1000.0, least_deadline_s=10.0, soft_factor=2.0, hard_factor=3.0)


def test_a_site_without_history_gets_the_longest_wait(settings: FederationConfig) -> None:
    longest = Deadlines(1000.0, 1000.0)
    assert deadlines({}, ["north"], settings) == longest
    assert deadlines({"north": [20.0]}, ["north", "new"], settings) == longest
    assert deadlines({"north": [20.0], "new": []}, ["north", "new"], settings) == longest
    assert deadlines({"north": [20.0]}, [], settings) == longest


def test_the_slowest_asked_site_decides_by_the_80th_percentile_of_its_own_seconds(settings: FederationConfig) -> None:
    # 0, 10, ... 100 would be eleven; of the last ten, 10 ... 100, the 80th percentile is at index 7.2: 80 + 0.2 * 10.
    times = {"north": [0.0, *(10.0 * k for k in range(1, 11))], "east": [5.0], "asleep": [900.0]}
    assert deadlines(times, ["north", "east"], settings) == Deadlines(pytest.approx(164.0), pytest.approx(492.0))  # type: ignore[arg-type]
    assert deadlines(times, ["east"], settings) == Deadlines(10.0, 30.0)


def test_deadlines_stay_within_their_bounds(settings: FederationConfig) -> None:
    assert deadlines({"north": [0.1]}, ["north"], settings) == Deadlines(10.0, 30.0)
    assert deadlines({"north": [200.0]}, ["north"], settings) == Deadlines(400.0, 1000.0)
    assert deadlines({"north": [900.0]}, ["north"], settings) == Deadlines(1000.0, 1000.0)


def test_one_slow_round_in_ten_does_not_stretch_the_next(settings: FederationConfig) -> None:
    assert deadlines({"north": [20.0] * 9 + [800.0]}, ["north"], settings).soft_s == pytest.approx(40.0)


def test_the_last_ten_are_remembered() -> None:
    times: dict[str, list[float]] = {}
    for second in range(12):
        observe(times, "north", float(second))
    assert times == {"north": [float(second) for second in range(2, 12)]}
