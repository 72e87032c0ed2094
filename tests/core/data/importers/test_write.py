"""Site folders out of plans: whole cases or none, resumed after a kill, nobody else's folder, no link out of it."""

import fcntl
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest

from gmmas_core.data.importers import brats2021, brats_gli
from gmmas_core.data.importers.conventions import masks_for
from gmmas_core.data.importers.files import PLACES, copy, link, rewrite_mask
from gmmas_core.data.importers.found import Skipped
from gmmas_core.data.importers.ledger import FILE, Ledger, read_ledger
from gmmas_core.data.importers.plan import Plan, make_plan
from gmmas_core.data.importers.tree import case_folders
from gmmas_core.data.importers.write import Written, write_site
from gmmas_core.data.table import read_table
from gmmas_core.types import DataError

Draw = Callable[..., None]

KILLED = """
import os, sys
from pathlib import Path
from gmmas_core.data.importers import brats2021
from gmmas_core.data.importers.conventions import masks_for
from gmmas_core.data.importers.files import copy
from gmmas_core.data.importers.plan import make_plan
from gmmas_core.data.importers.write import write_site
source, out = map(Path, sys.argv[1:])
calls = []
def dying(file, target):
    calls.append(file)
    if len(calls) == 8:
        os._exit(9)
    copy(file, target)
plan = make_plan(brats2021.find(source, []), "brats2021", out)
write_site(plan, masks_for("brats2021", None), dying, [])
"""


@pytest.fixture
def source(brats: Draw, tmp_path: Path) -> Path:
    """Three BraTS 2021 cases."""
    for number in (1, 2, 3):
        brats(tmp_path / "source", f"BraTS2021_0000{number}")
    return tmp_path / "source"


def plan_of(source: Path, out: Path, **more: object) -> Plan:
    """A plan for BraTS 2021."""
    return make_plan(brats2021.find(source, []), "brats2021", out, **more)  # type: ignore[arg-type]


def put(source: Path, out: Path, place: str = "link") -> Written:
    """Import BraTS 2021."""
    return write_site(plan_of(source, out), masks_for("brats2021", None), PLACES[place], [])


def tree(folder: Path) -> dict[str, bytes]:
    """Every file of a folder with its content; the lock is no content."""
    files = (path for path in sorted(folder.rglob("*")) if path.is_file() and path.name != ".import.lock")
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in files}


def test_a_killed_import_is_resumed_and_a_finished_one_left_alone(source: Path, tmp_path: Path) -> None:
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    whole.mkdir()
    (whole / ".import.lock").touch()  # what a kill at the very start leaves
    assert put(source, whole, "copy").new == 3
    end = subprocess.run([sys.executable, "-c", KILLED, source, killed], check=False, capture_output=True, text=True)
    assert end.returncode == 9, end.stderr
    assert [path.name for path in killed.glob("BraTS*")] == ["BraTS2021_00001"]
    assert list(killed.glob(".importing-*"))
    ledger = read_ledger(killed)
    assert ledger is not None
    assert not ledger.is_finished
    assert put(source, killed, "copy").new == 2
    assert tree(killed) == tree(whole)
    before = tree(whole)
    assert put(source, whole).new == 0
    assert tree(whole) == before


def test_what_a_person_edited_stays(source: Path, tmp_path: Path, brats: Draw) -> None:
    out = tmp_path / "out"
    put(source, out)
    table = out / "participants.tsv"
    table.write_text(table.read_text().replace("n/a", "mutant", 3).replace("data_set", f"remark ({',' * 20})", 1))
    (out / "BraTS2021_00001" / "BraTS2021_00001_seg.nii.gz").unlink()
    brats(source, "BraTS2021_00004")
    edited = table.read_text().splitlines()
    summary = put(source, out).summary
    lines = table.read_text().splitlines()
    assert [line[: len(old)] for line, old in zip(lines, edited, strict=False)] == edited
    assert lines[-1].split("\t")[:2] == ["BraTS2021_00004"] * 2
    assert not (out / "BraTS2021_00001" / "BraTS2021_00001_seg.nii.gz").exists()
    assert "1 cases are here without their mask" in summary["statements"][-2]
    assert "1 rows of participants.tsv say something else" in summary["statements"][-1]
    assert not [problem for problem in read_table(table).problems if problem.is_error]


