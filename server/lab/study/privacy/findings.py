"""From the results of a privacy study to its numbers; everything the report shows is made here."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

import numpy as np

from gmmas_core.types import DISCLAIMER
from server.lab.study.cells import NOTICE
from server.lab.study.privacy.membership import (
    FALSE_POSITIVE_RATES,
    area,
    area_interval,
    found_at,
    likelihood_ratio,
)
from server.lab.study.privacy.plan import FORMAT, INVERSION, SCENARIOS, SHADOW, UTILITY, PrivacyCell, arm_of
from server.lab.study.privacy.resemblance import mean_of
from server.lab.study.privacy.sizes import PrivacySize
from server.lab.study.statistics import draw, estimate
from server.lab.study.tables import MEASURES, arm_table

Result = Mapping[str, Any]
Results = Sequence[tuple[PrivacyCell, Result]]

SHOWN = ("dice_wt", "dice_tc", "dice_et", "auroc_histology", "auroc_idh")
CHANCE = 0.5
USES = ("segmentation", "histology", "idh")
DESTROYED, NOT_LEARNED = "destroyed", "not learned even without protection"
PLAIN = arm_of("epsilon", None)
USELESS_DICE = 0.1
"""Mean whole-tumour Dice up to which a model segments nothing worth the name."""


def find_privacy(size: PrivacySize, results: Results, failures: Mapping[str, str]) -> dict[str, Any]:
    """All numbers of a study.

    Args:
        size: of the study.
        results: of the cells that are finished.
        failures: what failed -> why.
    """
    by_arm: dict[str, list[tuple[PrivacyCell, Result]]] = {}
    for cell, result in results:
        by_arm.setdefault(cell.arm, []).append((cell, result))
    of_kind = {
        kind: {arm: rows for arm, rows in by_arm.items() if rows[0][0].kind == kind}
        for kind in (UTILITY, SHADOW, INVERSION)
    }
    return {
        "format": FORMAT,
        "disclaimer": DISCLAIMER,
        "notice": NOTICE,
        "size": asdict(size),
        "measures": {name: MEASURES[name].label for name in SHOWN},
        "utility": compare([_utility(arm, rows, size) for arm, rows in of_kind[UTILITY].items()]),
        "membership": [
            row
            for kind in (UTILITY, SHADOW)
            for arm, rows in of_kind[kind].items()
            for row in _attacks(arm, [result for _, result in rows], size)
        ],
        "inversion": [_inversion(arm, [result for _, result in rows]) for arm, rows in of_kind[INVERSION].items()],
        "failures": dict(failures),
    }


def _utility(arm: str, rows: Results, size: PrivacySize) -> dict[str, Any]:
    table = arm_table([{"seed": cell.seed, "cases": result["cases"]} for cell, result in rows])
    draws = draw(table, size.resamples)
    found = {name: estimate(table, MEASURES[name], draws) for name in SHOWN}
    measures = {name: {"value": each.value, "interval": each.interval} for name, each in found.items()}
    paid = [site for _, result in rows for site in result["spent"].values()]
    return {
        "arm": arm,
        "seeds": len(rows),
        "test_cases": len(table.cases),
        "measures": measures,
        "spent": _worst(paid),
        "seconds": sum(result["seconds"] for _, result in rows),
    }


def compare(rows: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Add what each protected arm has lost; what was not learned without protection cannot be lost with it."""
    plain = next((row for row in rows if row["arm"] == PLAIN), None)
    learned = _learned(plain["measures"]) if plain else None
    compared = []
    for row in rows:
        has = _learned(row["measures"])
        if row["arm"] == PLAIN:
            missing = [name for name in USES if name not in has]
            verdict = f"{NOT_LEARNED}: {', '.join(missing)}" if missing else "of use"
        elif learned is None:
            verdict = "nothing to compare with"
        else:
            lost = [name for name in learned if name not in has]
            verdict = f"{DESTROYED}: {', '.join(lost)}" if lost else "of the same uses"
        compared.append(row | {"verdict": verdict})
    return compared


def _learned(measures: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """Uses of a model: tumours found, class answers whose whole interval is above chance."""
    dice = measures["dice_wt"]["value"]
    found = ["segmentation"] if dice is not None and dice > USELESS_DICE else []
    for use in USES[1:]:
        ends = measures[f"auroc_{use}"]["interval"]
        if ends is not None and ends[0] > CHANCE:
            found.append(use)
    return found


def _worst(paid: Sequence[Mapping[str, Any]]) -> dict[str, Any] | None:
    """Of all hospitals and seeds, the one that paid most; None where nothing was protected."""
    return dict(max(paid, key=lambda site: float(site["epsilon"]))) if paid else None


def _attacks(arm: str, results: Sequence[Result], size: PrivacySize) -> list[dict[str, Any]]:
    """Every attack that this mode runs on the models of an arm."""
    ids = list(results[0]["signals"])
    member_MP = np.array([[name in set(result["members"]) for name in ids] for result in results])

    def signal_MP(name: str) -> np.ndarray[Any, np.dtype[np.float64]]:
        return np.array([[result["signals"][case][name] for case in ids] for result in results])

    scores = {
        "loss, mean over crops": -signal_MP("mean"),
        "loss, least over crops": -signal_MP("least"),
    }
    if size.attack == "lira" and arm.startswith(SHADOW):
        scores["LiRA, class and mask"] = np.stack(
            [
                sum(likelihood_ratio(signal_MP(name), member_MP, target) for name in ("logit", "segmentation"))
                for target in range(len(results))
            ]
        )
    return [
        {
            "arm": arm,
            "attack": attack,
            "models": len(results),
            "auroc": {
                "value": float(np.mean([_area(row, who) for row, who in zip(score_MP, member_MP, strict=True)])),
                "interval": area_interval(score_MP, member_MP, size.resamples),
            },
            "found": [asdict(found_at(score_MP, member_MP, rate)) for rate in FALSE_POSITIVE_RATES],
        }
        for attack, score_MP in scores.items()
    ]


def _area(score_P: np.ndarray[Any, np.dtype[np.float64]], member_P: np.ndarray[Any, np.dtype[np.bool_]]) -> float:
    known = ~np.isnan(score_P)
    return area(score_P[known], member_P[known])


def _inversion(scenario: str, results: Sequence[Result]) -> dict[str, Any]:
    names = ("guess", "mean", "random")
    return {
        "scenario": scenario,
        "given": SCENARIOS[scenario],
        "patients": len(results),
        "likeness": {name: mean_of([result["likeness"][name] for result in results]) for name in names},
        "correlations": [result["likeness"]["guess"]["correlation"] for result in results],
        "distance": float(np.mean([result["distance"] for result in results])),
        "ranks": [result["rank"] for result in results],
        "candidates": results[0]["candidates"],
        "slices": results[0]["slices"],
    }
