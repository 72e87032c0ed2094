"""The context volume and a crop's place in it, in the subset of Python that TorchScript compiles.

The same numbers as `gmmas_core.data.preprocess.make_context` and `ContextFrame.box` to half precision's last digit,
which a test holds them to; those are numpy and run where the package is installed, this travels inside a model.
"""

import torch
from torch import Tensor


def make_context(image: Tensor, size: int) -> Tensor:
    """(1, C, X, Y, Z) -> (1, C, size, size, size): the crop in a cube of its longest edge, averaged over its voxels."""
    shape = image.shape[2:]
    edge = float(max(shape))
    step = edge / size
    weights = [
        axis_weights(length, size, step, (length - edge) / 2 + step / 2 - 0.5, max(1.0, step)).to(image.device)
        for length in shape
    ]
    context = torch.einsum("bcxyz,nx->bcnyz", image, weights[0])
    context = torch.einsum("bcxyz,ny->bcxnz", context, weights[1])
    context = torch.einsum("bcxyz,nz->bcxyn", context, weights[2])
    return context.to(torch.float16).to(torch.float32)  # as prepared cases are stored


def context_box(image: Tensor, start: list[int], edge: int) -> Tensor:
    """Corners (1, 2, 3) of a cube of `edge` voxels in the context's coordinates."""
    whole = float(max(image.shape[2:]))
    corners = torch.zeros([1, 2, 3], dtype=torch.float64)
    for axis in range(3):
        origin = (image.shape[2 + axis] - whole) / 2
        corners[0, 0, axis] = (start[axis] - origin) / whole * 2 - 1
        corners[0, 1, axis] = (start[axis] + edge - origin) / whole * 2 - 1
    return corners.to(image.device, image.dtype)


def axis_weights(num_in: int, num_out: int, step: float, first: float, width: float) -> Tensor:
    """`gmmas_core.data.geometry.axis_weights`: (num_out, num_in) float32."""
    centre = first + step * torch.arange(num_out, dtype=torch.float64)
    offset = centre.clamp(0, num_in - 1)[:, None] - torch.arange(num_in, dtype=torch.float64)[None, :]
    excess = width - 1
    if excess > 1e-6:
        weight = (_hat_integral(offset + excess / 2) - _hat_integral(offset - excess / 2)) / excess
    else:
        weight = (1 - offset.abs()).clamp(min=0)
    weight = weight / weight.sum(1, keepdim=True)
    outside = (centre < -0.55) | (centre > num_in - 1 + 0.55)
    return weight.masked_fill(outside[:, None], 0.0).to(torch.float32)


def _hat_integral(x: Tensor) -> Tensor:
    x = x.clamp(-1, 1)
    return 0.5 + x - x.sign() * x * x / 2
