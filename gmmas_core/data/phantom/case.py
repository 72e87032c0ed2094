"""One patient to four images, a mask and a brain: the order in which the other files of this folder are used."""

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from gmmas_core.data.phantom.anatomy import Anatomy, Bool3d, Float3d, draw_anatomy, smooth_field
from gmmas_core.data.phantom.latent import Latent
from gmmas_core.data.phantom.lesion import Lesion, draw_lesion, plan_lesion
from gmmas_core.data.phantom.signal import Tissue, texture_gain, tissue_brightness
from gmmas_core.data.phantom.site_effects import SiteEffects, acquire
from gmmas_core.types import SEQUENCES


class PhantomCase(NamedTuple):
    """One examination, RAS+.

    Attributes:
        images: sequence -> int16 (X, Y, Z), 0 outside the brain, all of SEQUENCES.
        seg_XYZ: uint8 canonical labels.
        brain_XYZ: bool.
    """

    images: Mapping[str, NDArray[np.int16]]
    seg_XYZ: NDArray[np.uint8]
    brain_XYZ: Bool3d


def make_case(latent: Latent, size: int, rng: np.random.Generator, effects: SiteEffects) -> PhantomCase:
    """Draw a patient as a site would scan it.

    Anatomy and tumour are the same in mm for every `size`; only the scanner's noise is not.

    Args:
        latent: the patient.
        size: voxels per axis of a field of view of 192 mm.
        rng: its children draw the plan, the head, the tumour and the scan.
        effects: of the site; its missing sequences are drawn all the same.
    """
    plan_rng, head_rng, lesion_rng, scan_rng = rng.spawn(4)
    plan = plan_lesion(latent, plan_rng)
    anatomy = draw_anatomy(latent, size, head_rng, plan.push)
    lesion = draw_lesion(latent, plan, anatomy, lesion_rng)
    mottle = smooth_field(head_rng, size, 16.0)
    tissue = np.where(_is_vessel(anatomy, head_rng), np.uint8(Tissue.VESSEL), anatomy.tissue_XYZ)
    anatomy = anatomy._replace(tissue_XYZ=tissue)
    tr_scale = effects.tr_scale * float(scan_rng.uniform(0.95, 1.05))
    te_scale = effects.te_scale * float(scan_rng.uniform(0.95, 1.05))
    images = {}
    for sequence, rng_of_scan in zip(SEQUENCES, scan_rng.spawn(len(SEQUENCES))):
        brightness = tissue_brightness(sequence, tr_scale, te_scale)
        drawn = _brightness_map(anatomy, lesion, mottle, brightness, texture_gain(sequence))
        images[sequence] = acquire(drawn, anatomy.brain_XYZ, sequence, effects, rng_of_scan)
    return PhantomCase(images, lesion.seg_XYZ, anatomy.brain_XYZ)


def _is_vessel(anatomy: Anatomy, rng: np.random.Generator) -> Bool3d:
    """Cortical vessels: short bright threads on T1c, so that brightness alone is not enhancing tumour."""
    near_surface = (anatomy.depth_mm_XYZ < 12) & (anatomy.tissue_XYZ == Tissue.GREY)
    return np.asarray(near_surface & (smooth_field(rng, anatomy.brain_XYZ.shape[0], 7.0) > 2.3))


def _brightness_map(
    anatomy: Anatomy, lesion: Lesion, mottle_XYZ: Float3d, brightness: NDArray[np.float32], texture_gain: float
) -> Float3d:
    """Mix fluid, tissue and lesion by their shares of each voxel.

    Args:
        anatomy: the healthy head.
        lesion: the tumour.
        mottle_XYZ: unit variance; normal tissue varies by 3 %.
        brightness: per Tissue, of one sequence.
        texture_gain: effect of the lesion's excess water on this sequence.
    """
    healthy = brightness[anatomy.tissue_XYZ] * (1 + np.float32(0.03) * mottle_XYZ)
    healthy += anatomy.csf_share_XYZ * (brightness[Tissue.CSF] - healthy)
    sick = brightness[lesion.tissue_XYZ] * (1 + np.float32(texture_gain) * lesion.texture_XYZ)
    return np.asarray(healthy + lesion.weight_XYZ * (sick - healthy), dtype=np.float32)
