"""The one raw patient against the same patient as a public data set prepared it.

`pytest -s tests/client/raw/test_real.py` prints the numbers and where the picture lies. The twin is in an atlas' space:
each of its sequences is registered to the raw sequence of the same contrast, for measuring only.
"""

from pathlib import Path

import numpy as np
import pytest

from client.raw.prepare import Order, prepare_one
from gmmas_core.data.geometry import resample
from gmmas_core.data.grid import Volume
from gmmas_core.data.nifti import load_volume
from gmmas_core.onboarding.placing import to_model
from gmmas_core.onboarding.record import read_raw_record
from gmmas_core.onboarding.registration import register
from gmmas_core.onboarding.strip.tissue import dice
from gmmas_core.onboarding.study import Settings, _register

CASE = "TCGA-FG-6692"
pytestmark = [pytest.mark.realdata, pytest.mark.slow]


@pytest.mark.timeout(3000)
def test_the_raw_patient_comes_out_close_to_its_twin(real_data: Path, tmp_path: Path) -> None:
    source, twin = real_data / "raw" / CASE, real_data / "tcga" / CASE
    order = Order(case_id=CASE, source=source, site=tmp_path, settings=Settings(), atlas=None, decided=())
    outcome = prepare_one(order)
    assert outcome.error is None
    record = read_raw_record(tmp_path / CASE)
    assert record is not None
    brain = load_volume(tmp_path / CASE / f"{CASE}_brain.nii.gz")
    t1c = load_volume(twin / f"{CASE}_t1c.nii.gz")
    to_twin = {
        name: register(
            load_volume(tmp_path / CASE / f"{CASE}_{name}.nii.gz"), load_volume(twin / f"{CASE}_{name}.nii.gz")
        )
        for name in record.sequences
    }
    head = np.argwhere(brain.data > 0)[::997]
    points = brain.affine_44 @ np.column_stack([head, np.ones(len(head))]).T
    print(f"\nbrain mask {record.stripped.volume_ml:.0f} mL, votes agree to {record.stripped.agreement:.3f}")
    for name, found in to_twin.items():
        off = ((found.matrix_44 - to_twin["t1c"].matrix_44) @ points)[:3]
        error_mm = np.linalg.norm(off, axis=0).mean()
        print(f"{name}: residual {record.sequences[name].residual_mm} mm, off the twin by {error_mm:.2f} mm")
        assert error_mm < 2.0
    theirs = Volume((t1c.data != 0).astype(np.float32), t1c.affine_44)
    mask = to_model(theirs, to_twin["t1c"].matrix_44, brain.grid) > 0.5
    overlap = dice(mask, brain.data > 0)
    print(f"Dice of the two brain masks {overlap:.4f}, theirs {mask.sum() / 1000:.0f} mL")
    _draw(resample(load_volume(source / "t1c.nii.gz"), brain.grid, order=1), brain.data > 0, mask, tmp_path)
    assert overlap > 0.94


@pytest.mark.timeout(3000)
def test_n4_is_taken_only_where_it_helps(real_data: Path) -> None:
    """Shading of a factor of four from corner to corner, drawn over both in opposite directions."""
    t1c, t2 = (load_volume(real_data / "raw" / CASE / f"{name}.nii.gz") for name in ("t1c", "t2"))
    fixed, moving = _shaded(t1c, 1.0), _shaded(t2, -1.0)
    alone = register(fixed, moving)
    helped, told = _register(fixed, moving, "t2")
    print(f"\nshaded: residual {alone.residual_mm:.2f} mm, with N4 {helped.residual_mm:.2f} mm")
    assert told
    assert helped.residual_mm < alone.residual_mm


def _shaded(volume: Volume, way: float) -> Volume:
    """Factors from 1/2 to 2 along the body's diagonal."""
    steps = np.meshgrid(*(np.linspace(-1, 1, n, dtype=np.float32) for n in volume.data.shape), indexing="ij")
    return Volume(volume.data * np.exp2(way * sum(steps) / 3), volume.affine_44)


def _draw(head, ours, theirs, folder: Path) -> None:  # type: ignore[no-untyped-def]
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(2, 3, figsize=(12, 8))
    for axis, place in ((0, 0.5), (1, 0.5), (2, 0.5), (0, 0.35), (1, 0.35), (2, 0.75)):
        plot = axes.flat[axis + (0 if place == 0.5 else 3)]
        at = int(head.shape[axis] * place)
        plot.imshow(np.take(head, at, axis).T, origin="lower", cmap="gray", vmax=np.percentile(head, 99))
        for mask, colour in ((theirs, "red"), (ours, "lime")):
            plot.contour(np.take(mask, at, axis).T, [0.5], colors=colour, linewidths=0.8)
        plot.axis("off")
    figure.suptitle("green: ours without weights, red: the prepared twin's. Research use only.")
    figure.savefig(folder / "twin.png", dpi=60)
    print(f"picture: {folder / 'twin.png'}")
