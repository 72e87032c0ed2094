"""Every network trains for the same time and is scored on the same phantoms; who wins stays the benchmark's affair."""

import pytest

from server.lab.bench.learning import bench_learning


@pytest.mark.slow
@pytest.mark.timeout(1200)
def test_every_network_learns_for_as_long_and_is_scored_on_the_same_cases() -> None:
    networks = ["GMMAS base", "SegResNet"]
    rows = bench_learning(1, 0, cpu_seconds=1.0, cases=6, networks=networks)
    assert [row["network"] for row in rows] == networks
    assert {row["cpu_seconds"] for row in rows} == {1.0}
    assert len({row["n"] for row in rows}) == 1
    for row in rows:
        assert row["steps"] >= 1
        assert 0 <= row["dice_wt_low"] <= row["dice_wt"] <= row["dice_wt_high"] <= 1
