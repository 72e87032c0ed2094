"""Scoring a model on this site's own cases; only mergeable sums, counts and histograms go on from here."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from client.data.local_data import LocalData
from client.evaluation.significance import no_significance, significance
from client.site import Site
from gmmas_core.config import Config
from gmmas_core.data.geometry import load_volume
from gmmas_core.data.labels import to_canonical
from gmmas_core.inference import predict_case
from gmmas_core.inference.subsets import with_sequences
from gmmas_core.metrics.evaluation import CaseScore, merge, score_case
from gmmas_core.metrics.threshold_baseline import flair_threshold_sums
from gmmas_core.model.gmmas import GMMAS
from gmmas_core.training.precision import choose_device
from gmmas_core.types import SEQUENCES, Case, CaseResult, EvaluationPlan, SiteScores


def validation_cases(config: Config, data: LocalData) -> tuple[Case, ...]:
    """At most `evaluation.max_validation_cases` of the validation cases.

    The first by pseudonym, so that every round scores the same ones.
    """
    cases = sorted(data.split("validation"), key=lambda case: case.case_id)
    return data.answered(cases[: config.evaluation.max_validation_cases])


def evaluate_locally(
    site: Site, plan: EvaluationPlan, config: Config, model: GMMAS, data: LocalData, calibration: Mapping[str, Any]
) -> tuple[SiteScores, list[CaseScore]]:
    """Score the weights that the model holds on one split, with the plan's sequences.

    A case that lacks one of a subset's sequences is not scored with it; with all four, a case is read with what it has.

    Returns:
        What may be sent after the egress gate, and the scores per case, which stay.
    """
    cases = validation_cases(config, data) if plan.split == "validation" else data.split(plan.split)
    if plan.sequences != SEQUENCES:
        cases = data.answered([case for case in cases if set(plan.sequences) <= set(case.images)])
    scores = score_cases(site, config, model, data, cases, calibration, plan.sequences)
    metrics = merge(scores, config.task_list) | flair_threshold_sums(_flair_and_mask(data, cases))
    if config.evaluation.subsets and plan.sequences == SEQUENCES:
        metrics |= significance(site, config, model, data, cases, calibration)
    else:
        metrics |= no_significance(config.task_list)
    sent = SiteScores(
        site=site.name,
        run_id=plan.run_id,
        round=plan.round,
        split=plan.split,
        subject=plan.subject,
        num_cases=len(scores),
        metrics=metrics,
        core_fingerprint=plan.core_fingerprint,
    )
    return sent, scores


def _flair_and_mask(
    data: LocalData, cases: Sequence[Case]
) -> Iterator[tuple[NDArray[np.floating], NDArray[np.integer]]]:
    flair = SEQUENCES.index("flair")
    for case in cases:
        prepared = data.cache.open(case).full()
        if prepared.seg_XYZ is not None and prepared.available_C[flair]:
            yield prepared.image_CXYZ[flair], prepared.seg_XYZ


def score_cases(
    site: Site,
    config: Config,
    model: GMMAS,
    data: LocalData,
    cases: Sequence[Case],
    calibration: Mapping[str, Any],
    sequences: tuple[str, ...] = SEQUENCES,
) -> list[CaseScore]:
    """Predict and score every case on its native grid."""
    return [score_one(site, config, model, data, case, calibration, sequences)[1] for case in cases]


def score_one(
    site: Site,
    config: Config,
    model: GMMAS,
    data: LocalData,
    case: Case,
    calibration: Mapping[str, Any],
    sequences: tuple[str, ...] = SEQUENCES,
) -> tuple[CaseResult, CaseScore]:
    """Predict one case from some of its sequences and score it against its mask and labels."""
    result = read_one(site, config, model, data, case, calibration, sequences)
    reference = None
    if case.mask is not None:
        reference = to_canonical(np.asarray(load_volume(case.mask).data), site.label_convention)
    spacing_mm = np.linalg.norm(result.affine_44[:3, :3], axis=0)
    return result, score_case(result, reference, case, tuple(float(edge) for edge in spacing_mm))


def read_one(
    site: Site,
    config: Config,
    model: GMMAS,
    data: LocalData,
    case: Case,
    calibration: Mapping[str, Any],
    sequences: tuple[str, ...],
) -> CaseResult:
    """Predict one case from those of its sequences that are named."""
    prepared = data.cache.open(case).full()
    kept = tuple(sequence for sequence in sequences if sequence in case.images)
    return predict_case(
        with_sequences(prepared, kept),
        model,
        config,
        model_id="federated",
        device=choose_device(site.device),
        calibration=calibration,
    )
