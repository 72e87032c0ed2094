"""UCSF-PDGM: ids of two lengths and two versions, partial codeletion, integrated grades; and the table as released."""

import csv
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from gmmas_core.data.importers.clinical import NO_ROW
from gmmas_core.data.importers.found import Found
from gmmas_core.data.importers.grades import INTEGRATED_4
from gmmas_core.data.importers.sheet import read_rows
from gmmas_core.data.importers.ucsf_pdgm import exam_id, find
from gmmas_core.types import DataError

Plant = Callable[..., Path]

HEADER = [
    *(
        "ID",
        "Sex",
        "Age at MRI",
        "WHO CNS Grade",
        "Final pathologic diagnosis (WHO 2021)",
    ),
    *(
        "MGMT status",
        "MGMT index",
        "1p/19q",
        "IDH",
        "1-dead 0-alive",
        "OS",
        "EOR",
    ),
    *(
        "Biopsy prior to imaging",
        "BraTS21 ID",
        "BraTS21 Segmentation Cohort",
        "BraTS21 MGMT Cohort",
    ),
]
GBM, ASTRO = "Glioblastoma, IDH-wildtype", "Astrocytoma, IDH-mutant"
OLIGO = "Oligodendroglioma, IDH-mutant, 1p/19q-codeleted"
SUFFIXES = ("T1", "T1_bias", "T1c", "T1c_bias", "T2", "FLAIR", "ADC", "brain_segmentation", "tumor_segmentation")


def row(ident: str, grade: str, diagnosis: str, codel: str, idh: str, brats: str = "") -> list[str]:
    told = [ident, "F", "61", grade, diagnosis, "indeterminate", "unknown", codel, idh]
    return [*told, "1", "300", "GTR", "No", brats, "", ""]


def files(case: str, *more: str) -> list[str]:
    return [f"{case}_nifti/{case}_{suffix}.nii.gz" for suffix in (*SUFFIXES, *more)]


def reasons(found: Found) -> dict[str, str]:
    return {entry.name: entry.reason for entry in found.skipped}


def test_a_tree_of_v5(tmp_path: Path, plant: Plant, write_table: Plant) -> None:
    root = tmp_path / "UCSF-PDGM-v5"
    names = ["UCSF-PDGM-0004", "UCSF-PDGM-0391", "UCSF-PDGM-0391_FU016d", "UCSF-PDGM-0066", "UCSF-PDGM-0541"]
    plant(root, [name for case in names for name in files(case)])
    plant(root, files("UCSF-PDGM-0067", "T1gad"))  # as v3 has them
    table = write_table(
        "UCSF-PDGM-metadata_v5.csv",
        [
            HEADER,
            row("UCSF-PDGM-004", "4", GBM, "unknown", "wildtype", "BraTS2021_00097"),
            row("UCSF-PDGM-391", "4", GBM, "intact", "wildtype"),
            row("UCSF-PDGM-0391_FU016d", "4", GBM, "intact", "wildtype"),
            row("UCSF-PDGM-066", "3", OLIGO, "relative co-deletion", "IDH1 p.R132H"),
            row("UCSF-PDGM-067", "4", ASTRO, "", "IDH2 p.Arg172Trp"),
            row("UCSF-PDGM-100", "2", OLIGO, "Co-deletion", "mutated (NOS)"),
        ],
    )
    found = find(root, [table])
    by_id = {case.case_id: case for case in found.cases}
    assert set(by_id) == {*names, "UCSF-PDGM-0067"}
    assert by_id["UCSF-PDGM-0391_FU016d"].patient_id == by_id["UCSF-PDGM-0391"].patient_id == "UCSF-PDGM-0391"
    first = by_id["UCSF-PDGM-0004"]
    assert first.aliases == ("BraTS2021_00097",)
    assert {name: path.name for name, path in first.images.items()} == {
        "t1": "UCSF-PDGM-0004_T1.nii.gz",
        "t1c": "UCSF-PDGM-0004_T1c.nii.gz",
        "t2": "UCSF-PDGM-0004_T2.nii.gz",
        "flair": "UCSF-PDGM-0004_FLAIR.nii.gz",
    }
    assert first.mask == root / "UCSF-PDGM-0004_nifti" / "UCSF-PDGM-0004_tumor_segmentation.nii.gz"
    published = {"published_grade": "4", "published_diagnosis": GBM}
    assert first.labels == {"idh": "wildtype", "age": "61", "sex": "F", **published}
    assert by_id["UCSF-PDGM-0066"].labels == {
        **{"idh": "mutant", "age": "61", "sex": "F", "who_cns_grade_histologic": "3"},
        **{"published_grade": "3", "published_diagnosis": OLIGO},
    }
    assert by_id["UCSF-PDGM-0067"].images["t1c"].name == "UCSF-PDGM-0067_T1c.nii.gz"
    assert "who_cns_grade_histologic" not in by_id["UCSF-PDGM-0067"].labels
    bare = by_id["UCSF-PDGM-0541"]
    assert (bare.labels, bare.notes) == ({}, (NO_ROW,))
    assert first.notes == (INTEGRATED_4,)
    assert reasons(found) == {"UCSF-PDGM-0100": "a row of the table without a folder of images here"}


