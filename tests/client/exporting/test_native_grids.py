"""Outlines of raw cases go back onto the scanner's own grids, where the prepared image still is, and nowhere else."""

import dataclasses
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
import pytest
from typer.testing import CliRunner

from client.cli import app
from client.site import write_site
from gmmas_core.data.grid import Grid, Volume
from gmmas_core.data.nifti import load_volume
from gmmas_core.onboarding.record import FILE, read_raw_record, voxel_digest, write_raw_record
from gmmas_core.onboarding.strip.tissue import dice
from tests.core.onboarding.test_placing import record, rigid, tumour

MODEL = Grid((50, 55, 45), np.array([[2, 0, 0, -49.0], [0, 2, 0, -54], [0, 0, 2, -44], [0, 0, 0, 1.0]]))
TURNED = rigid((4, -7, 10), (3, 8, -12))
SHAPE, SPACING = (80, 90, 12), (0.9, 0.9, 5.5)


def scan(path: Path, affine_44: Any) -> Volume:
    """Only a qform, as some scanners' converters write it, and a name where nobody looks for one."""
    data = np.random.default_rng(1).integers(1, 9, SHAPE).astype(np.int16)
    image = nib.Nifti1Image(data, affine_44)
    image.set_qform(affine_44, 1)
    image.set_sform(None, 0)
    image.header["descrip"] = b"Muster^Anna"
    path.parent.mkdir(parents=True)
    nib.save(image, path)
    return load_volume(path)


@pytest.fixture
def site(tmp_path: Path) -> Path:
    """Two cases with a T2 of thick oblique LAS slices and its head elsewhere, and one that nobody prepared from raw."""
    affine_44 = rigid((10, 3, -4), (0, 0, 0)) @ np.diag([-SPACING[0], SPACING[1], SPACING[2], 1.0])
    affine_44[:3, 3] = (TURNED @ [5, -8, 4, 1])[:3] - affine_44[:3, :3] @ ((np.array(SHAPE) - 1) / 2)
    folder, seg = tmp_path / "north", tumour(MODEL)
    for case_id in ("p1", "p2", "p3"):
        native = scan(tmp_path / "raw" / case_id / f"{case_id}_t2.nii.gz", affine_44)
        (folder / case_id).mkdir(parents=True)
        for name, data in (("t2", np.ones(MODEL.shape, np.int16)), ("seg", seg)):
            nib.save(nib.Nifti1Image(data, MODEL.affine_44), folder / case_id / f"{case_id}_{name}.nii.gz")
        known = record(native.grid, TURNED)
        t2 = dataclasses.replace(known.sequences["t2"], voxels=voxel_digest(native))
        if case_id != "p3":
            write_raw_record(
                folder / case_id, dataclasses.replace(known, case_id=case_id, model=MODEL, sequences={"t2": t2})
            )
    (folder / "participants.tsv").write_text("participant_id\np1\np2\np3\n")
    write_site(folder, "north", "canonical")
    return folder


def export(site: Path, out: Path, *more: str) -> tuple[int, str]:
    done = CliRunner().invoke(app, ["export", str(site), "--to", "bids", "--out", str(out), *more])
    return done.exit_code, done.output if done.exception is None else f"{done.output}{done.exception}"


def truth(native: Grid) -> Any:
    """The tumour drawn where the scanner's voxels are, without any resampling."""
    placed = np.linalg.inv(TURNED) @ native.affine_44
    index = np.stack(np.meshgrid(*[np.arange(n) for n in native.shape], indexing="ij"), -1)
    points = index @ placed[:3, :3].T + placed[:3, 3]
    seg = np.zeros(native.shape, np.uint8)
    for label, radius in ((2, 22.0), (3, 15.0), (1, 9.0)):
        seg[((points - [5, -8, 4]) ** 2).sum(-1) <= radius**2] = label
    return seg


