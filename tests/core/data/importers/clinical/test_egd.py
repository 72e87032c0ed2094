"""EGD: labels from JSON, from workbooks or from both; -1 is unknown; the whole-lesion mask is left."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import openpyxl
import pytest

from gmmas_core.data.importers.egd import WHOLE_LESION, find
from gmmas_core.types import DataError

Plant = Callable[..., Path]
FILES = ["FLAIR.nii.gz", "T1.nii.gz", "T1GD.nii.gz", "T2.nii.gz", "MASK.nii.gz"]


def metadata(folder: Path, idh: Any, codel: Any, grade: Any, field: Any = 1.5) -> None:
    content = {
        "Genetic_and_Histological_labels": {"IDH": idh, "1p19q": codel, "Grade": grade},
        "Clinical_data": {"Age": 45, "Sex": "M"},
        "Segmentation_source": {"Observer": "A", "Original scan": "FLAIR"},
        "Scan_characteristics": {"Manufacturer": "GE", "System": "Discovery", "Field": field},
    }
    (folder / "metadata.json").write_text(json.dumps(content))


def workbook(path: Path, rows: list[list[Any]]) -> Path:
    book = openpyxl.Workbook()
    for row in rows:
        book.active.append(row)
    book.save(path)
    return path


def test_a_tree_as_the_downloader_writes_it(tmp_path: Path, plant: Plant) -> None:
    subjects = [plant(tmp_path / "egd" / "SUBJECTS" / f"EGD-{number:04d}", FILES) for number in range(1, 5)]
    plant(tmp_path / "egd" / "METADATA", ["Brain_mask.nii.gz", "Deface_mask.nii.gz"])
    metadata(subjects[0], 1, 0, 3)
    metadata(subjects[1], -1, -1, -1, -1.0)
    metadata(subjects[2], 0, 1, 4, "3T")
    (subjects[3] / "metadata.json").write_text("{")
    metadata(tmp_path, 1, 1, 2)
    (plant(tmp_path / "egd" / "SUBJECTS" / "EGD-0005", FILES) / "metadata.json").symlink_to(tmp_path / "metadata.json")
    found = find(tmp_path / "egd", [])
    first, second, third, fourth, linked = found.cases
    assert [case.case_id for case in found.cases] == [f"EGD-{number:04d}" for number in range(1, 6)]
    assert list(first.images) == ["t1", "t1c", "t2", "flair"]
    assert all(case.mask is None for case in found.cases)
    assert first.labels == {
        **{"idh": "mutant", "codel_1p19q": "intact", "who_cns_grade_histologic": "3"},
        **{"age": "45", "sex": "M", "field_strength_t": "1.5"},
    }
    assert second.labels == {"age": "45", "sex": "M"}
    assert "codel_1p19q" not in third.labels
    assert "IDH wildtype together with 1p/19q codeleted" in third.notes[0]
    assert fourth.labels == linked.labels == {}  # nothing is read through a link out of the tree
    assert fourth.notes == linked.notes == ("metadata.json cannot be read: its labels are unknown", WHOLE_LESION)
    assert first.notes == (WHOLE_LESION,)
    assert found.skipped == ()


def test_the_tree_of_xnat_with_workbooks(tmp_path: Path, plant: Plant) -> None:
    nested = [
        f"{place}_{name}/NIFTI/{name}.nii.gz" for place, name in enumerate(("T1", "T1GD", "T2", "FLAIR", "MASK"), 1)
    ]
    root = tmp_path / "xnat"
    plant(root / "MR_EGD-0001", nested)
    metadata(plant(root / "MR_EGD-0002", nested), 1, 0, 3)
    genetic = [
        ["Subject", "IDH", "1p19q", "Grade"],
        ["EGD-0001", 1, -1, 2],
        ["EGD-0002", 0, 0, 3],
        ["EGD-0774", 0, 0, 4],
    ]
    clinical = [["Subject", "Age", "Sex"], ["EGD-0001", 33.0, "F"], ["EGD-0002", 45, "M"]]
    tables = [workbook(tmp_path / "Genetic.xlsx", genetic), workbook(tmp_path / "Clinical_data.xlsx", clinical)]
    found = find(root, tables)
    first, second = found.cases
    assert first.images["t1c"] == root / "MR_EGD-0001" / "2_T1GD" / "NIFTI" / "T1GD.nii.gz"
    assert list(first.images) == ["t1", "t1c", "t2", "flair"]
    assert first.labels == {"idh": "mutant", "who_cns_grade_histologic": "2", "age": "33", "sex": "F"}
    assert second.labels == {
        **{"codel_1p19q": "intact", "who_cns_grade_histologic": "3", "age": "45", "sex": "M", "field_strength_t": "1.5"}
    }
    assert second.notes == ("idh: sources contradict each other; left unknown", WHOLE_LESION)
    assert [entry.name for entry in found.skipped] == ["EGD-0774"]
    with pytest.raises(DataError, match="no header line with Subject, IDH"):
        find(root, [workbook(tmp_path / "other.xlsx", [["Patient", "IDH"], ["EGD-0001", 1]])])
