"""The BraTS and FeTS trees as they are downloaded: folder levels, odd mask names, tables with BOM and CRLF, ids."""

from collections.abc import Callable
from pathlib import Path

import openpyxl
import pytest

from gmmas_core.data.importers import brats2020, brats2021, brats_gli, fets2022
from gmmas_core.types import SEQUENCES, DataError

Draw = Callable[..., None]

CROSSWALK = (
    "Data Collection (as on TCIA+additional)",
    "Site ID",
    "PatientID on TCIA Radiology Portal",
    "Study date (m/d/yyyy) per PatientID",
    "BraTS2021 ID",
    "Segmentation (Task 1) Cohort",
    "MGMT (Task 2) Cohort",
    "MGMT value",
)
ROWS = (
    ("UCSF-PDGM", 18.0, 116, None, "BraTS2021_00006", "Training", "Training", 1.0),
    ("UPENN-GBM", 1.0, "UPENN-GBM-00014_11", None, "BraTS2021_00009", "Training", None, None),
    ("TCGA-LGG", 12.0, "TCGA-CS-4942", None, "BraTS2021_01476", "Training", "Training", 0),
    ("UCSF-PDGM_Additional", 18.0, "new-not-previously-in-TCIA", None, "BraTS2021_00011", "Validation", None, "-1"),
    ("UPENN-GBM", 1.0, "UPENN-GBM-00014_11", None, "BraTS2021_00777", "Training", None, 0),
    ("UPENN-GBM", 1.0, "UPENN-GBM-00015_11", None, "BraTS2021_00777", "Training", None, 1),
    ("IvyGAP", 3.0, "W11", None, "../../etc/passwd\n", "Training", None, None),
)


@pytest.fixture
def crosswalk(tmp_path: Path) -> Path:
    """BraTS2021_MappingToTCIA.xlsx with a row per kind of trouble."""
    book = openpyxl.Workbook()
    sheet = book.worksheets[0]
    sheet.title = "TCIA"
    for row in (CROSSWALK, *ROWS):
        sheet.append(row)
    path = tmp_path / "BraTS2021_MappingToTCIA.xlsx"
    book.save(path)
    return path


def test_brats_2020_with_its_two_tables(brats: Draw, draw: Draw, tmp_path: Path) -> None:
    source = tmp_path / "MICCAI_BraTS2020_TrainingData"
    for case in ("BraTS20_Training_001", "BraTS20_Training_002", "BraTS20_Training_355", "BraTS20_Validation_001"):
        odd = case.endswith("355") or "Validation" in case
        brats(source, case, ending=".nii", mask="" if odd else "seg")
    draw(source / "BraTS20_Training_355", {}, "W39_1998.09.19_Segm.nii")
    header = "Grade,BraTS_2017_subject_ID,BraTS_2018_subject_ID,TCGA_TCIA_subject_ID,BraTS_2019_subject_ID,"
    lines = [
        header + "BraTS_2020_subject_ID",
        "HGG,Brats17_CBICA_AAB_1,Brats18_CBICA_AAB_1,NA,BraTS19_CBICA_AAB_1,BraTS20_Training_001",
        "LGG,Brats17_TCIA10_103_1,NA,TCGA-DU-6404,BraTS19_TCIA10_103_1,BraTS20_Training_002",
        "HGG,NA,NA,NA,NA,BraTS20_Training_003",
        "LGG,NA,NA,NA,NA,BraTS20_Training_355",
        "HGG,NA,NA,NA,NA,BraTS20_Training_355",
        "LGG,NA,NA,NA,BraTS19_CBICA_AAB_2,NA",
    ]
    (source / "name_mapping.csv").write_bytes("\ufeff".encode() + "\r\n".join(lines).encode())
    survival = ["Brats20ID,Age,Survival_days,Extent_of_Resection"]
    survival += ["BraTS20_Training_001,60.463,ALIVE (361 days later),GTR", "BraTS20_Training_002,6O,1,NA"]
    (source / "survival_info.csv").write_text("\n".join(survival))

    found = brats2020.find(source, [])
    first, second, odd, validation = found.cases
    assert [table.name for table in found.tables] == ["name_mapping.csv", "survival_info.csv"]
    assert (first.labels, first.group) == ({"age": "60.463"}, "CBICA")  # HGG is grade 3 or 4: no histology
    assert "stays unknown" in first.notes[0]
    assert second.labels == {"histology": "lower_grade", "age": "6O"}  # no age: named as not understood
    assert second.aliases == ("TCGA-DU-6404", "Brats17_TCIA10_103_1", "BraTS19_TCIA10_103_1")
    assert odd.mask is not None
    assert odd.mask.name == "W39_1998.09.19_Segm.nii"
    assert (odd.labels, odd.notes) == ({}, ("rows of one id differ in grade: left unknown",))
    assert (validation.mask, validation.labels) == (None, {})
    assert [item.name for item in found.skipped] == ["BraTS20_Training_003"]


