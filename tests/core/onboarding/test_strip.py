"""Brain masks: found without weights, refused where impossible; programs with weights kept on a short lead."""

import stat
import time
from collections.abc import Callable
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest

from gmmas_core.data.grid import Grid, Volume
from gmmas_core.onboarding.strip import programs
from gmmas_core.onboarding.strip.methods import StripSettings, brain_mask
from gmmas_core.onboarding.strip.programs import weights_digest
from gmmas_core.onboarding.strip.tissue import dice, tissue_mask
from gmmas_core.types import ConfigError, DataError
from tests.core.onboarding.conftest import RADII_MM, inside

Head = Callable[..., Volume]
ALL = ("t1c", "t1", "t2", "flair")


def truth(grid: Grid) -> np.ndarray:  # type: ignore[type-arg]
    index = np.stack(np.meshgrid(*[np.arange(n) for n in grid.shape], indexing="ij"), -1)
    points = index @ grid.affine_44[:3, :3].T + grid.affine_44[:3, 3]
    return np.asarray(inside(points, tuple(radius + 3 for radius in RADII_MM), (0, 0, 0)))  # type: ignore[arg-type]


@pytest.mark.parametrize(("names", "least"), [(ALL, 0.95), (("t1c",), 0.93), (("flair",), 0.93)])
def test_the_brain_is_found_without_weights(
    draw_head: Head, model_grid: Grid, names: tuple[str, ...], least: float
) -> None:
    mask, agreement = tissue_mask({name: draw_head(model_grid, name) for name in names})
    assert dice(mask, truth(model_grid)) > least
    assert agreement > 0.95


def test_an_empty_image_and_half_a_brain_have_no_mask(draw_head: Head, model_grid: Grid, tmp_path: Path) -> None:
    head = draw_head(model_grid, "t1")
    with pytest.raises(DataError, match="no head"):
        brain_mask({"t1": Volume(np.zeros_like(head.data), head.affine_44)}, StripSettings())
    with pytest.raises(DataError, match="found none"):
        brain_mask({"t1": head}, StripSettings(method="given"))
    small = np.zeros(head.data.shape, np.uint8)
    for depth, expected in ((0, "found 0 mL"), (8, "found .* mL; expected 900")):
        small[10:40, 10 : 10 + 2 * depth, 10:40] = 1
        nib.save(nib.Nifti1Image(small, head.affine_44), tmp_path / "b.nii.gz")
        with pytest.raises(DataError, match=expected) as caught:
            brain_mask({"t1": head}, StripSettings(method="given"), tmp_path / "b.nii.gz")
        assert "give a mask" in str(caught.value)
    small[:] = 0
    small[14:44, 14:54, 14:36] = 1
    nib.save(nib.Nifti1Image(small, head.affine_44), tmp_path / "b.nii.gz")
    found = brain_mask({"t1": head}, StripSettings(method="given"), tmp_path / "b.nii.gz")
    assert "look at it" in found.warnings[0]


def test_a_mask_that_lies_beside_the_head_is_refused(draw_head: Head, model_grid: Grid, tmp_path: Path) -> None:
    """Its volume is that of a brain: a mask of another head, one without its place, or a thin slab that is all mask."""
    head, given = draw_head(model_grid, "t1"), StripSettings(method="given")
    drawn, place = truth(model_grid).astype(np.uint8), tmp_path / "b.nii.gz"
    for moved_mm, expected in ((0.0, None), (36.0, "found 1.% of it in air"), (60.0, "of it outside the images")):
        affine_44 = head.affine_44.copy()
        affine_44[0, 3] += moved_mm
        nib.save(nib.Nifti1Image(drawn, affine_44), place)
        if expected is None:
            assert brain_mask({"t1": head}, given, place).warnings == ()
            continue
        with pytest.raises(DataError, match=expected):
            brain_mask({"t1": head}, given, place)
    slab = Volume(head.data[:, :, 20:34], head.affine_44)
    nib.save(nib.Nifti1Image(np.ones(slab.data.shape, np.uint8), slab.affine_44), place)
    with pytest.raises(DataError, match="of it in air"):
        brain_mask({"t1": slab}, given, place)


