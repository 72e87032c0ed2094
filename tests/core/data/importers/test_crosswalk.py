"""The same patient under other names: spellings, ties through tables, and what stays unknown."""

from pathlib import Path

import pytest

from gmmas_core.data.importers.crosswalk import (
    Crosswalk,
    Held,
    find_duplicates,
    one_patient_each,
    patient_key,
    read_crosswalk,
    untied,
)
from gmmas_core.data.importers.found import FoundCase
from gmmas_core.data.importers.sheet import read_rows
from gmmas_core.types import DataError


def case(name: str, *aliases: str, patient: str = "") -> FoundCase:
    """A found case without files."""
    return FoundCase(case_id=name, patient_id=patient or name, images={}, mask=None, labels={}, aliases=aliases)


def held(name: str, *ids: str, data_set: str = "") -> Held:
    """A case that a folder holds."""
    return Held(where="north", case_id=name, patient_id=name, data_set=data_set, ids=ids)


@pytest.mark.parametrize(
    ("spellings", "key"),
    [
        (("UCSF-PDGM-004", "UCSF-PDGM-0004", "ucsf-pdgm-0004_FU007d_nifti"), ("UCSF-PDGM", "0004")),
        (("UPENN-GBM-00014_11", "UPENN-GBM-00014_21", "UPENN-GBM-00014"), ("UPENN-GBM", "00014")),
        (("TCGA-CS-4942", "tcga-cs-4942-01A-01R", "TCGA-CS-4942_1997.02.22"), ("TCGA", "TCGA-CS-4942")),
        (("BraTS2021_00006", "FeTS2022_00006"), ("BraTS 2021", "00006")),
        (("BraTS-GLI-00020-000", "BraTS-GLI-00020-101"), ("BraTS-GLI", "00020")),
        (("BRATS_001",), ("MSD", "0001")),
        (("sub-01", "1", "", "NA", "BraTS2021_6", "TCGA-CS"), None),
    ],
)
def test_spellings_of_one_patient(spellings: tuple[str, ...], key: tuple[str, str] | None) -> None:
    assert {patient_key(spelling) for spelling in spellings} == {key}


def test_a_tie_over_two_tables_finds_the_patient() -> None:
    crosswalk = Crosswalk()
    crosswalk.tie(["BraTS2021_00097", "UCSF-PDGM-0004", "NA", "sub-01"])
    crosswalk.tie(["BraTS20_Training_001", "TCGA-02-0006"])
    crosswalk.tie(["TCGA-02-0006-01A", "BraTS2021_00097"])
    there = [held("FeTS2022_00097"), held("sub-01")]
    twins = find_duplicates([case("UCSF-PDGM-0004"), case("BraTS20_Training_001"), case("sub-01")], there, crosswalk)
    assert {name: twin.case_id for name, twin in twins.items()} == {
        "UCSF-PDGM-0004": "FeTS2022_00097",
        "BraTS20_Training_001": "FeTS2022_00097",
    }  # and the first patient of two hospitals is not one person


def test_one_patient_twice_in_one_data_set_shares_a_split() -> None:
    cases = [case("BraTS2021_00001", "TCGA-02-0006"), case("BraTS2021_00002"), case("BraTS2021_00003", "TCGA-02-0006")]
    united = one_patient_each(cases, Crosswalk())
    assert [one.patient_id for one in united] == ["BraTS2021_00001", "BraTS2021_00002", "BraTS2021_00001"]
    assert "BraTS2021_00003" in united[2].aliases
    assert "is the patient BraTS2021_00001" in united[2].notes[0]


def test_patients_known_to_be_in_brats_2021_twice_share_a_split_without_any_table() -> None:
    cases = [case(f"BraTS2021_{number}") for number in ("00557", "00626", "00639", "00758")]
    united = one_patient_each(cases, read_crosswalk([]))
    assert [one.patient_id[-5:] for one in united] == ["00557", "00626", "00557", "00626"]
    fets = one_patient_each([case("FeTS2022_00758"), case("FeTS2022_00626")], read_crosswalk([]))
    assert {one.patient_id for one in fets} == {"FeTS2022_00758"}
    # BraTS' crosswalk writes 278, the id that an exam of patient 431 had until UCSF-PDGM v2.
    old = [case("BraTS2021_00499", "UCSF-PDGM-0278")]
    assert find_duplicates(old, [held("UCSF-PDGM-0431")], read_crosswalk([])).keys() == {"BraTS2021_00499"}


@pytest.mark.realdata
def test_the_released_table_says_who_is_there_twice(real_data: Path) -> None:
    rows = read_rows(real_data / "tables" / "UCSF-PDGM-metadata_v2.csv", ["ID", "BraTS21 ID"])
    of_exam = {row["id"][-3:]: row for row in rows}
    for one, other in (("138", "429"), ("433", "315")):
        first, second = of_exam[one], of_exam[other]
        differ = {title for title in first if first[title] != second[title]}
        assert differ == {"id", "brats21_id"}, "two exams of one patient"
        tied = read_crosswalk([]).groups([first["brats21_id"], second["brats21_id"]])
        assert len(tied) == 1


def test_what_no_table_ties_is_unknown_and_not_none() -> None:
    there = [held("BraTS2021_00001"), held("EGD-0001")]
    (told,) = untied([case("BRATS_001")], there, Crosswalk())
    assert told.startswith("MSD and BraTS 2021 share patients and no table given says which")
    crosswalk = Crosswalk()
    crosswalk.tie(["BraTS2021_00001", "UCSF-PDGM-0004"])
    assert untied([case("UCSF-PDGM-0009")], there, crosswalk) == []  # the table lists other patients, so it is complete
    assert len(untied([case("UPENN-GBM-00001_11")], there, crosswalk)) == 1


def test_tables_that_tie(tmp_path: Path) -> None:
    table = tmp_path / "crosswalk.csv"
    header = "Data Collection (as on TCIA+additional),PatientID on TCIA Radiology Portal,BraTS2021 ID\r\n"
    table.write_bytes(
        b"\xef\xbb\xbf" + header.encode() + b"UCSF-PDGM,116,BraTS2021_00006\r\nCollection 4,7,BraTS2021_1\r\n"
    )
    crosswalk = read_crosswalk([table])
    assert crosswalk.groups(["UCSF-PDGM-0116"]) == crosswalk.groups(["BraTS2021_00006"])
    (tmp_path / "other.csv").write_text("a,b\n")
    with pytest.raises(DataError, match="no header line"):
        read_crosswalk([tmp_path / "other.csv"])


@pytest.mark.realdata
def test_the_real_name_mapping_ties_brats_to_tcga(real_data: Path) -> None:
    crosswalk = read_crosswalk([real_data / "tables" / "brats19_name_mapping.csv"])
    assert crosswalk.groups(["TCGA-CS-4942"]) == crosswalk.groups(["BraTS19_TCIA09_451_1"])
    tied = [space for space in crosswalk.spaces().values() if "TCGA" in space and "BraTS 2017-2019" in space]
    assert len(tied) == 167  # rows with a TCGA id
