"""The first semi-supervised stage: the global model labels a site's own unlabelled cases; the labels stay at the site.

No weight changes. Every training case that lacks a label or a mask is read several times with dropout on;
`pseudo_selection` says which answers count. The same rules are tried on the site's labelled validation cases, as if
nothing were known of them, and where they fail there, all pseudo-labels of that task are dropped. The table is written
for `semi_supervised`; sums alone leave the site. Holdout cases are never given to a stage.

Source: GMMAS, two-stage semi-supervised learning; UPS (Rizve et al. 2021, arXiv 2101.06329).
"""

import logging
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from gmmas_core.data.preprocess import Prepared
from gmmas_core.data.pseudo_table import PseudoLabel, PseudoMask, publish_table, unfinished_table, write_mask
from gmmas_core.inference.assessability import not_assessable, present
from gmmas_core.inference.postprocess import POSTPROCESS
from gmmas_core.inference.stochastic import read_stochastic
from gmmas_core.metrics.overlap import dice, region_mask
from gmmas_core.model.log_variances import SEGMENTATION
from gmmas_core.model.parameter_groups import GROUPS
from gmmas_core.training.pseudo_selection import (
    Audit,
    Gate,
    ProbM,
    balance,
    gate,
    judge_case,
    judge_mask,
    least_doubtful,
)
from gmmas_core.training.seeding import stream_seed
from gmmas_core.training.stages.stage import StageInput, StageOutput
from gmmas_core.types import REGIONS, UNKNOWN, Case, DataError, FederationError, Metric, Sum, Task
from gmmas_core.uncertainty import mean_inside

_log = logging.getLogger(__name__)


@dataclass(kw_only=True)
class _Answers:
    """All that the model said about a set of cases, in their order."""

    labels: list[PseudoLabel]
    masks: list[PseudoMask]


def pseudo_label(given: StageInput) -> StageOutput:
    """Label what the site's training cases lack, publish the table, and report counts.

    Two calls with equal input write equal bytes. A site that lacks nothing reads no case and publishes an empty table.

    Raises:
        FederationError: the plan's tasks are not the configuration's, or its run id is no plain name.
        DataError: a case of another split, one that cannot be prepared, or a state folder that cannot be written.
    """
    tasks, plan = given.config.task_list, given.plan
    if plan.tasks != tasks:
        raise FederationError(
            f"stage {plan.stage}: found a plan for tasks {', '.join(plan.tasks)}; expected {', '.join(tasks)}; "
            "start the run with the configuration that the sites have"
        )
    _require_split(given.cases, "train")
    _require_split(given.validation, "validation")
    given.model.to(given.device).eval()
    asked = [case for case in given.cases if _lacks(case, tasks)]
    with unfinished_table(given.state, plan.run_id) as folder:
        worth = _worth(given) if asked else {name: {} for name in _names(tasks)}
        audits = {name: _audit(values.values()) for name, values in worth.items()}
        gates = _gates(given, audits)
        found = _answers(given, asked, folder)
        found = _Answers(
            labels=_selected_labels(given, found.labels, gates), masks=_selected_masks(given, found, gates)
        )
        publish_table(
            folder,
            round=plan.round,
            model_id=plan.weights_hash,
            labels=found.labels,
            masks=found.masks,
            about=_about(given, audits, gates),
        )
    return StageOutput(metrics=_metrics(given, found, _told(given, worth), gates), seen=dict.fromkeys(GROUPS(tasks), 0))


def part_keys(tasks: Sequence[Task]) -> tuple[str, ...]:
    """Names of the metrics of this stage, the same at every site."""
    classes = (f"{task.value}.{label}" for task in tasks for label in (0, 1))
    return (
        *(f"pseudo-accepted.{name}" for name in (*classes, SEGMENTATION)),
        *(f"pseudo-audit.{name}" for name in _names(tasks)),
        *(f"pseudo-gated.{name}" for name in _names(tasks)),
    )


def no_pseudo_metrics(tasks: Sequence[Task]) -> dict[str, Metric]:
    """What a site answers that was asked for nothing."""
    return {key: Sum(0.0, 0) for key in part_keys(tasks)}


