"""UTSW-Glioma: `BT0001/brain_{t1,t1ce,t2,flair}.nii.gz` (or `brain_{t1,t1ce,t2,fl}_ants.nii.gz`) and up to three masks.

- Images: of the two registrations the one that holds more sequences is taken as a whole, the one without `ants` where
  both hold the same number, since FeTS masks were made on it; never one sequence of each: their grids may differ.
- Masks, best first: `rtumorseg_manual_correction` (on the images' grid), `tumorseg_manual_correction` (before it was
  registered: off the grid for about 4 of 10 cases), `tumorseg_FeTS` (automatic). Every mask is opened, and the first
  one is taken that lies on the images' grid, holds nothing but 0, 1, 2 and 4 (a third of the manual corrections hold
  values 3 or 5, whose meaning is not published), and is not empty (FeTS masks of BT0926, BT1016 and BT1090 are).
  A case without such a mask is taken without one.
- `Tumor Grade` does not say its edition of the WHO classification (patients of 2006 to 2023): grades 2 and 3 are used
  as histologic, grade 4 is not, see `grades`.
- The table has CRLF line ends and spells unknown as NA and Not Reported.

Source: doi:10.7937/DFAE-1B86 (UTSW-Glioma, CC BY 4.0).
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import nibabel as nib
import numpy as np

from gmmas_core.data.grid import Grid, same_grid
from gmmas_core.data.importers.case_folder import Facts, collect
from gmmas_core.data.importers.cells import Headers, cell_of, coherent, labels_of
from gmmas_core.data.importers.clinical import open_tables
from gmmas_core.data.importers.found import Found, Skipped
from gmmas_core.data.importers.grades import diagnosis_of, from_integrated
from gmmas_core.data.importers.sheet import Row
from gmmas_core.data.importers.tree import require_cases, require_source, unsafe_files
from gmmas_core.data.labels import to_canonical
from gmmas_core.data.nifti import load_volume
from gmmas_core.data.sequences import FoundFiles
from gmmas_core.types import DataError

TABLE = "UTSW_Glioma_Metadata-2-1.tsv"
CONVENTION = "brats2021"
MASKS = ("rtumorseg_manual_correction", "tumorseg_manual_correction", "tumorseg_FeTS")

_FOLDER = re.compile(r"BT\d{4}")
_REGISTRATIONS: Sequence[Mapping[str, Sequence[str]]] = (
    {"t1": ("t1",), "t1c": ("t1ce",), "t2": ("t2",), "flair": ("flair", "fl")},
    {"t1": ("t1_ants",), "t1c": ("t1ce_ants",), "t2": ("t2_ants",), "flair": ("fl_ants", "flair_ants")},
)
_HEADERS: Headers = {
    "idh": ("IDH",),
    "codel_1p19q": ("1p19Q CODEL", "1p/19q"),
    "mgmt": ("MGMT",),
    "age": ("Age at Imaging",),
    "sex": ("Sex at birth", "Gender"),
    "field_strength_t": ("Scanner Strength",),
}
_GRADE, _TYPE, _OPERATED = ("Tumor Grade",), ("Tumor Type",), ("Operation Status",)
_ALL: Headers = {**_HEADERS, "published_grade": _GRADE, "published_diagnosis": _TYPE, "operation status": _OPERATED}


def find(source: Path, tables: Sequence[Path]) -> Found:
    """Find the subjects of a tree; masks are opened, images are not.

    Args:
        source: the unpacked data set.
        tables: the metadata table, or nothing.

    Raises:
        DataError: no case folder, or a table that is not this one.
    """
    require_source(source)
    left: list[Skipped] = []
    table = open_tables(tables, "Subject ID", _ALL, _subject, left)

    def facts_of(folder: Path, match: re.Match[str]) -> Facts:
        """What the table tells of a subject, and which of its files are used."""
        notes: list[str] = []
        row = table.row(folder.name, notes)
        labels = coherent(labels_of(row, _HEADERS), notes)
        labels |= from_integrated(row, _GRADE, notes) | diagnosis_of(row, _TYPE)
        notes += _operated(row)
        files = _images(folder)
        if files.images and unsafe_files(source, [*files.images.values()]) is None:
            files = replace(files, mask=_mask(source, folder, files, notes))
        return Facts(patient_id=folder.name, labels=labels, notes=tuple(notes), files=files)

    cases = collect(source, _FOLDER, left, facts_of)
    require_cases(len(cases) + len(left), "folder named BTNNNN")
    return Found(cases=tuple(cases.values()), skipped=(*left, *table.without(cases, left)))


def _subject(text: str) -> str | None:
    return text.upper() if _FOLDER.fullmatch(text.upper()) else None


def _operated(row: Row) -> list[str]:
    """A note where the table does not say that the scan was made before surgery."""
    status = cell_of(row, _OPERATED)
    if not status or status.lower().startswith("pre"):
        return []
    return [f"operation status {status[:40]!a}: the network is meant for scans before surgery"]


def _images(folder: Path) -> FoundFiles:
    """The registration with most sequences, the first of equals."""
    sets = [
        {name: path for name, endings in names.items() if (path := _first(folder, endings))} for names in _REGISTRATIONS
    ]
    return FoundFiles(images=max(sets, key=len), mask=None, clashes={}, ignored=0)


def _first(folder: Path, endings: Sequence[str]) -> Path | None:
    paths = (folder / f"brain_{ending}{extension}" for ending in endings for extension in (".nii.gz", ".nii"))
    return next((path for path in paths if path.is_file()), None)


def _mask(source: Path, folder: Path, files: FoundFiles, notes: list[str]) -> Path | None:
    """The first mask that can be used, with a note for each better one that cannot."""
    for name in MASKS:
        for mask in (folder / f"{name}.nii.gz", folder / f"{name}.nii"):
            if not mask.is_file():
                continue
            reason = unsafe_files(source, [mask]) or _unusable(mask, next(iter(files.images.values())))
            if reason is None:
                return mask
            notes.append(f"mask {name} not used: {reason}")
    return None


def _unusable(mask: Path, image: Path) -> str | None:
    """Why a mask cannot be used with an image, or None when it can."""
    try:
        volume, grid = load_volume(mask, "mask"), _grid(image)
    except DataError as error:
        return str(error)
    if not same_grid(volume.grid, grid):
        return "it lies on another grid than the images"
    try:
        canonical = to_canonical(volume.data, CONVENTION)
    except DataError:
        return "it holds other values than 0, 1, 2 and 4, whose meaning is not published"
    return None if canonical.any() else "it is empty"


def _grid(image: Path) -> Grid:
    """Where an image's voxels lie, by its header alone."""
    try:
        header = nib.load(image)
        x, y, z = header.shape
    except Exception as error:  # nibabel raises whatever its readers do
        raise DataError("image: found no readable 3-D NIfTI; expected one; export the file again") from error
    return Grid((x, y, z), np.asarray(header.affine, dtype=np.float64))
