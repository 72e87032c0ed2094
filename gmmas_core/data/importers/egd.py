"""EGD, Erasmus Glioma Database: `SUBJECTS/EGD-NNNN/{FLAIR,T1,T1GD,T2,MASK}.nii.gz` with a `metadata.json` each.

The tree as XNAT gives it, `MR_EGD-NNNN/1_T1/NIFTI/T1.nii.gz`, is read as well. Labels come from the JSON files, from
`Genetic_and_Histological_labels.xlsx` and `Clinical_data.xlsx`, or from both; where they contradict each other the
label is left unknown.

- Values are 0, 1 and -1; -1 is unknown. The grade is histologic (WHO 2016).
- MASK is one label for the whole lesion. It cannot say which part is necrosis, edema or enhancing tumour, and to call
  all of it one of these would be wrong for most of its voxels: it is not used, and stays in the source.
- The images are defaced, not skull-stripped, all on one atlas grid with one brain mask for all
  (`METADATA/Brain_mask.nii.gz`); models trained on skull-stripped images need that first.
- The licence forbids passing any of it on.

Source: van der Voort et al. 2021, doi:10.1016/j.dib.2021.107191.
"""

import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from gmmas_core.data.columns import normal_header
from gmmas_core.data.importers.case_folder import found_case
from gmmas_core.data.importers.cells import Cells, Headers, agree, coherent
from gmmas_core.data.importers.clinical import absent_columns, by_id, collect, row_of, rows_of, without_folder
from gmmas_core.data.importers.found import Found, FoundCase, Skipped
from gmmas_core.data.importers.sheet import Row
from gmmas_core.data.importers.tree import case_folders, require_source, skipped, subfolders
from gmmas_core.data.sequences import FoundFiles, find_sequences
from gmmas_core.types import SEQUENCES

TABLE = "Genetic_and_Histological_labels.xlsx and Clinical_data.xlsx; not needed beside metadata.json"
MAX_JSON_BYTES = 2**20

_FOLDER = re.compile(r"(?:MR_)?(?P<subject>EGD-\d{4})")
_SUBJECT = "Subject"
_HEADERS: Headers = {
    "idh": ("IDH", "IDH mutation status"),
    "codel_1p19q": ("1p19q", "1p/19q"),
    "who_cns_grade_histologic": ("Grade",),
    "age": ("Age",),
    "sex": ("Sex",),
    "field_strength_t": ("Field",),
}
_SECTIONS = ("Genetic_and_Histological_labels", "Clinical_data", "Scan_characteristics")


def find(source: Path, tables: Sequence[Path]) -> Found:
    """Find the subjects of a tree.

    Args:
        source: the unpacked data set.
        tables: the two label tables, or nothing.

    Raises:
        DataError: no case folder, or a table that is none of these.
    """
    require_source(source)
    left: list[Skipped] = []
    sheets = [_table(table, left) for table in tables]
    cells, masks = Cells(), list[str]()

    def build(folder: Path, subject: str) -> FoundCase | None:
        notes: list[str] = []
        told = [_metadata(folder, subject, left), *(row_of(rows, subject, notes) for rows in sheets)]
        labels = coherent(agree([cells.labels(row, _HEADERS) for row in told], notes), notes)
        files, has_mask = _files(folder)
        masks.extend([subject] * has_mask)
        return found_case(
            source, folder, subject, subject, left, labels=labels, notes=tuple(dict.fromkeys(notes)), files=files
        )

    folders = ((folder, match["subject"]) for folder, match in case_folders(source, _FOLDER, 3))
    cases = collect(folders, build, "folder named EGD-NNNN", left)
    left += [*cells.odd(), *_unused_masks(len(masks))]
    left += without_folder({subject for rows in sheets for subject in rows}, cases, left)
    return Found(cases=tuple(cases.values()), skipped=tuple(left))


def _table(table: Path, left: list[Skipped]) -> dict[str, Row]:
    """Rows of one table by subject; each table holds some of the columns."""
    known = [title for titles in _HEADERS.values() for title in titles]
    raw = rows_of(table, [(_SUBJECT, title) for title in known])
    genetic = {column: _HEADERS[column] for column in ("idh", "codel_1p19q", "who_cns_grade_histologic")}
    if raw and set(raw[0]) & {normal_header(title) for titles in genetic.values() for title in titles}:
        left += absent_columns(raw, genetic)
    return by_id(raw, (_SUBJECT, *known), _subject, left)


def _subject(text: str) -> str | None:
    match = _FOLDER.fullmatch(text.upper())
    return None if match is None else match["subject"]


def _metadata(folder: Path, subject: str, left: list[Skipped]) -> Row:
    """metadata.json's sections as one row, {} where there is none; one that cannot be read is reported."""
    file = folder / "metadata.json"
    if not file.is_file():
        return {}
    try:
        if file.stat().st_size > MAX_JSON_BYTES:
            raise ValueError("too large")
        content: Any = json.loads(file.read_text(encoding="utf-8-sig"))
    except (OSError, ValueError, RecursionError):
        left.append(skipped(f"{subject}/metadata.json", "no readable JSON: labels unknown"))
        return {}
    sections = [content.get(name) for name in _SECTIONS] if isinstance(content, Mapping) else []
    pairs = [pair for section in sections if isinstance(section, Mapping) for pair in section.items()]
    return {normal_header(str(key)): str(value) for key, value in pairs if isinstance(value, str | int | float)}


def _files(folder: Path) -> tuple[FoundFiles, bool]:
    """The images of a folder of either tree, without the mask; and whether there was a mask."""
    nested = [inner / "NIFTI" for inner in subfolders(folder) if (inner / "NIFTI").is_dir()]
    if not nested:
        found = find_sequences(folder)
        return FoundFiles(images=found.images, mask=None, clashes=found.clashes, ignored=0), found.mask is not None
    held = [find_sequences(inner) for inner in nested]
    paths = {name: [files.images[name] for files in held if name in files.images] for name in SEQUENCES}
    clashes = {name: tuple(path.name for path in several) for name, several in paths.items() if len(several) > 1}
    clashes |= {name: endings for files in held for name, endings in files.clashes.items()}
    images = {name: several[0] for name, several in paths.items() if len(several) == 1}
    return FoundFiles(images=images, mask=None, clashes=clashes, ignored=0), any(files.mask for files in held)


def _unused_masks(count: int) -> tuple[Skipped, ...]:
    if not count:
        return ()
    reason = (
        f"{count} masks mark the whole lesion with one label; a mask here needs necrosis, edema and enhancing tumour "
        "apart: not used for training, left in the source"
    )
    return (Skipped(name="MASK.nii.gz", reason=reason),)
