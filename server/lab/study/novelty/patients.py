"""Phantom patients as arrays a network would read: drawn, written as files, and prepared as at a site."""

import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from gmmas_core.data.phantom import SiteEffects, make_case
from gmmas_core.data.phantom.anatomy import voxel_mm
from gmmas_core.data.phantom.site_effects import sequences_of
from gmmas_core.data.phantom.write import draw_patient, nifti_bytes
from gmmas_core.data.preprocess import PrepareSettings, prepare_case
from gmmas_core.novelty.features import Floats, features_of
from gmmas_core.types import UNKNOWN, Case, Task

CONTEXT = 8  # nobody looks at it


@dataclass(frozen=True, kw_only=True, eq=False)
class Patient:
    """One examination, prepared.

    Attributes:
        name: unique in the study.
        hospital: where.
        image_CXYZ: float16, z-scored, 0 outside the brain and for absent sequences.
        available_C: which sequences are there.
        spacing_mm: edge of a voxel.
        seg_XYZ: uint8, the tumour; None where it is not known.
    """

    name: str
    hospital: str
    image_CXYZ: NDArray[np.float16]
    available_C: NDArray[np.bool_]
    spacing_mm: float
    seg_XYZ: NDArray[np.uint8] | None

    @property
    def features_F(self) -> Floats:
        """Of its images."""
        return features_of(self.image_CXYZ, self.available_C, self.spacing_mm)


def draw(effects: SiteEffects, stream: tuple[int, int, int], voxels: int) -> Patient:
    """The patient of a stream (seed, hospital's number, case) as this hospital scans it."""
    latent, rng = draw_patient(effects, stream)
    phantom = make_case(latent, voxels, rng, effects)
    with tempfile.TemporaryDirectory() as folder:
        images = {}
        for sequence in sequences_of(effects, stream[2]):
            images[sequence] = Path(folder) / f"{sequence}.nii.gz"
            images[sequence].write_bytes(nifti_bytes(phantom.images[sequence], effects.orientation))
        mask = Path(folder) / "mask.nii.gz"
        mask.write_bytes(nifti_bytes(phantom.seg_XYZ, effects.orientation))
        return read(f"{effects.name}-{stream[0]}-{stream[2]}", images, voxel_mm(voxels), effects.name, mask)


def read(
    name: str, images: dict[str, Path], spacing_mm: float, hospital: str = "lab", mask: Path | None = None
) -> Patient:
    """Files, prepared as at a site.

    Raises:
        DataError: files that a site would refuse.
    """
    case = Case(
        case_id=name,
        patient_id=name,
        site=hospital,
        images=images,
        mask=mask,
        labels=dict.fromkeys(Task, UNKNOWN),
        label_source={},
        split="holdout",
    )
    settings = PrepareSettings(spacing_mm=spacing_mm, context_size=CONTEXT, label_convention="canonical")
    prepared = prepare_case(case, settings)
    return Patient(
        name=name,
        hospital=hospital,
        image_CXYZ=prepared.image_CXYZ,
        available_C=prepared.available_C,
        spacing_mm=prepared.spacing_mm,
        seg_XYZ=prepared.seg_XYZ,
    )
