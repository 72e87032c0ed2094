"""The hospital's own report of an evaluation: exact numbers, every case, and pictures. It never leaves the hospital.

Written beside the site's other state, one page and one JSON file per run, split and model. A picture that cannot be
drawn costs the picture and not the scores: they were computed before, the federation waits for them, and the page says
what is missing. A page that cannot be written (a full disk) is an error like any other.
"""

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from client.data.local_data import LocalData
from client.evaluation.overlay import draw_overlay
from client.evaluation.report_template import LOCAL_REPORT
from client.node.events import log_bytes
from client.node.site_log import log_failure
from client.rounds.local_evaluation import score_one
from client.site import Site
from gmmas_core.atomic import write_json, write_text
from gmmas_core.config import Config
from gmmas_core.metrics.evaluation import CaseScore, local_summary, subgroups
from gmmas_core.model.gmmas import GMMAS
from gmmas_core.reporting.figures import Drawing
from gmmas_core.reporting.figures_decisions import risk_coverage
from gmmas_core.reporting.page import render_page
from gmmas_core.reporting.sequence_parts import subset_part, worth_part
from gmmas_core.reporting.trust_parts import trust_part
from gmmas_core.reporting.wording import MODEL_NAMES, SPLIT_NAMES, TASK_NAMES
from gmmas_core.types import (
    CLASS_NAMES,
    DISCLAIMER,
    REGIONS,
    UNKNOWN,
    EvaluationPlan,
    FederationError,
    GmmasError,
    Task,
)

_RUN_ID = re.compile(r"[A-Za-z0-9]{1,64}")
_NOTHING_MORE: Mapping[str, Any] = {"model_id": None, "subsets": [], "significance": None}
_LEGAL = {"split": ("train", "validation", "holdout"), "subject": ("global", "local_only")}


def write_local_report(
    site: Site,
    plan: EvaluationPlan,
    config: Config,
    model: GMMAS,
    data: LocalData,
    per_case: Sequence[CaseScore],
    calibration: Mapping[str, Any],
    more: Mapping[str, Any] | None = None,
) -> Path:
    """Write `<state>/reports/<run id>/<split>-<model>.html` and `.json`.

    Args:
        site: where, and the masks' label convention.
        plan: what was asked.
        config: tasks, seed and number of resamples.
        model: that made the scores; it reads the pictured cases again.
        data: the site's cases.
        per_case: the scores; none is fine.
        calibration: they were read with.
        more: what was asked of a model folder beyond a federation's question: "model_id", "subsets" (rows as
            `subset_part` takes them) and "significance" (as `worth_part` takes it); any may be absent.

    Returns:
        The page's path.

    Raises:
        FederationError: a run id, split or subject that does not belong into a path.
        OSError: the page cannot be written.
    """
    stem = _stem(site, plan)
    chosen = _chosen(per_case)
    pictures = [_picture(site, config, model, data, calibration, why, score) for why, score in chosen.items()]
    report = {
        "disclaimer": DISCLAIMER,
        "notice": config.notice,
        "site": site.name,
        "run_id": plan.run_id,
        "round": plan.round,
        "split": plan.split,
        "model": _model_of(plan),
        "written": datetime.now(UTC).isoformat(timespec="seconds"),
        "tasks": list(config.tasks),
        **_NOTHING_MORE,
        **(more or {}),
        "summary": local_summary(per_case, config.task_list, config.evaluation.bootstrap, config.seed),
        "cohort_floor": site.cohort_floor,
        "subgroups": subgroups(per_case, config.task_list, site.cohort_floor),
        "cases": [_case(score) for score in _by_dice(per_case)],
        "pictures": {why: score.case_id for why, score in chosen.items()},
    }
    write_json(stem.with_name(f"{stem.name}.json"), report)
    page = stem.with_name(f"{stem.name}.html")
    write_text(page, _render(report, pictures))
    return page