def test_an_outline_goes_back_onto_the_scan_it_was_prepared_from(
    site: Path, tmp_path: Path, is_legal: Callable[[str], bool]
) -> None:
    out, raw = tmp_path / "bids", tmp_path / "raw"
    scanned = load_volume(raw / "p2" / "p2_t2.nii.gz")
    other = nib.Nifti1Image(np.flip(scanned.data, 0), scanned.affine_44)  # another image on the very same grid
    nib.save(other, raw / "p2" / "p2_t2.nii.gz")
    code, told = export(site, out, "--raw", str(raw))
    assert code == 0, told
    assert "not on the scanner's grid: p2: t2: the image it was prepared from is gone or has changed" in told
    assert "not on the scanner's grid: p3: every sequence: not made by prepare --raw" in told
    [name] = (path.relative_to(out).as_posix() for path in out.rglob("*_space-*.nii.gz"))
    assert name == "sub-p1/anat/sub-p1_space-T2w_desc-site_dseg.nii.gz"
    assert is_legal(name)
    image: Any = nib.load(out / name)
    native: Any = nib.load(raw / "p1" / "p1_t2.nii.gz")
    assert (image.shape, image.get_data_dtype()) == (SHAPE, np.uint8)
    np.testing.assert_array_equal(image.affine, native.affine)
    for field in ("qform_code", "sform_code", "qoffset_x", "quatern_b", "srow_x", "pixdim", "xyzt_units"):
        np.testing.assert_array_equal(image.header[field], native.header[field])
    assert "".join(nib.aff2axcodes(image.affine)) == "LAS"
    assert b"Muster" not in image.header.binaryblock
    found, expected = np.asarray(image.dataobj), truth(load_volume(raw / "p1" / "p1_t2.nii.gz").grid)
    overlaps = [dice(np.isin(found, part), np.isin(expected, part)) for part in ((1, 2, 3), (1, 3), (3,), (1,))]
    assert overlaps[0] > 0.97
    assert min(overlaps) > 0.92
    sidecar = json.loads((out / name.replace("nii.gz", "json")).read_text())
    assert sidecar["SpatialReference"] == "orig"
    summary = json.loads((out / "gmmas-export.json").read_text())
    assert (summary["native_grids"], set(summary["not_carried_back"])) == (1, {"p2", "p3"})
    assert "AX T2" not in "".join(path.read_text() for path in out.rglob("*.json"))


def test_what_cannot_be_known_to_be_right_is_not_carried_back(site: Path, tmp_path: Path) -> None:
    raw = tmp_path / "raw"
    known = read_raw_record(site / "p1")
    assert known is not None
    shifted = MODEL.affine_44.copy()
    shifted[0, 3] += 30
    for changed, reason in (
        ({"case_id": "p2"}, "of another case"),
        ({"model": Grid(MODEL.shape, shifted)}, "not on the grid that prepare --raw wrote"),
        ({"sequences": {"t2": dataclasses.replace(known.sequences["t2"], voxels="")}}, "did not note which image"),
    ):
        write_raw_record(site / "p1", dataclasses.replace(known, **changed))
        code, told = export(site, tmp_path / "bids", "--raw", str(raw), "--json")
        assert code == 0, told
        assert reason in str(json.loads(told)["not_carried_back"]["p1"])
        (tmp_path / "bids").rename(tmp_path / f"bids {reason}")
    write_raw_record(site / "p1", known)
    (raw / "p1").rename(tmp_path / "gone")
    (site / "p2" / FILE).unlink()
    code, told = export(site, tmp_path / "none", "--raw", str(raw))
    assert (code, "its raw study is not there" in told, "could go back onto" in told) == (1, True, True)
    assert not (tmp_path / "none").exists()


def test_a_mask_that_lies_elsewhere_and_an_option_of_another_kind_are_refused(site: Path, tmp_path: Path) -> None:
    mask: Any = nib.load(site / "p3" / "p3_seg.nii.gz")
    moved = mask.affine.copy()
    moved[2, 3] += 7
    nib.save(nib.Nifti1Image(np.asarray(mask.dataobj), moved), site / "p3" / "p3_seg.nii.gz")
    code, told = export(site, tmp_path / "bids")
    assert (code, "case p3: mask: found another grid" in told) == (1, True)
    done = CliRunner().invoke(
        app, ["export", str(site), "--to", "nnunet", "--out", str(tmp_path / "Dataset501_G"), "--predictions", "x"]
    )
    assert done.exit_code == 1
    assert "expected --to bids" in str(done.exception)
