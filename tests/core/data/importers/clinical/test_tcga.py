"""TCGA-GBM and TCGA-LGG: Ceccarelli's workbook and its exports, corrected masks, and what the collection tells."""

import csv
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path

import openpyxl
import pytest

from gmmas_core.data.importers.sheet import read_rows
from gmmas_core.data.importers.tcga import SHEET, find
from gmmas_core.types import DataError

Plant = Callable[..., Path]

HEADER = [
    *(
        "Case",
        "Study",
        "Histology",
        "Grade",
        "Age (years at diagnosis)",
        "Gender",
        "IDH status",
    ),
    *(
        "1p/19q codeletion",
        "IDH/codel subtype",
        "MGMT promoter status",
        "ATRX status",
    ),
]
GBM = "Glioblastoma multiforme"
LGG = "Brain Lower Grade Glioma"
ROWS: Sequence[Sequence[object]] = [
    ["TCGA-02-0006", GBM, "glioblastoma", "G4", 56.0, "female", "WT", "non-codel", "IDHwt", "Unmethylated", "WT"],
    ["TCGA-CS-4941", LGG, "astrocytoma", "G3", 67.0, "male", "WT", "non-codel", "IDHwt", "Methylated", "WT"],
    [
        "TCGA-CS-5396",
        LGG,
        "oligodendroglioma",
        "G3",
        53.0,
        "female",
        "Mutant",
        "codel",
        "IDHmut-codel",
        "Methylated",
        "WT",
    ],
    ["TCGA-HT-7468", LGG, "oligodendroglioma", "NA", "NA", "NA", "NA", "NA", "NA", "NA", None],
    ["TCGA-ZZ-0001", GBM, "glioblastoma", "G4", 50.0, "male", "WT", "non-codel", "IDHwt", "NA", "WT"],
]


def workbook(path: Path) -> Path:
    """mmc2.xlsx as Cell published it: a line of title above the header, and a second sheet of the same form."""
    book = openpyxl.Workbook()
    other = book.active
    other.title = "S1B. Validation dataset"
    other.append(["Table S1B"])
    other.append(HEADER)
    other.append([*ROWS[0][:6], "Mutant", *ROWS[0][7:]])
    sheet = book.create_sheet(SHEET)
    sheet.append(["Table S1. Clinical and molecular features of the TCGA discovery dataset"])
    sheet.append(HEADER)
    for row in ROWS:
        sheet.append(row)
    book.save(path)
    return path


@pytest.fixture
def tree(tmp_path: Path, plant: Plant) -> Path:
    """Both collections as TCIA names them; one mask is not corrected, one patient has no date in its files' names."""
    for kind, names in {"GBM": ["TCGA-02-0006"], "LGG": ["TCGA-CS-4941", "TCGA-CS-5396", "TCGA-HT-7468"]}.items():
        for name in names:
            folder = tmp_path / "tree" / f"Pre-operative_TCGA_{kind}_NIfTI_and_Segmentations" / name
            stem = name if name == "TCGA-HT-7468" else f"{name}_1996.08.23"
            endings = ["flair", "t1", "t1Gd", "t2", "GlistrBoost"]
            endings += ["GlistrBoost_ManuallyCorrected"] if name != "TCGA-CS-4941" else []
            plant(folder, [f"{stem}_{ending}.nii.gz" for ending in endings])
    return tmp_path / "tree"


def test_the_workbook(tree: Path, tmp_path: Path) -> None:
    found = find(tree, [workbook(tmp_path / "mmc2.xlsx")])
    gbm, astro, oligo, bare = found.cases
    assert [gbm.case_id, bare.case_id] == ["TCGA-02-0006_1996.08.23", "TCGA-HT-7468"]
    assert [(case.patient_id, case.group) for case in (gbm, oligo)] == [
        ("TCGA-02-0006", "TCGA-GBM"),
        ("TCGA-CS-5396", "TCGA-LGG"),
    ]
    assert gbm.mask is not None
    assert gbm.mask.name == "TCGA-02-0006_1996.08.23_GlistrBoost_ManuallyCorrected.nii.gz"
    assert astro.mask is not None
    assert astro.mask.name == "TCGA-CS-4941_1996.08.23_GlistrBoost.nii.gz"
    assert gbm.images["t1c"].name == "TCGA-02-0006_1996.08.23_t1Gd.nii.gz"
    assert gbm.labels == {
        **{"idh": "wildtype", "codel_1p19q": "intact", "who_cns_grade_histologic": "4", "mgmt": "unmethylated"},
        **{"age": "56", "sex": "F", "published_diagnosis": "glioblastoma"},
    }
    # IDH wildtype, grade 3 on the slide: glioblastoma by WHO 2021, lower grade by histology.
    assert (astro.labels["idh"], astro.labels["who_cns_grade_histologic"]) == ("wildtype", "3")
    assert (oligo.labels["idh"], oligo.labels["codel_1p19q"]) == ("mutant", "codeleted")
    assert bare.labels == {"histology": "lower_grade", "published_diagnosis": "oligodendroglioma"}
    assert [entry.name for entry in found.skipped] == ["TCGA-ZZ-0001"]


