"""Raw studies into a site folder: each fails alone, none is done twice, a person has the last word."""

import json
import os
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
from typer.testing import CliRunner

from client.cli import app
from client.raw.hold import WORK
from client.raw.sources import read_study
from client.raw.table import FILE, read_rows, update_rows
from gmmas_core.data.grid import Grid, Volume
from gmmas_core.data.sequences import find_sequences
from gmmas_core.onboarding.recognition import guess
from gmmas_core.onboarding.record import read_raw_record
from gmmas_core.types import DataError
from tests.client.reading_room.conftest import _write_series as write_series
from tests.core.onboarding.conftest import head


@pytest.fixture(scope="module")
def flair() -> Volume:
    """A head of 3 x 3 x 5 mm, LAS."""
    affine_44 = np.diag([-3.0, 3.0, 5.0, 1.0])
    affine_44[:3, 3] = (84, -99, -84)
    return head(Grid((57, 67, 35), affine_44), "flair")


def put(folder: Path, name: str, volume: Volume) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    nib.save(nib.Nifti1Image(volume.data, volume.affine_44), folder / name)


def run(site: Path, raw: Path, *more: str) -> tuple[int, dict]:  # type: ignore[type-arg]
    done = CliRunner().invoke(app, ["prepare", str(site), "--raw", str(raw), "--json", *more])
    return done.exit_code, json.loads(done.stdout)


def test_studies_become_cases_and_a_person_decides(flair: Volume, tmp_path: Path) -> None:
    raw, site = tmp_path / "raw", tmp_path / "site"
    put(raw / "p1", "p1_flair.nii.gz", flair)
    put(raw / "p2", "image7.nii.gz", flair)
    put(raw / "p3" / "deep", "p3_flair.nii.gz", flair)
    (raw / "p3" / "deep" / "p3_flair.nii.gz").write_bytes(b"\x5c\x01\0\0 no image")
    code, told = run(site, raw, "--list")
    assert (code, told["prepared"]) == (1, ["p1"])
    assert not (site / "p1").exists()
    (site / f"{WORK}left").mkdir()
    code, told = run(site, raw)
    assert code == 1
    assert told["prepared"] == ["p1"]
    assert set(told["failed"]) == {"p2", "p3"}
    assert "decided" in told["failed"]["p2"]
    assert str(tmp_path) not in json.dumps(told)
    assert not list(site.glob(f"{WORK}*"))
    found = find_sequences(site / "p1")
    assert (list(found.images), found.problems) == (["flair"], [])
    image = nib.load(found.images["flair"])
    assert "".join(nib.aff2axcodes(image.affine)) == "RAS"
    assert np.allclose(image.header.get_zooms(), 1)
    record = read_raw_record(site / "p1")
    assert record is not None
    assert record.sequences["flair"].native.orientation == "LAS"

    lines = (site / FILE).read_text().splitlines()
    (site / FILE).write_text("\n".join(f"{line}flair" if line.startswith("p2\t") else line for line in lines) + "\n")
    before = os.stat(site / "p1" / "raw.json").st_ino
    code, told = run(site, raw)
    assert (told["were_there"], told["prepared"]) == (["p1"], ["p2"])
    assert os.stat(site / "p1" / "raw.json").st_ino == before
    assert [row.case for row in read_rows(site)] == ["p1", "p2"]
    again = read_raw_record(site / "p2")
    assert again is not None
    assert again.sequences["flair"].decided_by == "person"
    assert (site / "p1" / "p1_flair.nii.gz").read_bytes() == (site / "p2" / "p2_flair.nii.gz").read_bytes()

    rows = read_rows(site)
    (site / FILE).write_text((site / FILE).read_text().replace("yes\t\n", "yes\tflair\n").replace("5.00", "Mai 00"))
    update_rows(site, rows)
    assert {row.decided for row in read_rows(site)} == {"flair"}, "a word written while a run was under way is kept"
    (site / FILE).unlink()
    (site / "p1" / "p1_seg.nii.gz").write_bytes(b"outlines")
    (site / "p1" / "raw.json").write_text("damaged")
    code, told = run(site, raw)
    assert "1 files in its folder" in told["failed"]["p1"], "outlines are never replaced"
    assert (site / "p1" / "p1_seg.nii.gz").read_bytes() == b"outlines"


