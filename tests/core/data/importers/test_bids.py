"""BIDS: sessions are cases of one participant, ce-* is contrast, masks may be derivatives, words of the table."""

from collections.abc import Callable
from pathlib import Path

import pytest

from gmmas_core.data.importers import bids
from gmmas_core.types import DataError

Draw = Callable[..., None]


@pytest.fixture
def source(draw: Draw, tmp_path: Path) -> Path:
    """A subject with two sessions, one without, one without images, and derivatives."""
    for session in ("pre", "post"):
        name = f"sub-01_ses-{session}"
        images = {"t1c": f"{name}_ce-gadolinium_T1w.nii.gz", "t1": f"{name}_T1w.nii.gz", "t2": f"{name}_T2w.nii.gz"}
        draw(tmp_path / "sub-01" / f"ses-{session}" / "anat", images | {"flair": f"{name}_FLAIR.nii.gz"})
    draw(tmp_path / "sub-02" / "anat", {"t2": "sub-02_T2w.nii.gz"}, "sub-02_space-orig_dseg.nii.gz")
    (tmp_path / "sub-03" / "func").mkdir(parents=True)
    for pipeline in ("a", "b"):
        place = tmp_path / "derivatives" / pipeline / "sub-01" / "ses-post" / "anat"
        draw(place, {}, "sub-01_ses-post_desc-tumor_dseg.nii.gz")
    draw(tmp_path / "derivatives" / "a" / "sub-01" / "ses-pre" / "anat", {}, "sub-01_ses-pre_desc-tumor_dseg.nii.gz")
    rows = ("participant_id age sex idh who_grade", "sub-01 44 F n/a 4", "02 >89 male R132H 2", "sub-09 1 M 0 2")
    table = "".join(row.replace(" ", "\t") + "\r\n" for row in rows)
    (tmp_path / "participants.tsv").write_bytes(b"\xef\xbb\xbf" + table.encode())
    return tmp_path


def test_sessions_masks_and_words(source: Path) -> None:
    found = bids.find(source, [])
    cases = {case.case_id: case for case in found.cases}
    assert {name: case.patient_id for name, case in cases.items()} == {
        "sub-01_ses-post": "sub-01",
        "sub-01_ses-pre": "sub-01",
        "sub-02": "sub-02",
    }
    pre, post, second = cases["sub-01_ses-pre"], cases["sub-01_ses-post"], cases["sub-02"]
    assert pre.images["t1c"].name == "sub-01_ses-pre_ce-gadolinium_T1w.nii.gz"
    assert pre.images["t1"].name == "sub-01_ses-pre_T1w.nii.gz"
    assert pre.mask is not None
    assert pre.mask.parts[-5] == "a"
    assert post.mask is None
    assert "2 pipelines" in post.notes[0]
    assert second.mask is not None
    assert second.labels == {"age": ">89", "sex": "male", "idh": "R132H"}
    reasons = {item.name: item.reason for item in found.skipped}
    assert reasons["sub-03"] == "no anat folder"
    assert "without a folder" in reasons["sub-09"]
    assert "who_grade" in reasons["participants.tsv"]  # which grade that is, nobody can tell


def test_what_a_table_or_a_pipeline_says_twice_or_not_at_all(source: Path, draw: Draw) -> None:
    with (source / "participants.tsv").open("a") as table:
        table.write("sub-02\t>89\tM\tWT\t2\r\n")
    pipelines = source / "derivatives"
    (pipelines / "a" / "sub-01" / "ses-post").rename(source / "sourcedata")
    (pipelines / "b").rename(pipelines / "tumor")
    tissue = pipelines / "fmriprep" / "sub-01" / "ses-pre" / "anat"
    draw(tissue, {}, "sub-01_ses-pre_dseg.nii.gz", (1, 2, 3))  # grey, white, CSF: the values of a canonical mask
    cases = {case.case_id: case for case in bids.find(source, []).cases}
    assert cases["sub-02"].labels == {"age": ">89"}
    assert cases["sub-02"].notes[0] == "sex: sources contradict each other; left unknown"
    pre, post = cases["sub-01_ses-pre"], cases["sub-01_ses-post"]
    assert pre.mask is not None
    assert pre.mask.parts[-5] == "a"
    assert "fmriprep is not used: nothing says that it marks a tumour" in pre.notes[0]
    assert post.mask is not None
    post.mask.with_name("sub-01_ses-post_desc-tumor_dseg.json").write_text('{"Manual": false}')
    (post,) = (case for case in bids.find(source, []).cases if case.case_id == "sub-01_ses-post")
    assert post.mask is None
    assert "a program drew it" in post.notes[0]
    (tissue / "sub-01_ses-pre_dseg.tsv").write_text("index\tname\n1\ttumour core\n")
    pre = next(case for case in bids.find(source, []).cases if case.case_id == "sub-01_ses-pre")
    assert (pre.mask, "2 pipelines" in pre.notes[0]) == (None, True)


def test_two_runs_are_not_chosen_between(source: Path, draw: Draw) -> None:
    draw(source / "sub-02" / "anat", {"t2": "sub-02_run-2_T2w.nii.gz"})
    found = bids.find(source, [])
    assert "sub-02" not in {case.case_id for case in found.cases}
    assert "found 2 files for t2" in {item.name: item.reason for item in found.skipped}["sub-02"]


def test_no_images_are_passed_over_in_silence(source: Path, draw: Draw) -> None:
    draw(source / "sub-01" / "anat", {"t2": "sub-01_T2w.nii.gz"})
    draw(source / "sub-1_b" / "anat", {"t2": "sub-1_b_T2w.nii.gz"})
    found = bids.find(source, [])
    assert [case.case_id for case in found.cases if case.patient_id == "sub-01"][-1] == "sub-01"
    assert "sub-1_b" in {item.name for item in found.skipped}


def test_a_table_that_cannot_be_read_is_an_error(source: Path) -> None:
    (source / "participants.tsv").write_bytes(b"\xff\xfep\0")
    with pytest.raises(DataError, match=r"participants\.tsv"):
        bids.find(source, [])
