"""Acceptance checks: a number, what it had to exceed, and no pass where nothing was measured."""

from collections.abc import Mapping

import pytest

from gmmas_core.config_schema import AcceptanceConfig
from gmmas_core.metrics.threshold_baseline import THRESHOLDS
from gmmas_core.types import ConfigError, Metric, Sum
from server.release.acceptance import CHECKS, MIN_TRAINING_DICE, Pooled, Verdict

Scores = Mapping[tuple[str, str], float | None]


def pooled(scores: Scores, threshold_dice: float = 0.3) -> Pooled:
    """Whole-tumour Dice over 4 cases by (model, split); None for an evaluation without a scored case."""

    def metrics(which: str, split: str) -> Mapping[str, Metric] | None:
        if (which, split) not in scores:
            return None
        dice = scores[which, split]
        count = 0 if dice is None else 4
        best = {f"threshold-dice.{z:g}": Sum(0.0, count) for z in THRESHOLDS}
        best["threshold-dice.2"] = Sum(threshold_dice * count, count)
        return {"dice.wt": Sum((dice or 0.0) * count, count), **best}

    return metrics


@pytest.mark.parametrize(
    ("before", "after", "passed"), [(0.1, 0.2, True), (0.2, 0.2, False), (0.3, 0.2, False), (None, 0.2, False)]
)
def test_the_global_model_must_beat_the_untrained_one(before: float | None, after: float, passed: bool) -> None:
    scores: Scores = {("untrained", "holdout"): before, ("global", "holdout"): after}
    verdict = CHECKS["beats_untrained"](pooled(scores))
    assert verdict.passed is passed
    assert f"{after:.3f}" in verdict.statement


def test_what_was_never_evaluated_does_not_pass() -> None:
    for name in set(CHECKS) - {"none"}:
        verdict = CHECKS[name](pooled({}))
        assert verdict.passed is False
        assert "not measured" in verdict.statement


@pytest.mark.parametrize(
    ("dice", "threshold", "passed"),
    [
        (0.7, 0.3, True),
        (0.7, 0.75, False),
        (MIN_TRAINING_DICE, 0.3, False),
        (0.5, 0.3, False),
        (None, 0.3, False),
    ],
)
def test_training_cases_must_be_learned_better_than_by_a_threshold(
    dice: float | None, threshold: float, passed: bool
) -> None:
    verdict = CHECKS["learns_training_cases"](pooled({("global", "train"): dice}, threshold))
    assert verdict.passed is passed


def test_the_holdout_does_not_count_as_training_cases() -> None:
    assert not CHECKS["learns_training_cases"](pooled({("global", "holdout"): 0.9})).passed


def test_the_threshold_that_was_beaten_is_named() -> None:
    statement = CHECKS["learns_training_cases"](pooled({("global", "train"): 0.7}, 0.41)).statement
    assert "0.410 at z > 2" in statement


def test_nothing_promised_nothing_judged() -> None:
    assert CHECKS["none"](pooled({})) == Verdict(True, "no acceptance check was asked for")


def test_a_configuration_may_name_these_checks_and_no_others() -> None:
    for name in CHECKS:
        assert AcceptanceConfig(check=name).check == name
    with pytest.raises(ConfigError, match="beats_untrained"):
        AcceptanceConfig(check="beats_everyone")
