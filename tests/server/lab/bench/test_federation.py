"""The federation benchmark: every way runs, sums are compared alike, and our memory does not grow with the sites."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from gmmas_core.types import ConfigError
from server.lab.bench.federation import (
    AXPY,
    FLOWER,
    SPOOLED,
    STREAMING,
    WAYS,
    _compare,
    _estimates,
    bench_federation,
)
from server.lab.bench.measuring import in_own_process


@pytest.mark.parametrize("way", WAYS)
def test_every_way_runs_and_is_timed(way: str, tmp_path: Path) -> None:
    assert WAYS[way](way, "tiny", 2, 0, tmp_path) > 0


def test_a_row_is_compared_with_its_peers_of_as_many_sites() -> None:
    rows: list[dict[str, Any]] = [
        {"way": STREAMING, "sites": 4, "seconds": 1.0, "gb_per_s": 3.0},
        {"way": FLOWER, "sites": 4, "seconds": 2.5, "gb_per_s": 1.0},
        {"way": AXPY, "sites": 4, "seconds": 0.5, "gb_per_s": 4.0},
        {"way": STREAMING, "sites": 32, "seconds": 8.0, "gb_per_s": 3.0},
    ]
    for row in rows:
        _compare(row, rows)
    assert (rows[0]["of_axpy"], rows[0]["flwr_ratio"]) == (0.75, 2.5)
    assert (rows[3]["of_axpy"], rows[3]["flwr_ratio"]) == (None, None)


def test_the_estimate_is_the_straight_line_at_a_thousand_sites() -> None:
    rows: Sequence[dict[str, Any]] = [
        {"way": SPOOLED, "preset": "tiny", "sites": number, "seconds": 1 + 0.01 * number, "peak_own_mb": 300 + number}
        for number in (4, 32, 128)
    ]
    (row,) = _estimates(rows, 1_000_000)
    assert row["seconds"] == pytest.approx(11.0)
    assert row["peak_own_mb"] == 428
    assert row["disk_gb"] == pytest.approx(4.0)


def test_no_sites_are_refused() -> None:
    with pytest.raises(ConfigError, match="sites"):
        bench_federation(1, 0, (0, 4))


@pytest.mark.slow
@pytest.mark.parametrize("way", [STREAMING, SPOOLED])
def test_memory_is_flat_in_the_number_of_sites(way: str) -> None:
    few, many = (in_own_process("server.lab.bench.federation", way, "tiny", sites, 0) for sites in (4, 24))
    assert many["peak_own_mb"] <= 1.1 * few["peak_own_mb"]
    assert np.isfinite(many["seconds"])
