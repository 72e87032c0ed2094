"""Which subset of its sequences a training sample is shown with, and batches that hold two views of the same crops.

Shapes: B batch, C sequence.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from gmmas_core.data.augment import sample_kept
from gmmas_core.types import Batch

Sampler = Callable[[np.random.Generator, NDArray[np.bool_]], NDArray[np.bool_]]
"""(generator, available_C) -> kept_C, a non-empty subset of what is available; all False where nothing is."""


def any_subset(rng: np.random.Generator, available_C: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Every non-empty proper subset with the same probability; the only sequence is never lost."""
    present = np.flatnonzero(available_C)
    kept_C = np.array(available_C)
    if len(present) > 1:
        code = int(rng.integers(1, 2 ** len(present) - 1))
        kept_C[present] = [bool(code >> place & 1) for place in range(len(present))]
    return kept_C


def lose_one_or_two(rng: np.random.Generator, available_C: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """One sequence is lost, or two, in the proportion of the authors' code."""
    return sample_kept(rng, available_C, probability=1.0)


AVAILABILITY: Mapping[str, Sampler] = {"uniform": any_subset, "paper": lose_one_or_two}
"""Name in adaptation.availability -> sampler."""


def shown_with(batch: Batch, sampler: Sampler, rng: np.random.Generator) -> Batch:
    """The same crops, each with a random subset of its sequences."""
    kept = [sampler(rng, available_C) for available_C in batch.available_BC.numpy()]
    return replace(batch, available_BC=torch.from_numpy(np.stack(kept)))


def joined(first: Batch, second: Batch) -> Batch:
    """Two views of B crops as one batch of 2B, the first view's samples first."""
    parts = {
        name: torch.cat([value, getattr(second, name)])
        for name, value in vars(first).items()
        if isinstance(value, Tensor)
    }
    return Batch(**parts, case_ids=first.case_ids + second.case_ids)
