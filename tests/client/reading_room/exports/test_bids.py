"""BIDS: legal names by the standard's own rules, the outline as it was read, no label that cannot be told."""

import csv
import io
import json
import zipfile
from collections.abc import Callable
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
import pytest

from client.exporting.bids import subject_label
from client.reading_room.exports.bids import bids_file
from client.reading_room.record import MASK, UNCERTAINTY, Record
from client.reading_room.room import Room
from gmmas_core.types import DISCLAIMER, DataError

ReadStudy = Callable[..., tuple[Room, str]]
RecordOf = Callable[[Room, str], Record]
IsLegal = Callable[[str], bool]


def files_of(record: Record, tmp_path: Path) -> dict[str, Path]:
    """The zip's files, unpacked: the name within the data set -> path."""
    with zipfile.ZipFile(io.BytesIO(bids_file(record))) as archive:
        archive.extractall(tmp_path / "bids")
        return {name: tmp_path / "bids" / name for name in archive.namelist()}


def one(files: dict[str, Path], ending: str) -> Path:
    [path] = [path for name, path in files.items() if name.endswith(ending)]
    return path


def values(path: Path) -> Any:
    image: Any = nib.load(path)
    return np.asarray(image.dataobj)


def test_names_are_legal_or_named_as_no_part_of_the_standard(
    read_study: ReadStudy, record_of: RecordOf, is_legal: IsLegal, tmp_path: Path
) -> None:
    files = files_of(record_of(*read_study()), tmp_path)
    ignored = files[".bidsignore"].read_text().split()
    legal = {name for name in files if is_legal(name)}
    assert {name for name in files if name != ".bidsignore"} == legal | {
        name for name in files if any(fnmatch(name, pattern) for pattern in ignored)
    }
    assert {name.rsplit("_")[-1] for name in legal if name.startswith("sub-")} == {
        "dseg.nii.gz",
        "dseg.json",
        "dseg.tsv",
    }
    assert not is_legal("sub-p-001/anat/sub-p-001_dseg.nii.gz"), "the check can fail"


def test_it_says_what_it_is(read_study: ReadStudy, record_of: RecordOf, tmp_path: Path) -> None:
    record = record_of(*read_study())
    files = files_of(record, tmp_path)
    told = json.loads(files["dataset_description.json"].read_text())
    assert (told["DatasetType"], told["GeneratedBy"][0]["Name"]) == ("derivative", "GMMAS-Fed")
    assert record.revision.model_id in told["GeneratedBy"][0]["Description"]
    assert told["Name"].startswith("RESEARCH")
    assert DISCLAIMER in files["README"].read_text()
    assert DISCLAIMER in json.loads(one(files, "dseg.json").read_text())["Description"]
    assert json.loads(one(files, "measures.json").read_text())["document"] == record.document
    assert "participants.tsv" not in files
    assert bids_file(record) == bids_file(record)


def test_the_outline_and_the_map_are_those_that_were_read(
    read_study: ReadStudy, record_of: RecordOf, tmp_path: Path
) -> None:
    record = record_of(*read_study())
    files = files_of(record, tmp_path)
    written: Any = nib.load(one(files, "dseg.nii.gz"))
    own: Any = nib.load(record.folder / MASK)
    assert np.array_equal(values(one(files, "dseg.nii.gz")), values(record.folder / MASK))
    assert np.array_equal(written.affine, own.affine)
    assert one(files, "entropy.nii.gz").read_bytes() == (record.folder / UNCERTAINTY).read_bytes()
    rows = list(csv.DictReader(one(files, "dseg.tsv").open(), delimiter="\t"))
    assert [(row["index"], row["abbreviation"], row["mapping"]) for row in rows] == [
        ("0", "BG", "0"),
        ("1", "NCR", "7"),
        ("2", "ED", "7"),
        ("3", "ET", "7"),
    ]


def test_labels_that_cannot_be_told_apart_become_one(
    read_study: ReadStudy, record_of: RecordOf, tmp_path: Path
) -> None:
    record = record_of(*read_study("t1c"))
    files = files_of(record, tmp_path)
    written, own = values(one(files, "dseg.nii.gz")), values(record.folder / MASK)
    assert np.array_equal(written == 2, own == 2)
    assert np.array_equal(written == 4, (own == 1) | (own == 3))
    assert set(np.unique(written)) <= {0, 2, 4}
    sidecar = json.loads(one(files, "dseg.json").read_text())
    assert sidecar["NotAssessable"]["enhancing tumour"] == record.document["not_assessable"]["et"]


def test_an_outer_border_that_cannot_be_told_is_not_drawn(
    read_study: ReadStudy, record_of: RecordOf, tmp_path: Path
) -> None:
    record = record_of(*read_study("t2", "flair"))
    written, own = values(one(files_of(record, tmp_path), "dseg.nii.gz")), values(record.folder / MASK)
    assert np.array_equal(written, np.where(own == 2, 0, own))


@pytest.mark.parametrize("pseudonym", ["p-001", "p.001", "p001", "P_001", "p0.01"])
def test_a_pseudonym_becomes_a_legal_label_of_its_own(pseudonym: str, is_legal: IsLegal) -> None:
    label = subject_label(pseudonym)
    assert is_legal(f"sub-{label}/anat/sub-{label}_dseg.nii.gz")
    others = {subject_label(each) for each in ("p-001", "p.001", "p001", "P_001", "p0.01") if each != pseudonym}
    assert label not in others


def test_a_changed_map_is_refused(read_study: ReadStudy, record_of: RecordOf) -> None:
    record = record_of(*read_study())
    (record.folder / UNCERTAINTY).write_bytes(b"other")
    with pytest.raises(DataError, match="missing or changed"):
        bids_file(record)
