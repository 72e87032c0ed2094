"""One arm's results broken down: by subset of the sequences, by group of patients, by predicted probability."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gmmas_core.metrics import calibration_error
from gmmas_core.metrics.classification import auroc
from gmmas_core.subsets import SUBSETS
from gmmas_core.types import REGIONS, UNKNOWN, Task
from server.lab.study.tables import ArmTable

COHORT_FLOOR = 10
"""Groups of fewer test cases are not shown."""

AGE_BANDS = ((0, 40), (40, 60), (60, 200))

Result = Mapping[str, Any]


def subset_means(results: Sequence[Result]) -> dict[str, dict[str, float | None]]:
    """Subset, e.g. "t1+flair" -> mean Dice per region, AUROC of IDH (mean over seeds), and "n" cases.

    Empty when no case was read from subsets.
    """
    found: dict[str, dict[str, float | None]] = {}
    for subset in SUBSETS:
        name = "+".join(subset)
        read: dict[int, list[Mapping[str, Any]]] = {}
        for result in results:
            with_it = [record for record in result["cases"] if name in record.get("subsets", {})]
            read.setdefault(result["seed"], []).extend(with_it)
        if not any(read.values()):
            continue
        every = [record["subsets"][name] for records in read.values() for record in records]
        values = {region: float(np.mean([one["dice"][region] for one in every])) for region in REGIONS}
        found[name] = {**values, "auroc_idh": _mean_auroc(read, name), "n": len(next(iter(read.values())))}
    return found


def _mean_auroc(read: Mapping[int, Sequence[Mapping[str, Any]]], name: str) -> float | None:
    areas = []
    for records in read.values():
        answers = [(record["subsets"][name]["probability"].get("idh"), record["label"]["idh"]) for record in records]
        known = [(prob, label) for prob, label in answers if prob is not None and label != UNKNOWN]
        areas.append(auroc(np.array([p for p, _ in known]), np.array([k for _, k in known])) if known else None)
    defined = [area for area in areas if area is not None]
    return float(np.mean(defined)) if defined and len(defined) == len(areas) else None


def groups(table: ArmTable) -> list[dict[str, Any]]:
    """Per hospital, sex and age band above the floor: n, WT Dice and AUROC of IDH, means over the seeds."""
    records = table.records
    members: dict[str, NDArray[np.bool_]] = {}
    for site in sorted({record["site"] for record in records}):
        members[f"hospital {site}"] = np.array([record["site"] == site for record in records])
    for sex, name in (("F", "female"), ("M", "male")):
        members[name] = np.array([record["sex"] == sex for record in records])
    for low, high in AGE_BANDS:
        name = f"from {low} years" if high == AGE_BANDS[-1][1] else f"{low} to under {high} years"
        members[name] = np.array([record["age"] is not None and low <= record["age"] < high for record in records])
    return [_group(table, name, inside_N) for name, inside_N in members.items() if inside_N.sum() >= COHORT_FLOOR]


def _group(table: ArmTable, name: str, inside_N: NDArray[np.bool_]) -> dict[str, Any]:
    areas = []
    if "probability_idh" in table.values_SN:
        known_N = inside_N & (table.labels_N["idh"] != UNKNOWN)
        areas = [auroc(row[known_N], table.labels_N["idh"][known_N]) for row in table.values_SN["probability_idh"]]
    defined = [area for area in areas if area is not None]
    return {
        "group": name,
        "n": int(inside_N.sum()),
        "dice_wt": float(table.values_SN["dice_wt"][:, inside_N].mean()),
        "auroc_idh": float(np.mean(defined)) if defined else None,
    }


def reliabilities(results: Sequence[Result], tasks: Sequence[str]) -> dict[str, dict[str, Any]]:
    """Task -> "before" and "after" calibration: bins over the predictions of all seeds, with their ECE.

    The order of the classes' probabilities survives a temperature, so what was said before it can be computed back.
    """
    found = {}
    for task in tasks:
        said: list[tuple[float, float, int]] = []
        for result in results:
            for record in result["cases"]:
                label = record["label"].get(task, UNKNOWN)
                if label != UNKNOWN and task in record["probability"]:
                    raw = without_temperature(record["probability"], result["temperature"])
                    said.append((raw[task], record["probability"][task], label))
        if said:
            before, after, label_N = (np.array(column) for column in zip(*said, strict=True))
            found[task] = {"before": _bins(before, label_N), "after": _bins(after, label_N)}
    return found


def without_temperature(probability: Mapping[str, float], temperature: Mapping[str, float]) -> dict[str, float]:
    """What the network said before its logits were divided by their temperatures.

    1p/19q is P(mutant) P(codeleted | mutant); each factor has its own temperature.
    """
    raw = {task: _heated(p, temperature.get(task, 1.0)) for task, p in probability.items() if task != Task.CODEL}
    if Task.CODEL in probability:
        mutant = probability[Task.IDH]
        conditional = min(probability[Task.CODEL] / mutant, 1.0) if mutant > 0 else 0.5
        raw[Task.CODEL] = raw[Task.IDH] * _heated(conditional, temperature.get(Task.CODEL, 1.0))
    return raw


def _heated(probability: float, temperature: float) -> float:
    """Sigmoid of the logit times a temperature; 0 and 1 stay what they are."""
    if not 0 < probability < 1:
        return probability
    logit = temperature * (np.log(probability) - np.log1p(-probability))
    return float(1 / (1 + np.exp(-np.clip(logit, -700, 700))))


def _bins(prob_N: NDArray[np.float64], label_N: NDArray[np.int64]) -> dict[str, Any]:
    table = calibration_error.reliability(prob_N, label_N.astype(np.int64))
    parts = [
        {"n": int(n), "mean_probability": float(p / n), "observed_share": float(k / n)}
        if n
        else {"n": 0, "mean_probability": None, "observed_share": None}
        for n, p, k in zip(table.count_R, table.probability_R, table.positives_R, strict=True)
    ]
    return {"n": len(prob_N), "reliability": parts, "ece": {"value": calibration_error.ece(table)}}
