"""From the results of a study's cells to its numbers and verdicts; everything the report shows is made here."""

from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import asdict
from typing import Any

import numpy as np

from gmmas_core.types import DISCLAIMER, Task
from server.lab.study.arms import COMPARISONS, GAPS, Arm
from server.lab.study.breakdown import groups, reliabilities, subset_means
from server.lab.study.cells import FORMAT, NOTICE
from server.lab.study.sizes import StudySize
from server.lab.study.statistics import (
    BETTER,
    EQUIVALENT,
    UNRESOLVED,
    WORSE,
    Estimate,
    difference,
    draw,
    estimate,
    gap_recovered,
    require_paired,
    verdict,
)
from server.lab.study.tables import MEASURES, ArmTable, arm_table

IDH_CEILING = 0.97
"""AUROC above which something leaks: what the pictures show is worth 0.96, see gmmas_core.data.phantom."""

GAP_MEASURES = ("dice_wt", "auroc_idh", "nll_idh", "subset_wt")

Result = Mapping[str, Any]
Estimates = Mapping[str, Mapping[str, Estimate]]


def find(
    size: StudySize, arms: Sequence[Arm], results: Mapping[str, Sequence[Result]], failures: Mapping[str, str]
) -> dict[str, Any]:
    """All numbers of a study.

    Args:
        size: of the study.
        arms: that were asked for.
        results: arm -> its cells, for arms of which every cell is there.
        failures: what failed -> why.

    Returns:
        The content of study.json.

    Raises:
        DataError: arms that did not read the same test cases.
    """
    complete = [arm for arm in arms if results.get(arm.name)]
    tables = {arm.name: arm_table(results[arm.name]) for arm in complete}
    require_paired(list(tables.values()))
    without_masks = {arm.name for arm in complete if not arm.masks}
    estimates = _estimates(tables, size.resamples, without_masks)
    return {
        "format": FORMAT,
        "disclaimer": DISCLAIMER,
        "notice": NOTICE,
        "size": asdict(size),
        "seeds": list(next(iter(tables.values())).seeds) if tables else [],
        "test_cases": len(next(iter(tables.values())).cases) if tables else 0,
        "measures": {
            name: {"label": measure.label, "better": "higher" if measure.higher_is_better else "lower"}
            for name, measure in MEASURES.items()
        },
        "arms": [_arm(arm, tables[arm.name], results[arm.name], estimates[arm.name]) for arm in complete],
        "expectations": _expectations(estimates, size),
        "differences": _differences(estimates, size),
        "gaps": _gaps(estimates),
        "failures": dict(failures),
    }


def _estimates(
    tables: Mapping[str, ArmTable], resamples: int, without_masks: AbstractSet[str]
) -> dict[str, dict[str, Estimate]]:
    """Arm -> measure -> estimate; an arm that has seen no mask is not asked for overlaps."""
    found = {}
    for name, table in tables.items():
        draws = draw(table, resamples)
        usable = {
            key: measure
            for key, measure in MEASURES.items()
            if measure.needs in table.values_SN and (name not in without_masks or measure.needs.startswith("prob"))
        }
        found[name] = {key: estimate(table, measure, draws) for key, measure in usable.items()}
    return found


def _arm(arm: Arm, table: ArmTable, results: Sequence[Result], found: Mapping[str, Estimate]) -> dict[str, Any]:
    idh = found.get("auroc_idh")
    trained = [result["train_s"] for result in results if result["train_s"] is not None]
    return {
        "name": arm.name,
        "title": arm.title,
        "labelled": arm.labelled,
        "split_by": arm.split_by,
        "steps_per_site": results[0]["steps_per_site"],
        "runs": len(results),
        "train_s": float(np.mean(trained)) if trained else None,
        "score_s": float(np.mean([result["score_s"] for result in results])),
        "core_fingerprints": sorted({result["core_fingerprint"] for result in results}),
        "measures": {name: as_json(value) for name, value in found.items()},
        "leak_suspected": bool(idh and idh.value is not None and idh.value > IDH_CEILING),
        "subsets": subset_means(results),
        "groups": groups(table),
        "reliability": reliabilities(results, [task.value for task in Task]),
    }


def as_json(found: Estimate) -> dict[str, Any]:
    """A number with its 95 % interval, as study.json holds it."""
    interval = found.interval
    return {"value": found.value, "interval": None if interval is None else list(interval)}


def _expectations(estimates: Estimates, size: StudySize) -> list[dict[str, Any]]:
    rows = []
    for entry in COMPARISONS:
        arm, baseline = (estimates.get(name, {}).get(entry.measure) for name in (entry.arm, entry.baseline))
        if arm is None or baseline is None:
            continue
        found = difference(arm, baseline)
        said = verdict(found, MEASURES[entry.measure], size.equivalence)
        rows.append(
            asdict(entry)
            | {"label": MEASURES[entry.measure].label, "arm_value": arm.value, "baseline_value": baseline.value}
            | {"difference": as_json(found), "verdict": said, "outcome": _outcome(entry.expected, said)}
        )
    return rows


def _outcome(expected: str, said: str) -> str:
    """Whether a claim holds: "met", "not met" or "open"."""
    if expected == "unknown" or said == UNRESOLVED:
        return "open"
    holds = {"better": (BETTER,), "not worse": (BETTER, EQUIVALENT)}[expected]
    return "met" if said in holds else "not met"


def _differences(estimates: Estimates, size: StudySize) -> list[dict[str, Any]]:
    """Every measure of every compared pair, so that a gain here cannot hide a loss there."""
    pairs = dict.fromkeys((entry.arm, entry.baseline) for entry in COMPARISONS)
    rows = []
    for arm, baseline in pairs:
        if arm not in estimates or baseline not in estimates:
            continue
        common = [name for name in MEASURES if name in estimates[arm] and name in estimates[baseline]]
        found = {name: difference(estimates[arm][name], estimates[baseline][name]) for name in common}
        said = {name: verdict(value, MEASURES[name], size.equivalence) for name, value in found.items()}
        measures = {name: as_json(value) | {"verdict": said[name]} for name, value in found.items()}
        rows.append(
            {
                "arm": arm,
                "baseline": baseline,
                "measures": measures,
                "count": {word: list(said.values()).count(word) for word in (BETTER, WORSE, UNRESOLVED, EQUIVALENT)},
            }
        )
    return rows


def _gaps(estimates: Estimates) -> list[dict[str, Any]]:
    rows = []
    for arm, baseline, upper in GAPS:
        if not {arm, baseline, upper} <= set(estimates):
            continue
        for name in GAP_MEASURES:
            three = [estimates[each].get(name) for each in (arm, baseline, upper)]
            if any(each is None for each in three):
                continue
            of, low, high = (each for each in three if each is not None)
            label = MEASURES[name].label
            found = as_json(gap_recovered(of, low, high))
            rows.append({"arm": arm, "baseline": baseline, "upper": upper, "measure": name, "label": label} | found)
    return rows
