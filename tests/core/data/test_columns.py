"""Words of participants.tsv -> classes; what nobody knows never becomes class 0."""

import csv
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gmmas_core.data.columns import is_unknown, read_age, read_field_strength, read_label, read_split
from gmmas_core.types import UNKNOWN


@pytest.mark.parametrize(
    ("column", "text", "value"),
    [
        ("idh", "wildtype", 0),
        ("idh", "Wild-type", 0),
        ("idh", "WT", 0),
        ("idh", "0", 0),
        ("idh", "0.0", 0),
        ("idh", "mut", 1),
        ("idh", "Mutated (NOS)", 1),
        ("idh", "IDH1 p.R132H", 1),
        ("idh", "IDH2 p.Arg172Trp", 1),
        ("idh", "R132C", 1),
        ("idh", "IDH1 R132wt", None),  # no mutation, and no word of ours
        ("idh", "R132", None),
        ("idh", "NOS/NEC", UNKNOWN),
        ("idh", "maybe", None),
        ("codel_1p19q", "Co-deletion", 1),
        ("codel_1p19q", "1", 1),
        ("codel_1p19q", "non-codeleted", 0),
        ("codel_1p19q", "relative co-deletion", UNKNOWN),
        ("codel_1p19q", "wildtype", None),
        ("histology", "GBM", 1),
        ("histology", "lower_grade", 0),
        ("histology", "astrocytoma", None),
        ("who_cns_grade_histologic", "3", 0),
        ("who_cns_grade_histologic", "IV", 1),
        ("who_cns_grade_histologic", "1", None),
        ("mgmt", "Indeterminate", UNKNOWN),
        ("mgmt", "Methylated", 1),
        *(("idh", word, UNKNOWN) for word in ("", "n/a", "NA", "unknown", "-1", "Not Available", "  ", "?", "NaN")),
    ],
)
def test_words(column: str, text: str, value: int | None) -> None:
    assert read_label(column, text) == value


@given(st.text(max_size=12))
def test_no_text_is_a_class_by_accident(text: str) -> None:
    for column in ("idh", "codel_1p19q", "histology", "who_cns_grade_histologic", "mgmt"):
        assert read_label(column, text) in (0, 1, UNKNOWN, None)
        if is_unknown(text):
            assert read_label(column, text) == UNKNOWN


def test_ages_and_splits() -> None:
    assert [read_age(text) for text in ("61", "52,16", "045Y", ">89", "90+")] == [61, 52.16, 45, 89, 90]
    assert [read_age(text) for text in ("121", "-5", "old", "1e9")] == [None] * 4
    assert [read_split(text) for text in ("Test", "val", "n/a", "fold1")] == ["holdout", "validation", "", None]


@pytest.mark.realdata
@pytest.mark.parametrize(
    ("table", "title", "column", "known", "positive"),
    [
        ("UCSF-PDGM-metadata_v2.csv", "IDH", "idh", 501, 103),
        ("UCSF-PDGM-metadata_v2.csv", "1p/19q", "codel_1p19q", 404, 9),  # 6 relative co-deletions are not known
        ("UCSF-PDGM-metadata_v2.csv", "MGMT status", "mgmt", 416, 302),
        ("UPENN-GBM_clinical_info_v1.1.csv", "IDH1", "idh", 565, 19),
        ("UPENN-GBM_clinical_info_v1.1.csv", "MGMT", "mgmt", 291, 121),
        ("glioma_phenoData.csv", "CoDel1p19q", "codel_1p19q", 1672, 109),
        ("glioma_phenoData.csv", "Grade", "who_cns_grade_histologic", 1969, 1624),
    ],
)
def test_published_tables_are_read_to_the_last_cell(
    real_data: Path, table: str, title: str, column: str, known: int, positive: int
) -> None:
    with (real_data / "tables" / table).open(encoding="utf-8-sig", newline="") as file:
        values = [read_label(column, row[title]) for row in csv.DictReader(file)]
    assert None not in values
    assert (len(values) - values.count(UNKNOWN), values.count(1)) == (known, positive)


@pytest.mark.parametrize(
    ("text", "tesla"), [("1.5", 1.5), ("3T", 3.0), ("3,0 tesla", 3.0), ("0", None), ("3000", None)]
)
def test_field_strength_is_tesla_of_a_scanner_for_people(text: str, tesla: float | None) -> None:
    assert read_field_strength(text) == tesla
