"""What a case or a composite is taught to be: class probabilities per task, and how far each label is trusted."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from gmmas_core.data.pseudo_labels import PseudoCase
from gmmas_core.types import UNKNOWN, Case, Task

MINOR_SHARE = 0.05
"""A tumour that holds less than this share of a composite's tumour voxels need not have a known class."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Targets:
    """The label fields of Batch without the batch axis.

    Attributes:
        target_TK: float32 class probabilities, rows of zeros where unknown.
        known_T: bool.
        weight_T: float32, 1 for pathology, less for pseudo-labels.
        seg_weight: 1 for a mask that was given, less for a pseudo-mask, 0 without.
    """

    target_TK: Tensor
    known_T: Tensor
    weight_T: Tensor
    seg_weight: float


def class_targets(case: Case, tasks: Sequence[Task]) -> tuple[Tensor, Tensor]:
    """A case's labels as probabilities.

    Returns:
        target_TK float32, one-hot, rows of zeros where unknown; known_T bool.
    """
    target_TK = torch.zeros(len(tasks), 2)
    known_T = torch.zeros(len(tasks), dtype=torch.bool)
    for index, task in enumerate(tasks):
        label = case.labels[task]
        if label != UNKNOWN:
            target_TK[index, label] = 1.0
            known_T[index] = True
    return target_TK, known_T


def targets_of(case: Case, tasks: Sequence[Task], pseudo: PseudoCase | None, pseudo_weight: float) -> Targets:
    """A case's own labels, and a model's where it has none.

    Args:
        case: its known labels and its mask always win.
        tasks: order of the T axis.
        pseudo: what a model said about the case, or None.
        pseudo_weight: weight of what it said.
    """
    target_TK, known_T = class_targets(case, tasks)
    weight_T = torch.ones(len(tasks))
    seg_weight = 1.0 if case.mask is not None else 0.0
    if pseudo is None:
        return Targets(target_TK=target_TK, known_T=known_T, weight_T=weight_T, seg_weight=seg_weight)
    for index, task in enumerate(tasks):
        label = pseudo.labels.get(task, UNKNOWN)
        if label != UNKNOWN and not known_T[index]:
            target_TK[index, label] = 1.0
            known_T[index] = True
            weight_T[index] = pseudo_weight
    if case.mask is None and pseudo.mask_XYZ is not None:
        seg_weight = pseudo_weight
    return Targets(target_TK=target_TK, known_T=known_T, weight_T=weight_T, seg_weight=seg_weight)


def mix(host: Targets, donor: Targets, lam: float) -> Targets:
    """Two tumours in one image: each class counts as much as its share of the tumour.

    Args:
        host, donor: of the two cases.
        lam: the host's share of the tumour voxels.

    Returns:
        lam * host + (1 - lam) * donor where both know the task; the larger part's label where only that one is known
        and the other holds less than MINOR_SHARE; unknown elsewhere. Weights are the smaller of those involved.
    """
    both_T = host.known_T & donor.known_T
    host_T = host.known_T & ~donor.known_T & bool(1 - lam < MINOR_SHARE)
    donor_T = donor.known_T & ~host.known_T & bool(lam < MINOR_SHARE)
    mixed_TK = lam * host.target_TK + (1 - lam) * donor.target_TK
    target_TK = both_T[:, None] * mixed_TK + host_T[:, None] * host.target_TK + donor_T[:, None] * donor.target_TK
    lesser_T = torch.minimum(host.weight_T, donor.weight_T)
    return Targets(
        target_TK=target_TK,
        known_T=both_T | host_T | donor_T,
        weight_T=torch.where(host_T, host.weight_T, torch.where(donor_T, donor.weight_T, lesser_T)),
        seg_weight=min(host.seg_weight, donor.seg_weight),
    )


def adopt(host: Targets, donor: Targets, _lam: float) -> Targets:
    """One tumour, the donor's: its labels. The mask is trusted no more than the host's, by which its tumour went."""
    return replace(donor, seg_weight=min(host.seg_weight, donor.seg_weight))
