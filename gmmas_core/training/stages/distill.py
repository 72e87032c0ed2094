"""First adaptation stage: one network reads every crop completely and incompletely, and the first teaches the second.

    loss = L(complete) + L(incomplete) + w_f (MSE of encoder features + MSE of bottleneck features) [+ w_l tau^2 KL]

L is the multi-task loss against the ground truth, Dice included, on both paths. The features' error is measured in
standard deviations of the teacher's channel, else wide channels would be all that counts; the teacher's side carries
no gradient. A hospital that never has all four sequences distils from the richest subset it has, because "complete"
means what a case really has. Distilling class logits is ours, off by default.

Source: GMMAS, first stage of the adaptation module (its script and weights are unpublished).
"""

from collections.abc import Iterator
from functools import partial

import torch
from torch import Tensor
from torch.nn import functional

from gmmas_core.config import AdaptationConfig
from gmmas_core.losses import LossReport
from gmmas_core.training.availability import AVAILABILITY
from gmmas_core.training.lesson import Lesson
from gmmas_core.training.loop import LossFunction, RecordLoss
from gmmas_core.training.session import train
from gmmas_core.training.stages.finetune import complete_and_incomplete
from gmmas_core.training.stages.stage import StageInput, StageOutput
from gmmas_core.training.training_set import labelled_and_pseudo
from gmmas_core.types import Batch, Prediction, Sum

PARTS = ("train-loss.features", "train-loss.logits")


def feature_loss(features_BFXYZ: Tensor) -> Tensor:
    """Mean squared error between the second and the first half of the batch, in the first half's deviations.

    Args:
        features_BFXYZ: complete paths, then the incomplete ones of the same crops.

    Returns:
        0-d float32; only the second half has a gradient.
    """
    return functional.mse_loss(*_scaled(features_BFXYZ, (0, 2, 3, 4)))


def feature_loss_B(features_BFXYZ: Tensor) -> Tensor:
    """The same per crop, (B,), in the deviations of the crop's own complete path: no crop depends on another."""
    return functional.mse_loss(*_scaled(features_BFXYZ, (2, 3, 4)), reduction="none").flatten(1).mean(1)


def _scaled(features_BFXYZ: Tensor, scaled_over: tuple[int, ...]) -> tuple[Tensor, Tensor]:
    """Student and teacher in the teacher's deviations over the axes given."""
    teacher, student = features_BFXYZ.float().chunk(2)
    teacher = teacher.detach()
    scale = teacher.std(dim=scaled_over, keepdim=True, unbiased=False).clamp_min(1e-3)
    return student / scale, teacher / scale


def logits_loss(prediction: Prediction, temperature: float) -> Tensor:
    """tau^2 KL(complete || incomplete) of the class probabilities, mean over tasks and crops; 0 without tasks."""
    total = prediction.bottleneck_BFXYZ.new_zeros((), dtype=torch.float32)
    for student_BK, teacher_BK in _log_probabilities(prediction, temperature):
        total = total + functional.kl_div(student_BK, teacher_BK, reduction="batchmean", log_target=True)
    return total * temperature**2 / max(1, len(prediction.class_logits))


def logits_loss_B(prediction: Prediction, temperature: float) -> Tensor:
    """The same per crop, (B,)."""
    total_B = prediction.bottleneck_BFXYZ.new_zeros(len(prediction.bottleneck_BFXYZ) // 2, dtype=torch.float32)
    for student_BK, teacher_BK in _log_probabilities(prediction, temperature):
        total_B = total_B + functional.kl_div(student_BK, teacher_BK, reduction="none", log_target=True).sum(1)
    return total_B * temperature**2 / max(1, len(prediction.class_logits))


def _log_probabilities(prediction: Prediction, temperature: float) -> Iterator[tuple[Tensor, Tensor]]:
    """Per task those of the incomplete paths and, without gradient, of the complete ones, (B, K) both."""
    for logits_BK in prediction.class_logits.values():
        teacher, student = (logits_BK.float() / temperature).log_softmax(1).chunk(2)
        yield student, teacher.detach()


def distillation(multitask: LossFunction, *, config: AdaptationConfig) -> LossFunction:
    """The stage's loss over a batch of complete and incomplete views."""

    def loss(prediction: Prediction, batch: Batch) -> LossReport:
        report = multitask(prediction, batch)
        features = feature_loss(prediction.encoder_BFXYZ) + feature_loss(prediction.bottleneck_BFXYZ)
        logits = logits_loss(prediction, config.logits_temperature)
        total = report.total + config.feature_weight * features + config.logits_weight * logits
        values = torch.stack([total, features, logits]).detach().tolist()
        names = ("train-loss.total", *PARTS)
        return LossReport(total=total, parts={**report.parts, **{n: Sum(v, 1) for n, v in zip(names, values)}})

    return loss


def record_distillation(multitask: RecordLoss, *, config: AdaptationConfig) -> RecordLoss:
    """The stage's loss per crop."""

    def loss(prediction: Prediction, batch: Batch) -> Tensor:
        features_B = feature_loss_B(prediction.encoder_BFXYZ) + feature_loss_B(prediction.bottleneck_BFXYZ)
        logits_B = logits_loss_B(prediction, config.logits_temperature)
        return multitask(prediction, batch) + config.feature_weight * features_B + config.logits_weight * logits_B

    return loss


def distill(given: StageInput) -> StageOutput:
    """Train on the union with both paths; see `session.train`."""
    settings = given.config.adaptation
    lesson = Lesson(
        view=partial(complete_and_incomplete, sampler=AVAILABILITY[settings.availability]),
        make_loss=partial(distillation, config=settings),
        make_record_loss=partial(record_distillation, config=settings),
        views=2,
        extra_parts=PARTS,
    )
    return train(given, labelled_and_pseudo(given), lesson)
