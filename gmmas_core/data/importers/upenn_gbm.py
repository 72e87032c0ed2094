"""UPENN-GBM: `images_structural/UPENN-GBM-NNNNN_11/*_{T1,T1GD,T2,FLAIR}.nii.gz`, masks in folders of their own.

- `_11` is the scan before surgery (611), `_21` one before a second surgery (60): after treatment, with a cavity, and
  without a mask. The two are two data sets here, so that nobody mixes them by accident; both scans of a patient have
  one participant_id. 671 scans are 630 patients: 19 have only the second.
- Masks: `images_segm/` (corrected by experts, 147) before `automated_segm/` (611).
- `images_structural_unstripped/` holds the same scans with skull; a scan found only there is not taken.
- `old/` folders (UPENN-GBM-00260_11, 00509_11) hold superseded files and are not looked into.
- IDH1 is Wildtype, Mutated or NOS/NEC (unknown); MGMT's Indeterminate and Not Available are unknown. No 1p/19q.
- Every patient has a glioblastoma by the collection's own inclusion criterion. The scans are of 2006 to 2018, when that
  was a diagnosis by histology (WHO 2007 and 2016), so `histology` is glioblastoma, with an IDH mutation or without.

Source: Bakas et al. 2022, doi:10.1038/s41597-022-01560-7; doi:10.7937/TCIA.709X-DN49.
"""

import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from gmmas_core.data.importers.case_folder import found_case
from gmmas_core.data.importers.cells import Cells
from gmmas_core.data.importers.clinical import (
    absent_columns,
    by_id,
    collect,
    no_table,
    row_of,
    without_folder,
)
from gmmas_core.data.importers.found import Found, FoundCase, Skipped
from gmmas_core.data.importers.sheet import read_rows
from gmmas_core.data.importers.tree import case_folders, require_source, skipped, subfolders
from gmmas_core.data.sequences import find_sequences

TABLE = "UPENN-GBM_clinical_info_v2.1.csv (or v1.1)"
BEFORE, AFTER = "11", "21"

_SCAN = re.compile(r"UPENN-GBM-\d{5}_\d{2}")
_IMAGES, _WITH_SKULL = "images_structural", "images_structural_unstripped"
_MASKS = (("images_segm", "segm"), ("automated_segm", "automated_approx_segm"))
_HEADERS = {"idh": ("IDH1",), "mgmt": ("MGMT",), "age": ("Age_at_scan_years",), "sex": ("Gender",)}


def find_before_treatment(source: Path, tables: Sequence[Path]) -> Found:
    """Find the scans before surgery, `_11`.

    Args:
        source: the folder NIfTI-files, or one above it.
        tables: the clinical table, or nothing.

    Raises:
        DataError: no such case folder, or a table that is not this one.
    """
    return _find(source, tables, BEFORE)


def find_after_treatment(source: Path, tables: Sequence[Path]) -> Found:
    """Find the scans before a second surgery, `_21`; like `find_before_treatment`."""
    return _find(source, tables, AFTER)


def _find(source: Path, tables: Sequence[Path], time: str) -> Found:
    require_source(source)
    raw = [row for table in tables for row in read_rows(table, ["ID", "IDH1"])]
    left = [*no_table(tables, TABLE), *absent_columns(raw, _HEADERS)]
    titles = ("ID", *(title for options in _HEADERS.values() for title in options))
    rows = {scan: row for scan, row in by_id(raw, titles, _scan_id, left).items() if _time(scan) == time}
    cells = Cells()

    def build(folder: Path, scan: str) -> FoundCase | None:
        notes: list[str] = []
        labels = {"histology": "glioblastoma"} | cells.labels(row_of(rows, scan, notes), _HEADERS)
        files = replace(find_sequences(folder), mask=_mask(folder))
        return found_case(
            source, folder, scan, scan.split("_")[0], left, labels=labels, notes=tuple(notes), files=files
        )

    scans = [(folder, scan) for folder, scan in _scans(source, _IMAGES) if _time(scan) == time]
    cases = collect(scans, build, f"folder {_IMAGES}/UPENN-GBM-NNNNN_{time}", left)
    left += [*_other_times(source, time), *_only_with_skull(source, cases, time)]
    left += [*cells.odd(), *without_folder(rows, cases, left)]
    return Found(cases=tuple(cases.values()), skipped=tuple(left))


def _time(scan: str) -> str:
    return scan.rsplit("_", 1)[-1]


def _scan_id(text: str) -> str | None:
    return text if _SCAN.fullmatch(text) else None


def _scans(source: Path, kind: str) -> Iterator[tuple[Path, str]]:
    """(folder, scan) below every folder of one kind: the two kinds lie side by side."""
    for images in _named(source, kind, 3):
        for folder, _ in case_folders(images, _SCAN, 1):
            yield folder, folder.name


def _named(folder: Path, name: str, depth: int) -> Iterator[Path]:
    if folder.name == name:
        yield folder
    elif depth > 0:
        for inner in subfolders(folder):
            yield from _named(inner, name, depth - 1)


def _mask(folder: Path) -> Path | None:
    """The corrected mask of a scan, else the automatic one, else None."""
    for place, ending in _MASKS:
        for extension in (".nii.gz", ".nii"):
            mask = folder.parent.parent / place / f"{folder.name}_{ending}{extension}"
            if mask.is_file():
                return mask
    return None


def _other_times(source: Path, time: str) -> list[Skipped]:
    others = [scan for _, scan in _scans(source, _IMAGES) if _time(scan) != time]
    when = "before a second surgery, after treatment" if time == BEFORE else "before the first surgery"
    return [Skipped(name=f"{len(others)} other scans", reason=f"made {when}: import them apart")] if others else []


def _only_with_skull(source: Path, taken: Collection[str], time: str) -> list[Skipped]:
    reason = f"only in {_WITH_SKULL}: use the skull-stripped images, or gmmas-site prepare --raw"
    scans = dict.fromkeys(scan for _, scan in _scans(source, _WITH_SKULL))
    return [skipped(scan, reason) for scan in scans if _time(scan) == time and scan not in taken]
