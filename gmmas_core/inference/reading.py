"""A prepared case as the network reads it: tensors on one device, any crop of them, any mirror image of them.

Shapes: C sequence, X Y Z brain crop or context, K class. A crop may reach over the border; what lies outside is zero,
as
outside the brain.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

from gmmas_core.data.preprocess import Prepared

FLIPS = tuple(tuple(axis for axis in range(3) if number >> axis & 1) for number in range(8))
"""The eight mirror images as axes to flip; the first is the image itself."""

Triple = tuple[int, int, int]
BoxOf = Callable[[Triple, Triple], NDArray[np.float32]]


@dataclass(frozen=True, kw_only=True)
class Reading:
    """What the network needs of one case.

    Attributes:
        image_1CXYZ: float32, the brain crop.
        available_1C: bool.
        context_1CXYZ: float32, the whole brain down-sampled.
        box_of: first voxel and size of a crop -> its corners (2, 3) in the context's coordinates.
    """

    image_1CXYZ: Tensor
    available_1C: Tensor
    context_1CXYZ: Tensor
    box_of: BoxOf

    @property
    def shape(self) -> Triple:
        """Voxels of the brain crop."""
        x, y, z = self.image_1CXYZ.shape[2:]
        return x, y, z

    def crop(self, start: Sequence[int], size: Sequence[int]) -> Tensor:
        """Image of a box, (1, C, *size), zero where it reaches over the border."""
        low = [max(0, s) for s in start]
        high = [min(n, s + e) for n, s, e in zip(self.shape, start, size, strict=True)]
        inside = self.image_1CXYZ[:, :, low[0] : high[0], low[1] : high[1], low[2] : high[2]]
        padding = []
        for axis in (2, 1, 0):
            padding += [low[axis] - start[axis], start[axis] + size[axis] - high[axis]]
        return F.pad(inside, padding)

    def centred(self, size: Sequence[int]) -> Triple:
        """First voxel of a box that this brain crop fits in: as in training, its padding is even on both sides."""
        x, y, z = (-(max(0, e - n) // 2) for n, e in zip(self.shape, size, strict=True))
        return x, y, z

    def boxes(self, starts: Sequence[Triple], size: Triple) -> Tensor:
        """Corners of crops in the context's coordinates, (B, 2, 3) float32 on the image's device."""
        corners = np.stack([self.box_of(start, size) for start in starts])
        return torch.from_numpy(corners.astype(np.float32, copy=False)).to(self.image_1CXYZ.device)

    def flipped(self, axes: tuple[int, ...]) -> "Reading":
        """The mirror image: brain crop, context and the place of every crop in it."""
        if not axes:
            return self
        dims = [2 + axis for axis in axes]
        shape, original = self.shape, self.box_of

        def box_of(start: Triple, size: Triple) -> NDArray[np.float32]:
            mirrored = [
                n - s - e if a in axes else s for a, (n, s, e) in enumerate(zip(shape, start, size, strict=True))
            ]
            box = original((mirrored[0], mirrored[1], mirrored[2]), size).copy()
            box[:, axes] = -box[::-1, axes]
            return box

        return replace(
            self,
            image_1CXYZ=self.image_1CXYZ.flip(dims),
            context_1CXYZ=self.context_1CXYZ.flip(dims),
            box_of=box_of,
        )


def read_prepared(prepared: Prepared, device: str) -> Reading:
    """Tensors of a prepared case on a device, as float32."""

    def tensor(array: NDArray[np.generic], dtype: torch.dtype) -> Tensor:
        return torch.from_numpy(np.array(array)).to(device=device, dtype=dtype)[None]

    return Reading(
        image_1CXYZ=tensor(prepared.image_CXYZ, torch.float32),
        available_1C=tensor(np.asarray(prepared.available_C), torch.bool),
        context_1CXYZ=tensor(prepared.context_CXYZ, torch.float32),
        box_of=prepared.box_in_context,
    )
