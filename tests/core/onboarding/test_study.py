"""A whole study, in an atlas' space too: one step further, and labels still come back to where they belong."""

from collections.abc import Callable

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from gmmas_core.data.geometry import resample
from gmmas_core.data.grid import Grid, Volume
from gmmas_core.onboarding.back import to_native
from gmmas_core.onboarding.record import RawRecord, RawSequence, Stripped
from gmmas_core.onboarding.study import Settings, prepare_study
from tests.core.onboarding.conftest import RADII_MM, inside

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1500)]
Head = Callable[..., Volume]
TUMOUR = (28.0, 24.0, 20.0)  # where conftest.head draws it


def centre_mm(mask: Volume) -> np.ndarray:  # type: ignore[type-arg]
    index = np.argwhere(mask.data).mean(axis=0)
    return np.asarray((mask.affine_44 @ [*index, 1.0])[:3])


def test_into_an_atlas_and_back_onto_the_scan(draw_head: Head, model_grid: Grid) -> None:
    """The atlas is the resting head's brain on an LPS grid; the scan's head was turned and moved."""
    moved = np.eye(4)
    moved[:3, :3] = Rotation.from_euler("xyz", (7, -5, 10), degrees=True).as_matrix()
    moved[:3, 3] = (6, -9, 12)
    scan_44 = np.diag([-3.0, 3.0, 4.0, 1.0])
    scan_44[:3, 3] = (90, -99, -90)
    scan = Grid((61, 67, 50), scan_44)
    rest = draw_head(model_grid, "flair")
    index = np.stack(np.meshgrid(*[np.arange(n) for n in rest.grid.shape], indexing="ij"), -1)
    points = index @ rest.affine_44[:3, :3].T + rest.affine_44[:3, 3]
    brain = inside(points, tuple(radius + 3 for radius in RADII_MM), (0, 0, 0))  # type: ignore[arg-type]
    turned = np.diag([-1.0, -1.0, 1.0, 1.0])
    turned[:3, 3] = (model_grid.shape[0] - 1, model_grid.shape[1] - 1, 0)
    atlas = Volume(np.where(brain, rest.data, 0)[::-1, ::-1], rest.affine_44 @ turned)
    native = draw_head(scan, "flair", moved, seed=2)

    prepared = prepare_study({"flair": native}, Settings(), atlas)

    assert prepared.grid.orientation == "LPS"
    assert prepared.images["flair"].shape == atlas.data.shape
    corners = np.array([[x, y, z, 1] for x in (-50, 50) for y in (-60, 60) for z in (-45, 45)]).T
    off_mm = np.linalg.norm(((prepared.matrices["flair"] - moved) @ corners)[:3], axis=0)
    assert off_mm.mean() < 1.5, "atlas point -> scan point, as the head has moved"
    seen = Volume(prepared.images["flair"], prepared.grid.affine_44)
    both = (resample(seen, model_grid, order=1) > 0) & brain
    assert 2 * both.sum() / ((seen.data > 0).sum() + brain.sum()) > 0.93

    record = RawRecord(
        case_id="c1",
        reference="flair",
        space="atlas",
        atlas_sha256="00",
        model=prepared.grid,
        sequences={
            "flair": RawSequence(
                label="FLAIR",
                confidence=0.9,
                reasons=(),
                decided_by="rules",
                native=scan,
                matrix_44=prepared.matrices["flair"],
                residual_mm=None,
                information=None,
            )
        },
        stripped=Stripped(method="tissue", sha256="", volume_ml=1300.0, agreement=0.98),
        warnings=(),
        inputs="00",
        software={},
    )
    drawn = inside(points, (15, 18, 14), TUMOUR).astype(np.uint8)[::-1, ::-1]
    back = to_native(Volume(drawn, prepared.grid.affine_44), record, "flair")
    assert back.data.shape == scan.shape
    assert np.linalg.norm(centre_mm(back) - (moved @ [*TUMOUR, 1.0])[:3]) < 1.5