def _stem(site: Site, plan: EvaluationPlan) -> Path:
    """Where the files go; nothing that came over the wire names a path unchecked."""
    if not _RUN_ID.fullmatch(plan.run_id):
        raise FederationError("plan: found a run id that is no name; expected 1 to 64 letters and digits")
    for field, legal in _LEGAL.items():
        if getattr(plan, field) not in legal:
            raise FederationError(f"plan: found an unknown {field}; expected any of {list(legal)}")
    return site.state / "reports" / plan.run_id / f"{plan.split}-{_model_of(plan)}"


def _model_of(plan: EvaluationPlan) -> str:
    """The global model of round 0 is the untrained one; its report must not be overwritten by the trained one's."""
    return "untrained" if plan.subject == "global" and plan.round == 0 else plan.subject


def _whole_dice(score: CaseScore) -> float | None:
    whole = score.regions["wt"]
    return None if whole is None else whole.dice


def _by_dice(scores: Sequence[CaseScore]) -> list[CaseScore]:
    """Worst whole-tumour Dice first, cases without one last."""
    return sorted(scores, key=lambda score: (_whole_dice(score) is None, _whole_dice(score), score.case_id))


def _chosen(scores: Sequence[CaseScore]) -> dict[str, CaseScore]:
    """The cases to look at, by what they are; each case once."""
    ranked = [score for score in _by_dice(scores) if _whole_dice(score) is not None]
    if len(ranked) < 3:
        return dict(zip(("worst", "best") if len(ranked) == 2 else ("only",), ranked, strict=False))
    return {"best": ranked[-1], "median": ranked[(len(ranked) - 1) // 2], "worst": ranked[0]}


def _picture(
    site: Site,
    config: Config,
    model: GMMAS,
    data: LocalData,
    calibration: Mapping[str, Any],
    why: str,
    score: CaseScore,
) -> dict[str, Any]:
    drawing: Drawing | None = None
    try:
        case = next(case for case in data.cases if case.case_id == score.case_id)
        result, _ = score_one(site, config, model, data, case, calibration)
        drawing = draw_overlay(site, case, result, score)
    except (GmmasError, OSError, RuntimeError, ValueError) as error:
        log_failure(site.state, error, log_bytes(site))
    return {"why": why, "case_id": score.case_id, "drawing": drawing}


def _case(score: CaseScore) -> dict[str, Any]:
    """One case as JSON has it."""
    return {
        "case_id": score.case_id,
        "has_reference": score.has_reference,
        "regions": {region: vars(found) if found else None for region, found in score.regions.items()},
        "tasks": {
            task.value: {
                "label": None if label == UNKNOWN else CLASS_NAMES[task][label],
                "probability": score.probability.get(task),
                "epistemic": score.epistemic.get(task),
            }
            for task, label in score.label.items()
        },
        "not_assessable": sorted(score.not_assessable),
        "abstained": sorted(score.abstained),
        "age": score.age,
        "sex": score.sex,
    }


def _render(report: Mapping[str, Any], pictures: Sequence[Mapping[str, Any]]) -> str:
    summary = report["summary"]
    by_task = {task: summary["classification"][task] for task in report["tasks"]}
    whose = f"cases of {report['site']}"
    rows = [(report["site"], summary)]
    selective = summary["segmentation"]["wt"]["selective"]
    positive = {task: f"P({CLASS_NAMES[Task(task)][1]})" for task in report["tasks"]}
    return render_page(
        LOCAL_REPORT,
        {
            **report,
            "model_name": MODEL_NAMES[report["model"]],
            "split_name": SPLIT_NAMES[report["split"]],
            "rows": rows,
            "regions": list(REGIONS),
            "headings": {task: f"{TASK_NAMES[task]}, {positive[task]}" for task in report["tasks"]},
            "images": pictures,
            "trust": trust_part(rows, report["tasks"], whose),
            "risk": risk_coverage({"whole tumour": selective}, "mean 1 − Dice", whose) if selective["n"] else None,
            "missing": subset_part(report["subsets"], whose),
            "worth": worth_part(report["significance"], whose),
            "binning": next((entry["ece"]["binning"] for entry in by_task.values()), ""),
        },
    )
