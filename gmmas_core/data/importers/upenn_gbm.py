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
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from gmmas_core.data.importers.case_folder import Facts, collect
from gmmas_core.data.importers.cells import Headers, labels_of
from gmmas_core.data.importers.clinical import open_tables
from gmmas_core.data.importers.found import Found, Skipped
from gmmas_core.data.importers.tree import require_cases, require_source
from gmmas_core.data.sequences import find_sequences

TABLE = "UPENN-GBM_clinical_info_v2.1.csv (or v1.1)"
BEFORE, AFTER = "11", "21"

_SCAN = re.compile(r"(?P<patient>UPENN-GBM-\d{5})_(?P<time>\d{2})")
_IMAGES, _WITH_SKULL = "images_structural", "images_structural_unstripped"
_MASKS = (("images_segm", "segm"), ("automated_segm", "automated_approx_segm"))
_DEPTH = 5
_HEADERS: Headers = {"idh": ("IDH1",), "mgmt": ("MGMT",), "age": ("Age_at_scan_years",), "sex": ("Gender",)}
_OTHER_TIME = {
    BEFORE: "a scan after treatment: import it with --from upenn-gbm-post",
    AFTER: "a scan before surgery: import it with --from upenn-gbm",
}


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
    left: list[Skipped] = []
    table = open_tables(tables, "ID", _HEADERS, lambda text: text if _SCAN.fullmatch(text) else None, left)
    mine = {name: row for name, row in table.rows.items() if name.endswith(f"_{time}")}
    table = replace(table, rows=mine)

    def facts_of(folder: Path, match: re.Match[str]) -> Facts | str:
        """What the table tells of a scan, or why it is not taken."""
        if folder.parent.name == _WITH_SKULL:
            return f"in {_WITH_SKULL}: with skull; skull-stripped images come in, or gmmas-site prepare --raw"
        if folder.parent.name != _IMAGES:
            return f"not in {_IMAGES}"
        if match["time"] != time:
            return _OTHER_TIME[time]
        notes: list[str] = []
        labels = {"histology": "glioblastoma"} | labels_of(table.row(folder.name, notes), _HEADERS)
        mask = _mask(source, folder, notes)
        files = replace(find_sequences(folder), mask=mask)
        return Facts(patient_id=match["patient"], labels=labels, notes=tuple(notes), files=files)

    cases = collect(source, _SCAN, left, facts_of, _DEPTH)
    require_cases(len(cases) + len(left), f"folder {_IMAGES}/UPENN-GBM-NNNNN_{time}")
    return Found(cases=tuple(cases.values()), skipped=(*left, *table.without(cases, left)))


def _mask(source: Path, folder: Path, notes: list[str]) -> Path | None:
    """The corrected mask of a scan, else the automatic one, else None."""
    above = folder.parent.parent
    if not above.is_relative_to(source):
        notes.append(f"masks lie beside {_IMAGES}: give the folder above as the source to have them")
        return None
    names = (above / place / f"{folder.name}_{ending}" for place, ending in _MASKS)
    masks = (Path(f"{name}{extension}") for name in names for extension in (".nii.gz", ".nii"))
    return next((mask for mask in masks if mask.is_file()), None)
