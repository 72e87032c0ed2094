"""The global branch alone: its own segmentation of the whole brain, before the local network joins.

Only the context's loss is computed, so nothing but the global branch and its norms receives a gradient; the site
speaks for nothing else.

Source: GMMAS, separate training of the global branch (head_train.py of the authors' code).
"""

from torch import Tensor

from gmmas_core.losses import LossReport, context_loss_B
from gmmas_core.training.lesson import Lesson, as_drawn
from gmmas_core.training.loop import LossFunction, RecordLoss
from gmmas_core.training.seen import seen_counts
from gmmas_core.training.session import train
from gmmas_core.training.stages.stage import StageInput, StageOutput
from gmmas_core.training.training_set import TrainingSet, labelled
from gmmas_core.types import Batch, Prediction, Sum

_SPEAKS_FOR = ("global", "norm")
_TRAINS = "global_unet."


def context_only(multitask: LossFunction) -> LossFunction:
    """The context's segmentation loss alone, under the multi-task loss's names."""

    def loss(prediction: Prediction, batch: Batch) -> LossReport:
        context_B = context_loss_B(prediction.context_seg_logits_BKXYZ, batch)
        count = int(batch.has_seg_B.sum())
        total: Tensor = context_B.sum() / max(1, count)
        value = float(total.detach())
        return LossReport(
            total=total,
            parts={"train-loss.total": Sum(value, 1), "train-loss.context": Sum(value * count, count)},
        )

    return loss


def context_only_B(multitask: RecordLoss) -> RecordLoss:
    """The same per crop."""

    def loss(prediction: Prediction, batch: Batch) -> Tensor:
        return context_loss_B(prediction.context_seg_logits_BKXYZ, batch)

    return loss


def global_pretrain(given: StageInput) -> StageOutput:
    """Train the global branch on the cases with a mask; see `session.train`."""
    masked = tuple(case for case in labelled(given).cases if case.mask is not None)
    seen = seen_counts(masked, given.config.task_list)
    spoken = {group: count if group.startswith(_SPEAKS_FOR) else 0 for group, count in seen.items()}
    training_set = TrainingSet(cases=masked, pseudo={}, seen=spoken)
    lesson = Lesson(
        view=as_drawn,
        make_loss=context_only,
        make_record_loss=context_only_B,
        trains=lambda name: name.startswith(_TRAINS),
    )
    return train(given, training_set, lesson)
