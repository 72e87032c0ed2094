"""UPENN-GBM: two times apart, masks from two folders, scans with skull left; and the table as released."""

from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from gmmas_core.data.importers.sheet import read_rows
from gmmas_core.data.importers.upenn_gbm import find_after_treatment, find_before_treatment
from gmmas_core.types import DataError

Plant = Callable[..., Path]

HEADER = [
    *(
        "ID",
        "Gender",
        "Age_at_scan_years",
        "Survival_from_surgery_days_UPDATED",
        "Survival_Status",
    ),
    *(
        "IDH1",
        "MGMT",
        "KPS",
    ),
]
ROWS = [
    ["UPENN-GBM-00001_11", "F", "52.16", "Not Available", "Alive", "Wildtype", "Not Available", "90"],
    ["UPENN-GBM-00001_21", "F", "53.01", "Not Available", "Alive", "NOS/NEC", "Indeterminate", "90"],
    ["UPENN-GBM-00002_11", "M", "90+", "300", "Deceased", "Mutated", "Methylated", "Not Available"],
    ["UPENN-GBM-00260_11", "M", "41.2", "300", "Deceased", "NOS/NEC", "Unmethylated", "Not Available"],
    ["UPENN-GBM-00600_11", "M", "41.2", "300", "Deceased", "NOS/NEC", "Unmethylated", "Not Available"],
]


def scan(folder: str, name: str, ending: str = "") -> list[str]:
    return [f"{folder}/{name}/{name}_{sequence}{ending}.nii.gz" for sequence in ("T1", "T1GD", "T2", "FLAIR")]


def test_a_tree(tmp_path: Path, plant: Plant, write_table: Plant) -> None:
    names = [row[0] for row in ROWS]
    root = plant(
        tmp_path / "UPENN-GBM" / "NIfTI-files",
        [
            *(file for name in names[:4] for file in scan("images_structural", name)),
            *(file for name in names for file in scan("images_structural_unstripped", name, "_unstripped")),
            *(f"automated_segm/{name}_automated_approx_segm.nii.gz" for name in names if name.endswith("_11")),
            "images_segm/UPENN-GBM-00002_11_segm.nii.gz",
            "images_structural/UPENN-GBM-00260_11/old/UPENN-GBM-00260_11_T1.nii.gz",
        ],
    )
    table = write_table("UPENN-GBM_clinical_info_v2.1.csv", [HEADER, *ROWS])
    found = find_before_treatment(tmp_path, [table])
    first, second, third = found.cases
    assert [case.case_id for case in found.cases] == ["UPENN-GBM-00001_11", "UPENN-GBM-00002_11", "UPENN-GBM-00260_11"]
    assert first.patient_id == "UPENN-GBM-00001"
    assert first.images["t1c"] == root / "images_structural/UPENN-GBM-00001_11/UPENN-GBM-00001_11_T1GD.nii.gz"
    assert first.mask == root / "automated_segm/UPENN-GBM-00001_11_automated_approx_segm.nii.gz"
    assert second.mask == root / "images_segm/UPENN-GBM-00002_11_segm.nii.gz"
    assert first.labels == {"histology": "glioblastoma", "idh": "wildtype", "age": "52.16", "sex": "F"}
    assert second.labels == {
        "histology": "glioblastoma",
        "idh": "mutant",
        "mgmt": "methylated",
        "age": "90+",
        "sex": "M",
    }
    assert "idh" not in third.labels
    said = Counter(entry.reason for entry in found.skipped)
    assert said["a scan after treatment: import it with --from upenn-gbm-post"] == 1
    assert [number for reason, number in said.items() if "with skull" in reason] == [5]
    after = find_after_treatment(root, [table])
    (case,) = after.cases
    assert (case.case_id, case.patient_id, case.mask) == ("UPENN-GBM-00001_21", "UPENN-GBM-00001", None)
    assert case.labels == {"histology": "glioblastoma", "age": "53.01", "sex": "F"}


def test_masks_beside_the_source_are_asked_for(tmp_path: Path, plant: Plant) -> None:
    plant(tmp_path, [*scan("images_structural", "UPENN-GBM-00001_11"), "images_segm/UPENN-GBM-00001_11_segm.nii.gz"])
    (case,) = find_before_treatment(tmp_path / "images_structural", []).cases
    assert case.mask is None
    assert "give the folder above" in case.notes[0]
    assert find_before_treatment(tmp_path, []).cases[0].mask is not None


def test_scans_with_skull_alone_are_refused(tmp_path: Path, plant: Plant) -> None:
    plant(tmp_path, scan("images_structural_unstripped", "UPENN-GBM-00001_11", "_unstripped"))
    (tmp_path / "empty").mkdir()
    found = find_before_treatment(tmp_path, [])
    assert found.cases == ()
    assert "with skull" in found.skipped[0].reason
    with pytest.raises(DataError, match="no folder images_structural/UPENN-GBM-NNNNN_11"):
        find_before_treatment(tmp_path / "empty", [])


@pytest.mark.realdata
def test_the_released_table(tmp_path: Path, real_data: Path, plant: Plant) -> None:
    """Published: 671 scans of 630 patients, IDH 546 wildtype, 19 mutated, 106 NOS; 611 scans before surgery."""
    table = real_data / "tables" / "UPENN-GBM_clinical_info_v1.1.csv"
    names = [row["id"] for row in read_rows(table, ["ID"])]
    plant(tmp_path, [f"images_structural/{name}/{name}_T1.nii.gz" for name in names])
    before, after = find_before_treatment(tmp_path, [table]), find_after_treatment(tmp_path, [table])
    cases = [*before.cases, *after.cases]
    assert (len(before.cases), len(after.cases), len({case.patient_id for case in cases})) == (611, 60, 630)
    assert Counter(case.labels.get("idh", "") for case in cases) == {"wildtype": 546, "mutant": 19, "": 106}
    assert Counter(case.labels.get("mgmt", "") for case in cases) == {"methylated": 121, "unmethylated": 170, "": 380}
    assert all("codel_1p19q" not in case.labels and not case.notes for case in cases)
    assert (len(before.skipped), len(after.skipped)) == (60, 611)
