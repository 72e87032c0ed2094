"""The vocabulary of participants.tsv: which columns, which words for which value, which words mean unknown.

A word that is not listed is refused rather than guessed: blank and `unknown` must never become class 0.
"""

import re
from collections.abc import Callable, Mapping

from gmmas_core.data.splits import SPLITS
from gmmas_core.types import UNKNOWN, Task

LABEL_COLUMNS: Mapping[str, Task] = {
    "histology": Task.HISTOLOGY,
    "who_cns_grade_histologic": Task.HISTOLOGY,
    "idh": Task.IDH,
    "codel_1p19q": Task.CODEL,
    "mgmt": Task.MGMT,
}
COLUMNS = ("participant_id", "case_id", "folder", *LABEL_COLUMNS, "split", "age", "sex", "field_strength_t")

_HEADERS: Mapping[str, tuple[str, ...]] = {
    "participant_id": ("participant", "patient_id", "subject_id"),
    "idh": ("idh1", "idh_status", "idh_mutation_status", "idh_mutated", "idh_mutation"),
    "codel_1p19q": (
        "1p19q",
        "1p_19q",
        "codel",
        "codel1p19q",
        "1p19q_codel",
        "1p19q_codeleted",
        "1p_19q_codeletion",
        "1p19q_codeletion",
    ),
    "mgmt": ("mgmt_status", "mgmt_promoter_status", "mgmt_methylation"),
    "age": ("age_at_mri", "age_at_imaging", "age_at_scan_years", "age_years"),
    "sex": ("gender", "sex_at_birth"),
    "field_strength_t": (
        "field_strength",
        "magnetic_field_strength",
        "magneticfieldstrength",
        "scanner_field_strength",
    ),
}
COLUMN_OF_HEADER: Mapping[str, str] = {
    **{column: column for column in COLUMNS},
    **{alias: column for column, aliases in _HEADERS.items() for alias in aliases},
}
_INTEGRATED = "who_cns_grade_histologic, the grade of the histology alone (WHO 2021 grades count molecular findings)"
MISLEADING_HEADERS: Mapping[str, str] = dict.fromkeys(
    ("grade", "who_grade", "who_cns_grade", "tumor_grade", "tumour_grade"), _INTEGRATED
)

_UNKNOWN_WORDS = frozenset(
    {
        *("", "n/a", "na", "nan", "none", "null", "nd", "unk", "unknown", "missing", "tbd", "pending"),
        *("not available", "not applicable", "not determined", "not done", "not tested", "not assessed"),
        *("not reported", "nos", "nec", "nos/nec", "nec/nos", "indeterminate", "inconclusive", "equivocal"),
        *("-1", "-1.0", "-", "--", ".", "?"),
    }
)

_VALUES: Mapping[str, tuple[str, ...]] = {
    "histology": (
        "0|lower grade|lowergrade|lgg|low grade|low grade glioma|lower grade glioma",
        "1|glioblastoma|gbm|glioblastoma multiforme",
    ),
    "who_cns_grade_histologic": ("2|3|ii|iii|g2|g3|grade 2|grade 3|grade ii|grade iii", "4|iv|g4|grade 4|grade iv"),
    "idh": (
        "0|wildtype|wild type|wt|idh wildtype|idh wild type|idh wt|idhwt|negative",
        "1|mutant|mutated|mut|mutation|idh mutant|idh mutated|idh mut|idhmut|mutated (nos)|positive"
        "|idh1 mutant|idh2 mutant|idh1 mutated|idh2 mutated",
    ),
    "codel_1p19q": (
        "0|intact|non codeleted|noncodeleted|not codeleted|non codel|noncodel|no codeletion|negative",
        "1|codeleted|co deleted|codel|codeletion|co deletion|1p/19q codeleted|1p19q codeleted|positive",
    ),
    "mgmt": ("0|unmethylated|non methylated|not methylated|negative", "1|methylated|positive"),
}
_CLASS_OF_WORD: Mapping[str, Mapping[str, int]] = {
    column: {word: value for value, words in enumerate(classes) for word in words.split("|")}
    for column, classes in _VALUES.items()
}
# A partial loss of 1p or 19q is not the codeletion that defines oligodendroglioma, nor is it intact.
_UNDECIDED: Mapping[str, frozenset[str]] = {
    "codel_1p19q": frozenset(
        {"relative co deletion", "relative codeletion", "partial", "partial codeletion", "partial deletion"}
    )
}
# A change needs the amino acid it leads to: "R132" alone may name the assay, and "R132wt" is no mutation.
_AMINO_ACIDS = "ala|asn|asp|cys|gln|glu|gly|his|ile|leu|lys|met|phe|pro|ser|thr|trp|tyr|val|[acdefghiklmnpqstvwy]"
_IDH_MUTATION = re.compile(rf"(idh ?[12])?[ :]*(p ?\.)? ?(r|arg)(132|172|140|100)({_AMINO_ACIDS})")

