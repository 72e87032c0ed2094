"""A site as an nnU-Net raw data set, so that nnU-Net can be trained on the same patients as this network.

nnU-Net needs every channel of every case. A case without all four sequences is left out and listed, never filled: a
channel of zeros would teach nnU-Net that zero means something. Training and validation cases go to imagesTr with their
masks, in canonical labels; `splits_final.json` keeps our split by patient, or where the site has no validation cases
makes folds of its own that keep patients whole: nnU-Net would divide by case. The holdout goes to imagesTs (and
labelsTs).

Source: Isensee et al., Nature Methods 2021, doi 10.1038/s41592-020-01008-z; the format as nnunetv2 documents it.
"""

import os
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
from nibabel.filebasedimages import ImageFileError

from client.exporting.cases import CaseExport
from client.predicting.result_files import nifti_bytes
from client.site import Site
from gmmas_core import atomic
from gmmas_core.data.grid import Grid, Volume
from gmmas_core.data.labels import to_canonical
from gmmas_core.data.preprocess import load_files
from gmmas_core.types import (
    BACKGROUND,
    DISCLAIMER,
    EDEMA,
    ENHANCING,
    NECROSIS,
    REGIONS,
    SEQUENCES,
    Case,
    ConfigError,
    DataError,
)

ENDING = ".nii.gz"
FOLDS = 5
"""As many as nnU-Net makes by itself."""

NAME = re.compile(r"Dataset[0-9]{3}_[A-Za-z0-9_-]{1,60}")

LABELS: Mapping[str, Mapping[str, Any]] = {
    "plain": {"labels": {"background": BACKGROUND, "NCR": NECROSIS, "ED": EDEMA, "ET": ENHANCING}},
    "regions": {
        "labels": {"background": BACKGROUND}
        | {name: list(REGIONS[key]) for name, key in (("whole_tumor", "wt"), ("tumor_core", "tc"))}
        | {"enhancing_tumor": list(REGIONS["et"])},
        # What a voxel becomes that lies in this region and in none of the later ones.
        "regions_class_order": [EDEMA, NECROSIS, ENHANCING],
    },
}
"""Named choice -> what nnU-Net learns; the masks are the same files for both."""


def _link(source: Path, target: Path) -> bool:
    try:
        target.unlink(missing_ok=True)
        os.link(source.resolve(), target)
    except OSError:
        return False  # another file system
    return True


def _never(source: Path, target: Path) -> bool:
    return False


IMAGES = {"link": _link, "copy": _never}
"""Named choice -> whether a file that can stay as it is was put in its place without writing it anew."""


def as_nnunet(site: Site, out: Path, labels: str, images: str) -> CaseExport:
    """What `export_cases` needs.

    Args:
        site: whose masks' convention is translated.
        out: nnU-Net takes the folder's name for the data set's.
        labels: key of LABELS.
        images: key of IMAGES.

    Raises:
        ConfigError: an unknown choice.
        DataError: a name that nnU-Net does not read.
    """
    for option, given, known in (("--labels", labels, LABELS), ("--images", images, IMAGES)):
        if given not in known:
            raise ConfigError(f"{option}: found {given!r}; expected one of {', '.join(known)}")
    if not NAME.fullmatch(out.name):
        raise DataError(
            f"--out: found {out.name!r}; expected a folder called as nnU-Net wants it; give e.g. "
            "nnUNet_raw/Dataset501_Glioma"
        )

    def write(case: Case, folder: Path) -> list[str]:
        return _write_case(case, folder, site.label_convention, images)

    def finish(folder: Path, cases: Sequence[Case]) -> dict[str, Any]:
        return _finish(folder, cases, out.name, labels)

    return CaseExport(
        to="nnunet",
        options={"labels": labels, "images": images, "label_convention": site.label_convention},
        sources=_sources,
        skip=_skip,
        write=write,
        finish=finish,
    )