def _names(tasks: Sequence[Task]) -> tuple[str, ...]:
    return (*(task.value for task in tasks), SEGMENTATION)


def _require_split(cases: Sequence[Case], split: str) -> None:
    other = next((case for case in cases if case.split != split), None)
    if other is not None:
        raise DataError(
            f"pseudo-labels: case {other.case_id}: found split {other.split}; expected {split}: validation and holdout "
            "cases are never pseudo-labelled, nor training cases audited; check the split column"
        )


def _lacks(case: Case, tasks: Sequence[Task]) -> bool:
    return case.mask is None or any(case.labels[task] == UNKNOWN for task in tasks)


def _answers(given: StageInput, cases: Sequence[Case], folder: Path) -> _Answers:
    """Judge every case by itself; masks of candidates go to the folder."""
    found, settings = _Answers(labels=[], masks=[]), given.config.pseudo_labels
    for case in cases:
        prepared = given.cache.open(case).full()
        prob_M, mask_XYZ, mask = _read(given, case, prepared)
        found.labels += judge_case(case.case_id, prob_M, case.labels, settings)
        if case.mask is None:
            found.masks.append(mask)
            if mask.accepted:
                write_mask(folder, case.case_id, mask_XYZ)
    return found


def _read(
    given: StageInput, case: Case, prepared: Prepared
) -> tuple[Mapping[Task, ProbM], NDArray[np.uint8], PseudoMask]:
    """What the model says about a case, whatever is known: P(class 1) per pass and task, labels of the brain crop."""
    config, plan = given.config, given.plan
    reading = read_stochastic(
        prepared,
        given.model,
        config,
        passes=config.pseudo_labels.mc_passes,
        device=given.device,
        calibration=given.calibration,
        seed=stream_seed(plan.seed, plan.round, f"{given.site_name}/{case.case_id}"),
    )
    voxel_ml = prepared.spacing_mm**3 / 1000
    raw_XYZ = reading.mean_KXYZ.argmax(0).to(device="cpu", dtype=torch.uint8).numpy()
    mask_XYZ = POSTPROCESS[config.evaluation.postprocess](raw_XYZ, voxel_ml)
    tumour_XYZ = region_mask(mask_XYZ, "wt")
    entropy = mean_inside(reading.doubt.predictive.cpu(), torch.from_numpy(tumour_XYZ))
    missing = not_assessable(present(prepared.available_C)[0])
    mask = judge_mask(
        case.case_id,
        float("inf") if entropy is None else entropy,
        float(tumour_XYZ.sum() * voxel_ml),
        {region: missing[region] for region in REGIONS if region in missing},
        config.pseudo_labels,
    )
    return reading.prob_M, mask_XYZ, mask


def _worth(given: StageInput) -> dict[str, dict[str, float]]:
    """The rules on the validation cases as if nothing were known of them, without balance.

    Returns:
        Per task and for masks, of every case with an accepted answer: 1 if it was right, else 0; of a mask its Dice.
    """
    tasks, settings = given.config.task_list, given.config.pseudo_labels
    right: dict[str, dict[str, float]] = {name: {} for name in _names(tasks)}
    masks, dice_of = [], {}
    for case in given.validation:
        truth = {task: case.labels[task] for task in tasks if case.label_source.get(task) == "pathology"}
        if not truth and case.mask is None:
            continue
        prepared = given.cache.open(case).full()
        prob_M, mask_XYZ, mask = _read(given, case, prepared)
        for row in judge_case(case.case_id, prob_M, {}, settings):
            if row.accepted and truth.get(row.task, UNKNOWN) != UNKNOWN:
                right[row.task.value][case.case_id] = float(row.label == truth[row.task])
        if prepared.seg_XYZ is not None:
            masks.append(mask)
            dice_of[case.case_id] = dice(region_mask(mask_XYZ, "wt"), region_mask(prepared.seg_XYZ, "wt"))
    kept = [mask for mask in least_doubtful(masks, settings.mask_entropy_quantile) if mask.accepted]
    right[SEGMENTATION] = {mask.case_id: dice_of[mask.case_id] for mask in kept}
    return right


