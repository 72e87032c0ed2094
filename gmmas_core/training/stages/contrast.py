"""Second adaptation stage: two random subsets of a crop's sequences must tell the same story.

    loss = w (D(p1, sg z2) + D(p2, sg z1)) / 2 + L(view 1 and view 2),      D(p, z) = -cos(p, z)

without negatives, with a projector and a predictor that stay out of the released model, and with the gradient stopped
at z. The multi-task loss on both views keeps the network from forgetting. Networks trained without negatives can
collapse to one constant answer; the spread of the projections is watched, and the stage stops when it is gone.

Shapes: B crops, E embedding.
Source: GMMAS, second stage of the adaptation module; SimSiam (Chen & He 2021, arXiv 2011.10566).
"""

from collections import deque
from functools import partial

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from gmmas_core.config import AdaptationConfig
from gmmas_core.losses import LossReport
from gmmas_core.model.contrast import ContrastHeads
from gmmas_core.training.availability import AVAILABILITY, Sampler, joined, shown_with
from gmmas_core.training.lesson import Lesson, everything
from gmmas_core.training.loop import LossFunction, RecordLoss
from gmmas_core.training.session import train
from gmmas_core.training.stages.stage import StageInput, StageOutput
from gmmas_core.training.training_set import labelled_and_pseudo
from gmmas_core.types import Batch, ConfigError, FederationError, Prediction, Sum

PARTS = ("train-loss.contrast", "train-projection-spread")
WATCHED = 64
"""Projections over which their spread is judged."""


def two_subsets(batch: Batch, rng: np.random.Generator, *, sampler: Sampler) -> Batch:
    """Every crop twice, each time with a random subset of the sequences that it has."""
    return joined(shown_with(batch, sampler, rng), shown_with(batch, sampler, rng))


def siamese_loss(z_BE: Tensor, p_BE: Tensor) -> Tensor:
    """Symmetric negative cosine similarity of two views, first half of the batch against the second.

    Returns:
        0-d float32 in [-1, 1]; no gradient flows through z where it is the target.
    """
    return siamese_loss_B(z_BE, p_BE).mean()


def siamese_loss_B(z_BE: Tensor, p_BE: Tensor) -> Tensor:
    """The same per crop, (B,)."""
    (z1, z2), (p1, p2) = z_BE.float().detach().chunk(2), p_BE.float().chunk(2)
    similarity_B = functional.cosine_similarity(p1, z2, dim=1) + functional.cosine_similarity(p2, z1, dim=1)
    return -similarity_B / 2


class SpreadMonitor:
    """Watches whether projections still differ from crop to crop."""

    def __init__(self, least_share: float) -> None:
        """Args: least_share: of the healthy spread, below which the stage is stopped; 0 never stops it."""
        self._least_share = least_share
        self._recent: deque[Tensor] = deque(maxlen=WATCHED)

    def watch(self, z_BE: Tensor) -> float:
        """Add projections and judge the newest ones.

        Returns:
            Standard deviation of z / |z| per dimension times sqrt(E): 1 for directions spread evenly, 0 for a constant.

        Raises:
            FederationError: the spread over the last `WATCHED` projections is below the least share.
        """
        self._recent.extend(functional.normalize(z_BE.detach().float().cpu(), dim=1).unbind(0))
        direction_NE = torch.stack(list(self._recent))
        spread = float(direction_NE.std(dim=0, unbiased=False).mean() * direction_NE.shape[1] ** 0.5)
        if len(self._recent) == WATCHED and spread < self._least_share:
            raise FederationError(
                f"stage contrast: found projections that have collapsed to one (spread {spread:.4f} of 1); expected at "
                f"least {self._least_share:g}; lower training.lr or adaptation.contrast_weight, or drop the stage"
            )
        return spread


def contrastive(
    multitask: LossFunction, *, heads: ContrastHeads, config: AdaptationConfig, monitor: SpreadMonitor
) -> LossFunction:
    """The stage's loss over a batch of two views."""

    def loss(prediction: Prediction, batch: Batch) -> LossReport:
        report = multitask(prediction, batch)
        z_BE, p_BE = heads(prediction.bottleneck_BFXYZ)
        contrast = siamese_loss(z_BE, p_BE)
        total = report.total + config.contrast_weight * contrast
        spread = monitor.watch(z_BE)
        parts = {
            "train-loss.total": Sum(float(total.detach()), 1),
            "train-loss.contrast": Sum(float(contrast.detach()), 1),
            "train-projection-spread": Sum(spread, 1),
        }
        return LossReport(total=total, parts={**report.parts, **parts})

    return loss


def record_contrastive(multitask: RecordLoss, *, heads: ContrastHeads, config: AdaptationConfig) -> RecordLoss:
    """The stage's loss per crop; nobody watches the spread, which tells of many crops at once."""

    def loss(prediction: Prediction, batch: Batch) -> Tensor:
        contrast_B = siamese_loss_B(*heads(prediction.bottleneck_BFXYZ))
        return multitask(prediction, batch) + config.contrast_weight * contrast_B

    return loss


def contrast(given: StageInput) -> StageOutput:
    """Train on the union with two subsets of every crop; see `session.train`.

    Raises:
        ConfigError: the model was built without the stage's heads.
        FederationError: the projections collapsed.
    """
    heads, settings = given.model.contrast, given.config.adaptation
    if heads is None:
        raise ConfigError("stage contrast: found a model without projector; expected a curriculum that names the stage")
    lesson = Lesson(
        view=partial(two_subsets, sampler=AVAILABILITY[settings.availability]),
        make_loss=partial(contrastive, heads=heads, config=settings, monitor=SpreadMonitor(settings.collapse_share)),
        make_record_loss=partial(record_contrastive, heads=heads, config=settings),
        views=2,
        trains=everything,
        extra_parts=PARTS,
    )
    output = train(given, labelled_and_pseudo(given), lesson)
    return StageOutput(metrics=output.metrics, seen=output.seen | {"contrast": output.seen["trunk"]})