def test_brats_2021_with_collections_and_crosswalk(brats: Draw, tmp_path: Path, crosswalk: Path) -> None:
    source = tmp_path / "BraTS2021_TrainingSet"
    for collection, case in (("UCSF-PDGM", "00006"), ("UPENN-GBM", "00009"), ("TCGA-LGG", "01476"), ("new", "00777")):
        brats(source / collection, f"BraTS2021_{case}")
    brats(source / "copy", "BraTS2021_00009")
    (source / "UCSF-PDGM" / "BraTS2021_00006" / "._BraTS2021_00006_t1.nii.gz").write_bytes(b"shadow")
    found = brats2021.find(source, [crosswalk])
    told = {case.case_id: (case.group, case.aliases, dict(case.labels)) for case in found.cases}
    assert told == {
        "BraTS2021_00006": ("UCSF-PDGM", ("UCSF-PDGM-0116",), {"mgmt": "methylated"}),
        "BraTS2021_00009": ("UPENN-GBM", ("UPENN-GBM-00014_11",), {}),
        "BraTS2021_01476": ("TCGA-LGG", ("TCGA-CS-4942",), {"mgmt": "unmethylated"}),
        "BraTS2021_00777": ("UPENN-GBM", (), {}),
    }
    contested = "rows of one id differ in mgmt_value, patientid_on_tcia_radiology_portal: left unknown"
    assert found.cases[-1].notes == (contested,)
    assert all(set(case.images) == set(SEQUENCES) and case.mask for case in found.cases)
    reasons = {item.name: item.reason for item in found.skipped}
    assert "two folders" in reasons["BraTS2021_00009"]
    assert reasons["BraTS2021_00011"] == "a row of the table without a folder of images here"
    assert r"'../../etc/passwd'" in reasons  # printed as text, never used as a path


def test_brats_2021_without_collections_or_mask(brats: Draw, tmp_path: Path) -> None:
    brats(tmp_path, "BraTS2021_00001", mask="")
    (case,) = brats2021.find(tmp_path, []).cases
    assert (case.mask, case.group, case.labels) == (None, "", {})
    table = tmp_path / "other.csv"
    table.write_text("a,b\n1,2\n")
    with pytest.raises(DataError, match="no header line with BraTS2021 ID"):
        brats2021.find(tmp_path, [table])
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError, match="no folder named BraTS2021_NNNNN"):
        brats2021.find(tmp_path / "empty", [])


