"""UTSW-Glioma: three masks of unequal worth, two registrations, a table with CRLF."""

from collections.abc import Callable
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest

from gmmas_core.data.importers.grades import INTEGRATED_4
from gmmas_core.data.importers.utsw_glioma import find

Plant = Callable[..., Path]
REGISTERED, MANUAL, AUTOMATIC = "rtumorseg_manual_correction", "tumorseg_manual_correction", "tumorseg_FeTS"
HEADER = (
    "Subject ID,Age at Imaging,Sex at birth,Tumor Type,Tumor Grade,IDH,1p19Q CODEL,MGMT,Operation Status,"
    "Scanner Strength"
)


def save(path: Path, values: list[int], origin_mm: float = 0.0) -> None:
    """A 4x4x4 image whose first voxels hold these values."""
    data = np.zeros(64, dtype=np.uint8)
    data[: len(values)] = values
    affine = np.diag([-1.0, -1.0, 1.0, 1.0])
    affine[0, 3] = origin_mm
    path.parent.mkdir(parents=True, exist_ok=True)
    nib.save(nib.Nifti1Image(data.reshape(4, 4, 4), affine), path)


def make_case(folder: Path, *, flair: str = "flair", **masks: tuple[list[int], float]) -> Path:
    for name in ("t1", "t1ce", "t2", flair):
        save(folder / f"brain_{name}.nii.gz", [1, 2])
    for name, (values, origin) in masks.items():
        save(folder / f"{name}.nii.gz", values, origin)
    return folder


@pytest.mark.parametrize(
    ("masks", "chosen", "reasons"),
    [
        ({REGISTERED: ([1, 2, 4], 0), MANUAL: ([1, 2, 4], 0), AUTOMATIC: ([2], 0)}, REGISTERED, []),
        ({MANUAL: ([1, 2, 4], 0), AUTOMATIC: ([2], 0)}, MANUAL, []),
        ({MANUAL: ([1, 2, 4], 7), AUTOMATIC: ([2], 0)}, AUTOMATIC, ["another grid"]),
        ({REGISTERED: ([1, 3], 0), AUTOMATIC: ([1, 2], 0)}, AUTOMATIC, ["other values than 0, 1, 2 and 4"]),
        ({REGISTERED: ([1, 3, 5], 0)}, None, ["other values than 0, 1, 2 and 4"]),
        ({AUTOMATIC: ([0], 0)}, None, ["it is empty"]),
        ({}, None, []),
    ],
)
def test_the_best_mask_that_can_be_used(
    tmp_path: Path, masks: dict[str, tuple[list[int], float]], chosen: str | None, reasons: list[str]
) -> None:
    folder = make_case(tmp_path / "UTSW-Glioma" / "BT0926", **masks)
    (case,) = find(tmp_path, []).cases
    assert case.mask == (folder / f"{chosen}.nii.gz" if chosen else None)
    assert len(case.notes) == len(reasons)
    assert all(reason in note for reason, note in zip(reasons, case.notes))


def test_one_registration_is_taken_as_a_whole(tmp_path: Path) -> None:
    both = make_case(tmp_path / "BT0001", flair="fl")
    for name in ("t1", "t1ce", "t2", "fl"):
        save(both / f"brain_{name}_ants.nii.gz", [1])
    torn = make_case(tmp_path / "BT0002")
    (torn / "brain_t2.nii.gz").unlink()
    for name in ("t1", "t1ce", "t2", "fl"):
        save(torn / f"brain_{name}_ants.nii.gz", [1])
    first, second = find(tmp_path, []).cases
    assert [path.name for path in first.images.values()] == [f"brain_{n}.nii.gz" for n in ("t1", "t1ce", "t2", "fl")]
    assert [path.name for path in second.images.values()] == [
        f"brain_{n}_ants.nii.gz" for n in ("t1", "t1ce", "t2", "fl")
    ]


def test_the_table(tmp_path: Path, write_table: Plant) -> None:
    for number in (1, 2, 3):
        make_case(tmp_path / "tree" / f"BT{number:04d}")
    make_case(tmp_path / "tree" / "BT0004").joinpath("brain_t1.nii.gz").write_bytes(b"")
    rows = [
        "BT0001,61,Male,Glioblastoma,4,wild type,NA,Methylated,Preop,3",
        "BT0002,33,Female,Oligodendroglioma,3,mutated,co-deleted,NA,Preop,Not Reported",
        "BT0003,40,Female,Astrocytoma,NA,mutated,perhaps,NA,Recurrent,1.5",
        "BT0625,40,Female,Astrocytoma,2,NA,NA,NA,Preop,1.5",
    ]
    table = write_table("UTSW_Glioma_Metadata-2-1.tsv", [line.split(",") for line in (HEADER, *rows)])
    found = find(tmp_path / "tree", [table])
    first, second, third, fourth = found.cases
    assert first.labels == {
        **{"idh": "wildtype", "mgmt": "methylated", "age": "61", "sex": "M", "field_strength_t": "3"},
        **{"published_grade": "4", "published_diagnosis": "Glioblastoma"},
    }
    assert second.labels == {
        **{"idh": "mutant", "codel_1p19q": "codeleted", "who_cns_grade_histologic": "3", "age": "33", "sex": "F"},
        **{"published_grade": "3", "published_diagnosis": "Oligodendroglioma"},
    }
    assert third.notes == ("operation status 'Recurrent': the network is meant for scans before surgery",)
    assert third.labels["codel_1p19q"] == "perhaps"  # written as n/a and named in the summary
    assert first.notes == (INTEGRATED_4,)
    assert fourth.notes == ("no row in the table: labels unknown",)
    assert [entry.name for entry in found.skipped] == ["BT0625"]
