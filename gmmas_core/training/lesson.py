"""What makes a training stage what it is: what it shows, what it learns from that, and which parameters move."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from gmmas_core.data.poisson_stream import View
from gmmas_core.training.loop import LossFunction, RecordLoss
from gmmas_core.types import Batch

MakeLoss = Callable[[LossFunction], LossFunction]
"""The stage's loss, made from the multi-task loss of this site."""

MakeRecordLoss = Callable[[RecordLoss], RecordLoss]
"""The same per patient, made from the multi-task loss per patient."""


def as_drawn(batch: Batch, rng: np.random.Generator) -> Batch:
    """Every sample with all the sequences that it has."""
    return batch


def multitask(loss: LossFunction) -> LossFunction:
    """The multi-task loss alone."""
    return loss


def multitask_B(loss: RecordLoss) -> RecordLoss:
    """The multi-task loss per patient alone."""
    return loss


def all_but_contrast(name: str) -> bool:
    """The network without the heads of the contrastive stage."""
    return not name.startswith("contrast.")


def everything(name: str) -> bool:
    """Every parameter."""
    return True


@dataclass(frozen=True, kw_only=True)
class Lesson:
    """One stage's way of teaching.

    Attributes:
        view: a drawn batch as the network is shown it.
        make_loss: see MakeLoss.
        make_record_loss: see MakeRecordLoss; used where single patients are protected.
        views: how often `view` shows every sample.
        trains: whether a parameter, by its name, can move in this stage at all, whatever the data; noise goes to these.
        extra_parts: names of the loss's parts beyond the multi-task loss's; every site reports them.
    """

    view: View
    make_loss: MakeLoss
    make_record_loss: MakeRecordLoss = multitask_B
    views: int = 1
    trains: Callable[[str], bool] = all_but_contrast
    extra_parts: tuple[str, ...] = ()