def test_time_points_of_one_patient_and_what_surgery_changes(draw: Draw, tmp_path: Path) -> None:
    source = tmp_path / "ASNR-MICCAI-BraTS2023-GLI-Challenge-TrainingData"
    for case in ("BraTS-GLI-00020-000", "BraTS-GLI-00020-001", "BraTS-GLI-00021-100", "BraTS-MET-00110-000"):
        names = {name: f"{case}-{name}.nii.gz" for name in ("t1n", "t1c", "t2w", "t2f")}
        draw(source / case, names, f"{case}-seg.nii.gz", (1, 2, 3))
    before, after = brats_gli.find_before_treatment(source, []), brats_gli.find_after_treatment(source, [])
    assert [case.case_id for case in before.cases] == ["BraTS-GLI-00020-000", "BraTS-GLI-00020-001"]
    assert {case.patient_id for case in before.cases} == {"BraTS-GLI-00020"}
    assert [case.case_id for case in after.cases] == ["BraTS-GLI-00021-100"]
    assert {item.name: item.reason.split(":")[0] for item in before.skipped} == {
        "BraTS-GLI-00021-100": "after treatment (time point 100 or later)",
        "BraTS-MET-00110-000": "no adult glioma (BraTS-GLI)",
    }
    with pytest.raises(DataError, match="--table"):
        brats_gli.find_before_treatment(source, [tmp_path])


def test_fets_cases_by_institution(brats: Draw, tmp_path: Path) -> None:
    for case in ("FeTS2022_00001", "FeTS2022_00002", "FeTS2022_00003"):
        brats(tmp_path, case)
    table = tmp_path / "partitioning_1.csv"
    table.write_bytes(b"Partition_ID,Subject_ID\r\n1,FeTS2022_00001\r\n23,FeTS2022_00002\r\n2,FeTS2022_00009\r\n")
    found = fets2022.find(tmp_path, [table])
    assert {case.case_id: case.group for case in found.cases} == {
        "FeTS2022_00001": "institution_01",
        "FeTS2022_00002": "institution_23",
    }
    assert found.cases[0].aliases == ("BraTS2021_00001",)
    assert {item.name for item in found.skipped} == {"FeTS2022_00003", "FeTS2022_00009"}
    assert len(fets2022.find(tmp_path, []).cases) == 3  # the file in the tree is not taken unasked
    for content, message in ((b"1,a\n2,a\n", "two partitions"), (b"x,a\n", "without partition")):
        table.write_bytes(b"Partition_ID,Subject_ID\n" + content)
        with pytest.raises(DataError, match=message):
            fets2022.read_partition(table)


@pytest.mark.realdata
def test_fets_published_institutions(real_data: Path, tmp_path: Path) -> None:
    tables = [real_data / "tables" / f"fets2022_partitioning_{number}.csv" for number in (1, 2)]
    for subject in fets2022.read_partition(tables[0]):
        folder = tmp_path / subject
        folder.mkdir()
        (folder / f"{subject}_flair.nii.gz").touch()
    found = fets2022.find(tmp_path, tables[:1])
    groups = [case.group for case in found.cases]
    sizes = [groups.count(f"institution_{number:02d}") for number in range(1, 24)]
    # The published list, but for institution 12: it has 11 cases in the table itself, which sum up to 1,251.
    assert sizes == [511, 6, 15, 47, 22, 34, 12, 8, 4, 8, 14, 11, 35, 6, 13, 30, 9, 382, 4, 33, 35, 7, 5]
    assert (len(found.cases), found.skipped) == (1251, ())
    assert len(set(fets2022.read_partition(tables[1]).values())) == 33


@pytest.mark.realdata
def test_fets_numbers_are_brats_2021_numbers(real_data: Path) -> None:
    """UCSF's own table says which of its cases BraTS 2021 trains on: all of these lie in institution 18, no other."""
    from gmmas_core.data.importers.sheet import read_rows

    institution_of = fets2022.read_partition(real_data / "tables" / "fets2022_partitioning_1.csv")
    cohorts: dict[str, set[str]] = {"Training": set(), "Validation": set()}
    rows = read_rows(real_data / "tables" / "UCSF-PDGM-metadata_v2.csv", ("ID", "BraTS21 ID"))
    for row in rows:
        if row["brats21_id"]:
            fets_name = row["brats21_id"].replace("BraTS2021", "FeTS2022")
            cohorts[row["brats21_segmentation_cohort"]].add(institution_of.get(fets_name, "nowhere"))
    assert cohorts == {"Training": {"institution_18"}, "Validation": {"nowhere"}}