def test_links_copies_and_their_contents(source: Path, tmp_path: Path) -> None:
    put(source, tmp_path / "linked")
    put(source, tmp_path / "copied", "copy")
    name = "BraTS2021_00001/BraTS2021_00001_t1.nii.gz"
    assert os.path.samefile(source / name, tmp_path / "linked" / name)
    assert not os.path.samefile(source / name, tmp_path / "copied" / name)
    assert (source / name).read_bytes() == (tmp_path / "copied" / name).read_bytes()
    other = tmp_path / "symbolic"
    with pytest.MonkeyPatch.context() as patch:

        def refuse(*_: object) -> None:
            raise OSError(18, "Invalid cross-device link")

        patch.setattr(os, "link", refuse)
        link(source / name, other)
    assert other.is_symlink()
    assert other.read_bytes() == (source / name).read_bytes()
    with pytest.raises(FileExistsError):
        copy(source / name, other)


@pytest.mark.parametrize("place", ["link", "copy"])
def test_a_file_that_is_gone_costs_its_case_alone(source: Path, tmp_path: Path, place: str) -> None:
    plan = plan_of(source, tmp_path / "out")
    (source / "BraTS2021_00002" / "BraTS2021_00002_t2.nii.gz").unlink()
    written = write_site(plan, masks_for("brats2021", None), PLACES[place], [])
    assert (written.new, written.failed, written.summary["counts"]["cases"]) == (2, 1, 2)
    assert "BraTS2021_00002_t2.nii.gz" in written.summary["skipped"][0]["reason"]


