"""A released model on one hospital's own cases, without any federation: the numbers behind `gmmas-site evaluate`."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from client.local_data import open_local_data
from client.local_evaluation import score_one
from client.local_report import write_local_report
from client.significance import significance
from client.site import Site
from gmmas_core.checkpoint import LoadedModel
from gmmas_core.config import Config
from gmmas_core.metrics import classification
from gmmas_core.metrics.evaluation import CaseScore, local_summary
from gmmas_core.metrics.merging import scored_labels, scored_regions
from gmmas_core.model.fusion import learned_weights
from gmmas_core.subsets import SUBSETS
from gmmas_core.types import DISCLAIMER, REGIONS, SEQUENCES, DataError, EvaluationPlan, Sum, Task
from gmmas_core.weights import weights_of


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
        JSON-able: "disclaimer", "model_id", "site", "split", "summary", "report" (file name), and with subsets
        "subsets" and "significance".

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
    asked = SUBSETS if subsets else (SEQUENCES,)
    scores: dict[tuple[str, ...], list[CaseScore]] = {subset: [] for subset in asked}
    for done, case in enumerate(cases):
        on_progress(done, len(cases))
        for subset in asked:
            if subset == SEQUENCES or set(subset) <= set(case.images):
                scores[subset].append(score_one(site, config, loaded.model, data, case, loaded.calibration, subset)[1])
    on_progress(len(cases), len(cases))
    plan = _plan(loaded, config, split)
    page = write_local_report(site, plan, config, loaded.model, data, scores[SEQUENCES], loaded.calibration)
    found: dict[str, Any] = {
        "disclaimer": DISCLAIMER,
        "notice": config.notice,
        "model_id": loaded.model_id,
        "site": site.name,
        "split": split,
        "summary": local_summary(scores[SEQUENCES], config.task_list, config.evaluation.bootstrap, config.seed),
        "report": str(page.relative_to(site.state)),
    }
    if subsets:
        worth = significance(site, config, loaded.model, data, cases, loaded.calibration)
        found["subsets"] = [_subset_row(subset, scores[subset], config.task_list) for subset in SUBSETS]
        found["significance"] = {
            "learned": learned_weights(weights_of(loaded.model)),
            "drop_one": {
                key.removeprefix("drop-one."): {"change": value.mean, "n": value.count}
                for key, value in worth.items()
                if isinstance(value, Sum) and value.count
            },
        }
    return found


def _subset_row(subset: tuple[str, ...], scores: Sequence[CaseScore], tasks: Sequence[Task]) -> dict[str, Any]:
    values: dict[str, float | None] = {}
    for region in REGIONS:
        dice = [score.dice for _, score in scored_regions(scores, region)]
        values[f"dice.{region}"] = float(np.mean(dice)) if dice else None
    for task in tasks:
        _, prob, label = scored_labels(scores, task)
        values[f"auroc.{task}"] = classification.auroc(prob, label)
    return {"sequences": list(subset), "n": len(scores), "values": values}


def _plan(loaded: LoadedModel, config: Config, split: str) -> EvaluationPlan:
    """The report's place and heading; nobody asked over the wire."""
    training = loaded.provenance.get("training", {})
    return EvaluationPlan(
        run_id=str(training.get("run_id", Path(loaded.model_id).name.replace("-", ""))),
        round=int(training.get("rounds", 1)) or 1,
        seed=config.seed,
        weights_hash="",
        split=split,
        subject="global",
        config_hash="",
        core_fingerprint="",
        deadline_s=0.0,
    )
