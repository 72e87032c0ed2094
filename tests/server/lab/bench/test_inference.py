"""The benchmark's case is one that the scanner could have made, and every way reads it."""

import numpy as np
import pytest

from gmmas_core.inference.native import same_voxels
from server.lab.bench.inference import BRAIN_SHAPE, NATIVE_SHAPE, REFERENCE, WAYS, bench_inference, random_brain


def test_random_brain_fits_its_native_grid() -> None:
    prepared = random_brain(seed=0, context_size=16)
    assert prepared.image_CXYZ.shape == (4, *BRAIN_SHAPE)
    assert same_voxels(prepared)
    for start, length, whole in zip(prepared.crop_start, BRAIN_SHAPE, NATIVE_SHAPE, strict=True):
        assert start >= 0
        assert start + length <= whole
    np.testing.assert_array_equal(prepared.image_CXYZ, random_brain(seed=0, context_size=16).image_CXYZ)


@pytest.mark.slow
@pytest.mark.timeout(1200)
def test_one_row_per_way_relative_to_the_peer() -> None:
    rows = {str(row["way"]): row for row in bench_inference(1, 0, 1, brain=(64, 80, 64))}
    assert list(rows) == list(WAYS)
    assert rows[REFERENCE]["ratio"] == 1.0
    assert all(float(str(row["ratio"])) > 0 for row in rows.values())
    assert all(float(str(row["peak_rss_mb"])) > 100 for row in rows.values())
