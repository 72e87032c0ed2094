"""What the detector did with each group: how well it ranks, how often it speaks, and what that means."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

import numpy as np

from gmmas_core.metrics.bootstrap import by_patient, wilson
from gmmas_core.metrics.ranking import auroc, levels
from gmmas_core.novelty.stored import Distribution
from gmmas_core.types import DISCLAIMER, Sum
from server.lab.study.novelty.gather import Judged, judge
from server.lab.study.novelty.groups import USUAL, Groups, Seen
from server.lab.study.novelty.sizes import NoveltySize

NOTICE = "Phantoms: computer-generated images of no person."
SEED = 7


def find_novelty(
    size: NoveltySize, distribution: Distribution, groups: Groups, real: Sequence[Mapping[str, Any]]
) -> dict[str, Any]:
    """Content of study.json.

    Args:
        size: of the study.
        distribution: of the federation's patients.
        groups: the usual patients under USUAL, and the strange ones.
        real: rows of `real.real_rows`; empty where no folder was given.
    """
    usual = _judged(distribution, groups[USUAL])
    rows = [_row(name, _judged(distribution, cases), usual, len(cases), size) for name, cases in groups.items()]
    study: dict[str, Any] = {
        "disclaimer": DISCLAIMER,
        "notice": NOTICE,
        "size": asdict(size),
        "training_patients": dict(distribution.gaussian.patients),
        "shrinkage": distribution.gaussian.shrinkage,
        "limits": {name: asdict(limits) for name, limits in distribution.limits.items()},
        "groups": rows,
        "real": list(real),
    }
    return study | {"conclusion": conclusion(study)}


Scored = list[tuple[str, Judged]]


def _judged(distribution: Distribution, cases: Sequence[Seen]) -> Scored:
    found = ((case.patient, judge(distribution, case.features_F)) for case in cases)
    return [(patient, judged) for patient, judged in found if judged is not None]


def _row(name: str, cases: Scored, usual: Scored, asked: int, size: NoveltySize) -> dict[str, Any]:
    """One group; AUROC against the usual patients, none for themselves."""
    ranked = None if name == USUAL else _ranked(cases, usual, size.resamples)
    return {
        "name": name,
        "cases": len(cases),
        "not_assessable": asked - len(cases),
        "median_distance": float(np.median([judged.distance for _, judged in cases])) if cases else None,
        "auroc": ranked,
        "warned": _share([judged.distance > judged.warn for _, judged in cases]),
        "out": _share([judged.distance > judged.out for _, judged in cases]),
    }


def _ranked(strange: Scored, usual: Scored, resamples: int) -> dict[str, Any]:
    patients = [patient for patient, _ in (*strange, *usual)]
    score_N = np.array([judged.excess for _, judged in (*strange, *usual)])
    label_N = np.array([1] * len(strange) + [0] * len(usual))

    def statistic(chosen: np.ndarray[tuple[int], np.dtype[np.int64]]) -> float | None:
        return auroc(*levels(score_N[chosen], label_N[chosen]))

    everybody = np.arange(len(score_N))
    interval = by_patient(statistic, patients, resamples, np.random.default_rng(SEED))
    return {"value": statistic(everybody), "interval": interval}


def _share(flags: Sequence[bool]) -> dict[str, Any]:
    counted = Sum(float(sum(flags)), len(flags))
    return {"value": counted.mean if flags else None, "interval": wilson(counted)}


def conclusion(study: Mapping[str, Any]) -> list[str]:
    """What the numbers say, failures first among equals."""
    usual, *strange = study["groups"]
    lines = [
        f"Of unseen patients of the federation's own hospitals {usual['warned']['value']:.0%} are warned about (5 % "
        f"intended) and {usual['out']['value']:.0%} are called out of distribution (1 % intended)."
    ]
    for row in strange:
        if row["auroc"]["value"] is None:
            lines.append(f"{row['name']}: no case could be judged.")
            continue
        low = row["auroc"]["interval"][0] if row["auroc"]["interval"] else None
        if low is None or low <= 0.5:
            lines.append(f"{row['name']}: not shown to be told from usual patients. The detector fails here.")
        elif row["out"]["value"] < 0.5:
            lines.append(
                f"{row['name']}: ranked above usual patients, but {1 - row['out']['value']:.0%} stay below the limit "
                "at which the model abstains. The detector mostly fails here."
            )
    for row in study["real"]:
        place = "beyond all of" if row["above"] == row["of"] else f"farther than {row['above']} of"
        lines.append(f"Real, one case: {row['name']}: {place} {row['of']} gliomas. One case has no AUROC.")
    return lines
