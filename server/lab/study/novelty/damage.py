"""What no training patient's images are like: swapped files, faults on the way, and heads with no tumour or with two.

Faults act on standardised brightness inside the brain; outside it stays 0. Strengths were fixed once, by what a reader
would call plain or slight, and not after seeing a distance.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from gmmas_core.types import SEQUENCES
from server.lab.study.novelty.patients import Patient

Image = NDArray[np.float32]
Mask = NDArray[np.bool_]
Fault = Callable[[Image, np.random.Generator], Image]

SWAPS = (("t1", "t1c"), ("t1", "t2"), ("t2", "flair"))


def swapped(patient: Patient, one: str, other: str) -> Patient | None:
    """Two sequences under each other's name; None where the patient lacks one of them."""
    first, second = SEQUENCES.index(one), SEQUENCES.index(other)
    if not (patient.available_C[first] and patient.available_C[second]):
        return None
    order = list(range(len(SEQUENCES)))
    order[first], order[second] = second, first
    return replace(patient, image_CXYZ=patient.image_CXYZ[order])


def damaged(patient: Patient, fault: str, seed: int) -> Patient:
    """Every sequence with a fault of FAULTS, inside its own brain."""
    rng = np.random.default_rng(seed)
    image_CXYZ = patient.image_CXYZ.astype(np.float32)
    for channel in np.flatnonzero(patient.available_C):
        image_XYZ = image_CXYZ[channel]
        changed_XYZ = FAULTS[fault](image_XYZ, rng)
        image_CXYZ[channel] = np.where(image_XYZ != 0, np.clip(changed_XYZ, -30, 30), 0)
    return replace(patient, image_CXYZ=image_CXYZ.astype(np.float16))


def diseased(patient: Patient, disease: str) -> Patient:
    """The same images of a patient with a disease of DISEASES; heads are about symmetric, X is left to right."""
    assert patient.seg_XYZ is not None
    tumour_XYZ = patient.seg_XYZ > 0
    place_XYZ = DISEASES[disease](tumour_XYZ)
    mirrored_CXYZ = patient.image_CXYZ[:, ::-1]
    taken_CXYZ = place_XYZ & (patient.image_CXYZ != 0) & (mirrored_CXYZ != 0)
    return replace(patient, image_CXYZ=np.where(taken_CXYZ, mirrored_CXYZ, patient.image_CXYZ))


def _noise(strength: float) -> Fault:
    return lambda image_XYZ, rng: image_XYZ + strength * rng.standard_normal(image_XYZ.shape, dtype=np.float32)


def _blur(voxels: float) -> Fault:
    return lambda image_XYZ, rng: np.asarray(ndimage.gaussian_filter(image_XYZ, voxels), dtype=np.float32)


def _ghost(image_XYZ: Image, rng: np.random.Generator) -> Image:
    """The head once more, a quarter of the field of view away, as movement or pulsation writes it."""
    return np.asarray(image_XYZ + 0.4 * np.roll(image_XYZ, image_XYZ.shape[1] // 4, axis=1), dtype=np.float32)


def _shading(image_XYZ: Image, rng: np.random.Generator) -> Image:
    """Brighter by three standard deviations from one side to the other."""
    ramp_X = np.linspace(-1.5, 1.5, image_XYZ.shape[0], dtype=np.float32)
    return np.asarray(image_XYZ + ramp_X[:, None, None], dtype=np.float32)


def _inverted(image_XYZ: Image, rng: np.random.Generator) -> Image:
    return -image_XYZ


def _cut(image_XYZ: Image, rng: np.random.Generator) -> Image:
    """The upper two fifths of the brain are not there."""
    kept_XYZ = image_XYZ.copy()
    kept_XYZ[:, :, round(0.6 * image_XYZ.shape[2]) :] = 0
    return kept_XYZ


FAULTS: Mapping[str, Fault] = {
    "strong noise": _noise(0.5),
    "slight noise": _noise(0.1),
    "strong blur": _blur(1.5),
    "slight blur": _blur(0.5),
    "ghost": _ghost,
    "shading": _shading,
    "inverted brightness": _inverted,
    "upper two fifths missing": _cut,
}
"""Name -> what it does to one sequence."""

DISEASES: Mapping[str, Callable[[Mask], Mask]] = {
    "no tumour": lambda tumour_XYZ: np.asarray(ndimage.binary_dilation(tumour_XYZ, iterations=2)),
    "two tumours": lambda tumour_XYZ: tumour_XYZ[::-1],
}
"""Name -> where the other side's image is put, by the place of the tumour."""
