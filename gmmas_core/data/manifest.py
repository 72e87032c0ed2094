"""A site's table and folders as cases, with everything that is wrong with them; no image is opened here.

Splits are by patient. Two rows of one patient share a split, and where a public data set's naming shows that two rows
with different participant ids are one patient, that is an error: such a patient would be trained on and tested on.
"""

import os
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from gmmas_core.data.case_folders import find_case_folders, known_patient
from gmmas_core.data.problems import TABLE, Problem, raise_on_errors
from gmmas_core.data.rows import Record, read_row
from gmmas_core.data.sequences import FoundFiles, find_sequences
from gmmas_core.data.splits import Stratum, assign_splits, imbalances
from gmmas_core.data.table import read_table
from gmmas_core.types import SEQUENCES, UNKNOWN, Case, Task

_NAMED = 5

IsExcluded = Callable[[str, str], bool]
"""(patient id, case id) -> whether the case may not be read."""


def _nobody(patient_id: str, case_id: str) -> bool:
    return False


@dataclass(frozen=True, kw_only=True)
class Manifest:
    """What a site has.

    Attributes:
        cases: every row with a usable id, folder and at least one sequence, in the table's order.
        problems: all of them, errors first.
    """

    cases: tuple[Case, ...]
    problems: tuple[Problem, ...]


def read_manifest(
    folder: Path,
    site: str,
    *,
    holdout_share: float,
    validation_share: float,
    is_excluded: IsExcluded = _nobody,
) -> Manifest:
    """Read participants.tsv and the case folders of a site.

    Args:
        folder: the site's data folder.
        site: name of the hospital, stored in every case.
        holdout_share: see `splits.assign_splits`.
        validation_share: see `splits.assign_splits`.
        is_excluded: cases that have been withdrawn: their rows may stay, their folders are not looked into.

    Returns:
        Cases and all problems; nothing is raised for what the table says.
    """
    table = read_table(folder / TABLE)
    problems = list(table.problems)
    # Without the column every row would repeat what the header's problem already says.
    readable = any("participant_id" in cells for _, cells in table.rows)
    read = [read_row(line, cells, problems) for line, cells in table.rows] if readable else []
    problems = [found for found in problems if found.case_id is None or not is_excluded(found.case_id, found.case_id)]
    listed = _unique([record for record in read if record is not None], problems)
    records = [record for record in listed if not is_excluded(record.patient_id, record.case_id)]
    explicit = _explicit_splits(records, problems)
    problems += _split_patients(records)
    stratum_of = _strata(records)
    split_of = assign_splits(
        list(stratum_of), holdout_share=holdout_share, validation_share=validation_share, explicit=explicit
    )
    for found, expected in imbalances(split_of, stratum_of, holdout_share=holdout_share):
        action = "the deal by patient id is left as it is; to change it, fill the split column for some patients"
        problems.append(_problem(None, found, expected, action, where="splits", severity="warning"))
    cases = [_case(record, folder, site, split_of[record.patient_id], problems) for record in records]
    if table.rows:
        problems += _unlisted(folder, listed)
    usable = tuple(case for case in cases if case is not None)
    if not usable and not any(problem.is_error for problem in problems):
        problems.append(_problem(None, "no case", "at least one row", "add the site's cases", where=TABLE))
    problems.sort(key=lambda problem: not problem.is_error)
    return Manifest(cases=usable, problems=tuple(problems))


def read_cases(
    folder: Path,
    site: str,
    *,
    holdout_share: float,
    validation_share: float,
    is_excluded: IsExcluded = _nobody,
) -> tuple[Case, ...]:
    """The cases of a site whose table is free of errors.

    Raises:
        DataError: lists every error of the table and the folders; or there is no case at all.
    """
    manifest = read_manifest(
        folder, site, holdout_share=holdout_share, validation_share=validation_share, is_excluded=is_excluded
    )
    raise_on_errors(manifest.problems, site)
    return manifest.cases


def _unique(records: Sequence[Record], problems: list[Problem]) -> list[Record]:
    """The first record of every case id and folder; the others are problems."""
    kept: list[Record] = []
    line_of_case: dict[str, int] = {}
    line_of_folder: dict[str, int] = {}
    for record in records:
        # Some file systems do not tell upper from lower case.
        case, folder = record.case_id.lower(), record.folder.lower()
        where = f"{TABLE} line {record.line}"
        if case in line_of_case:
            found = f"the same case as in line {line_of_case[case]}"
            action = "remove one row; several studies of one patient need a case_id and a folder each"
            problems.append(_problem(record.case_id, found, "each case once", action, where=where))
        elif folder in line_of_folder:
            found = f"the same folder as in line {line_of_folder[folder]}"
            problems.append(
                _problem(record.case_id, found, "a folder per case", "correct the folder column", where=where)
            )
        else:
            line_of_case[case] = line_of_folder[folder] = record.line
            kept.append(record)
    return kept