def _sources(case: Case) -> list[Path]:
    return [*case.images.values(), *([case.mask] if case.mask else [])]


def _skip(case: Case) -> str:
    missing = [sequence for sequence in SEQUENCES if sequence not in case.images]
    if missing:
        return f"no {', '.join(missing)}: nnU-Net needs every channel"
    return "" if case.mask or case.split == "holdout" else "no mask to train with"


def _write_case(case: Case, folder: Path, convention: str, images: str) -> list[str]:
    volumes, mask = load_files(case)
    end = "Ts" if case.split == "holdout" else "Tr"
    names = []
    grid = volumes[SEQUENCES[0]].grid
    for channel, sequence in enumerate(SEQUENCES):
        name = f"images{end}/{case.case_id}_{channel:04}{ENDING}"
        (folder / name).parent.mkdir(exist_ok=True)
        source = case.images[sequence]
        if not (_is_as_wanted(source, grid) and IMAGES[images](source, folder / name)):
            atomic.write_bytes(folder / name, nifti_bytes(volumes[sequence].data, grid.affine_44))
        names.append(name)
    if mask is not None:
        names.append(f"labels{end}/{case.case_id}{ENDING}")
        atomic.write_bytes(folder / names[-1], nifti_bytes(_canonical(case, mask, convention), grid.affine_44))
    return names


def _canonical(case: Case, mask: Volume, convention: str) -> Any:
    try:
        return to_canonical(mask.data, convention)
    except DataError as error:
        raise DataError(f"case {case.case_id}: {error}") from None


def _is_as_wanted(path: Path, grid: Grid) -> bool:
    """Whether nnU-Net may read this very file: packed, 3-D, and on the first channel's grid to the last digit."""
    if not path.name.lower().endswith(ENDING):
        return False
    try:
        image: Any = nib.load(path)
    except (ImageFileError, OSError, EOFError):
        return False  # e.g. not packed at all: our reader goes by the content, theirs by the name
    return bool(image.shape == grid.shape and np.array_equal(image.affine, grid.affine_44))


def _finish(folder: Path, cases: Sequence[Case], name: str, labels: str) -> dict[str, Any]:
    for part in ("imagesTr", "labelsTr", "imagesTs", "labelsTs"):
        (folder / part).mkdir(exist_ok=True)
    of = {split: _ids([c for c in cases if c.split == split]) for split in ("train", "validation", "holdout")}
    content = {
        "channel_names": {str(channel): sequence for channel, sequence in enumerate(SEQUENCES)},
        **LABELS[labels],
        "numTraining": len(of["train"]) + len(of["validation"]),
        "file_ending": ENDING,
        "name": name,
        "description": f"Glioma MRI, canonical labels 1 NCR/NET, 2 ED, 3 ET. {DISCLAIMER}",
    }
    atomic.write_json(folder / "dataset.json", content)
    folds = _folds(cases)
    if folds:
        atomic.write_json(folder / "splits_final.json", folds)
    return {**{name: len(ids) for name, ids in of.items()}, "folds": len(folds)}


def _folds(cases: Sequence[Case]) -> list[dict[str, list[str]]]:
    """What nnU-Net trains and validates on, fold by fold; no patient is on both sides of any."""
    train, validation = ([case for case in cases if case.split == split] for split in ("train", "validation"))
    if validation and train:
        return [{"train": _ids(train), "val": _ids(validation)}]
    known = [*train, *validation]
    patients = sorted({case.patient_id for case in known})
    folds = [{*patients[number::FOLDS]} for number in range(min(FOLDS, len(patients)))]
    if len(folds) < 2:
        return []  # one patient cannot be divided
    return [
        {
            "train": _ids([case for case in known if case.patient_id not in held]),
            "val": _ids([case for case in known if case.patient_id in held]),
        }
        for held in folds
    ]


def _ids(cases: Sequence[Case]) -> list[str]:
    return sorted(case.case_id for case in cases)
