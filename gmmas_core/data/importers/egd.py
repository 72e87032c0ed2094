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
from gmmas_core.data.importers.case_folder import Facts, collect
from gmmas_core.data.importers.cells import Headers, agree, coherent, labels_of
from gmmas_core.data.importers.clinical import ClinicalTable, absent_columns, by_id
from gmmas_core.data.importers.found import Found, Skipped
from gmmas_core.data.importers.sheet import Row, read_kind
from gmmas_core.data.importers.tree import require_cases, require_source, subfolders, unsafe_files
from gmmas_core.data.sequences import FoundFiles, find_sequences
from gmmas_core.types import SEQUENCES

TABLE = "Genetic_and_Histological_labels.xlsx and Clinical_data.xlsx; not needed beside metadata.json"
MAX_JSON_BYTES = 2**20
WHOLE_LESION = (
    "its mask marks the whole lesion with one label, not necrosis, edema and enhancing tumour apart: not used for "
    "training, left in the source"
)

_FOLDER = re.compile(r"(?:MR_)?(?P<subject>EGD-\d{4})")
_SUBJECT = "Subject"
_GENETIC: Headers = {
    "idh": ("IDH", "IDH mutation status"),
    "codel_1p19q": ("1p19q", "1p/19q"),
    "who_cns_grade_histologic": ("Grade",),
}
_CLINICAL: Headers = {"age": ("Age",), "sex": ("Sex",)}
_HEADERS: Headers = {**_GENETIC, **_CLINICAL, "field_strength_t": ("Field",)}
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

    def facts_of(folder: Path, match: re.Match[str]) -> Facts:
        """What a subject's JSON file and the tables tell, where they agree."""
        subject, notes = match["subject"], list[str]()
        told = [_metadata(source, folder, notes), *(sheet.row(subject, notes) for sheet in sheets)]
        labels = coherent(agree([labels_of(row, _HEADERS) for row in told], notes), notes)
        files = _files(folder, notes)
        return Facts(case_id=subject, patient_id=subject, labels=labels, notes=tuple(dict.fromkeys(notes)), files=files)

    cases = collect(source, _FOLDER, left, facts_of)
    require_cases(len(cases) + len(left), "folder named EGD-NNNN")
    for sheet in sheets:
        left += sheet.without(cases, left)
    return Found(cases=tuple(cases.values()), skipped=tuple(left))


def _table(table: Path, left: list[Skipped]) -> ClinicalTable:
    """Rows of one table by subject; there is one of labels and one of ages and sexes."""
    titles = {title: (_SUBJECT, title) for options in (*_GENETIC.values(), *_CLINICAL.values()) for title in options}
    first, raw = read_kind(table, titles)
    left += absent_columns(raw, _CLINICAL if first in ("Age", "Sex") else _GENETIC)
    return by_id(raw, (_SUBJECT, *titles), _subject, left)


def _subject(text: str) -> str | None:
    match = _FOLDER.fullmatch(text.upper())
    return None if match is None else match["subject"]


def _metadata(source: Path, folder: Path, notes: list[str]) -> Row:
    """metadata.json's sections as one row, {} where there is none; one that cannot be read is noted."""
    file = folder / "metadata.json"
    if not file.is_file():
        return {}
    try:
        if unsafe_files(source, [file]) or file.stat().st_size > MAX_JSON_BYTES:
            raise ValueError
        content: Any = json.loads(file.read_text(encoding="utf-8-sig"))
    except (OSError, ValueError, RecursionError):
        notes.append("metadata.json cannot be read: its labels are unknown")
        return {}
    sections = [content.get(name) for name in _SECTIONS] if isinstance(content, Mapping) else []
    pairs = [pair for section in sections if isinstance(section, Mapping) for pair in section.items()]
    return {normal_header(str(key)): str(value) for key, value in pairs if isinstance(value, str | int | float)}


def _files(folder: Path, notes: list[str]) -> FoundFiles:
    """The images of a folder of either tree; the mask is noted and left out."""
    nested = [inner / "NIFTI" for inner in subfolders(folder) if (inner / "NIFTI").is_dir()]
    held = [find_sequences(inner) for inner in nested or [folder]]
    if any(files.mask for files in held):
        notes.append(WHOLE_LESION)
    paths = {name: [files.images[name] for files in held if name in files.images] for name in SEQUENCES}
    clashes = {name: tuple(path.name for path in several) for name, several in paths.items() if len(several) > 1}
    clashes |= {name: endings for files in held for name, endings in files.clashes.items()}
    images = {name: several[0] for name, several in paths.items() if len(several) == 1}
    return FoundFiles(images=images, mask=None, clashes=clashes, ignored=sum(files.ignored for files in held))