def _told(given: StageInput, worth: Mapping[str, Mapping[str, float]]) -> dict[str, Audit]:
    """The audit as it may leave: a threshold moved a little would add a single case to what it sums up."""
    told = {}
    for name, values in worth.items():
        cases = given.answered([case for case in given.validation if case.case_id in values])
        told[name] = _audit([values[case.case_id] for case in cases])
    return told


def _audit(values: Collection[float]) -> Audit:
    return Audit(total=float(sum(values)), count=len(values))


def _gates(given: StageInput, audits: Mapping[str, Audit]) -> dict[str, Gate]:
    settings = given.config.pseudo_labels
    gates = {}
    for name, audit in audits.items():
        least = settings.gate_dice if name == SEGMENTATION else settings.gate_accuracy
        gates[name] = gate(audit, least, settings.gate_cases)
        if gates[name].dropped:
            score = "mean whole-tumour Dice" if name == SEGMENTATION else "accuracy"
            _log.warning(
                "site %s, round %d: all pseudo-labels for %s are dropped: on %d labelled validation cases their %s is "
                "%.3f, below the gate of %g",
                *(given.site_name, given.plan.round, name, audit.count, score, audit.total / audit.count, least),
            )
    return gates


def _selected_labels(given: StageInput, labels: Sequence[PseudoLabel], gates: Mapping[str, Gate]) -> list[PseudoLabel]:
    """Balanced over the site and past the gate, task by task."""
    selected: list[PseudoLabel] = []
    for task in given.config.task_list:
        known = [case.labels[task] for case in given.cases]
        rows = [row for row in labels if row.task is task]
        rows = balance(rows, (known.count(0), known.count(1)), given.config.pseudo_labels.balance)
        reason = _gate_reason(gates[task.value])
        selected += [replace(row, reason=reason) if row.accepted and reason else row for row in rows]
    return selected


def _selected_masks(given: StageInput, found: _Answers, gates: Mapping[str, Gate]) -> list[PseudoMask]:
    reason = _gate_reason(gates[SEGMENTATION])
    masks = least_doubtful(found.masks, given.config.pseudo_labels.mask_entropy_quantile)
    return [replace(mask, reason=reason) if mask.accepted and reason else mask for mask in masks]


def _gate_reason(gate: Gate) -> str:
    return f"audit: {gate.reason}" if gate.dropped else ""


def _about(given: StageInput, audits: Mapping[str, Audit], gates: Mapping[str, Gate]) -> dict[str, Any]:
    """What a reader of the table needs in order to judge it."""
    return {
        "run_id": given.plan.run_id,
        "site": given.site_name,
        "thresholds": asdict(given.config.pseudo_labels),
        "calibration": dict(given.calibration),
        "audit": {name: asdict(audit) for name, audit in audits.items()},
        "gate": {name: asdict(gate) for name, gate in gates.items()},
    }


def _metrics(
    given: StageInput, found: _Answers, audits: Mapping[str, Audit], gates: Mapping[str, Gate]
) -> dict[str, Metric]:
    """Sums over the cases asked: a site's cohort floor then judges by their number, for the gate's outcome too."""
    asked = {
        task.value: sum(case.labels[task] == UNKNOWN for case in given.cases) for task in given.config.task_list
    } | {SEGMENTATION: sum(case.mask is None for case in given.cases)}
    metrics = no_pseudo_metrics(given.config.task_list)
    for task in given.config.task_list:
        for label in (0, 1):
            num = sum(row.accepted and row.task is task and row.label == label for row in found.labels)
            metrics[f"pseudo-accepted.{task.value}.{label}"] = Sum(float(num), asked[task.value])
    metrics[f"pseudo-accepted.{SEGMENTATION}"] = Sum(
        float(sum(mask.accepted for mask in found.masks)), asked[SEGMENTATION]
    )
    for name, num in asked.items():
        metrics[f"pseudo-audit.{name}"] = Sum(audits[name].total, audits[name].count)
        metrics[f"pseudo-gated.{name}"] = Sum(float(num * gates[name].dropped), num)
    return metrics
