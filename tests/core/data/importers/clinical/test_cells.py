"""Cells of any clinical table -> words of participants.tsv; no spelling of unknown ever becomes a class."""

import csv
import itertools
import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gmmas_core.data.columns import LABEL_COLUMNS, LEGAL, read_label
from gmmas_core.data.importers import egd, tcga, ucsf_pdgm, upenn_gbm, utsw_glioma
from gmmas_core.data.importers.cells import CLASS_WORDS, agree, coherent, word
from gmmas_core.data.importers.participants import row_of
from gmmas_core.types import UNKNOWN

UNKNOWNS = (
    *(
        "",
        "unknown",
        "Unknown",
        "UNK",
        "NA",
        "N/A",
        "n/a",
        "NaN",
        "None",
        "null",
        "nd",
        "-1",
        "-1.0",
        "-",
        "--",
        "?",
        ".",
    ),
    *("Not Available", "Not Applicable", "Not Reported", "not tested", "not determined", "NOS/NEC", "NOS", "NEC"),
    *("indeterminate", "Indeterminate", "equivocal", "inconclusive", "missing", "pending"),
)
UNDECIDED = ("relative co-deletion", "Relative Co-deletion", "partial deletion")
HEADERS = {
    "ucsf": ("ID", "UCSF-PDGM-004", "IDH", "1p/19q", "MGMT status", "WHO CNS Grade", "Age at MRI", "Sex"),
    "upenn": ("ID", "UPENN-GBM-00001_11", "IDH1", "MGMT", "Age_at_scan_years", "Gender"),
    "tcga": ("Case", "TCGA-02-0006", "IDH status", "1p/19q codeletion", "Grade", "MGMT promoter status", "Gender"),
    "egd": ("Subject", "EGD-0001", "IDH", "1p19q", "Grade", "Age", "Sex", "Field"),
    "utsw": ("Subject ID", "BT0001", "IDH", "1p19Q CODEL", "MGMT", "Tumor Grade", "Sex at birth", "Scanner Strength"),
}
TREES = {
    "ucsf": (ucsf_pdgm.find, "UCSF-PDGM-0004_nifti/UCSF-PDGM-0004_T1.nii.gz"),
    "upenn": (upenn_gbm.find_before_treatment, "images_structural/UPENN-GBM-00001_11/UPENN-GBM-00001_11_T1.nii.gz"),
    "tcga": (tcga.find, "TCGA-02-0006/TCGA-02-0006_1996.08.23_t1.nii.gz"),
    "egd": (egd.find, "SUBJECTS/EGD-0001/T1.nii.gz"),
    "utsw": (utsw_glioma.find, "BT0001/brain_t1.nii.gz"),
}


def spelled(words: tuple[str, ...]) -> st.SearchStrategy[str]:
    """A word in any case, with blanks around and doubled inside."""
    change = st.sampled_from([str, str.upper, str.lower, str.title, str.swapcase])
    blanks = st.sampled_from(["", " ", "  ", "\t", "\u00a0"])
    return st.builds(
        lambda word, f, before, after: before + f(word).replace(" ", "  ") + after,
        st.sampled_from(words),
        change,
        blanks,
        blanks,
    )


@given(st.sampled_from(sorted(LEGAL)), spelled(UNKNOWNS))
def test_unknown_is_no_label_in_any_column(column: str, text: str) -> None:
    assert word(column, text) is None


@given(spelled(UNDECIDED))
def test_a_partial_loss_is_neither_codeleted_nor_intact(text: str) -> None:
    assert word("codel_1p19q", text) is None


@settings(max_examples=25)
@given(st.sampled_from(sorted(HEADERS)), st.lists(spelled((*UNKNOWNS, *UNDECIDED)), min_size=7, max_size=7))
def test_a_row_of_unknowns_labels_nothing_whatever_the_data_set(name: str, texts: list[str]) -> None:
    key, ident, *titles = HEADERS[name]
    find, image = TREES[name]
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "tree" / image).parent.mkdir(parents=True)
        (Path(folder) / "tree" / image).touch()
        table = Path(folder) / "table.csv"
        with table.open("w", encoding="utf-8", newline="") as file:
            csv.writer(file).writerows([[key, *titles], [ident, *texts[: len(titles)]]])
        (case,) = find(Path(folder) / "tree", [table]).cases
    row = row_of(case, name, "")
    # What the collection itself says of all its patients stays.
    known = {column: row[column] for column in LEGAL if row[column] != "n/a"}
    assert known == ({"histology": "glioblastoma"} if name == "upenn" else {})


@given(st.sampled_from(sorted(LABEL_COLUMNS)), st.text(max_size=12))
def test_a_word_keeps_its_class_and_any_other_text_stays_as_it_is(column: str, text: str) -> None:
    value, told = read_label(column, text), word(column, text)
    if value is None:
        assert told == text
    elif value == UNKNOWN:
        assert told is None
    else:
        assert told is not None
        assert read_label(column, told) == value


@pytest.mark.parametrize(
    ("column", "text", "told"),
    [
        ("idh", "IDH2 p.Arg172Trp", "mutant"),
        ("idh", "mutated (NOS)", "mutant"),
        ("idh", "wild type", "wildtype"),
        ("codel_1p19q", "Co-deletion", "codeleted"),
        ("codel_1p19q", "0", "intact"),
        ("who_cns_grade_histologic", "G3", "3"),
        ("who_cns_grade_histologic", "II", "2"),
        ("who_cns_grade_histologic", "III", "3"),
        ("who_cns_grade_histologic", "4.0", "4"),
        ("age", "90+", "90+"),
        ("age", "52.16", "52.16"),
        ("sex", "female", "F"),
        ("field_strength_t", "3T", "3"),
        ("idh", "perhaps", "perhaps"),
        ("field_strength_t", "3000", "3000"),
    ],
)
def test_words(column: str, text: str, told: str) -> None:
    assert word(column, text) == told


def test_sources_that_contradict_each_other_leave_a_label_unknown_in_any_order() -> None:
    told = [{"idh": "mutant"}, {"idh": "wildtype", "mgmt": "methylated"}, {"idh": "mutant"}]
    for order in itertools.permutations(told):
        notes: list[str] = []
        assert agree(order, notes) == {"mgmt": "methylated"}
        assert notes == ["idh: sources contradict each other; left unknown"]


def test_wildtype_with_codeletion_loses_the_codeletion_and_is_noted() -> None:
    notes: list[str] = []
    labels = {"idh": "wildtype", "codel_1p19q": "codeleted", "mgmt": "methylated"}
    assert coherent(labels, notes) == {"idh": "wildtype", "mgmt": "methylated"}
    assert "check both results with pathology" in notes[0]
    assert coherent({"codel_1p19q": "codeleted"}, notes) == {"codel_1p19q": "codeleted"}
    assert len(notes) == 1


def test_words_written_are_words_read() -> None:
    for column, words in CLASS_WORDS.items():
        assert [read_label(column, word) for word in words] == [0, 1]
