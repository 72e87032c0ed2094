"""From the results of a strategy study to its numbers and its verdicts; everything the report shows is made here."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from typing import Any

import numpy as np

from gmmas_core.config import FederationConfig
from gmmas_core.types import DISCLAIMER
from server.lab.site_times import simulate_rounds
from server.lab.study.arms import Arm
from server.lab.study.cells import FORMAT, NOTICE
from server.lab.study.findings import as_json
from server.lab.study.hard_sites import SITE_NAMES, cases_per_site
from server.lab.study.statistics import BETTER, WORSE, Estimate, difference, draw, estimate, require_paired, verdict
from server.lab.study.strategy_arms import BASELINE
from server.lab.study.strategy_measures import PRIMARY, STRATEGY_MEASURES
from server.lab.study.strategy_sizes import StrategySize
from server.lab.study.tables import ArmTable, arm_table

Result = Mapping[str, Any]
Estimates = Mapping[str, Mapping[str, Estimate]]

DAY_S = 24 * 3600.0
NOT_FEDERATED = ("local-only", "pooled")
"""Bounds to compare with; no federation could choose them as its default."""

AT_CHANCE = "at chance"
_NEED_LEARNING = {"auroc_idh": "auroc_idh", "brier_idh": "auroc_idh"}
"""Measure -> the AUROC without which its differences mean nothing: two ways of guessing are not better or worse."""


def find_strategies(
    size: StrategySize,
    arms: Sequence[Arm],
    results: Mapping[str, Sequence[Result]],
    failures: Mapping[str, str],
    federation: FederationConfig,
) -> dict[str, Any]:
    """All numbers of a study.

    Args:
        size: of the study.
        arms: that were asked for.
        results: arm -> its cells, for arms of which every cell is there.
        failures: what failed -> why.
        federation: the coordinator's rule for deadlines.

    Returns:
        The content of study.json.

    Raises:
        DataError: arms that did not read the same test cases.
    """
    complete = [arm for arm in arms if results.get(arm.name)]
    tables = {arm.name: arm_table(results[arm.name]) for arm in complete}
    require_paired(list(tables.values()))
    estimates = {name: _estimates(table, size.resamples) for name, table in tables.items()}
    first = next(iter(tables.values()), None)
    return {
        "format": FORMAT,
        "disclaimer": DISCLAIMER,
        "notice": NOTICE,
        "size": asdict(size),
        "seeds": list(first.seeds) if first else [],
        "test_cases": len(first.cases) if first else 0,
        "sites": cases_per_site(size.train),
        "baseline": BASELINE,
        "primary": list(PRIMARY),
        "measures": {
            name: {"label": measure.label, "better": "higher" if measure.higher_is_better else "lower"}
            for name, measure in STRATEGY_MEASURES.items()
        },
        "arms": [_arm(arm, results[arm.name], estimates[arm.name], size, federation) for arm in complete],
        "differences": [_against(arm, estimates) for arm in complete if arm.name != BASELINE and BASELINE in estimates],
        "failures": dict(failures),
    }


def _estimates(table: ArmTable, resamples: int) -> dict[str, Estimate]:
    draws = draw(table, resamples)
    return {name: estimate(table, measure, draws) for name, measure in STRATEGY_MEASURES.items()}


def _arm(
    arm: Arm, results: Sequence[Result], found: Mapping[str, Estimate], size: StrategySize, federation: FederationConfig
) -> dict[str, Any]:
    trained = [result["train_s"] for result in results if result["train_s"] is not None]
    dice = {name: found[f"at_{name}"].value for name in SITE_NAMES}
    known = {name: value for name, value in dice.items() if value is not None}
    return {
        "name": arm.name,
        "title": arm.title,
        "overrides": list(arm.overrides),
        "steps_per_site": results[0]["steps_per_site"],
        "runs": len(results),
        "train_s": float(np.mean(trained)) if trained else None,
        "score_s": float(np.mean([result["score_s"] for result in results])),
        "measures": {name: as_json(value) for name, value in found.items()},
        "worst_site": min(known, key=lambda name: known[name]) if known else None,
        "traffic": None if arm.name in NOT_FEDERATED else _traffic(results, size, federation),
    }


def _traffic(results: Sequence[Result], size: StrategySize, federation: FederationConfig) -> dict[str, Any]:
    """Bytes of a round, the hours it would take at hospitals as slow as FeTS's, and how loudly each one spoke."""
    seen = [result["traffic"] for result in results]
    sent, received, rounds = (sum(entry[key] for entry in seen) for key in ("sent", "received", "rounds"))
    plain = seen[0]["float32_bytes"] * len(SITE_NAMES) * rounds
    majority = len(SITE_NAMES) // 2 + 1
    patient = replace(federation, deadline_s=DAY_S, min_sites=len(SITE_NAMES), quorum=majority)
    simulated = simulate_rounds(
        cases_per_site(size.train),
        dict.fromkeys(SITE_NAMES, size.validation),
        patient,
        sent_share=sent / plain,
        received_share=received / plain,
    )
    return {
        "sent_mb": sent / rounds / 1e6,
        "received_mb": received / rounds / 1e6,
        "simulated": simulated.to_json(),
        "voice": {name: float(np.mean([entry["voice"].get(name, 0.0) for entry in seen])) for name in SITE_NAMES},
        "left_out": {name: sum(entry["left_out"].get(name, 0) for entry in seen) / rounds for name in SITE_NAMES},
        "doubted": {name: sum(entry["doubted"].get(name, 0) for entry in seen) / rounds for name in SITE_NAMES},
    }


def _against(arm: Arm, estimates: Estimates) -> dict[str, Any]:
    """Every measure of an arm minus the baseline's, case by case and seed by seed, and what that means."""
    found = {name: difference(estimates[arm.name][name], estimates[BASELINE][name]) for name in STRATEGY_MEASURES}
    said = {
        name: AT_CHANCE
        if _is_guess(name, estimates[arm.name]) and _is_guess(name, estimates[BASELINE])
        else verdict(value, STRATEGY_MEASURES[name])
        for name, value in found.items()
    }
    return {
        "arm": arm.name,
        "measures": {name: as_json(value) | {"verdict": said[name]} for name, value in found.items()},
        "outcome": outcome_of(arm.name, [said[name] for name in PRIMARY]),
    }


def _is_guess(measure: str, found: Mapping[str, Estimate]) -> bool:
    """Whether a measure of a task says nothing because the AUROC's interval does not lie above 0.5."""
    if measure not in _NEED_LEARNING:
        return False
    interval = found[_NEED_LEARNING[measure]].interval
    return interval is None or interval[0] <= 0.5


def outcome_of(arm: str, primary: Sequence[str]) -> str:
    """What an arm's verdicts on the primary measures mean for the default: "win" only where nothing got worse."""
    if BETTER in primary and WORSE not in primary:
        return "bound, better" if arm in NOT_FEDERATED else "win"
    if BETTER in primary:
        return "mixed"
    return "loss" if WORSE in primary else "no gain"
