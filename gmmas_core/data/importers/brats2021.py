"""BraTS 2021: `[<source>/]BraTS2021_NNNNN/BraTS2021_NNNNN_{t1,t1ce,t2,flair,seg}.nii.gz`, with or without collections.

Validation cases have no mask. The optional crosswalk names each case's collection and its id there.

Source: Baid et al. 2021 (arXiv:2107.02314); doi:10.7937/jc8x-9874.
"""

import re
from collections.abc import Sequence
from pathlib import Path

from gmmas_core.data.columns import is_unknown, read_label
from gmmas_core.data.importers.case_folder import found_case
from gmmas_core.data.importers.found import Found, FoundCase, Skipped
from gmmas_core.data.importers.sheet import Row, read_rows
from gmmas_core.data.importers.tree import case_folders, require_cases, require_source, skipped

_CASE = re.compile(r"BraTS2021_\d{5}")
_ID = "BraTS2021 ID"
_HEADERS = {"collection": "data_collection_(as_on_tcia+additional)", "id": "brats2021_id"}


def find(source: Path, tables: Sequence[Path]) -> Found:
    """Find the cases of a tree.

    Args:
        source: the unpacked data set.
        tables: BraTS2021_MappingToTCIA.xlsx (or its sheet as CSV), or nothing.

    Raises:
        DataError: no case folder, or a table that is not the crosswalk.
    """
    require_source(source)
    rows = read_crosswalk(tables)
    cases: dict[str, FoundCase] = {}
    left: list[Skipped] = []
    for folder, _ in case_folders(source, _CASE, 3):
        name = folder.name
        if name in cases:
            left.append(skipped(name, "the same case lies in two folders; the first was taken"))
            continue
        row = rows.get(name, {})
        group = row.get(_HEADERS["collection"], "") or (folder.parent.name if _is_collection(folder, source) else "")
        alias = original_id(group, row)
        case = found_case(
            source, folder, name, name, left, labels=_labels(row), group=group, aliases=(alias,) if alias else ()
        )
        if case is not None:
            cases[name] = case
    require_cases(len(cases) + len(left), "folder named BraTS2021_NNNNN")
    left += [skipped(name, "a row of the table without a folder") for name in rows if name not in cases]
    return Found(cases=tuple(cases.values()), skipped=tuple(left))


def read_crosswalk(tables: Sequence[Path]) -> dict[str, Row]:
    """BraTS 2021 id -> row of BraTS2021_MappingToTCIA.xlsx; {} without a table."""
    rows = [row for table in tables for row in read_rows(table, [_ID])]
    return {_full_id(row[_HEADERS["id"]]): row for row in rows if not is_unknown(row[_HEADERS["id"]])}


def original_id(collection: str, row: Row) -> str:
    """The patient's id in the collection it came from, "" where the crosswalk does not tell."""
    value = next((row[title] for title in row if "tcia" in title and "id" in title.split("_")[-1:]), "")
    if is_unknown(value):
        return ""
    # The crosswalk writes UCSF-PDGM patients as bare numbers.
    return f"UCSF-PDGM-{int(value):04d}" if collection.upper().startswith("UCSF") and value.isdigit() else value


def _is_collection(folder: Path, source: Path) -> bool:
    return folder.parent != source and "brats2021" not in folder.parent.name.lower()


def _full_id(text: str) -> str:
    return f"BraTS2021_{int(text):05d}" if text.isdigit() else text


def _labels(row: Row) -> dict[str, str]:
    value = next((row[title] for title in row if title.startswith("mgmt")), "")
    return {} if is_unknown(value) or read_label("mgmt", value) is None else {"mgmt": value}
