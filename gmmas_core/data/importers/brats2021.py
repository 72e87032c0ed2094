"""BraTS 2021: `[<source>/]BraTS2021_NNNNN/BraTS2021_NNNNN_{t1,t1ce,t2,flair,seg}.nii.gz`, with or without collections.

Validation cases have no mask. The optional crosswalk names each case's collection and its id there.

Source: Baid et al. 2021 (arXiv:2107.02314); doi:10.7937/jc8x-9874.
"""

import re
from collections.abc import Sequence
from pathlib import Path

from gmmas_core.data.columns import is_unknown
from gmmas_core.data.importers.case_folder import Facts, collect
from gmmas_core.data.importers.cells import Headers, labels_of
from gmmas_core.data.importers.clinical import absent_columns, by_id
from gmmas_core.data.importers.found import Found, Skipped
from gmmas_core.data.importers.sheet import Row, read_rows
from gmmas_core.data.importers.tree import require_cases, require_source

_CASE = re.compile(r"BraTS2021_\d{5}")
NEEDS = ("BraTS2021 ID", "PatientID on TCIA Radiology Portal")
_COLLECTION = "data_collection_(as_on_tcia+additional)"
_HEADERS: Headers = {"mgmt": ("MGMT value",)}
_TITLES = (*NEEDS, _COLLECTION, "MGMT value")
_NUMBER = re.compile(r"\d{1,4}")


def find(source: Path, tables: Sequence[Path]) -> Found:
    """Find the cases of a tree.

    Args:
        source: the unpacked data set.
        tables: BraTS2021_MappingToTCIA.xlsx (or its sheet as CSV), or nothing.

    Raises:
        DataError: no case folder, or a table that is not the crosswalk.
    """
    require_source(source)
    left: list[Skipped] = []
    # Patients of the collections who are not in BraTS 2021 have no id here.
    rows = [row for table in tables for row in read_rows(table, NEEDS) if not is_unknown(row["brats2021_id"])]
    left += absent_columns(rows, _HEADERS)
    crosswalk = by_id(rows, _TITLES, lambda text: text if _CASE.fullmatch(text) else None, left)

    def facts_of(folder: Path, match: re.Match[str]) -> Facts:
        """What the crosswalk tells of a case."""
        notes: list[str] = []
        row = crosswalk.row(folder.name, notes)
        original = original_id(row)
        return Facts(
            patient_id=folder.name,
            labels=labels_of(row, _HEADERS),
            group=row.get(_COLLECTION, "") or _collection(folder, source),
            aliases=(original,) if original else (),
            notes=tuple(notes),
        )

    cases = collect(source, _CASE, left, facts_of)
    require_cases(len(cases) + len(left), "folder named BraTS2021_NNNNN")
    return Found(cases=tuple(cases.values()), skipped=(*left, *crosswalk.without(cases, left)))


def original_id(row: Row) -> str:
    """The patient's id in the collection a case came from, "" where the crosswalk does not tell."""
    value = row.get("patientid_on_tcia_radiology_portal", "")
    if is_unknown(value) or value.lower().startswith("new-not-previously"):
        return ""
    # The crosswalk writes UCSF-PDGM patients as bare numbers; five are ids from before UCSF-PDGM v3 renamed them, which
    # no patient has now.
    is_ucsf = row.get(_COLLECTION, "").upper().startswith("UCSF-PDGM")
    return f"UCSF-PDGM-{int(value):04d}" if is_ucsf and _NUMBER.fullmatch(value) else value


def _collection(folder: Path, source: Path) -> str:
    """The `<source>` level of the TCIA release; the challenge's own folders are no collection."""
    above = folder.parent
    return "" if above == source or "brats2021" in above.name.lower() else above.name