def test_two_imports_at_once_are_one_too_many(source: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    put(source, out)
    plan = plan_of(source, out)
    with (out / ".import.lock").open() as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with pytest.raises(DataError, match="another import"):
            write_site(plan, masks_for("brats2021", None), link, [])


@pytest.mark.parametrize("trap", ["somebody's", "site.yaml", "a file", "dead link", "foreign ledger", "linked ledger"])
def test_nobody_elses_folder_is_written_into(source: Path, tmp_path: Path, trap: str) -> None:
    out, outside = tmp_path / "out", tmp_path / "outside"
    if trap == "a file":
        out.write_text("notes")
    elif trap == "dead link":
        out.symlink_to(outside)
    else:
        out.mkdir()
        content = {"somebody's": "thesis.txt", "site.yaml": "site.yaml"}.get(trap, FILE)
        (out / content).write_text("[1]")
        if trap == "linked ledger":
            Ledger().save(tmp_path)
            (tmp_path / FILE).rename(outside)
            (out / FILE).unlink()
            (out / FILE).symlink_to(outside)
    before = tree(out) if out.is_dir() else None
    with pytest.raises(DataError, match=r"OUT|import\.json"):
        plan_of(source, out)
    assert before is None or tree(out) == before


def test_a_link_in_the_folder_leads_nowhere(source: Path, tmp_path: Path, brats: Draw) -> None:
    out, outside = tmp_path / "out", tmp_path / "outside"
    put(source, out)
    outside.mkdir()
    brats(source, "BraTS2021_00004")
    brats(source, "BraTS2021_00005")
    (out / "BraTS2021_00004").symlink_to(outside)
    (out / "BraTS2021_00005").mkdir()
    plan = plan_of(source, out)
    reasons = {item.name: item.reason for item in plan.skipped}
    assert set(reasons) == {"BraTS2021_00004", "BraTS2021_00005"}
    assert "no import made" in reasons["BraTS2021_00005"]
    write_site(plan, masks_for("brats2021", None), link, [])
    assert list(outside.iterdir()) == []
    table = out / "participants.tsv"
    table.rename(outside / "table.tsv")
    table.symlink_to(outside / "table.tsv")
    before = (outside / "table.tsv").read_bytes()
    with pytest.raises(DataError, match="found a link"):
        put(source, out)
    assert (outside / "table.tsv").read_bytes() == before


def test_a_source_that_points_outside_or_has_odd_names(source: Path, tmp_path: Path, draw: Draw) -> None:
    secret = tmp_path / "secret.nii.gz"
    secret.write_bytes(b"x")
    (source / "BraTS2021_00001" / "BraTS2021_00001_t2.nii.gz").unlink()
    (source / "BraTS2021_00001" / "BraTS2021_00001_t2.nii.gz").symlink_to(secret)
    (source / "BraTS2021_00007").symlink_to(tmp_path)
    for odd in ("BraTS2021_00008\nBraTS2021_00009", "x" * 255, "BraTS2021_00010; rm -rf"):
        draw(source / odd, {"t1": "t1.nii.gz"})
    found = brats2021.find(source, [])
    assert [case.case_id for case in found.cases] == ["BraTS2021_00002", "BraTS2021_00003"]
    reasons = {item.name: item.reason for item in found.skipped}
    assert "outside of the source" in reasons["BraTS2021_00001"]
    assert "a link to a folder" in reasons["BraTS2021_00007"]
    assert len(reasons) == 5
    assert all(name.isprintable() and len(name) <= 44 + 2 for name in reasons)


def test_what_is_not_looked_into_is_a_reason(source: Path, brats: Draw) -> None:
    for number, collection in enumerate(("a", "b")):
        brats(source / collection, f"BraTS2021_0001{number}")
    left: list[Skipped] = []
    for folder, _ in case_folders(source, re.compile(r"BraTS2021_\d{5}"), 3, left):
        if folder.parent.name == "a":
            shutil.rmtree(source / "b")
    assert [item.name for item in left] == ["b"]
    assert "cannot be read" in left[0].reason
    brats(source / "a" / "b" / "c" / "d", "BraTS2021_00012")
    (source / "BraTS2021_00013_t1.nii.gz").touch()
    found = brats2021.find(source, [])
    assert {item.name: item.reason.split(" ")[0] for item in found.skipped} == {"SRC": "images", "c": "folders"}


def test_duplicates_in_the_folder_and_in_another(source: Path, tmp_path: Path) -> None:
    north, south = tmp_path / "north", tmp_path / "south"
    put(source, north)
    found = brats2021.find(source, [])
    plan = make_plan(found, "brats2021", south, also=[north])
    assert len(plan.take) == 0
    assert {(twin.case_id, twin.where) for twin in plan.duplicates} >= {("BraTS2021_00001", "north")}
    renamed = tuple(replace(case, case_id=case.case_id.replace("BraTS2021", "FeTS2022")) for case in found.cases)
    plan = make_plan(replace(found, cases=renamed), "fets2022", north)
    assert {twin.case_id: twin.same_as for twin in plan.duplicates}["FeTS2022_00002"] == "BraTS2021_00002"
    whole, found_here = put(source, south), replace(found, cases=found.cases[:1])
    late = write_site(make_plan(found_here, "brats2021", south, also=[north]), masks_for("brats2021", None), link, [])
    assert (whole.summary["counts"]["cases"], late.summary["counts"]["cases"], late.summary["duplicates"]) == (3, 1, [])
    assert "1 cases that were imported earlier are now known to be here twice" in late.summary["statements"][1]
    assert [twin["in"] for twin in late.summary["here_twice"]] == ["north"]
    other = tuple(replace(case, aliases=(case.case_id,), case_id=f"x{case.case_id}") for case in renamed)
    is_two = {"is_excluded": lambda patient, case: case == "FeTS2022_00002"}
    assert (
        make_plan(replace(found, cases=other), "fets2022", tmp_path / "new", **is_two).skipped[0].name.startswith("x")
    )
    (north / "participants.tsv").write_bytes("participant_id\n".encode("utf-16"))
    with pytest.raises(DataError, match="site north: found 1 problem"):  # else all its patients would come in again
        make_plan(found, "brats2021", tmp_path / "new", also=[north])
    withdrawn = make_plan(found, "brats2021", south, is_excluded=lambda patient, case: case == "BraTS2021_00002")
    assert [(item.name, item.reason) for item in withdrawn.skipped] == [("BraTS2021_00002", "withdrawn from this site")]


def test_after_surgery_the_cavity_is_background_and_kept_apart(source: Path, tmp_path: Path, draw: Draw) -> None:
    post = tmp_path / "post"
    for case, labels in (("00005-100", (1, 2, 3, 4)), ("00006-100", (4,)), ("00007-100", (5,))):
        name = f"BraTS-GLI-{case}"
        draw(post / name, {n: f"{name}-{n}.nii.gz" for n in ("t1n", "t1c", "t2w", "t2f")}, f"{name}-seg.nii.gz", labels)
    out = tmp_path / "out"
    found = brats_gli.find_after_treatment(post, [])
    plan = make_plan(found, "brats2024-post", out)
    assert "resection cavity (4) is written as background" in plan.statements[0]
    written = write_site(plan, masks_for("brats2024_post", None), link, [])
    seg = nib.load(out / "BraTS-GLI-00005-100" / "BraTS-GLI-00005-100_seg.nii.gz")
    original = nib.load(post / "BraTS-GLI-00005-100" / "BraTS-GLI-00005-100-seg.nii.gz")
    expected = np.where(np.asarray(original.dataobj) == 4, 0, np.asarray(original.dataobj))
    np.testing.assert_array_equal(np.asarray(seg.dataobj), expected)
    np.testing.assert_array_equal(seg.affine, original.affine)
    assert not list((out / "BraTS-GLI-00006-100").glob("*seg*"))  # an empty mask would say that nobody has a tumour
    assert (written.failed, written.summary["counts"]["masks"]) == (1, 1)
    assert "found the values 5" in written.summary["skipped"][-1]["reason"]
    with pytest.raises(DataError, match="post-treatment cases"):
        plan_of(source, out)


def test_masks_take_over_the_folders_own_values(source: Path, tmp_path: Path) -> None:
    mask = source / "BraTS2021_00001" / "BraTS2021_00001_seg.nii.gz"
    masks = masks_for("msd", "brats2021")
    assert masks.rewrite is not None
    rewrite_mask(source_mask(tmp_path, (1, 2, 3)), tmp_path / "new.nii.gz", masks.rewrite, masks.site)
    assert [int(nib.load(tmp_path / "new.nii.gz").dataobj[2 + place, 3, 3]) for place in range(3)] == [2, 1, 4]
    assert masks_for("brats2023", "canonical").rewrite is None  # the same values: a link will do
    with pytest.raises(DataError, match="found the values 4; expected only 0, 1, 2, 3"):
        rewrite_mask(mask, tmp_path / "no.nii.gz", masks.rewrite, masks.site)
    (tmp_path / "cut.nii.gz").write_bytes(mask.read_bytes()[:-20])
    with pytest.raises(DataError, match=r"no readable NIfTI|truncated"):
        rewrite_mask(tmp_path / "cut.nii.gz", tmp_path / "no.nii.gz", masks.rewrite, masks.site)
    with pytest.raises(DataError, match="--label-convention"):
        masks_for("", None)


def source_mask(folder: Path, labels: tuple[int, ...]) -> Path:
    """A float mask, as some tools write them."""
    seg = np.zeros((8, 8, 8), np.float32)
    for place, label in enumerate(labels):
        seg[2 + place, 3, 3] = label
    nib.save(nib.Nifti1Image(seg, np.eye(4)), folder / "mask.nii.gz")
    return folder / "mask.nii.gz"
