"""BIDS: `sub-X[/ses-Y]/anat/sub-X[_ses-Y][_ce-Z]_{T1w,T2w,FLAIR}.nii.gz` with participants.tsv.

Every session is a case of its subject. `ce-*_T1w` is the contrast-enhanced T1. A mask is the `dseg` beside the images,
else the only one of that session below `derivatives/` that is said to mark a tumour and is not said to be a program's.
What its values mean must be declared on the command line.

Source: BIDS specification 1.10, modality-specific files and derivatives.
"""

import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from gmmas_core.data.columns import is_unknown
from gmmas_core.data.importers.case_folder import Facts, found_case
from gmmas_core.data.importers.cells import agree
from gmmas_core.data.importers.found import Found, FoundCase, Skipped
from gmmas_core.data.importers.tree import require_cases, require_source, shown, skipped, subfolders, unsafe_files
from gmmas_core.data.problems import TABLE
from gmmas_core.data.sequences import find_sequences
from gmmas_core.data.table import read_table
from gmmas_core.types import DataError

_SUBJECT = re.compile(r"sub-[A-Za-z0-9]+")
_SESSION = re.compile(r"ses-[A-Za-z0-9]+")
_TUMOUR = re.compile(r"tumou?r|lesion|glio", re.IGNORECASE)
_BY_PROGRAM = re.compile(r'"Manual"\s*:\s*false')
_MAX_BYTES = 2**20
_NO_LABELS = ("participant_id", "case_id", "folder")


def find(source: Path, tables: Sequence[Path]) -> Found:
    """Find every session of every subject.

    Args:
        source: root of the BIDS data set.
        tables: instead of the tree's participants.tsv; at most one.

    Raises:
        DataError: no subject, or a table that cannot be read.
    """
    require_source(source)
    if len(tables) > 1:
        raise DataError(f"--table: found {len(tables)} tables; expected one participants.tsv; name one")
    own = source / TABLE
    beside = () if tables or unsafe_files(source, [own]) else (own,)
    left: list[Skipped] = []
    rows = _rows([*tables, *beside], left)
    cases: list[FoundCase] = []
    for subject in subfolders(source, left):
        if not _SUBJECT.fullmatch(subject.name):
            if subject.name.lower().startswith("sub"):
                left.append(skipped(subject.name, "its name is no subject of BIDS (sub-LABEL)"))
            continue  # derivatives, code, sourcedata: BIDS gives them other meanings
        sessions = [folder for folder in subfolders(subject, left) if _SESSION.fullmatch(folder.name)]
        outside = [] if sessions and not os.path.isdir(subject / "anat") else [subject]
        for place in [*sessions, *outside]:
            case = _case(source, subject.name, place, rows.get(subject.name, []), left)
            if case is not None:
                cases.append(case)
    require_cases(len(cases) + len(left), "folder named sub-LABEL")
    told = {case.patient_id for case in cases} | {item.name for item in left}
    left += [skipped(name, "a row of the table without a folder that was taken") for name in rows if name not in told]
    return Found(cases=tuple(cases), skipped=tuple(left), tables=beside)


def _rows(tables: Sequence[Path], left: list[Skipped]) -> dict[str, list[Mapping[str, str]]]:
    """Subject -> what each of its rows knows, by participants.tsv's columns; the ids may lack BIDS' `sub-`."""
    rows: dict[str, list[Mapping[str, str]]] = {}
    for path in tables:
        table = read_table(path)
        errors = [str(problem) for problem in table.problems if problem.is_error]
        if errors:
            raise DataError(errors[0])
        left += [skipped(TABLE, f"found {problem.found}; {problem.action}") for problem in table.problems]
        for _, cells in table.rows:
            name = cells.get("participant_id", "")
            labels = {
                column: text for column, text in cells.items() if column not in _NO_LABELS and not is_unknown(text)
            }
            rows.setdefault(name if name.startswith("sub-") else f"sub-{name}", []).append(labels)
    return rows


def _case(
    source: Path, subject: str, place: Path, rows: Sequence[Mapping[str, str]], left: list[Skipped]
) -> FoundCase | None:
    session = place.name if place.name != subject else ""
    case_id = f"{subject}_{session}" if session else subject
    anatomy = place / "anat"
    if not os.path.isdir(anatomy) or os.path.islink(anatomy):
        left.append(skipped(case_id, "no anat folder"))
        return None
    files = find_sequences(anatomy)
    notes: list[str] = []
    if files.mask is None and "mask" not in files.clashes:
        files = replace(files, mask=_derived_mask(source, subject, session, notes))
    labels = agree(rows, notes)
    facts = Facts(case_id=case_id, patient_id=subject, labels=labels, notes=tuple(notes), files=files)
    case = found_case(source, anatomy, facts)
    if isinstance(case, str):
        left.append(skipped(case_id, case))
        return None
    return case


def _derived_mask(source: Path, subject: str, session: str, notes: list[str]) -> Path | None:
    """The only tumour mask that a pipeline below derivatives/ holds for a session."""
    masks = []
    for pipeline in subfolders(source / "derivatives"):
        place = pipeline / subject / session / "anat"
        mask = None if os.path.islink(place) else find_sequences(place).mask
        reason = mask and _no_truth(mask, pipeline.name)
        if reason:
            notes.append(f"the mask of the pipeline {shown(pipeline.name)} is not used: {reason}")
        elif mask:
            masks.append(mask)
    if len(masks) > 1:
        notes.append(f"{len(masks)} pipelines have a mask; none was taken: name the one you mean as the only one")
        return None
    return masks[0] if masks else None


def _no_truth(mask: Path, pipeline: str) -> str | None:
    """Why a derived mask may not be trained on; None when it may. fMRIPrep's dseg, of tissues, has our values too."""
    stem = mask.name.split(".nii")[0]
    sidecar, names = _text(mask.with_name(f"{stem}.json")), _text(mask.with_name(f"{stem}.tsv"))
    if _BY_PROGRAM.search(sidecar):
        return "its sidecar says that a program drew it"
    if not _TUMOUR.search(f"{stem} {pipeline} {names}"):
        return "nothing says that it marks a tumour: neither its name, nor its pipeline's, nor its .tsv of labels"
    return None


def _text(file: Path) -> str:
    """A small file beside a mask; "" where there is none."""
    try:
        return file.read_text(errors="replace") if file.stat().st_size <= _MAX_BYTES and not file.is_symlink() else ""
    except OSError:
        return ""
