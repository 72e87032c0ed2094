"""Find case folders below a site folder, and tell from a public data set's folder name whose study it is."""

import os
import re
from collections.abc import Iterator
from pathlib import Path

from gmmas_core.data.sequences import has_images

_MAX_DEPTH = 4

# Names by which the makers of a data set tie several studies to one patient; splitting by study would leak them.
_STUDY_NAMES = (
    re.compile(r"(?P<patient>BraTS-[A-Z]+-\d{5})-\d{3}"),  # BraTS 2023-2025: patient-timepoint
    re.compile(r"(?P<patient>UPENN-GBM-\d{5})_\d{2}"),  # _11 before surgery, _21 at follow-up
    re.compile(r"(?P<patient>UCSF-PDGM-\d{3,4})(_FU\d+d)?(_nifti)?"),
    re.compile(r"(?P<patient>sub-[A-Za-z0-9]+)[/_]ses-[A-Za-z0-9]+"),  # BIDS
)


def find_case_folders(root: Path) -> tuple[str, ...]:
    """Folders below `root` that hold images of one case, as sorted POSIX paths relative to it.

    Hidden folders are passed over. Links to folders are followed, except back to a folder above.
    """
    return tuple(
        sorted(
            folder.relative_to(root).as_posix()
            for folder in _walk(root, _MAX_DEPTH, frozenset({os.path.realpath(root)}))
        )
    )


def _walk(folder: Path, depth: int, above: frozenset[str]) -> Iterator[Path]:
    for inner in _folders(folder):
        real = os.path.realpath(inner)
        if real in above:
            continue
        if has_images(inner) or has_images(inner / "anat"):
            yield inner
        elif depth > 1:
            yield from _walk(inner, depth - 1, above | {real})


def _folders(folder: Path) -> list[Path]:
    try:
        return [inner for inner in folder.iterdir() if inner.is_dir() and not inner.name.startswith(".")]
    except OSError:
        return []


def known_patient(case: str) -> str | None:
    """The patient of a study whose name follows a public data set's rule, else None.

    Args:
        case: case id, or a case's folder relative to the site folder.
    """
    for name in (case, case.rsplit("/", 1)[-1]):
        for pattern in _STUDY_NAMES:
            match = pattern.fullmatch(name)
            if match:
                return match["patient"]
    return None
