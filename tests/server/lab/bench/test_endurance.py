"""The endurance benchmark: its line is the right one, and its rounds are real."""

from pathlib import Path

import numpy as np
import pytest
from scipy import stats

from gmmas_core.types import ConfigError
from server.lab.bench.endurance import bench_endurance, disk_mb, slope_of


def test_a_straight_line_has_its_slope_and_no_spread() -> None:
    slope = slope_of([10, 20, 30, 40], [5.0, 6.0, 7.0, 8.0])
    assert slope.per_100 == pytest.approx(10.0)
    assert slope.interval == pytest.approx((10.0, 10.0))


def test_the_interval_is_the_one_of_the_t_distribution() -> None:
    rounds, values = np.arange(8.0), np.array([1, 3, 2, 5, 4, 6, 5, 8.0])
    centred = rounds - rounds.mean()
    slope = float(centred @ values / (centred @ centred))
    residual = values - values.mean() - slope * centred
    error = np.sqrt(residual @ residual / 6 / (centred @ centred))
    reach = stats.t.ppf(0.975, 6) * error
    found = slope_of([int(x) for x in rounds], list(values))
    assert found.interval == pytest.approx((100 * (slope - reach), 100 * (slope + reach)))


def test_too_few_readings_have_no_interval() -> None:
    assert slope_of([10], [1.0]).interval is None
    two = slope_of([10, 20], [1.0, 2.0])
    assert two.per_100 == pytest.approx(10.0)
    assert two.interval is None


def test_disk_counts_files_and_no_links(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(bytes(2**20))
    (tmp_path / "b").symlink_to(tmp_path / "a")
    assert disk_mb(tmp_path) == pytest.approx(1.0, abs=1e-3)


def test_one_round_is_refused() -> None:
    with pytest.raises(ConfigError, match="rounds"):
        bench_endurance(1, 0)


@pytest.mark.slow
def test_a_dozen_rounds_are_played_and_read() -> None:
    rows = bench_endurance(12, 0, every=2)
    by_what = {row["what"]: row for row in rows}
    assert by_what["memory"]["mb"] > 50
    assert by_what["memory"]["low"] <= by_what["memory"]["mb_per_100_rounds"] <= by_what["memory"]["high"]
    assert by_what["disk"]["mb_per_100_rounds"] >= 0
    assert [row["rounds"] for row in rows if row["what"] == "reading"] == [2, 4, 6, 8, 10, 12]
