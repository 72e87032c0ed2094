"""The benchmark plays a whole attempt, checks its sum, and the coordinator's memory does not grow with the sites."""

import pytest

from gmmas_core.types import ConfigError
from server.lab.bench.secure_sum import bench_secure_sum, measure


def test_an_attempt_is_played_and_counted() -> None:
    row = measure(3, 1, 1000)
    assert row["sent_mb"] > 0.008  # the vector alone
    assert row["received_mb"] > 0
    assert all(row[f"{step}_s"] > 0 for step in ("advertise", "share", "mask", "add", "confirm", "unmask", "finish"))
    with pytest.raises(ConfigError, match="--sites"):
        bench_secure_sum(1, (1,))


@pytest.mark.slow
def test_memory_is_flat_in_the_number_of_sites() -> None:
    rows = {(row["sites"], row["dropped"]): row["peak_mb"] for row in bench_secure_sum(1, (4, 16), 2_000_000)}
    assert rows[16, 5] <= rows[4, 0] + 8  # half a vector
