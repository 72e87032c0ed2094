"""What does a release bring this hospital? Its own results on the holdout cases, and beside them those of the model in
use and of what the hospital would have reached alone; differences are paired by case, intervals are over patients.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from client.data.local_data import open_local_data
from client.models.holdout_results import TASK_SCORES, Statistic, mean_of, results, score_of
from client.rounds.local_evaluation import score_one
from client.rounds.local_training import train_alone
from client.site import Site
from gmmas_core.checkpoint import LoadedModel
from gmmas_core.config import Config
from gmmas_core.metrics.bootstrap import by_patient
from gmmas_core.metrics.entries import as_list
from gmmas_core.metrics.evaluation import CaseScore
from gmmas_core.metrics.ranking import Interval
from gmmas_core.model.gmmas import GMMAS, build_training_model
from gmmas_core.provenance import core_fingerprint
from gmmas_core.reporting.wording import NOT_ASSESSABLE, REGION_NAMES, TASK_NAMES
from gmmas_core.types import DISCLAIMER, REGIONS, UNKNOWN, EvaluationPlan, Task
from gmmas_core.weights import weights_of

__all__ = ["compare", "compared", "score_holdout", "train_local_only"]

BETTER, WORSE, UNCLEAR, TOO_FEW = "better", "worse", "no clear difference", "too few cases to tell"


def score_holdout(
    site: Site,
    config: Config,
    model: GMMAS,
    calibration: Mapping[str, Any],
    on_progress: Callable[[int, int], None],
) -> list[CaseScore]:
    """A model's scores on this site's holdout cases; none is fine."""
    data = open_local_data(site, config)
    cases = data.split("holdout")
    scores = []
    for done, case in enumerate(cases):
        on_progress(done, len(cases))
        scores.append(score_one(site, config, model, data, case, calibration)[1])
    on_progress(len(cases), len(cases))
    return scores


def train_local_only(
    site: Site, loaded: LoadedModel, on_round: Callable[[int, int], None]
) -> tuple[GMMAS, Mapping[str, Any]]:
    """Train as the release was trained, as many rounds from the same start, on this site's cases alone.

    Args:
        site: whose training cases.
        loaded: the release; its configuration has the curriculum.
        on_round: told (rounds done, rounds in all).

    Returns:
        The model and its own calibration; neither leaves the site.

    Raises:
        DataError: no training case.
        FederationError: a loss that became non-finite.
    """
    config = loaded.config
    model = build_training_model(config)
    plan = EvaluationPlan(
        run_id=loaded.model_id.rpartition("-")[2],
        round=1,
        seed=config.seed,
        weights_hash="",
        split="holdout",
        subject="local_only",
        config_hash=str(loaded.provenance["config_hash"]),
        core_fingerprint=core_fingerprint(model, config).digest,
        deadline_s=config.federation.deadline_s,
    )
    data = open_local_data(site, config)
    calibration = train_alone(site, plan, config, model, weights_of(model), data, on_round)
    return model, calibration


def compared(
    site: Site,
    name: str,
    loaded: LoadedModel,
    scores: Sequence[CaseScore],
    others: Mapping[str, Sequence[CaseScore]],
    left_out: Mapping[str, str],
) -> dict[str, Any]:
    """The whole comparison.

    Args:
        site: whose cases.
        name: of the release in the store.
        loaded: the release.
        scores: of the release.
        others: what it is compared with -> its scores on the same cases.
        left_out: what it is not compared with -> why.

    Returns:
        JSON-able: "disclaimer", "notice", "site", "name", "model_id", "cases", "resamples", "results" as `results`
        gives them, "comparisons", each {"with", "rows"} as `compare` gives them, and "left_out", each
        {"with", "reason"}.
    """
    config = loaded.config
    tasks, resamples = config.task_list, config.evaluation.bootstrap
    return {
        "disclaimer": DISCLAIMER,
        "notice": config.notice,
        "site": site.name,
        "name": name,
        "model_id": loaded.model_id,
        "cases": len(scores),
        "resamples": resamples,
        "results": results(scores, tasks, resamples, config.seed),
        "comparisons": [
            {"with": title, "rows": compare(scores, theirs, tasks, resamples, config.seed)}
            for title, theirs in others.items()
        ],
        "left_out": [{"with": title, "reason": reason} for title, reason in left_out.items()],
    }


def compare(
    ours: Sequence[CaseScore], theirs: Sequence[CaseScore], tasks: Sequence[Task], resamples: int, seed: int
) -> list[dict[str, Any]]:
    """Paired differences between two models on the same cases.

    Args:
        ours: of the release.
        theirs: of the other model; cases that only one of the two could score are left out, measure by measure.
        tasks: image-level questions of the release.
        resamples: draws of patients for the intervals.
        seed: of the draws.

    Returns:
        Rows {"measure", "n", "release", "other", "difference", "interval", "verdict"}; the difference is release minus
        other, None where there is nothing to compare; the verdict is BETTER or WORSE where the 95 % interval leaves out
        0, UNCLEAR where it does not, TOO_FEW where there is none.
    """
    rng = np.random.default_rng(seed)
    by_case = {score.case_id: score for score in theirs}
    pairs = [(score, by_case[score.case_id]) for score in ours if score.case_id in by_case]
    rows = [_dice_row(pairs, region, resamples, rng) for region in REGIONS]
    for task in tasks:
        known = [(a, b) for a, b in pairs if _is_scored(a, task) and _is_scored(b, task)]
        prob_M = [np.array([pair[side].probability[task] for pair in known], dtype=np.float64) for side in (0, 1)]
        label = np.array([a.label[task] for a, _ in known], dtype=np.int64)
        patients = [a.patient_id for a, _ in known]
        for name, score, sign in TASK_SCORES:
            both = [score_of(score, prob, label) for prob in prob_M]
            rows.append(_row(f"{name}, {TASK_NAMES[task]}", both, patients, sign, resamples, rng))
    return rows


def _dice_row(
    pairs: Sequence[tuple[CaseScore, CaseScore]], region: str, resamples: int, rng: np.random.Generator
) -> dict[str, Any]:
    found = [(a.patient_id, a.regions[region], b.regions[region]) for a, b in pairs]
    known = [(patient, a.dice, b.dice) for patient, a, b in found if a is not None and b is not None]
    both = [mean_of(np.array([entry[side] for entry in known], dtype=np.float64)) for side in (1, 2)]
    return _row(f"Dice, {REGION_NAMES[region]}", both, [patient for patient, _, _ in known], 1, resamples, rng)


def _row(
    measure: str,
    both: Sequence[Statistic],
    patients: Sequence[str],
    sign: int,
    resamples: int,
    rng: np.random.Generator,
) -> dict[str, Any]:
    """One measure; `sign` is 1 where more is better."""
    everyone = np.arange(len(patients))

    def difference(chosen: NDArray[np.int64]) -> float | None:
        ours, theirs = (statistic(chosen) for statistic in both)
        return None if ours is None or theirs is None else ours - theirs

    interval = by_patient(difference, patients, resamples, rng)
    ours, theirs = (statistic(everyone) for statistic in both)
    return {
        "measure": measure,
        "n": len(patients),
        "release": ours,
        "other": theirs,
        "difference": difference(everyone),
        "interval": as_list(interval),
        "verdict": _verdict(difference(everyone), interval, sign),
    }


def _verdict(difference: float | None, interval: Interval | None, sign: int) -> str:
    if difference is None:
        return NOT_ASSESSABLE
    if interval is None:
        return TOO_FEW
    if interval[0] <= 0 <= interval[1]:
        return UNCLEAR
    return BETTER if sign * interval[0] > 0 else WORSE


def _is_scored(score: CaseScore, task: Task) -> bool:
    return task in score.probability and score.label.get(task, UNKNOWN) != UNKNOWN
