"""From a gradient back to the image: change a guess until its gradient points where the observed one points.

The attacker knows the weights and everything about the patient but the image: labels, mask, available sequences and the
crop's place. That is more than a coordinator knows, so what fails here fails a fortiori there; a cleverer attack, or a
trained prior on brains, may still succeed where this one fails.

Source: Geiping et al. 2020 (arXiv 2003.14053): cosine distance, total variation, Adam on the sign of the gradient.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

Images = tuple[Tensor, ...]
GradientsOf = Callable[[Images], Sequence[Tensor]]
"""Gradients of the loss of some images, differentiable in the images."""


@dataclass(frozen=True, kw_only=True)
class Effort:
    """How hard the attacker tries.

    Attributes:
        steps: of the optimisation.
        lr: of its Adam; falls to a tenth over the last half.
        smoothness: weight of the total variation, an image's prior.
        seed: of the first guess.
    """

    steps: int
    lr: float
    smoothness: float
    seed: int = 0


@dataclass(frozen=True, kw_only=True, eq=False)
class Inverted:
    """What the attacker ends with: the images with the least distance, and that distance (0 to 2)."""

    images: Images
    distance: float


def invert(
    gradients_of: GradientsOf, observed: Sequence[Tensor], shapes: Sequence[Sequence[int]], effort: Effort
) -> Inverted:
    """Look for images whose gradient points where `observed` does.

    Args:
        gradients_of: the attacker's copy of the training step.
        observed: one tensor per gradient, of any scale.
        shapes: of the images; the last three axes are X, Y, Z where there is a total variation.
        effort: see Effort.
    """
    generator = torch.Generator().manual_seed(effort.seed)
    guess = [torch.randn(*shape, generator=generator).requires_grad_() for shape in shapes]
    optimizer = torch.optim.Adam(guess, lr=effort.lr)
    decay = torch.optim.lr_scheduler.MultiStepLR(optimizer, [effort.steps // 2, effort.steps * 3 // 4], 0.3)
    best = Inverted(images=tuple(image.detach().clone() for image in guess), distance=float("inf"))
    for _ in range(effort.steps):
        distance = cosine_distance(gradients_of(tuple(guess)), observed)
        reached = float(distance.detach())
        if reached < best.distance:
            best = Inverted(images=tuple(image.detach().clone() for image in guess), distance=reached)
        loss = distance
        if effort.smoothness:
            loss = loss + effort.smoothness * sum(total_variation(image) for image in guess)
        for image, slope in zip(guess, torch.autograd.grad(loss, guess), strict=True):
            image.grad = slope.sign()
        optimizer.step()
        decay.step()
    return best


def cosine_distance(found: Sequence[Tensor], observed: Sequence[Tensor]) -> Tensor:
    """1 - cosine of the angle between two sets of gradients, each taken as one vector; 1 where one is zero."""
    product = sum((a * b).sum() for a, b in zip(found, observed, strict=True))
    lengths = [torch.stack([(part**2).sum() for part in parts]).sum().sqrt() for parts in (found, observed)]
    return 1 - product / (lengths[0] * lengths[1]).clamp(min=1e-20)


def total_variation(image: Tensor) -> Tensor:
    """Mean absolute difference between neighbours along the last three axes."""
    return torch.stack([image.diff(dim=axis).abs().mean() for axis in (-3, -2, -1)]).sum()