def test_a_second_exam_is_its_patients_in_every_version(tmp_path: Path, plant: Plant, write_table: Plant) -> None:
    assert exam_id("UCSF-PDGM-315") == exam_id("UCSF-PDGM-0315_nifti") == exam_id("UCSF-PDGM-0433_FU007d")
    assert exam_id("UPENN-GBM-00001_11") is None
    plant(tmp_path / "v2", [*files("UCSF-PDGM-0315"), *files("UCSF-PDGM-0433")])
    table = write_table("UCSF-PDGM-metadata_v2.csv", [HEADER, row("UCSF-PDGM-315", "4", GBM, "intact", "wildtype")])
    follow_up, first = find(tmp_path / "v2", [table]).cases
    assert (follow_up.case_id, follow_up.patient_id) == ("UCSF-PDGM-0433_FU007d", "UCSF-PDGM-0433")
    assert follow_up.labels["idh"] == "wildtype"
    assert first.case_id == first.patient_id == "UCSF-PDGM-0433"


def test_what_does_not_fit_is_said(tmp_path: Path, plant: Plant, write_table: Plant) -> None:
    root = tmp_path / "u"
    plant(root / "v3", files("UCSF-PDGM-0004"))
    plant(root / "v5", files("UCSF-PDGM-0004"))
    plant(root / "v5" / "UCSF-PDGM-0005_nifti", ["UCSF-PDGM-0005_ADC.nii.gz"])
    rows = [
        row("UCSF-PDGM-004", "4", GBM, "co-deletion", "wildtype"),
        row("UCSF-PDGM-004", "4", GBM, "co-deletion", "mutated (NOS)"),
        row("TCGA-02-0006", "4", GBM, "", "wildtype"),
    ]
    found = find(root, [write_table("t.csv", [HEADER, *rows])])
    (case,) = found.cases
    assert case.labels["codel_1p19q"] == "codeleted"
    assert "idh" not in case.labels
    assert case.notes == ("rows of one id differ in idh: left unknown", INTEGRATED_4)
    said = reasons(found)
    assert "two folders" in said["UCSF-PDGM-0004_nifti"]
    assert "found no known sequence" in said["UCSF-PDGM-0005_nifti"]
    assert said["TCGA-02-0006"] == "a row of the table whose id is none of this data set"
    conflict = find(root, [write_table("c.csv", [HEADER, rows[0]])]).cases[0]
    assert "codel_1p19q" not in conflict.labels
    assert "IDH wildtype together with 1p/19q codeleted" in conflict.notes[0]
    with pytest.raises(DataError, match="no header line with ID, IDH"):
        find(root, [write_table("x.csv", [["ID", "Age"], ["UCSF-PDGM-004", "3"]])])
    with pytest.raises(DataError, match="no folder named UCSF-PDGM-NNNN_nifti"):
        find(tmp_path / "tables", [])
    assert find(root, []).cases[0].labels == {}


@pytest.mark.realdata
def test_the_released_table(tmp_path: Path, real_data: Path, plant: Plant) -> None:
    """Published: 501 exams of 495 patients, 103 mutant, 398 wildtype, grades 56, 43, 402; 298 in BraTS 2021."""
    table = real_data / "tables" / "UCSF-PDGM-metadata_v2.csv"
    numbers = [int(row["id"][-3:]) for row in read_rows(table, ["ID"])]
    plant(tmp_path, [f"UCSF-PDGM-{n:04d}_nifti/UCSF-PDGM-{n:04d}_T1.nii.gz" for n in numbers])
    found = find(tmp_path, [table])
    cases = {case.case_id: case for case in found.cases}
    assert (len(cases), len({case.patient_id for case in cases.values()})) == (501, 495)

    def count(column: str) -> Counter[str]:
        return Counter(case.labels.get(column, "") for case in cases.values())

    assert count("idh") == {"wildtype": 398, "mutant": 103}
    assert count("codel_1p19q") == {"intact": 395, "codeleted": 9, "": 97}
    assert count("mgmt") == {"methylated": 302, "unmethylated": 114, "": 85}
    assert count("published_grade") == {"2": 56, "3": 43, "4": 402}
    assert count("who_cns_grade_histologic") == {"2": 56, "3": 43, "": 402}
    assert count("sex") == {"M": 299, "F": 202}
    assert sum(any(alias.startswith("BraTS2021_") for alias in case.aliases) for case in cases.values()) == 298
    assert found.skipped == ()
    assert Counter(note for case in cases.values() for note in case.notes) == {INTEGRATED_4: 402}
    # The six second exams: same person, same diagnosis, same label in everything.
    for name in [name for name in cases if "_FU" in name]:
        assert cases[name].labels == cases[name.split("_")[0]].labels
    with (real_data / "tables" / "glioma_phenoData.csv").open(encoding="utf-8-sig", newline="") as file:
        other = {line["Patient"].upper(): line["IDH"] for line in csv.DictReader(file)}
    shared = [case for case in cases.values() if case.case_id in other]
    assert len(shared) == 495
    assert all(other[case.case_id] == {"wildtype": "0", "mutant": "1"}[case.labels["idh"]] for case in shared)
