"""Results as arrays, and the measures that are taken of them.

Shapes: S seeds, N test cases, B bootstrap draws. Every measure answers for B weightings of the cases at once: a draw of
cases with repeats is a count per case, and the plain value is the draw that counts each case once.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gmmas_core.metrics import calibration_error
from gmmas_core.metrics.classification import negative_log_likelihood, squared_error
from gmmas_core.types import REGIONS, UNKNOWN, DataError, Task

Floats = NDArray[np.float64]
Counts = NDArray[np.int64]


@dataclass(frozen=True, kw_only=True)
class ArmTable:
    """One arm's answers, cases in the order of their pseudonyms.

    Attributes:
        seeds: of the S rows.
        cases: pseudonyms of the N columns; `patients`, `records` likewise.
        values_SN: "dice_wt", ..., "subset_wt" (mean over all 15 subsets; NaN where a case was not read from them) and
            "probability_TASK".
        labels_N: per task; UNKNOWN where there is none.
    """

    seeds: tuple[int, ...]
    cases: tuple[str, ...]
    patients: tuple[str, ...]
    records: Sequence[Mapping[str, Any]]
    values_SN: Mapping[str, Floats]
    labels_N: Mapping[str, NDArray[np.int64]]


def arm_table(results: Sequence[Mapping[str, Any]]) -> ArmTable:
    """Put the cells of one arm together: the parts of a seed side by side, the seeds below each other.

    Raises:
        DataError: two seeds have not read the same cases.
    """
    by_seed: dict[int, list[Mapping[str, Any]]] = {}
    for result in results:
        by_seed.setdefault(result["seed"], []).extend(result["cases"])
    rows = {seed: sorted(by_seed[seed], key=lambda record: str(record["case"])) for seed in sorted(by_seed)}
    first = next(iter(rows.values()))
    cases = tuple(record["case"] for record in first)
    for seed, records in rows.items():
        if tuple(record["case"] for record in records) != cases:
            raise DataError(
                f"seed {seed}: found other test cases than for the first seed; expected the same; run again"
            )
    return ArmTable(
        seeds=tuple(rows),
        cases=cases,
        patients=tuple(record["patient"] for record in first),
        records=first,
        values_SN={
            name: np.array([[take(record) for record in records] for records in rows.values()], dtype=np.float64)
            for name, take in _takers(first[0]).items()
        },
        labels_N={
            task: np.array([record["label"].get(task, UNKNOWN) for record in first], dtype=np.int64)
            for task in first[0]["probability"]
        },
    )


def _takers(example: Mapping[str, Any]) -> dict[str, Callable[[Mapping[str, Any]], float]]:
    takers: dict[str, Callable[[Mapping[str, Any]], float]] = {}
    for region in REGIONS:
        takers[f"dice_{region}"] = lambda record, region=region: record["dice"][region]  # type: ignore[misc]
        takers[f"subset_{region}"] = lambda record, region=region: _over_subsets(record, region)  # type: ignore[misc]
    for task in example["probability"]:
        takers[f"probability_{task}"] = lambda record, task=task: record["probability"][task]  # type: ignore[misc]
    return takers


def _over_subsets(record: Mapping[str, Any], region: str) -> float:
    subsets = record.get("subsets", {})
    return float(np.mean([read["dice"][region] for read in subsets.values()])) if subsets else float("nan")


@dataclass(frozen=True)
class Measure:
    """One number of an arm.

    Attributes:
        label: for people.
        higher_is_better: else lower is.
        of: (table, one seed's place, weights_BN) -> one value per draw, NaN where undefined.
        needs: key of `ArmTable.values_SN`; an arm without it is not measured.
    """

    label: str
    higher_is_better: bool
    of: Callable[[ArmTable, int, Counts], Floats]
    needs: str


def _mean_of(name: str) -> Callable[[ArmTable, int, Counts], Floats]:
    return lambda table, seed, weights_BN: weighted_mean(table.values_SN[name][seed], weights_BN)


def _score_of(
    task: str, score: Callable[[Floats, NDArray[np.int64], Counts], Floats]
) -> Callable[[ArmTable, int, Counts], Floats]:
    def measure(table: ArmTable, seed: int, weights_BN: Counts) -> Floats:
        label_N = table.labels_N[task]
        known = label_N != UNKNOWN
        prob_N = table.values_SN[f"probability_{task}"][seed]
        return score(prob_N[known], label_N[known], weights_BN[:, known])

    return measure


def weighted_mean(value_N: Floats, weights_BN: Counts) -> Floats:
    """Mean over the drawn cases that have a value; NaN where none has."""
    known = ~np.isnan(value_N)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray(weights_BN[:, known] @ value_N[known] / weights_BN[:, known].sum(1))


def weighted_auroc(prob_N: Floats, label_N: NDArray[np.int64], weights_BN: Counts) -> Floats:
    """Area under the ROC curve per draw, ties one half; NaN unless a draw holds both classes."""
    distinct, place_N = np.unique(prob_N, return_inverse=True)
    level_NL = np.zeros((len(prob_N), len(distinct)))
    level_NL[np.arange(len(prob_N)), place_N] = 1.0
    positive_BL = (weights_BN * (label_N == 1)) @ level_NL
    negative_BL = (weights_BN * (label_N == 0)) @ level_NL
    below_BL = np.cumsum(negative_BL, 1) - negative_BL / 2
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray((positive_BL * below_BL).sum(1) / (positive_BL.sum(1) * negative_BL.sum(1)))


def weighted_brier(prob_N: Floats, label_N: NDArray[np.int64], weights_BN: Counts) -> Floats:
    """Mean squared error of P(class 1) per draw."""
    return weighted_mean(squared_error(prob_N, label_N), weights_BN)


def weighted_nll(prob_N: Floats, label_N: NDArray[np.int64], weights_BN: Counts) -> Floats:
    """Mean negative log likelihood per draw, nats."""
    return weighted_mean(negative_log_likelihood(prob_N, label_N), weights_BN)


def weighted_ece(prob_N: Floats, label_N: NDArray[np.int64], weights_BN: Counts) -> Floats:
    """Debiased expected calibration error per draw."""
    found = []
    for weights_N in weights_BN:
        table = calibration_error.reliability(np.repeat(prob_N, weights_N), np.repeat(label_N, weights_N))
        value = calibration_error.ece_debiased(table)
        found.append(np.nan if value is None else value)
    return np.array(found)


_TASK_LABELS: Mapping[str, str] = {Task.HISTOLOGY: "histology", Task.IDH: "IDH", Task.CODEL: "1p/19q"}
_SHORT: Mapping[str, str] = {Task.HISTOLOGY: "histology", Task.IDH: "idh", Task.CODEL: "codel"}
_SCORES = (
    ("auroc", "AUROC", True, weighted_auroc),
    ("brier", "Brier", False, weighted_brier),
    ("nll", "NLL", False, weighted_nll),
    ("ece", "ECE (debiased)", False, weighted_ece),
)

MEASURES: Mapping[str, Measure] = {
    **{f"dice_{r}": Measure(f"{r.upper()} Dice", True, _mean_of(f"dice_{r}"), f"dice_{r}") for r in REGIONS},
    "subset_wt": Measure("WT Dice over 15 subsets", True, _mean_of("subset_wt"), "subset_wt"),
    **{
        f"{score}_{_SHORT[task]}": Measure(f"{name} {label}", higher, _score_of(task, function), f"probability_{task}")
        for task, name in _TASK_LABELS.items()
        for score, label, higher, function in _SCORES
    },
}
"""Name -> measure; the order of every table."""
