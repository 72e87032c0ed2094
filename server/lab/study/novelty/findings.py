"""What the detector did with each group: how well it ranks, how often it speaks, and what that means."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

import numpy as np

from gmmas_core.novelty.stored import Distribution
from gmmas_core.types import DISCLAIMER
from server.lab.study.novelty.gather import Judged, judge
from server.lab.study.novelty.groups import USUAL, Groups, Seen
from server.lab.study.novelty.ranked import area, resampled, share
from server.lab.study.novelty.sizes import NoveltySize

NOTICE = "Phantoms: computer-generated images of no person."


def find_novelty(
    size: NoveltySize,
    distribution: Distribution,
    groups: Groups,
    real: Sequence[Mapping[str, Any]],
    network: Mapping[str, Any] | None,
) -> dict[str, Any]:
    """Content of study.json.

    Args:
        size: of the study.
        distribution: of the federation's patients.
        groups: the usual patients under USUAL, and the strange ones.
        real: rows of `real.real_rows`; empty where no folder was given.
        network: of `network.compare`; None where no model was given.
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
        "alarms": _alarms(distribution, groups[USUAL]),
        "groups": rows,
        "real": list(real),
        "network": network,
    }
    return study | {"conclusion": conclusion(study)}


def _alarms(distribution: Distribution, usual: Sequence[Seen]) -> list[dict[str, Any]]:
    """How often it speaks of unseen patients of each training site: the pooled Gaussian is nobody's own."""
    rows = []
    for name in dict.fromkeys(case.hospital for case in usual):
        judged = _judged(distribution, [case for case in usual if case.hospital == name])
        rows.append({"name": name, "cases": len(judged), **_spoken(judged)})
    return rows


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
        **_spoken(cases),
    }


def _spoken(cases: Scored) -> dict[str, Any]:
    return {
        "warned": share([judged.distance > judged.warn for _, judged in cases]),
        "out": share([judged.distance > judged.out for _, judged in cases]),
    }


def _ranked(strange: Scored, usual: Scored, resamples: int) -> dict[str, Any]:
    patients = [patient for patient, _ in (*strange, *usual)]
    score_N = np.array([judged.excess for _, judged in (*strange, *usual)])
    label_N = np.array([1] * len(strange) + [0] * len(usual))
    return resampled(area(score_N, label_N), patients, resamples)


def conclusion(study: Mapping[str, Any]) -> list[str]:
    """What the numbers say, failures first among equals."""
    usual, *strange = study["groups"]
    alarms = (f"{row['name']} {_percent(row['warned'])}" for row in study["alarms"])
    lines = [
        f"Of unseen patients of the federation's own hospitals {_percent(usual['warned'])} are warned about, 5 % are "
        f"intended; {_percent(usual['out'])} are called out of distribution, 1 % are intended. By hospital, warned "
        f"about: {', '.join(alarms)}."
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
    for kind in dict.fromkeys(row["kind"] for row in study["real"]):
        rows = [row for row in study["real"] if row["kind"] == kind]
        found = sum(row["above"] == row["of"] for row in rows)
        lines.append(
            f"Real, {kind}: beyond all other gliomas in {found} of {len(rows)}"
            f"{'' if found == len(rows) else '; the rest are not found'}. A rank among {rows[0]['of']}, no AUROC."
        )
    return lines + _of_network(study["network"])


def _of_network(network: Mapping[str, Any] | None) -> list[str]:
    if network is None:
        return []
    ends = {row["name"]: row["gain"]["interval"] or (0.0, 0.0) for row in network["groups"]}
    gains = [name for name, (low, _) in ends.items() if low > 0]
    losses = [name for name, (_, high) in ends.items() if high < 0]
    return [
        f"The network's own features beside those of the images ({network['train']} training patients; no hospital "
        f"gathers them, they are an arm of this study alone): a gain beyond the interval for {_named(gains)}; a loss "
        f"for {_named(losses)}."
    ]


def _named(names: Sequence[str]) -> str:
    return ", ".join(names) or "no row"


def _percent(share: Mapping[str, Any]) -> str:
    if share["value"] is None:
        return "none could be judged"
    low, high = share["interval"]
    return f"{share['value']:.0%} ({low:.0%} to {high:.0%})"
