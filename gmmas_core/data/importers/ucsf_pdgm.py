"""UCSF-PDGM: `UCSF-PDGM-NNNN[_FU007d]_nifti/UCSF-PDGM-NNNN_{T1,T1c,T2,FLAIR,tumor_segmentation}.nii.gz`, v2 to v5.

Its traps, and what is done about them:

- The table writes ids with 3 digits, the folders with 4; both become 4.
- 501 exams are 495 patients: six exams are second scans of patients who have an id of their own. Until v2 these exams
  had ids of their own too; since v3 they are named `_FU007d` after the days between the scans. Both spellings become
  the newer one, so both exams share a participant_id (else a patient could be trained on and tested on).
- `relative co-deletion` is neither codeleted nor intact; blank and `unknown` are unknown. A blank 1p/19q of an IDH
  wildtype tumour stays unknown: nobody tested it.
- `WHO CNS Grade` is integrated (WHO 2021), see `grades`: grades 2 and 3 are used as histologic, grade 4 is not. The
  grade and the diagnosis as published are kept in columns of their own, which training does not read. That the table
  still has 24 grade 2 and 3 tumours called "Astrocytoma, IDH-wildtype" suggests that few were upgraded by molecular
  findings; it proves it for none.
- BraTS 2021 contains 298 of these exams under other ids: these are aliases.

Source: Calabrese et al. 2022, doi:10.1148/ryai.220058; doi:10.7937/tcia.bdgf-8v37.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from gmmas_core.data.importers.case_folder import Facts, collect
from gmmas_core.data.importers.cells import Headers, cell_of, coherent, labels_of
from gmmas_core.data.importers.clinical import open_tables
from gmmas_core.data.importers.found import Found, Skipped
from gmmas_core.data.importers.grades import diagnosis_of, from_integrated
from gmmas_core.data.importers.tree import require_cases, require_source
from gmmas_core.data.sequences import FoundFiles, find_sequences
from gmmas_core.types import SEQUENCES

TABLE = "UCSF-PDGM-metadata_v5.csv (or v2)"
FOLLOW_UPS: Mapping[str, str] = {
    "0315": "0433_FU007d",
    "0278": "0431_FU001d",
    "0175": "0396_FU175d",
    "0138": "0429_FU003d",
    "0181": "0409_FU001d",
    "0289": "0391_FU016d",
}
"""Number of a second exam until v2 -> the same exam since v3. In the table of v2 both rows of a patient are equal."""


_FOLDER = re.compile(r"UCSF-PDGM-(?P<number>\d{3,4})(?:_(?P<follow_up>FU\d{1,4}d))?(?:_nifti)?")
_BRATS = re.compile(r"BraTS2021_\d{5}")
_HEADERS: Headers = {
    "idh": ("IDH",),
    "codel_1p19q": ("1p/19q",),
    "mgmt": ("MGMT status",),
    "age": ("Age at MRI",),
    "sex": ("Sex",),
}
_GRADE, _DIAGNOSIS, _ALIAS = ("WHO CNS Grade",), ("Final pathologic diagnosis (WHO 2021)",), ("BraTS21 ID",)
_ALL: Headers = {**_HEADERS, "published_grade": _GRADE, "published_diagnosis": _DIAGNOSIS, "BraTS 2021 id": _ALIAS}


def find(source: Path, tables: Sequence[Path]) -> Found:
    """Find the exams of a tree.

    Args:
        source: the unpacked data set.
        tables: the metadata table, or nothing.

    Raises:
        DataError: no case folder, or a table that is not this one.
    """
    require_source(source)
    left: list[Skipped] = []
    table = open_tables(tables, "ID", _ALL, exam_id, left)

    def facts_of(folder: Path, match: re.Match[str]) -> Facts:
        """What the table tells of an exam."""
        exam, notes = _exam(match), list[str]()
        row = table.row(exam, notes)
        brats = cell_of(row, _ALIAS)
        labels = coherent(labels_of(row, _HEADERS), notes)
        labels |= from_integrated(row, _GRADE, notes) | diagnosis_of(row, _DIAGNOSIS)
        return Facts(
            case_id=exam,
            patient_id=exam.split("_")[0],
            labels=labels,
            aliases=(brats,) if _BRATS.fullmatch(brats) else (),
            notes=tuple(notes),
            files=_files(folder),
        )

    cases = collect(source, _FOLDER, left, facts_of)
    require_cases(len(cases) + len(left), "folder named UCSF-PDGM-NNNN_nifti")
    return Found(cases=tuple(cases.values()), skipped=(*left, *table.without(cases, left)))


def exam_id(text: str) -> str | None:
    """An id of the table or the tree, of any version, as v3 and later name the exam; None for any other text."""
    match = _FOLDER.fullmatch(text.strip())
    return None if match is None else _exam(match)


def _exam(match: re.Match[str]) -> str:
    number = f"{int(match['number']):04d}" + (f"_{match['follow_up']}" if match["follow_up"] else "")
    return f"UCSF-PDGM-{FOLLOW_UPS.get(number, number)}"


def _files(folder: Path) -> FoundFiles:
    """What a folder holds; v3 writes the contrast-enhanced T1 twice, as T1c and as T1gad."""
    files = find_sequences(folder)
    plain = [file for file in folder.glob("*_T1c.nii.gz") if not file.name.startswith(".")]
    if "t1c" not in files.clashes or len(plain) != 1:
        return files
    images = {name: plain[0] if name == "t1c" else files.images.get(name) for name in SEQUENCES}
    clashes = {name: endings for name, endings in files.clashes.items() if name != "t1c"}
    return replace(files, images={name: file for name, file in images.items() if file is not None}, clashes=clashes)