_SPLIT_WORDS: Mapping[str, str] = {
    **{split: split for split in SPLITS},
    **dict.fromkeys(("training",), "train"),
    **dict.fromkeys(("val", "valid", "dev"), "validation"),
    **dict.fromkeys(("test", "testing", "hold-out"), "holdout"),
}
_SEX_WORDS: Mapping[str, str] = {"f": "F", "female": "F", "m": "M", "male": "M", "o": "O", "other": "O"}
_TESLA = re.compile(r"(\d{1,2}(?:[.,]\d+)?) ?(t|tesla)?", re.IGNORECASE)
_AGE = re.compile(r"(\d{1,3}(?:[.,]\d+)?)\s*y?|[>≥]\s*(\d{2})|(\d{2})\s*\+", re.IGNORECASE)

LEGAL: Mapping[str, str] = {
    "histology": "lower_grade, glioblastoma or n/a",
    "who_cns_grade_histologic": "2, 3, 4 or n/a",
    "idh": "wildtype, mutant or n/a",
    "codel_1p19q": "intact, codeleted or n/a",
    "mgmt": "unmethylated, methylated or n/a",
    "split": "train, validation, holdout or n/a",
    "age": "years from 0 to 120, or n/a",
    "sex": "F, M, O or n/a",
    "field_strength_t": "tesla above 0 up to 15, e.g. 1.5 or 3, or n/a",
}


def normal_header(title: str) -> str:
    """A column title as compared: lower case, runs of blanks, slashes and dashes as one underscore."""
    return re.sub(r"[\s/\-]+", "_", title.strip().lower())


def is_unknown(text: str) -> bool:
    """Whether a cell says that the value is not known."""
    return " ".join(text.lower().split()) in _UNKNOWN_WORDS


def read_label(column: str, text: str) -> int | None:
    """Class of a label cell.

    Args:
        column: key of LABEL_COLUMNS.
        text: the cell.

    Returns:
        0 or 1, UNKNOWN, or None when the word is not in the vocabulary.
    """
    if is_unknown(text):
        return UNKNOWN
    word = re.sub(r"[\s_\-]+", " ", text.strip().lower())
    # Spreadsheets and data frames turn a column of whole numbers with gaps into 0.0 and 1.0.
    word = re.sub(r"^(\d+)[.,]0+$", r"\1", word)
    if word in _UNDECIDED.get(column, ()):
        return UNKNOWN
    if column == "idh" and _IDH_MUTATION.fullmatch(word):
        return 1
    return _CLASS_OF_WORD[column].get(word)


def read_split(text: str) -> str | None:
    """ "train", "validation", "holdout", "" where the table leaves it open, or None for another word."""
    return "" if is_unknown(text) else _SPLIT_WORDS.get(text.strip().lower())


def read_age(text: str) -> float | None:
    """Years, NaN when unknown, or None for what is no age. De-identified `>89` and `90+` read as the number."""
    if is_unknown(text):
        return float("nan")
    match = _AGE.fullmatch(text.strip())
    if match is None:
        return None
    years = float(next(group for group in match.groups() if group).replace(",", "."))
    return years if years <= 120 else None


def read_sex(text: str) -> str | None:
    """ "F", "M", "O", "" when unknown, or None for another word."""
    return "" if is_unknown(text) else _SEX_WORDS.get(text.strip().lower())


def read_field_strength(text: str) -> float | None:
    """Tesla, NaN when unknown, or None for what is no field strength of a scanner for people."""
    if is_unknown(text):
        return float("nan")
    match = _TESLA.fullmatch(text.strip())
    tesla = float(match.group(1).replace(",", ".")) if match is not None else 0.0
    return tesla if 0 < tesla <= 15 else None


READERS: Mapping[str, Callable[[str], float | str | None]] = {
    "split": read_split,
    "age": read_age,
    "sex": read_sex,
    "field_strength_t": read_field_strength,
}
"""Columns that are no labels -> what reads a cell: None for a word that is none."""


def fits(column: str, text: str) -> bool:
    """Whether a cell holds a known value of a column; finds swapped columns."""
    if is_unknown(text):
        return False
    if column in LABEL_COLUMNS:
        return read_label(column, text) is not None
    return READERS[column](text) is not None
