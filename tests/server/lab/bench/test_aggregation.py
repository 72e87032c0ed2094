"""The benchmark measures every way, and memory that does not grow with the number of sites."""

import pytest

from server.lab.bench.aggregation import WAYS, bench_aggregation, measure


@pytest.mark.parametrize("way", WAYS)
def test_every_way_runs_and_is_timed(way: str) -> None:
    measured = measure(way, 1, 3, 50_000, 0)
    assert measured["seconds"] > 0
    assert measured["peak_rss_mb"] > 0


@pytest.mark.slow
def test_our_memory_is_flat_in_the_number_of_sites_and_flowers_is_not() -> None:
    rows = bench_aggregation(1, 0, parameters=2_000_000, sites=(4, 32), ways=("ours", "flwr"))
    peak = {(row["way"], row["threads"], row["sites"]): row["peak_rss_mb"] for row in rows}
    assert peak["ours", 1, 32] <= 1.1 * peak["ours", 1, 4]
    assert peak["flwr", 1, 32] - peak["flwr", 1, 4] > 0.8 * 28 * 8  # the measurement sees memory that does grow
    assert all(row["ratio"] > 0 and row["gb_per_s"] > 0 for row in rows)
