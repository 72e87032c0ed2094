"""Did the run reach what its experiment promised? Named checks; a run that fails one does not exit 0."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from gmmas_core.metrics.threshold_baseline import best_threshold
from gmmas_core.types import Metric, Sum

MIN_TRAINING_DICE = 0.6

Pooled = Callable[[str, str], Mapping[str, Metric] | None]
"""(which, split) -> metrics pooled over the sites, `which` being "untrained" or "global"; None when never evaluated."""


@dataclass(frozen=True)
class Verdict:
    """The outcome of an acceptance check, in numbers a person can follow."""

    passed: bool
    statement: str


def none(pooled: Pooled) -> Verdict:
    """Nothing was promised."""
    return Verdict(True, "no acceptance check was asked for")


def beats_untrained(pooled: Pooled) -> Verdict:
    """The global model's whole-tumour Dice on the holdouts exceeds the untrained model's."""
    before, after = (_dice(pooled(which, "holdout")) for which in ("untrained", "global"))
    return Verdict(
        before is not None and after is not None and after > before,
        f"whole-tumour Dice on the holdouts: untrained {_text(before)}, global {_text(after)}; expected an increase",
    )


def learns_training_cases(pooled: Pooled) -> Verdict:
    """Whole-tumour Dice on the training cases exceeds 0.6 and the best single FLAIR threshold's."""
    metrics = pooled("global", "train")
    dice = _dice(metrics)
    baseline = best_threshold(metrics) if metrics is not None else None
    floor = max(MIN_TRAINING_DICE, baseline[1] if baseline else 0.0)
    threshold = f"{baseline[1]:.3f} at z > {baseline[0]:g}" if baseline else "not measured"
    return Verdict(
        dice is not None and baseline is not None and dice > floor,
        f"whole-tumour Dice on the training cases: {_text(dice)}; expected above {MIN_TRAINING_DICE} and above the "
        f"best single FLAIR threshold ({threshold})",
    )


CHECKS: Mapping[str, Callable[[Pooled], Verdict]] = {  # the names that AcceptanceConfig allows
    "none": none,
    "beats_untrained": beats_untrained,
    "learns_training_cases": learns_training_cases,
}


def _dice(metrics: Mapping[str, Metric] | None) -> float | None:
    value = metrics.get("dice.wt") if metrics is not None else None
    return value.mean if isinstance(value, Sum) and value.count else None


def _text(value: float | None) -> str:
    return f"{value:.3f}" if value is not None else "not measured"
