"""There with one interpolation and back: exact where nothing is interpolated, the same tumour where something is."""

import json
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from gmmas_core.data.grid import Grid, Volume
from gmmas_core.onboarding.back import to_native
from gmmas_core.onboarding.placing import labels_to_model, to_model
from gmmas_core.onboarding.record import FILE, RawRecord, RawSequence, Stripped, read_raw_record, write_raw_record
from gmmas_core.types import DataError

MODEL = Grid((100, 110, 90), np.array([[1, 0, 0, -50.0], [0, 1, 0, -55], [0, 0, 1, -45], [0, 0, 0, 1.0]]))


def rigid(degrees: tuple[float, float, float], shift_mm: tuple[float, float, float]) -> NDArray[np.float64]:
    matrix_44 = np.eye(4)
    matrix_44[:3, :3] = Rotation.from_euler("xyz", degrees, degrees=True).as_matrix()
    matrix_44[:3, 3] = shift_mm
    return matrix_44


def record(native: Grid, matrix_44: NDArray[np.float64]) -> RawRecord:
    t2 = RawSequence(
        label="AX T2",
        confidence=0.9,
        reasons=("description says t2",),
        decided_by="rules",
        native=native,
        matrix_44=matrix_44,
        residual_mm=0.3,
        information=0.6,
    )
    return RawRecord(
        case_id="c1",
        reference="t1c",
        space="reference",
        atlas_sha256="",
        model=MODEL,
        sequences={"t2": t2},
        stripped=Stripped(method="tissue", sha256="", volume_ml=1300.0, agreement=0.98),
        warnings=(),
        inputs="00",
        software={"numpy": "2"},
    )


def tumour(grid: Grid) -> NDArray[np.uint8]:
    index = np.stack(np.meshgrid(*[np.arange(n) for n in grid.shape], indexing="ij"), -1)
    points = index @ grid.affine_44[:3, :3].T + grid.affine_44[:3, 3]
    seg = np.zeros(grid.shape, np.uint8)
    for label, radius in ((2, 22.0), (3, 15.0), (1, 9.0)):
        seg[((points - [5, -8, 4]) ** 2).sum(-1) <= radius**2] = label
    return seg


def test_turned_and_flipped_axes_come_back_bit_for_bit() -> None:
    """LAS file of the same voxels; the sequence's head was a quarter turn and whole voxels away."""
    quarter = rigid((0, 0, 90), (4, -3, 2))
    las = np.diag([-1.0, 1, 1, 1])
    las[:3, 3] = (60, -50, -40)
    data = np.random.default_rng(0).integers(0, 1000, (110, 100, 90)).astype(np.int16)
    native = Volume(data, las)
    placed = np.linalg.inv(quarter) @ las
    turned = Grid((100, 110, 90), np.array([[1, 0, 0, 0.0], [0, 1, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1.0]]))
    corners = (placed @ np.array([[0, 0, 0, 1], [109, 99, 89, 1]]).T)[:3]
    turned.affine_44[:3, 3] = corners.min(axis=1)
    there = to_model(native, quarter, turned)
    back = to_native(Volume(there.astype(np.uint16), turned.affine_44), record(native.grid, quarter), "t2")
    assert np.array_equal(np.sort(there.ravel()), np.sort(data.ravel()))
    assert np.array_equal(back.data, data)
    assert np.array_equal(back.affine_44, las)


def test_a_point_lands_where_the_matrix_says() -> None:
    matrix_44 = rigid((8, -5, 12), (6, -9, 15))
    native = Grid((120, 120, 120), np.diag([1.0, 1, 1, 1]))
    native.affine_44[:3, 3] = -60
    data = np.zeros(native.shape, np.float32)
    model_point = np.array([10.0, 5, -7, 1])
    i, j, k = np.rint(np.linalg.inv(native.affine_44) @ matrix_44 @ model_point)[:3].astype(int)
    data[i - 1 : i + 2, j - 1 : j + 2, k - 1 : k + 2] = 100
    there = to_model(Volume(data, native.affine_44), matrix_44, MODEL)
    place = np.array(np.unravel_index(there.argmax(), there.shape))
    seen = (np.argwhere(there > 1) * there[there > 1][:, None]).sum(0) / there[there > 1].sum()
    assert np.abs(place - (np.linalg.inv(MODEL.affine_44) @ model_point)[:3]).max() <= 1
    assert np.abs(seen - (np.linalg.inv(MODEL.affine_44) @ model_point)[:3]).max() < 0.6


@pytest.mark.parametrize(
    ("spacing", "shape", "least"),
    [((0.9, 0.9, 5.5), (120, 130, 20), 0.90), ((1.0, 1.0, 1.0), (110, 120, 110), 0.97)],
)
def test_a_tumour_survives_the_way_to_an_oblique_scan_and_back(
    spacing: tuple[float, float, float], shape: tuple[int, int, int], least: float
) -> None:
    matrix_44 = rigid((4, -7, 10), (3, 8, -12))
    affine_44 = rigid((10, 3, -4), (0, 0, 0)) @ np.diag([-spacing[0], spacing[1], spacing[2], 1.0])
    middle = matrix_44 @ np.array([0, 0, 0, 1.0])
    affine_44[:3, 3] = middle[:3] - affine_44[:3, :3] @ ((np.array(shape) - 1) / 2)
    native = Grid(shape, affine_44)
    seg = tumour(MODEL)
    on_scan = to_native(Volume(seg, MODEL.affine_44), record(native, matrix_44), "t2")
    assert on_scan.data.shape == shape
    assert set(np.unique(on_scan.data)) == {0, 1, 2, 3}
    ml = np.count_nonzero(on_scan.data) * np.prod(spacing)
    assert ml == pytest.approx(np.count_nonzero(seg), rel=0.04)
    again = labels_to_model(on_scan, matrix_44, MODEL)
    both = np.count_nonzero((again > 0) & (seg > 0))
    assert 2 * both / (np.count_nonzero(again) + np.count_nonzero(seg)) > least


def test_the_record_reads_as_written_and_refuses_what_bends(tmp_path: Path) -> None:
    assert read_raw_record(tmp_path) is None
    written = record(Grid((20, 30, 6), np.diag([-0.9, 0.9, 5.5, 1.0])), rigid((1, 2, 3), (4, 5, 6)))
    write_raw_record(tmp_path, written)
    read = read_raw_record(tmp_path)
    assert read is not None
    assert np.array_equal(read.sequences["t2"].matrix_44, written.sequences["t2"].matrix_44)
    assert read.sequences["t2"].native.orientation == "LAS"
    assert read.stripped == written.stripped
    with pytest.raises(DataError, match="no flair"):
        to_native(Volume(tumour(MODEL), MODEL.affine_44), read, "flair")
    content = json.loads((tmp_path / FILE).read_text())
    content["sequences"]["t2"]["matrix"][0][0] = -1.0
    (tmp_path / FILE).write_text(json.dumps(content))
    with pytest.raises(DataError):
        read_raw_record(tmp_path)
