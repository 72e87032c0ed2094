"""What the network learns from: segmentation, image-level tasks and the context's segmentation, weighed by uncertainty.

Hospitals label different things, so nothing here assumes a label: every loss is computed per sample, multiplied by a
mask of what is known, and averaged over the samples that know it. Losses stay per sample up to the last line because
differential privacy clips samples one by one, and because everything must leave in one backward pass.

Shapes: B batch, K class, X Y Z voxels, T image-level tasks in the order of the network's heads, T1 = segmentation,
then T.

Source: GMMAS section on multi-task learning; its loss file is unpublished, so the forms are those of its ancestor
MTTU-Net (Dice over the tumour classes, class-weighted cross-entropy, log-variances) with these differences:
cross-entropy joins Dice for segmentation, Dice is per sample instead of over the batch, codeletion is trained through
the marginal P(mut) P(codel | mut).
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import torch
from monai.losses import DiceLoss
from torch import Tensor
from torch.nn import functional

from gmmas_core.config import LossConfig
from gmmas_core.model.placement import place
from gmmas_core.types import Batch, Prediction, Sum, Task

CONTEXT_STRIDE = 4
"""Every fourth voxel of the crop, along each axis, is compared with the global branch: near the context's
resolution."""

_dice_loss = DiceLoss(
    include_background=False, to_onehot_y=True, softmax=True, reduction="none", smooth_nr=1.0, smooth_dr=1.0
)


@dataclass(frozen=True, kw_only=True)
class LossReport:
    """The loss of one batch.

    Attributes:
        total: 0-d float32 to call backward on; exactly 0, still differentiable, for a batch without any label.
        parts: losses before the learned weighing, as sums over the samples that know the label (or a model's guess of
            it, which counts less); the same keys for every batch.
    """

    total: Tensor
    parts: Mapping[str, Sum]


def part_names(tasks: Sequence[Task]) -> tuple[str, ...]:
    """Metric names of a `LossReport`, whatever labels a batch has."""
    return tuple(f"train-loss.{name}" for name in ("total", "segmentation", *tasks, "context"))


def segmentation_loss_B(logits_BKXYZ: Tensor, seg_BXYZ: Tensor, weight_B: Tensor) -> Tensor:
    """Soft Dice loss over the three tumour classes plus cross-entropy over all voxels.

    Dice is smoothed by one voxel in numerator and denominator: a class absent from the crop then costs nothing once
    less than a voxel of it is predicted, where a tiny constant would leave its loss at 1 and its gradient at 0.

    Args:
        logits_BKXYZ: K = 4 canonical labels, any float dtype.
        seg_BXYZ: int64 canonical labels; any of them where the weight is 0.
        weight_B: 0 where there is no mask, 1 for a mask that was given, less for a pseudo-mask.

    Returns:
        (B,) float32: mean over classes of 1 - Dice, plus nats per voxel; 0 without gradient where there is no mask.
    """
    logits_BKXYZ = logits_BKXYZ.float()
    dice_B: Tensor = _dice_loss(logits_BKXYZ, seg_BXYZ.unsqueeze(1)).flatten(1).mean(1)
    cross_entropy_B = functional.cross_entropy(logits_BKXYZ, seg_BXYZ, reduction="none").flatten(1).mean(1)
    return (dice_B + cross_entropy_B) * weight_B


def context_loss_B(context_logits_BKXYZ: Tensor, batch: Batch) -> Tensor:
    """The global branch's own segmentation loss, on the part of its view that the crop covers.

    A batch carries the crop's mask, not the whole brain's, so the context's logits are read (trilinear) where every
    `CONTEXT_STRIDE`-th voxel of the crop lies and compared with that voxel's label. Over many crops the branch sees the
    whole brain.

    Args:
        context_logits_BKXYZ: K = 4, on the context's grid.
        batch: its seg_BXYZ (edges a multiple of CONTEXT_STRIDE), seg_weight_B and box_B23 are used.

    Returns:
        (B,) float32, as `segmentation_loss_B`.
    """
    stride, half = CONTEXT_STRIDE, CONTEXT_STRIDE // 2
    seg_BXYZ = batch.seg_BXYZ[:, half::stride, half::stride, half::stride]
    # `place` reads at the centres of blocks of `stride` voxels; the voxels compared lie half a voxel further on.
    voxel_B3 = (batch.box_B23[:, 1] - batch.box_B23[:, 0]) / batch.box_B23.new_tensor(batch.seg_BXYZ.shape[1:])
    offset = half + 0.5 - stride / 2
    box_B23 = batch.box_B23 + offset * voxel_B3[:, None]
    logits_BKXYZ = place(context_logits_BKXYZ.float(), box_B23, seg_BXYZ.shape[1:])
    return segmentation_loss_B(logits_BKXYZ, seg_BXYZ, batch.seg_weight_B)


def classification_loss_BT(
    class_logits: Mapping[Task, Tensor],
    target_BTK: Tensor,
    known_BT: Tensor,
    weight_BT: Tensor,
    class_weights: Mapping[Task, tuple[float, float]],
    tasks: Sequence[Task],
) -> Tensor:
    """Class-weighted cross-entropy with soft targets, per sample and task.

    Args:
        class_logits: per task (B, 2); CODEL's are conditional on IDH-mutant.
        target_BTK: class probabilities, T in the order of `tasks`.
        known_BT: bool.
        weight_BT: 1 for pathology, less for pseudo-labels.
        class_weights: per task, of class 0 and class 1.
        tasks: order of the T axis.

    Returns:
        (B, T) float32 in nats; 0 without gradient where the label is unknown.
    """
    if not tasks:
        return weight_BT.new_zeros(weight_BT.shape)
    columns = []
    for index, task in enumerate(tasks):
        log_prob_BK = codel_log_prob_BK(class_logits) if task is Task.CODEL else _log_prob_BK(class_logits[task])
        class_weight_K = log_prob_BK.new_tensor(class_weights[task])
        columns.append(-(class_weight_K * target_BTK[:, index] * log_prob_BK).sum(1))
    return torch.stack(columns, dim=1) * weight_BT * known_BT


def codel_log_prob_BK(class_logits: Mapping[Task, Tensor]) -> Tensor:
    """Log of the marginal (1 - q, q) with q = P(mutant) P(codeleted | mutant).

    1 - q is summed as P(wildtype) + P(mutant) P(intact | mutant): no cancellation, so it stays finite, with a useful
    gradient, for logits at which log(1 - q) computed from q would be minus infinity. P(mutant) is detached: a
    codeletion label must not teach the IDH head.

    Returns:
        (B, 2) float32.
    """
    log_idh_BK = _log_prob_BK(class_logits[Task.IDH]).detach()
    log_codel_BK = _log_prob_BK(class_logits[Task.CODEL])
    log_wildtype_B, log_mutant_B = log_idh_BK[:, 0], log_idh_BK[:, 1]
    log_intact_B = torch.logaddexp(log_wildtype_B, log_mutant_B + log_codel_BK[:, 0])
    return torch.stack([log_intact_B, log_mutant_B + log_codel_BK[:, 1]], dim=1)


def _log_prob_BK(logits_BK: Tensor) -> Tensor:
    return functional.log_softmax(logits_BK.float(), dim=1)


@dataclass(frozen=True, kw_only=True, eq=False)
class SampleLosses:
    """Every loss of every sample, before anything is averaged: no number here depends on two samples.

    Attributes:
        plain_BT1: (B, 1 + T) segmentation and tasks, 0 where unknown.
        weighed_BT1: the same weighed by the learned log-variances, regulariser included; 0 where unknown.
        context_B: of the context's segmentation, its weight not included.
        known_BT1: bool.
    """

    plain_BT1: Tensor
    weighed_BT1: Tensor
    context_B: Tensor
    known_BT1: Tensor


def sample_losses(
    prediction: Prediction,
    batch: Batch,
    uncertainty: Callable[[Tensor], Tensor],
    class_weights: Mapping[Task, tuple[float, float]],
    tasks: Sequence[Task],
) -> SampleLosses:
    """Every loss of every sample, weighed by the learned log-variances.

    Args:
        prediction: of the network for this batch.
        batch: any labels may be missing, all of them included.
        uncertainty: the network's log-variance module, (B, 1 + T) losses to (B, 1 + T) weighed losses.
        class_weights: per task, of class 0 and class 1.
        tasks: order of the T axis of the batch and of the log-variances after segmentation.

    Source: Kendall et al. 2018 (arXiv 1705.07115).
    """
    seg_B = segmentation_loss_B(prediction.seg_logits_BKXYZ, batch.seg_BXYZ, batch.seg_weight_B)
    context_B = context_loss_B(prediction.context_seg_logits_BKXYZ, batch)
    class_BT = classification_loss_BT(
        prediction.class_logits, batch.target_BTK, batch.known_BT, batch.weight_BT, class_weights, tasks
    )
    plain_BT1 = torch.cat([seg_B[:, None], class_BT], dim=1)
    known_BT1 = torch.cat([batch.has_seg_B[:, None], batch.known_BT], dim=1)
    return SampleLosses(
        plain_BT1=plain_BT1,
        weighed_BT1=uncertainty(plain_BT1) * known_BT1,
        context_B=context_B,
        known_BT1=known_BT1,
    )


def multitask_loss(
    prediction: Prediction,
    batch: Batch,
    uncertainty: Callable[[Tensor], Tensor],
    config: LossConfig,
    class_weights: Mapping[Task, tuple[float, float]],
    tasks: Sequence[Task],
) -> LossReport:
    """Every loss of a batch, weighed by the learned log-variances.

    A task's weighed loss, regulariser included, is averaged over the samples that know its label and is exactly 0 when
    none does: neither its head nor its log-variance hears from such a batch.

    Args:
        prediction, batch, uncertainty, class_weights, tasks: see `sample_losses`.
        config: weight of the context's loss.
    """
    found = sample_losses(prediction, batch, uncertainty, class_weights, tasks)
    count_T1 = found.known_BT1.sum(0)
    divisor_T1 = count_T1.clamp(min=1)
    weighed_T1 = found.weighed_BT1.sum(0) / divisor_T1
    total = weighed_T1.sum() + config.context_weight * found.context_B.sum() / divisor_T1[0]

    one = count_T1.new_ones(1)
    sums = torch.cat([total[None], found.plain_BT1.sum(0), found.context_B.sum()[None]])
    counts = torch.cat([one, count_T1, count_T1[:1]])
    # One stacked read: on a GPU every read waits for the device.
    values, numbers = torch.stack([sums.detach().double(), counts.double()]).tolist()
    parts = {name: Sum(value, int(number)) for name, value, number in zip(part_names(tasks), values, numbers)}
    return LossReport(total=total, parts=parts)


def multitask_loss_B(
    prediction: Prediction,
    batch: Batch,
    uncertainty: Callable[[Tensor], Tensor],
    config: LossConfig,
    class_weights: Mapping[Task, tuple[float, float]],
    tasks: Sequence[Task],
) -> Tensor:
    """The same per sample, (B,): what a sample does not know costs it 0, whatever the others know.

    Where every sample knows everything, the mean over the batch is the total of `multitask_loss`.
    """
    found = sample_losses(prediction, batch, uncertainty, class_weights, tasks)
    return found.weighed_BT1.sum(1) + config.context_weight * found.context_B
