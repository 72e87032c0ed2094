"""Phantom hospitals on disk: complete site folders, as a hospital's own export would look.

A folder per case with NIfTI files in the site's orientation, masks in the BraTS 2021 convention (4 is enhancing
tumour), `participants.tsv` and `site.yaml`. What was really drawn goes to `phantom_truth.tsv` beside the sites, never
into one. Case k of site j draws from its own stream (seed, j, k): more sites or cases leave the others as they were,
byte for byte.
"""

import gzip
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import NamedTuple

import nibabel as nib
import numpy as np
from numpy.typing import NDArray

from gmmas_core.atomic import publish_folder, write_text
from gmmas_core.data.phantom.anatomy import FIELD_OF_VIEW_MM, voxel_mm
from gmmas_core.data.phantom.case import make_case
from gmmas_core.data.phantom.latent import SIGNS, Latent, pick_class, sample_patient
from gmmas_core.data.phantom.site_effects import GOLDEN, SiteEffects, hospital, is_left_out, sequences_of
from gmmas_core.errors import ConfigError, DataError
from gmmas_core.types import CLASS_NAMES, ENHANCING, Task

TRUTH_FILE = "phantom_truth.tsv"
SIZE_RANGE = (24, 256)
_BRATS2021_ENHANCING = 4
_FILE_NAMES: Mapping[str, str] = {"t1": "t1", "t1c": "t1ce", "t2": "t2", "flair": "flair"}
_TASKS = (Task.IDH, Task.CODEL, Task.HISTOLOGY)
_COLUMNS = ("participant_id", "age", "sex", *_TASKS, "split")
_TRUTH_COLUMNS = ("site", "participant_id", "tumour_class", "grade", "age", "apparent_age", *SIGNS)
# Last number of the seeds, so that the streams of a site and of its cases never meet.
_START, _CASE = 1, 2
_SITE_YAML = """site: {name}
label_convention: brats2021
# Phantoms are nobody's data, so the floor is lower than a hospital's.
cohort_floor: 1
"""

Progress = Callable[[int, int], None]


def write_federation(
    out: Path, *, sites: int, cases: int, size: int, seed: int, on_progress: Progress | None = None
) -> list[Path]:
    """Write phantom hospitals.

    Args:
        out: new or empty folder.
        sites: hospitals.
        cases: patients per hospital.
        size: voxels per axis of a field of view of 192 mm.
        seed: not negative.
        on_progress: called with (cases written, cases in all).

    Returns:
        The site folders, in the order of the hospitals' numbers.

    Raises:
        ConfigError: a number out of range.
        DataError: `out` holds something or cannot be written; nothing is left behind.
    """
    _check_numbers(sites=sites, cases=cases, size=size, seed=seed)
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise DataError("phantom: found a file or a folder that is not empty; expected a new folder; name another one")
    hospitals = [hospital(number, seed) for number in range(sites)]
    truth = ["\t".join(_TRUTH_COLUMNS)]
    try:
        out.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=out, prefix=".writing-") as workshop:
            for number, effects in enumerate(hospitals):
                rows = ["\t".join(_COLUMNS)]
                for case in range(cases):
                    written = _write_case(Path(workshop) / effects.name, effects, (seed, number, case), size)
                    rows.append(written.row)
                    truth.append(written.truth)
                    if on_progress is not None:
                        on_progress(number * cases + case + 1, sites * cases)
                write_text(Path(workshop) / effects.name / "participants.tsv", "\n".join(rows) + "\n")
                write_text(Path(workshop) / effects.name / "site.yaml", _SITE_YAML.format(name=effects.name))
            for effects in hospitals:
                publish_folder(Path(workshop) / effects.name, out / effects.name)
        write_text(out / TRUTH_FILE, "\n".join(truth) + "\n")
    except OSError as error:
        raise DataError(
            f"phantom: found {error.strerror}; expected a folder to write in; free it or name another"
        ) from error
    return [out / effects.name for effects in hospitals]


