"""A prepared case behind memory maps: a patch is read without loading the volume."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gmmas_core.data.geometry import Grid
from gmmas_core.data.preprocess import ContextFrame, Prepared

Triple = tuple[int, int, int]


@dataclass(frozen=True, kw_only=True, eq=False)
class PreparedCase:
    """The fields of `Prepared`, the arrays memory-mapped and read-only.

    Attributes:
        tumour_N3: int16 (N, 3), voxels of the crop inside the tumour, in memory; empty without mask or tumour.
        meta: what the cache wrote about the entry.
    """

    case_id: str
    image_CXYZ: NDArray[np.float16]
    seg_XYZ: NDArray[np.uint8] | None
    context_CXYZ: NDArray[np.float16]
    context_seg_XYZ: NDArray[np.uint8] | None
    tumour_N3: NDArray[np.int16]
    available_C: NDArray[np.bool_]
    native: Grid
    inside: Grid
    crop_start: tuple[int, int, int]
    context_frame: ContextFrame
    meta: Mapping[str, Any]

    @property
    def shape(self) -> tuple[int, int, int]:
        """Voxels of the brain crop."""
        x, y, z = self.image_CXYZ.shape[1:]
        return x, y, z

    @property
    def has_seg(self) -> bool:
        """Whether there is a mask; it may be empty."""
        return self.seg_XYZ is not None

    def image_patch(self, start: Triple, size: Triple) -> NDArray[np.float16]:
        """A copy (C, *size) of a patch, zero where it reaches beyond the crop; start may be negative."""
        patch = np.zeros((len(self.image_CXYZ), *size), dtype=np.float16)
        for channel in np.flatnonzero(self.available_C):
            patch[channel] = self.channel_patch(int(channel), start, size)
        return patch

    def channel_patch(self, channel: int, start: Triple, size: Triple) -> NDArray[np.float16]:
        """One sequence's share of `image_patch`."""
        return _padded(self.image_CXYZ[channel], start, size)

    def seg_patch(self, start: Triple, size: Triple) -> NDArray[np.uint8]:
        """A copy of the labels of a patch, background beyond the crop.

        Raises:
            ValueError: the case has no mask.
        """
        if self.seg_XYZ is None:
            raise ValueError(f"case {self.case_id} has no mask; ask has_seg first")
        return _padded(self.seg_XYZ, start, size)

    def context(self) -> NDArray[np.float16]:
        """A copy (C, N, N, N) of the down-sampled whole brain."""
        return np.array(self.context_CXYZ)

    def context_seg(self) -> NDArray[np.uint8] | None:
        """A copy of the context's labels, None without a mask."""
        return None if self.context_seg_XYZ is None else np.array(self.context_seg_XYZ)

    def box_in_context(self, start: Triple, size: Triple) -> NDArray[np.float32]:
        """`ContextFrame.box` of a patch of this crop."""
        return self.context_frame.box(start, size)

    def full(self) -> Prepared:
        """The whole case in memory."""
        return Prepared(
            case_id=self.case_id,
            image_CXYZ=np.array(self.image_CXYZ),
            seg_XYZ=None if self.seg_XYZ is None else np.array(self.seg_XYZ),
            context_CXYZ=self.context(),
            context_seg_XYZ=self.context_seg(),
            available_C=self.available_C,
            native=self.native,
            inside=self.inside,
            crop_start=self.crop_start,
            context_frame=self.context_frame,
        )


def _padded(volume_XYZ: NDArray[Any], start: Triple, size: Triple) -> NDArray[Any]:
    """A contiguous copy of a part of a volume, 0 where it reaches beyond."""
    low = [min(max(s, 0), n) for s, n in zip(start, volume_XYZ.shape, strict=True)]
    high = [max(min(s + k, n), b) for s, k, n, b in zip(start, size, volume_XYZ.shape, low, strict=True)]
    inside = volume_XYZ[tuple(slice(b, e) for b, e in zip(low, high, strict=True))]
    if inside.shape == size:
        return np.array(inside, order="C")
    patch = np.zeros(size, dtype=volume_XYZ.dtype)
    if inside.size:
        patch[tuple(slice(b - s, e - s) for b, e, s in zip(low, high, start, strict=True))] = inside
    return patch