def test_an_export_with_several_samples_of_a_patient(tree: Path, write_table: Plant) -> None:
    header = [
        "",
        "barcode",
        "patient",
        "paper_Grade",
        "paper_IDH.status",
        "paper_X1p.19q.codeletion",
        "paper_Gender",
        "IDH",
    ]
    rows = [
        ["1", "TCGA-02-0006-01A-11R", "TCGA-02-0006", "G4", "WT", "non-codel", "female", ""],
        ["2", "TCGA-02-0006-02A-11R", "TCGA-02-0006", "G4", "Mutant", "NA", "female", ""],
        ["3", "TCGA-CS-4941-01A-01R", "TCGA-CS-4941", "G3", "WT", "non-codel", "male", "1"],
    ]
    found = find(tree, [write_table("tcga.csv", [header, *rows])])
    first, second, *others = found.cases
    assert first.labels == {"codel_1p19q": "intact", "who_cns_grade_histologic": "4", "sex": "F"}
    assert second.labels["idh"] == "mutant / wildtype"  # two columns of one row: no word of ours, so n/a and named
    assert all(case.notes == ("no row in the table: labels unknown",) for case in others)
    assert first.notes == ("rows of one id differ in paper_idh.status: left unknown",)


def test_a_table_of_derived_classes_is_refused(tree: Path, write_table: Plant) -> None:
    rows = [
        ["Dataset", "Patient", "IDH", "CoDel1p19q", "Grade", "WHO2021"],
        ["tcga", "tcga-cs-4941", "0", "0", "4", "GB"],
    ]
    with pytest.raises(DataError, match="found a column of WHO 2021 classes"):
        find(tree, [write_table("pheno.csv", rows)])


def test_without_a_table_the_collection_tells_the_histology(tree: Path) -> None:
    found = find(tree, [])
    assert [dict(case.labels) for case in found.cases] == [{"histology": "glioblastoma"}] + [
        {"histology": "lower_grade"}
    ] * 3
    with pytest.raises(DataError, match="no folder named TCGA-XX-XXXX"):
        find(tree / "Pre-operative_TCGA_GBM_NIfTI_and_Segmentations" / "TCGA-02-0006", [])


@pytest.mark.realdata
def test_the_labels_of_prognosais(tmp_path: Path, real_data: Path, plant: Plant) -> None:
    table = real_data / "tables" / "prognosais_included_patient_labels.csv"
    rows = [row for row in read_rows(table, ["Patient"]) if row["patient"].startswith("TCGA-")]
    for row in rows:
        plant(tmp_path / row["data_collection"] / row["patient"], [f"{row['patient']}_1990.01.01_t1.nii.gz"])
    found = find(tmp_path, [table])
    labels = {case.patient_id: case.labels for case in found.cases}
    assert len(labels) == len(rows) == 240
    assert Counter(told.get("idh", "") for told in labels.values()) == {"wildtype": 129, "mutant": 88, "": 23}
    grades = Counter(told.get("who_cns_grade_histologic", "") for told in labels.values())
    assert grades == {"2": 47, "3": 59, "4": 132, "": 2}
    assert labels["TCGA-EZ-7265"] == {"histology": "lower_grade"}  # in the folders TCGA-EZ-7265A
    assert sum("whose id is none of this data set" in entry.reason for entry in found.skipped) == 387
    assert [entry.name for entry in found.skipped[:3]] == ["mgmt", "age", "sex"]  # no such columns in this table
    # The derived table calls every IDH wildtype tumour grade 4; this one keeps what the slide showed.
    with (real_data / "tables" / "glioma_phenoData.csv").open(encoding="utf-8-sig", newline="") as file:
        derived = {row["Patient"].upper(): row for row in csv.DictReader(file) if row["Dataset"] == "tcga"}
    upgraded = [
        patient
        for patient, told in labels.items()
        if told.get("who_cns_grade_histologic") in ("2", "3") and derived.get(patient, {}).get("Grade") == "4"
    ]
    assert "TCGA-CS-6188" in upgraded
    assert all(derived[patient]["IDH"] == "0" for patient in upgraded)
    # Published tables do not even agree on what was measured.
    words = {"wildtype": "0", "mutant": "1"}
    known = {patient: words[told["idh"]] for patient, told in labels.items() if "idh" in told and patient in derived}
    differing = {patient for patient, idh in known.items() if derived[patient]["IDH"] not in ("", idh)}
    assert differing == {"TCGA-08-0350", "TCGA-DU-6399"}
    with pytest.raises(DataError, match="WHO 2021 classes"):
        find(tmp_path, [real_data / "tables" / "glioma_phenoData.csv"])


@pytest.mark.realdata
def test_a_real_patient(real_data: Path) -> None:
    (case,) = find(real_data / "tcga", [real_data / "tables" / "prognosais_included_patient_labels.csv"]).cases
    assert (case.case_id, case.patient_id) == ("TCGA-FG-6692", "TCGA-FG-6692")
    assert list(case.images) == ["t1", "t1c", "t2", "flair"]
    assert case.mask == real_data / "tcga" / "TCGA-FG-6692" / "TCGA-FG-6692_seg_automatic.nii.gz"
    assert case.labels == {"idh": "wildtype", "codel_1p19q": "intact", "who_cns_grade_histologic": "3"}