def _check_numbers(*, sites: int, cases: int, size: int, seed: int) -> None:
    """Raise ConfigError that names every number out of range."""
    problems = []
    if sites < 1:
        problems.append(f"sites: found {sites}; expected 1 or more")
    if cases < 1:
        problems.append(f"cases: found {cases}; expected 1 or more")
    if not SIZE_RANGE[0] <= size <= SIZE_RANGE[1]:
        problems.append(f"size: found {size}; expected {SIZE_RANGE[0]} to {SIZE_RANGE[1]} voxels")
    if seed < 0:
        problems.append(f"seed: found {seed}; expected 0 or more")
    if problems:
        raise ConfigError("phantom: " + "; ".join(problems) + "; change the numbers")


def draw_patient(effects: SiteEffects, stream: tuple[int, int, int]) -> tuple[Latent, np.random.Generator]:
    """The patient of a stream (seed, site number, case number) and the generator that draws the pictures.

    Classes are dealt along the case number in golden-ratio steps from a start of the site's own, so that already six
    cases show the site's prevalences.
    """
    seed, number, case = stream
    start = float(np.random.default_rng([seed, number, _START]).random())
    rng = np.random.default_rng([seed, number, case, _CASE])
    kind = pick_class((start + case * GOLDEN) % 1, effects.lower_grade_odds)
    return sample_patient(kind, rng, effects.age_shift), rng


class _Written(NamedTuple):
    """A line of participants.tsv and the line of the truth file that belongs to it."""

    row: str
    truth: str


def _write_case(site_folder: Path, effects: SiteEffects, stream: tuple[int, int, int], size: int) -> _Written:
    """Draw one patient and write the files that the site has of it."""
    _, number, case = stream
    latent, rng = draw_patient(effects, stream)
    phantom = make_case(latent, size, rng, effects)
    name = f"sub-{number + 1:02d}{case + 1:04d}"
    folder = site_folder / name
    folder.mkdir(parents=True)
    for sequence in sequences_of(effects, case):
        path = folder / f"{name}_{_FILE_NAMES[sequence]}.nii.gz"
        path.write_bytes(nifti_bytes(phantom.images[sequence], effects.orientation))
    if not is_left_out("mask", effects.unmasked, case):
        on_disk = np.where(phantom.seg_XYZ == ENHANCING, np.uint8(_BRATS2021_ENHANCING), phantom.seg_XYZ)
        (folder / f"{name}_seg.nii.gz").write_bytes(nifti_bytes(on_disk, effects.orientation))
    labels = [
        "n/a" if is_left_out(task, effects.unknown.get(task, 0.0), case) else CLASS_NAMES[task][latent.labels[task]]
        for task in _TASKS
    ]
    row = [name, f"{latent.age:.1f}", latent.sex, *labels, "n/a"]
    kind = latent.tumour_class
    ages = [f"{latent.age:.1f}", f"{latent.apparent_age:.1f}"]
    signs = [str(int(latent.signs[sign])) for sign in SIGNS]
    return _Written("\t".join(row), "\t".join([effects.name, name, kind.name, str(kind.grade), *ages, *signs]))


def nifti_bytes(data_XYZ: NDArray[np.int16] | NDArray[np.uint8], orientation: str) -> bytes:
    """A compressed NIfTI-1 file; the same input gives the same bytes.

    Args:
        data_XYZ: cubic volume, RAS+, centred on the origin.
        orientation: axis codes of the file; its affine keeps every voxel at its place in mm.
    """
    size = data_XYZ.shape[0]
    affine = np.diag([voxel_mm(size)] * 3 + [1.0])
    affine[:3, 3] = (voxel_mm(size) - FIELD_OF_VIEW_MM) / 2
    turn = nib.orientations.ornt_transform(
        nib.orientations.axcodes2ornt("RAS"), nib.orientations.axcodes2ornt(orientation)
    )
    image = nib.Nifti1Image(data_XYZ, affine).as_reoriented(turn)
    image.header.set_xyzt_units("mm", "sec")
    return gzip.compress(image.to_bytes(), compresslevel=1, mtime=0)