PROGRAM = """#!/bin/sh
[ "$HOME" = "$PWD" ] && [ "$TMPDIR" = "$PWD" ] && [ -z "$SECRET" ] && [ -n "$PYTHONUSERBASE" ] || exit 3
cmp -s weights "{weights}" || exit 4
case "{mode}" in fail) exit 5;; hang) sleep 60;; leave) sleep 60 & echo $! >"{left}";; esac
cp "{mask}" mask.nii.gz
"""


def test_a_program_runs_only_with_the_stated_weights_and_ends_in_time(
    draw_head: Head, model_grid: Grid, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The program is a stand-in of ours; the real ones were run by hand, see strip/programs.py."""
    head = draw_head(model_grid, "t1")
    weights, mask, left = tmp_path / "w.pt", tmp_path / "made.nii.gz", tmp_path / "pid"
    weights.write_bytes(b"weights")
    nib.save(nib.Nifti1Image(truth(model_grid).astype(np.uint8), head.affine_44), mask)
    with pytest.raises(ConfigError, match="found no weights"):
        StripSettings(method="synthstrip")
    with pytest.raises(ConfigError, match=weights_digest(weights)):
        StripSettings(method="synthstrip", weights=weights, weights_sha256="00")
    settings = StripSettings(method="synthstrip", weights=weights, weights_sha256=weights_digest(weights))
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ConfigError, match="not installed"):
        brain_mask({"t1": head}, settings)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    monkeypatch.setenv("SECRET", "1")

    def install(mode: str) -> None:
        program = tmp_path / "nipreps-synthstrip"
        program.write_text(PROGRAM.format(weights=weights, mask=mask, mode=mode, left=left))
        program.chmod(program.stat().st_mode | stat.S_IXUSR)

    install("work")
    assert dice(brain_mask({"t1": head}, settings).mask_XYZ, truth(model_grid)) == 1
    install("leave")
    brain_mask({"t1": head}, settings)
    until = time.monotonic() + 30
    while is_running(int(left.read_text())) and time.monotonic() < until:
        time.sleep(0.01)  # a killed process ends when the machine comes to it
    assert not is_running(int(left.read_text()))
    install("fail")
    with pytest.raises(DataError, match="code 5"):
        brain_mask({"t1": head}, settings)
    install("hang")
    monkeypatch.setattr(programs, "TIME_LIMIT_S", 0.3)
    with pytest.raises(DataError, match="still at work"):
        brain_mask({"t1": head}, settings)
    weights.write_bytes(b"others")
    with pytest.raises(ConfigError, match="stated weights"):
        brain_mask({"t1": head}, settings)


def is_running(pid: int) -> bool:
    """A process that was killed stays a zombie until whoever inherited it looks."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in ("Z", "X")
    except OSError:
        return False


def test_weights_of_another_shape_are_refused_before_a_program_could_fetch_its_own(
    draw_head: Head, model_grid: Grid, tmp_path: Path
) -> None:
    weights = tmp_path / "weights"
    (weights / "release_2.0.0" / "fold_all").mkdir(parents=True)
    (weights / "release_2.0.0" / "fold_all" / "checkpoint_final.pth").write_bytes(b"w")
    head = {"t1": draw_head(model_grid, "t1")}
    for method, expected in (("hd-bet", "found no fold_all/checkpoint_final.pth"), ("synthstrip", "found a folder")):
        settings = StripSettings(method=method, weights=weights, weights_sha256=weights_digest(weights))
        with pytest.raises(ConfigError, match=expected):
            brain_mask(head, settings)
    (weights / "fold_all").symlink_to(weights / "release_2.0.0" / "fold_all")
    with pytest.raises(ConfigError, match="leads to no file"):
        StripSettings(method="hd-bet", weights=weights, weights_sha256="00")


@pytest.mark.slow
def test_bet_runs_on_a_head(draw_head: Head) -> None:
    """That it runs and takes its margin off; on thick raw slices it leaves the brain (see strip/bet.py)."""
    affine_44 = np.diag([2.0, 2.0, 2.0, 1.0])
    affine_44[:3, 3] = (-84, -99, -84)
    head = draw_head(Grid((85, 100, 85), affine_44), "t1")
    from gmmas_core.onboarding.strip.bet import bet_mask

    mask = bet_mask(head)
    assert mask.shape == head.data.shape
    assert mask[42, 50, 42]
