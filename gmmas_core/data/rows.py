"""One row of participants.tsv as checked values: ids safe as names, folders that stay inside, labels or UNKNOWN."""

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath, PureWindowsPath

from gmmas_core.data.columns import LABEL_COLUMNS, LEGAL, READERS, fits, is_unknown, read_label
from gmmas_core.data.problems import TABLE, Problem
from gmmas_core.types import UNKNOWN, Task

# Ids become file names and appear in messages: no separators, no blanks, so no "Surname, Given name" either.
_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_ID_LEGAL = "1 to 64 letters, digits, dots, dashes or underscores"


@dataclass(frozen=True, kw_only=True)
class Record:
    """A row whose ids and folder can be used; labels that could not be read are UNKNOWN.

    Attributes:
        line: in the table's file.
        folder: relative to the site's data folder, POSIX form.
        split: "" where the table leaves it open.
    """

    line: int
    patient_id: str
    case_id: str
    folder: str
    labels: Mapping[Task, int]
    split: str
    age: float | None
    sex: str | None
    field_strength_t: float | None


def read_row(line: int, cells: Mapping[str, str], problems: list[Problem]) -> Record | None:
    """Check one row; every problem is appended.

    Args:
        line: line number in the file, for messages.
        cells: column -> text; absent columns mean the default.
        problems: appended to.

    Returns:
        The record, or None when the row has no usable id or folder.
    """
    where = f"{TABLE} line {line}"
    patient_id = cells.get("participant_id", "")
    if not _ID.fullmatch(patient_id):
        # The text itself is not repeated: it may be a name.
        found = "no participant_id" if is_unknown(patient_id) else "a participant_id with other characters"
        problems.append(_problem(None, where, found, _ID_LEGAL, "give the patient a pseudonym"))
        return None
    case_id = _or_default(cells.get("case_id", ""), patient_id)
    if not _ID.fullmatch(case_id):
        problems.append(_problem(patient_id, where, "a case_id with other characters", _ID_LEGAL, "rename the case"))
        return None
    folder = _or_default(cells.get("folder", ""), case_id)
    if not _stays_inside(folder):
        action = (
            "write the folder relative to the site folder, without .. parts; a symbolic link inside may point elsewhere"
        )
        problems.append(_problem(case_id, where, "a folder outside the site folder", "a folder inside", action))
        return None
    values = {name: cells[name] for name in LEGAL if name in cells}
    labels = _labels(case_id, where, values, problems)
    facts = _facts(case_id, where, values, problems)
    return Record(
        line=line,
        patient_id=patient_id,
        case_id=case_id,
        folder=PurePosixPath(folder).as_posix(),
        labels=labels,
        split=str(facts["split"] or ""),
        age=_number(facts["age"]),
        sex=str(facts["sex"]) if facts["sex"] else None,
        field_strength_t=_number(facts["field_strength_t"]),
    )


def _or_default(text: str, default: str) -> str:
    return default if is_unknown(text) else text


def _stays_inside(folder: str) -> bool:
    """Whether a relative path stays below its root by its words alone; symbolic links are the site's own business."""
    if "\\" in folder or not folder.isprintable() or len(folder) > 1024:
        return False
    path = PurePosixPath(folder)
    return not path.is_absolute() and not PureWindowsPath(folder).drive and ".." not in path.parts and path.parts != ()


def _labels(case_id: str, where: str, values: Mapping[str, str], problems: list[Problem]) -> dict[Task, int]:
    labels = dict.fromkeys(Task, UNKNOWN)
    for column, task in LABEL_COLUMNS.items():
        if column not in values:
            continue
        value = read_label(column, values[column])
        if value is None:
            problems.append(_illegal(case_id, where, column, values))
        elif value == UNKNOWN:
            continue
        elif labels[task] not in (UNKNOWN, value):
            found = "histology and who_cns_grade_histologic that contradict each other"
            action = "correct one of them; glioblastoma by histology is grade 4"
            problems.append(_problem(case_id, where, found, "lower_grade with 2 or 3, glioblastoma with 4", action))
            labels[task] = UNKNOWN
        else:
            labels[task] = value
    if labels[Task.IDH] == 0 and labels[Task.CODEL] == 1:
        found, expected = (
            "IDH wildtype together with 1p/19q codeleted",
            "codeletion only with an IDH mutation (WHO 2021)",
        )
        action = "the codeletion label is not used; check both results with pathology"
        problems.append(_problem(case_id, where, found, expected, action, severity="warning"))
        labels[Task.CODEL] = UNKNOWN
    return labels


def _facts(
    case_id: str, where: str, values: Mapping[str, str], problems: list[Problem]
) -> dict[str, float | str | None]:
    facts = {column: reader(values.get(column, "")) for column, reader in READERS.items()}
    problems += [_illegal(case_id, where, column, values) for column, value in facts.items() if value is None]
    return facts


def _number(value: float | str | None) -> float | None:
    """A number that is known."""
    return value if isinstance(value, float) and not math.isnan(value) else None


def _illegal(case_id: str, where: str, column: str, values: Mapping[str, str]) -> Problem:
    """A word outside the vocabulary; where it belongs to another column whose own cell does not fit either, say so."""
    text = values[column]
    for other in values:
        # Bare numbers fit many columns and prove nothing.
        if other != column and not text[:1].isdigit() and fits(other, text) and not fits(other, values[other]):
            action = f"this is a value of {other}: are the two columns swapped? Write n/a where nobody knows"
            return _problem(case_id, where, f"{column} {_shown(text)}", LEGAL[column], action)
    return _problem(
        case_id, where, f"{column} {_shown(text)}", LEGAL[column], "correct it; write n/a where nobody knows"
    )


def _shown(text: str) -> str:
    return repr(text if len(text) <= 40 else text[:37] + "...")


def _problem(
    case_id: str | None, where: str, found: str, expected: str, action: str, *, severity: str = "error"
) -> Problem:
    return Problem(case_id=case_id, where=where, found=found, expected=expected, action=action, severity=severity)
