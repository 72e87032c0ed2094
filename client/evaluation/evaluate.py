"""A released model on one hospital's own cases, without any federation: the numbers behind `gmmas-site evaluate`."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from client.data.local_data import LocalData, open_local_data
from client.evaluation.report import write_local_report
from client.evaluation.significance import no_significance, significance
from client.rounds.local_evaluation import score_one
from client.site import Site
from gmmas_core.checkpoint import LoadedModel
from gmmas_core.config import Config
from gmmas_core.metrics import classification
from gmmas_core.metrics.evaluation import CaseScore, add, local_summary
from gmmas_core.metrics.merging import scored_labels, scored_regions
from gmmas_core.model.fusion import learned_weights
from gmmas_core.reporting.sequence_parts import drop_one_changes
from gmmas_core.subsets import SUBSETS
from gmmas_core.types import DISCLAIMER, REGIONS, SEQUENCES, Case, DataError, EvaluationPlan, Metric, Task
from gmmas_core.weights import weights_of

Scores = dict[tuple[str, ...], list[CaseScore]]
"""Subset of the sequences -> one score a case."""


def evaluate_model(
    site: Site,
    loaded: LoadedModel,
    split: str,
    *,
    subsets: bool,
    mc_passes: int | None,
    on_progress: Callable[[int, int], None],
) -> dict[str, Any]:
    """Score a model folder on one split of a site and write the site's own report.

    Args:
        site: its cases are read, its state folder gets the report.
        loaded: model folder; its configuration says how a case is read.
        split: "train", "validation" or "holdout".
        subsets: also score all 15 subsets of the sequences and what each sequence is worth.
        mc_passes: stochastic passes; None as the model says.
        on_progress: told (readings done, readings in all).

    Returns:
        JSON-able: "disclaimer", "notice", "warnings" (of the model folder), "model_id", "site", "split", "summary",
        "report" (file name in the state folder), and with subsets "subsets" and "significance".

    Raises:
        DataError: the split holds no case, or a case cannot be read.
    """
    config = loaded.config
    if mc_passes is not None:
        config = replace(config, evaluation=replace(config.evaluation, mc_passes=mc_passes))
    data = open_local_data(site, config)
    cases = data.split(split)
    if not cases:
        raise DataError(f"{split}: found no case; expected at least one; check the split column of the site's table")
    scores, worth = _score_cases(site, config, loaded, data, cases, subsets, on_progress)
    more: dict[str, Any] = {"model_id": loaded.model_id}
    if subsets:
        more |= _subset_parts(loaded, config, scores, worth)
    plan = _plan(loaded, config, split)
    page = write_local_report(site, plan, config, loaded.model, data, scores[SEQUENCES], loaded.calibration, more)
    return {
        "disclaimer": DISCLAIMER,
        "notice": config.notice,
        "warnings": list(loaded.warnings),
        **more,
        "site": site.name,
        "split": split,
        "summary": local_summary(scores[SEQUENCES], config.task_list, config.evaluation.bootstrap, config.seed),
        "report": str(page.relative_to(site.state)),
    }


def _score_cases(
    site: Site,
    config: Config,
    loaded: LoadedModel,
    data: LocalData,
    cases: Sequence[Case],
    subsets: bool,
    on_progress: Callable[[int, int], None],
) -> tuple[Scores, Mapping[str, Metric]]:
    """Read every case as often as asked, from the sequences that it has.

    Returns:
        Scores by subset, and the sums behind what each sequence is worth (zero without `subsets`).
    """
    model, calibration = loaded.model, loaded.calibration
    asked = SUBSETS if subsets else (SEQUENCES,)
    scores: Scores = {subset: [] for subset in asked}
    worth: Mapping[str, Metric] = no_significance(config.task_list)
    for done, case in enumerate(cases):
        on_progress(done, len(cases))
        for subset in asked:
            if subset == SEQUENCES or set(subset) <= set(case.images):
                scores[subset].append(score_one(site, config, model, data, case, calibration, subset)[1])
        if subsets:
            worth = add(worth, significance(site, config, model, data, [case], calibration))
    on_progress(len(cases), len(cases))
    return scores, worth


def _subset_parts(loaded: LoadedModel, config: Config, scores: Scores, worth: Mapping[str, Metric]) -> dict[str, Any]:
    """What only a reading of all subsets can say: "subsets" and "significance"."""
    changes = drop_one_changes(worth, config.task_list)
    learned = learned_weights(weights_of(loaded.model))
    return {
        "subsets": [_subset_row(subset, scores[subset], config.task_list) for subset in SUBSETS],
        "significance": {"learned": learned, "drop_one": changes} if changes else None,
    }


def _subset_row(subset: tuple[str, ...], scores: Sequence[CaseScore], tasks: Sequence[Task]) -> dict[str, Any]:
    """As `subset_part` takes it."""
    values: dict[str, float | None] = {}
    counts: dict[str, int] = {}
    for region in REGIONS:
        dice = [score.dice for _, score in scored_regions(scores, region)]
        values[f"dice.{region}"] = float(np.mean(dice)) if dice else None
        counts[f"dice.{region}"] = len(dice)
    for task in tasks:
        _, prob, label = scored_labels(scores, task)
        values[f"auroc.{task}"] = classification.auroc(prob, label)
        counts[f"auroc.{task}"] = len(label)
    missing = {name: sum(name.partition(".")[2] in score.not_assessable for score in scores) for name in values}
    return {
        "sequences": list(subset),
        "n": len(scores),
        "values": values,
        "counts": counts,
        "not_assessable": missing,
    }


def _plan(loaded: LoadedModel, config: Config, split: str) -> EvaluationPlan:
    """The report's place; nobody asked over the wire.

    The place is the model's own name, so that the report of the federated run that made it is not overwritten, and the
    round is none: a page with a model's name does not show it.
    """
    return EvaluationPlan(
        run_id=loaded.model_id.replace("-", "")[-64:],
        round=1,
        seed=config.seed,
        weights_hash="",
        split=split,
        subject="global",
        config_hash="",
        core_fingerprint="",
        deadline_s=0.0,
    )