def _explicit_splits(records: Iterable[Record], problems: list[Problem]) -> dict[str, str]:
    """patient -> split where the table gives one; two different ones are a problem."""
    given: dict[str, set[str]] = defaultdict(set)
    for record in records:
        if record.split:
            given[record.patient_id].add(record.split)
    for patient, splits in given.items():
        if len(splits) > 1:
            found = f"one patient in {' and '.join(sorted(splits))}"
            problems.append(
                _problem(
                    patient, found, "every patient in one split", "give all rows of the patient one split", where=TABLE
                )
            )
    return {patient: min(splits) for patient, splits in given.items()}


def _split_patients(records: Iterable[Record]) -> list[Problem]:
    """Rows of one patient under different participant ids: by a public data set's naming, or but for upper case."""
    ids_of: dict[str, set[str]] = defaultdict(set)
    for record in records:
        patient = known_patient(record.folder) or known_patient(record.case_id)
        ids_of[patient or record.patient_id.lower()].add(record.patient_id)
    return [
        _problem(
            patient,
            f"{len(ids)} participant_ids for studies of one patient (by their names)",
            "one participant_id per patient, else the patient may be trained on and tested on",
            f"write {patient} as participant_id in all these rows and keep the study in case_id",
            where=TABLE,
        )
        for patient, ids in ids_of.items()
        if len(ids) > 1
    ]


def _strata(records: Iterable[Record]) -> dict[str, Stratum]:
    """patient -> (histology, idh, codel); of several studies the first known label counts."""
    labels_of: dict[str, list[int]] = {}
    for record in records:
        labels = labels_of.setdefault(record.patient_id, [UNKNOWN] * 3)
        for place, task in enumerate((Task.HISTOLOGY, Task.IDH, Task.CODEL)):
            if labels[place] == UNKNOWN:
                labels[place] = record.labels[task]
    return {patient: (labels[0], labels[1], labels[2]) for patient, labels in labels_of.items()}


def _case(record: Record, root: Path, site: str, split: str, problems: list[Problem]) -> Case | None:
    folder = root / record.folder
    where = f"{TABLE} line {record.line}"
    if not os.path.isdir(folder):  # unlike Path's, it answers no, not an error, to names too long or forbidden
        action = "copy the images or correct the row"
        problems.append(
            _problem(record.case_id, "no such folder", "the folder named in the table", action, where=where)
        )
        return None
    files = find_sequences(folder)
    problems += _file_problems(record.case_id, files)
    if not files.images:
        return None
    return Case(
        case_id=record.case_id,
        patient_id=record.patient_id,
        site=site,
        images=files.images,
        mask=files.mask,
        labels=record.labels,
        label_source={task: "pathology" for task, label in record.labels.items() if label != UNKNOWN},
        split=split,
        age=record.age,
        sex=record.sex,
        field_strength_t=record.field_strength_t,
    )


def _file_problems(case_id: str, files: FoundFiles) -> list[Problem]:
    found = [
        _problem(
            case_id, f"{len(endings)} files for {name} ({', '.join(endings)})", "one", "remove or rename the others"
        )
        for name, endings in files.clashes.items()
    ]
    if not files.images and not files.clashes:
        action = "name them like CASE_t1.nii.gz, CASE_t1ce.nii.gz, CASE_t2.nii.gz, CASE_flair.nii.gz"
        expected = f"any of {', '.join(SEQUENCES)}"
        found.append(_problem(case_id, f"no known sequence among {files.ignored} NIfTI files", expected, action))
    return found


def _unlisted(root: Path, records: Iterable[Record]) -> list[Problem]:
    listed = {record.folder for record in records}
    # A BIDS row may name the subject's folder while the images lie in its only session.
    others = [name for name in find_case_folders(root) if name not in listed and name.rsplit("/", 1)[0] not in listed]
    if not others:
        return []
    names = ", ".join(others[:_NAMED]) + (f" and {len(others) - _NAMED} more" if len(others) > _NAMED else "")
    found = f"{len(others)} case folders that no row names ({names})"
    return [_problem(None, found, "a row per case folder", "add rows, or ignore this", where=TABLE, severity="warning")]


def _problem(
    case_id: str | None, found: str, expected: str, action: str, *, where: str = "", severity: str = "error"
) -> Problem:
    return Problem(case_id=case_id, found=found, expected=expected, action=action, where=where, severity=severity)
