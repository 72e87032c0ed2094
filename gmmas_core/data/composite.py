"""A patch and its whole-brain context while a composite of two cases is made of them, and the result."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gmmas_core.data import context_change, soft_layer
from gmmas_core.data.prepared_case import PreparedCase, Triple
from gmmas_core.data.soft_layer import SoftMask


@dataclass(frozen=True, kw_only=True, eq=False)
class Composite:
    """A patch made of two cases, not augmented yet.

    Attributes:
        image_CXYZ: float32; 0 for sequences that not both have.
        context_CXYZ: float32, the host's whole brain with the same changes.
        seg_XYZ: uint8 canonical labels.
        donor_XYZ: bool, voxels whose label and intensity are the donor's.
        available_C: bool, sequences that both have.
        lam: the host's share of the tumour voxels.
    """

    image_CXYZ: NDArray[np.float32]
    context_CXYZ: NDArray[np.float32]
    seg_XYZ: NDArray[np.uint8]
    donor_XYZ: NDArray[np.bool_]
    available_C: NDArray[np.bool_]
    lam: float


class Canvas:
    """The host's patch and context while a composite is made of them."""

    def __init__(self, host: PreparedCase, available_C: NDArray[np.bool_], start: Triple, size: Triple) -> None:
        self.host, self.available_C, self.start, self.size = host, available_C, start, size
        self.image_CXYZ = read_patch(host, available_C, start, size)
        self.context_CXYZ = np.zeros(host.context_CXYZ.shape, dtype=np.float32)
        self.context_CXYZ[available_C] = host.context_CXYZ[available_C]
        self.brain_XYZ = (self.image_CXYZ != 0).any(axis=0)

    def overlaps(self, low: Triple, size: Triple) -> list[NDArray[np.float32]]:
        """context_change.overlaps of a box of the patch."""
        frame, context_size = self.host.context_frame, self.host.context_CXYZ.shape[-1]
        return context_change.overlaps(frame, context_size, shifted(self.start, low), size)

    def lay(self, mask: SoftMask, piece_CXYZ: NDArray[np.float32]) -> None:
        """Lay a piece over the patch, and its share over the context."""
        change_CXYZ = soft_layer.lay_over(self.image_CXYZ, mask, piece_CXYZ)
        context_change.add_change(self.context_CXYZ, change_CXYZ, self.overlaps(mask.low, mask.size))

    def composite(self, seg_XYZ: NDArray[np.uint8], donor_XYZ: NDArray[np.bool_]) -> Composite:
        """The finished composite."""
        total = np.count_nonzero(seg_XYZ)
        return Composite(
            image_CXYZ=self.image_CXYZ,
            context_CXYZ=self.context_CXYZ,
            seg_XYZ=seg_XYZ,
            donor_XYZ=donor_XYZ,
            available_C=self.available_C,
            lam=float(1 - np.count_nonzero(donor_XYZ) / total),
        )


def read_patch(case: PreparedCase, available_C: NDArray[np.bool_], start: Triple, size: Triple) -> NDArray[np.float32]:
    """A patch (C, *size) of the given sequences, 0 elsewhere."""
    patch_CXYZ = np.zeros((len(available_C), *size), dtype=np.float32)
    for channel in np.flatnonzero(available_C).tolist():
        patch_CXYZ[channel] = case.channel_patch(channel, start, size)
    return patch_CXYZ


def shifted(place: Triple, by: Triple) -> Triple:
    """A place, moved."""
    return place[0] + by[0], place[1] + by[1], place[2] + by[2]
