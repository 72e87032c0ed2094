"""The benchmark of preparing measures the floor and every way on the same case, and what a worker takes."""

import pytest

from server.lab.bench.prepare import FLOOR, MONAI, OURS, TORCHIO, bench_prepare


@pytest.mark.slow
def test_ours_lies_between_the_floor_and_the_peers():
    rows = {row["way"]: row for row in bench_prepare(repeats=1, seed=0)}
    assert list(rows) == [FLOOR, OURS, MONAI, TORCHIO]
    assert rows[MONAI]["ratio"] == rows[FLOOR]["times_floor"] == 1
    assert rows[FLOOR]["cpu_ms"] < rows[OURS]["cpu_ms"] < min(rows[MONAI]["cpu_ms"], rows[TORCHIO]["cpu_ms"])
    assert all(row["peak_rss_mb"] > 50 for row in rows.values())
