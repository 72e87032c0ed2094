"""What a site measures about itself and the model for a strategy that weighs sites by more than their number of cases.

Every kind that the configuration names is measured before and after local training and travels as mergeable sums under
`signal.`, the same keys from every site, count 0 where nothing is known; the cohort floor empties them as any metric.

    doubt              MC-dropout over the validation cases: epistemic (mutual information) of the received model,
                       aleatoric (expected entropy) of the trained one, nats
    gradient_variance  see gmmas_core.training.gradient_variance
    improvement        one bounded loss of the validation cases, of the received and of the trained model
    pseudo_labels      confidence of this site's accepted pseudo-labels, and how many labels are known beside them

Source: Gal & Ghahramani 2016 (arXiv 1506.02142) for the doubt; Chen et al. 2024 (FedEvi) for weighing by it.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch

from client.data.local_data import LocalData
from client.rounds.local_evaluation import score_cases, validation_cases
from client.rounds.pseudo_confidence import accepted_confidences
from client.site import Site
from gmmas_core.config import Config
from gmmas_core.inference.stochastic import StochasticReading, read_stochastic
from gmmas_core.metrics.evaluation import CaseScore
from gmmas_core.metrics.merging import scored_labels
from gmmas_core.model.gmmas import GMMAS
from gmmas_core.model.log_variances import SEGMENTATION
from gmmas_core.training.gradient_variance import GradientVariance
from gmmas_core.training.loop import OnGradients
from gmmas_core.training.precision import choose_device
from gmmas_core.training.seeding import stream_seed
from gmmas_core.types import BACKGROUND, Metric, RoundPlan, Sum
from gmmas_core.uncertainty import decompose_tasks, mean_inside

DEFAULT_PASSES = 10
"""Stochastic passes where the configuration asks for none in its evaluation."""

Finish = Callable[[], dict[str, Metric]]
"""Called once, after training, with the trained weights in the model."""


@dataclass(kw_only=True)
class Subject:
    """One site's round, as far as it is measured.

    Attributes:
        model: holds the received weights at first (and the site's own local groups), the trained ones at the end.
        scores: of the received model on the validation cases.
        gradients: watches the training.
    """

    site: Site
    plan: RoundPlan
    config: Config
    model: GMMAS
    data: LocalData
    calibration: Mapping[str, Any]
    scores: Sequence[CaseScore]
    gradients: GradientVariance = field(default_factory=GradientVariance)


def begin(subject: Subject) -> Finish:
    """Measure what is to be measured before training; the rest is measured by what is returned."""
    finishes = [MEASURES[kind](subject) for kind in subject.config.strategy.signals]

    def finish() -> dict[str, Metric]:
        return {key: metric for part in finishes for key, metric in part().items()}

    return finish


def observer(subject: Subject) -> OnGradients | None:
    """Who watches the gradients, if a configured signal needs it; it costs time and memory."""
    return subject.gradients.watch if "gradient_variance" in subject.config.strategy.signals else None


def _doubt(subject: Subject) -> Finish:
    received = dict(_doubts(subject, "epistemic"))

    def finish() -> dict[str, Metric]:
        return received | dict(_doubts(subject, "aleatoric"))

    return finish


def _doubts(subject: Subject, kind: str) -> Iterator[tuple[str, Metric]]:
    """Sums over the validation cases of one kind of doubt of the model as it is now."""
    names = (SEGMENTATION, *(task.value for task in subject.config.task_list))
    nats: dict[str, list[float]] = {name: [] for name in names}
    passes = subject.config.evaluation.mc_passes or DEFAULT_PASSES
    for case in validation_cases(subject.config, subject.data):
        prepared = subject.data.cache.open(case).full()
        reading = read_stochastic(
            prepared,
            subject.model,
            subject.config,
            passes=passes,
            device=choose_device(subject.site.device),
            calibration=subject.calibration,
            seed=stream_seed(subject.plan.seed, subject.plan.round, f"{subject.site.name}/{case.case_id}"),
        )
        prob_M = {task: torch.from_numpy(values_M) for task, values_M in reading.prob_M.items()}
        for task, parts in decompose_tasks(prob_M).items():
            nats[task.value].append(getattr(parts, kind))
        brain_XYZ = torch.from_numpy((prepared.image_CXYZ != 0).any(axis=0))
        nats[SEGMENTATION].append(_of_voxels(reading, brain_XYZ, kind))
    for name, values in nats.items():
        yield f"signal.{kind}.{name}", Sum(float(sum(values)), len(values))


def _of_voxels(reading: StochasticReading, brain_XYZ: torch.Tensor, kind: str) -> float:
    """Mean over the predicted whole tumour, or over the brain where no tumour is predicted."""
    maps = {"epistemic": reading.doubt.mutual_information, "aleatoric": reading.doubt.expected}
    value_XYZ, tumour_XYZ = maps[kind].cpu(), (reading.mean_KXYZ.argmax(0) != BACKGROUND).cpu()
    found = mean_inside(value_XYZ, tumour_XYZ)
    return found if found is not None else mean_inside(value_XYZ, brain_XYZ) or 0.0


def _gradient_variance(subject: Subject) -> Finish:
    return lambda: subject.gradients.metrics(subject.config.task_list)


def _improvement(subject: Subject) -> Finish:
    before = bounded_loss(subject.scores, subject.config)

    def finish() -> dict[str, Metric]:
        cases = validation_cases(subject.config, subject.data)
        scores = score_cases(subject.site, subject.config, subject.model, subject.data, cases, subject.calibration)
        return {"signal.loss_before": before, "signal.loss_after": bounded_loss(scores, subject.config)}

    return finish


def bounded_loss(scores: Sequence[CaseScore], config: Config) -> Sum:
    """One number in [0, 2] per case: 1 - mean Dice of its scored regions, plus the mean Brier score of its known tasks.

    A case without mask has no first part, one without known label no second; a case with neither is not counted.
    """
    losses = []
    for score in scores:
        dice = [region.dice for region in score.regions.values() if region is not None]
        brier = []
        for task in config.task_list:
            _, prob, label = scored_labels([score], task)
            brier += ((prob - label) ** 2).tolist()
        if dice or brier:
            losses.append((1 - _mean(dice) if dice else 0.0) + (_mean(brier) if brier else 0.0))
    return Sum(float(sum(losses)), len(losses))


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)


def _pseudo_labels(subject: Subject) -> Finish:
    """The table of an earlier round of this run, as training reads it, beside what pathology and readers gave."""
    cases = subject.data.split("train")
    known = {SEGMENTATION: sum(case.mask is not None for case in cases)}
    for task in subject.config.task_list:
        known[task.value] = sum(case.label_source.get(task) == "pathology" for case in cases)
    confidences = accepted_confidences(subject.site.state, subject.plan.run_id, subject.plan.round, cases)
    metrics: dict[str, Metric] = {}
    for name, num in known.items():
        accepted = confidences.get(name, {})
        # Which are accepted is up to the coordinator's thresholds: one moved a little would add a single case.
        told = [accepted[case.case_id] for case in subject.data.answered([c for c in cases if c.case_id in accepted])]
        metrics[f"signal.pseudo_labels.{name}"] = Sum(float(sum(told)), len(told))
        metrics[f"signal.pseudo_labels_known.{name}"] = Sum(float(num), num)
    return lambda: metrics


MEASURES: Mapping[str, Callable[[Subject], Finish]] = {
    "doubt": _doubt,
    "gradient_variance": _gradient_variance,
    "improvement": _improvement,
    "pseudo_labels": _pseudo_labels,
}
"""Name in strategy.signals -> how it is measured."""