def test_dicom_in_any_nesting_is_named_by_its_headers(tmp_path: Path) -> None:
    values = np.random.default_rng(0).integers(0, 4000, (12, 10, 8)).astype(np.uint16)
    write_series(tmp_path / "s" / "a" / "b", values, "AX T2 TSE", RepetitionTime=4000, EchoTime=90)
    write_series(tmp_path / "s" / "c", values, "ep2d_diff ADC")
    write_series(tmp_path / "s" / "c", values[:, :, :3], "localizer")
    write_series(tmp_path / "s" / "d", values, "T2 MIP", ImageType=["DERIVED", "SECONDARY"])
    (tmp_path / "work").mkdir()
    study = read_study(tmp_path / "s", tmp_path / "work")
    found = {series.label: guess(series) for series in study.series.values()}
    assert found["AX T2 TSE"].sequence == "t2"
    assert found["AX T2 TSE"].is_accepted
    assert found["ep2d_diff ADC"].sequence is None
    assert found["T2 MIP"].sequence is None
    assert "3 slices" in study.notes[0]


def test_hostile_files_harm_neither_table_nor_screen(flair: Volume, tmp_path: Path) -> None:
    """Names with line ends, formulas, markup and bytes that are no text."""
    raw, site = tmp_path / "raw", tmp_path / "site"
    for name in ("-o [b]x[red]\n_t1ce.nii.gz", "=cmd()_flair.nii.gz", os.fsdecode(b"\xff_t2.nii.gz")):
        put(raw / "p1", name, flair)
    (raw / "p1" / "loop").symlink_to(raw / "p1")
    done = CliRunner().invoke(app, ["prepare", str(site), "--raw", str(raw), "--list"])
    assert done.exit_code == 0, done.output
    rows = read_rows(site)
    assert sorted(row.sequence for row in rows) == ["flair", "t1c", "t2"]
    assert not [cell for row in rows for cell in row.cells() if cell.startswith(("=", "-", "+", "@"))]


def test_dicom_that_would_be_taken_wrongly(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two echoes of one series, missing slices, burned-in text, another disk, another patient."""
    values = np.random.default_rng(0).integers(0, 4000, (12, 10, 8)).astype(np.uint16)

    def refuse(*_: object) -> None:
        raise OSError(18, "Invalid cross-device link")

    monkeypatch.setattr(os, "link", refuse)
    source, uid = tmp_path / "s", "1.2.3"
    for echo, te in ((1, 15), (2, 90)):
        tags = {"RepetitionTime": 3000, "EchoTime": te, "EchoNumbers": echo, "SeriesInstanceUID": uid}
        write_series(source / str(echo), values, "T2", SeriesDescription="T2 W/O CONTRAST", **tags)
    for path in write_series(source / "gap", values, "AX T1 gap")[3:5]:
        path.unlink()
    write_series(source / "text", values, "AX T1 text", BurnedInAnnotation="YES")
    (tmp_path / "w1").mkdir()
    study = read_study(source, tmp_path / "w1")
    found = {series.header.te_ms: guess(series) for series in study.series.values() if series.header is not None}
    assert (found[15].sequence, found[90].sequence) == (None, "t2")
    assert {series.label for series in study.series.values()} == {"T2 W|O CONTRAST"}
    assert len(study.notes) == 2
    assert "gaps" in " ".join(study.notes)
    assert "burned" in " ".join(study.notes)
    write_series(source / "new", values, "A first series", RepetitionTime=500, EchoTime=10)
    (tmp_path / "w2").mkdir()
    assert set(study.series) < set(read_study(source, tmp_path / "w2").series), "decisions stay with their series"
    write_series(source / "other", values, "AX T2", PatientID="another")
    (tmp_path / "w3").mkdir()
    with pytest.raises(DataError, match="2 patients"):
        read_study(source, tmp_path / "w3")


def test_names_that_are_no_pseudonyms_are_refused_before_any_work(tmp_path: Path) -> None:
    (tmp_path / "raw" / "Anna Muster").mkdir(parents=True)
    done = CliRunner().invoke(app, ["prepare", str(tmp_path / "site"), "--raw", str(tmp_path / "raw")])
    assert done.exit_code == 1
    assert "Anna" not in str(done.exception)
    assert "pseudonyms" in str(done.exception)
