"""How much of a patient a guess shows: correlation, PSNR and SSIM, inside the true brain where that makes sense."""

from collections.abc import Mapping, Sequence

import torch
from monai.metrics import SSIMMetric
from torch import Tensor

_WINDOW = 7


def resemblance(guess_CXYZ: Tensor, truth_CXYZ: Tensor) -> dict[str, float]:
    """Likeness of a guess to the truth.

    Args:
        guess_CXYZ: float32, same shape.
        truth_CXYZ: float32, z-scored, 0 outside the brain; its range is the peak of PSNR and SSIM.

    Returns:
        "correlation" (Pearson, over voxels of the brain), "psnr" in dB and "ssim" over the whole crop.
    """
    span = float(truth_CXYZ.max() - truth_CXYZ.min()) or 1.0
    error = float(((guess_CXYZ - truth_CXYZ) ** 2).mean())
    similarity = SSIMMetric(spatial_dims=3, data_range=span, win_size=_WINDOW)(guess_CXYZ[None], truth_CXYZ[None])
    return {
        "correlation": correlation(guess_CXYZ, truth_CXYZ),
        "psnr": 10 * float(torch.log10(torch.tensor(span**2 / max(error, 1e-12)))),
        "ssim": float(similarity.mean()),
    }


def correlation(guess_CXYZ: Tensor, truth_CXYZ: Tensor) -> float:
    """Pearson correlation over the voxels where the truth is not 0; 0 for a constant guess."""
    brain = truth_CXYZ != 0
    pair = torch.stack([guess_CXYZ[brain], truth_CXYZ[brain]]).double()
    value = float(torch.corrcoef(pair)[0, 1])
    return value if value == value else 0.0


def rank_of(guess_CXYZ: Tensor, truth_CXYZ: Tensor, others: Sequence[Tensor]) -> int:
    """Place of the true patient among candidates ordered by correlation with the guess; 1 means picked out."""
    own = correlation(guess_CXYZ, truth_CXYZ)
    return 1 + sum(correlation(guess_CXYZ, other) > own for other in others)


def mean_of(rows: Sequence[Mapping[str, float]]) -> dict[str, float]:
    """Mean of each measure over patients."""
    return {name: sum(row[name] for row in rows) / len(rows) for name in rows[0]}
