"""What a hospital demands for its patients' privacy: `privacy` in site.yaml; the coordinator cannot see or change it.

Everything has a default that changes nothing but the cohort floor's rules, so a site without the key behaves as one
that has thought about none of this. With `epsilon` set, no stage that takes gradients runs without record-level
differential privacy, and none at all once the data set's budget is used up.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

SECURE_SUMS = ("allowed", "required", "refused")
STATISTICS = ("per_site", "summed", "refused")
OF_RECORDS = ("delta", "noise_multiplier", "target_epsilon", "max_grad_norm", "tell_epsilon")
"""Names that mean nothing without `epsilon`."""


@dataclass(frozen=True, kw_only=True)
class PrivacyPolicy:
    """A hospital's demands.

    Attributes:
        epsilon: budget of this site's data set, over all runs; None for no record-level differential privacy.
        delta: of every (epsilon, delta) statement; must be below 1 / patients, which is checked before training.
        noise_multiplier: of record-level noise, in clipping norms; None lets `target_epsilon` decide.
        target_epsilon: what one run may spend at most; its noise is chosen for that. Not beside
            `noise_multiplier`; None stands for the whole budget.
        max_grad_norm: L2 norm to which one patient's gradient is clipped.
        tell_epsilon: whether the coordinator may learn how much is spent: the refusal at the budget's end then says it.
        secure_sum: "allowed", "required" (no update leaves unmasked) or "refused".
        min_sites: fewest verified sites in a secure sum.
        max_update_norm: L2 norm of the change of the weights beyond which it is scaled down; None for no bound.
        strategies: names of strategies this site takes part in, None for all.
        fingerprints: core fingerprints this site takes part in, None for all.
        statistics: "per_site", "summed" (only inside a secure sum) or "refused".
        statistics_epsilon: of the noise on every statistic that leaves; None for no noise.
    """

    epsilon: float | None = None
    delta: float = 1e-5
    noise_multiplier: float | None = None
    target_epsilon: float | None = None
    max_grad_norm: float = 1.0
    tell_epsilon: bool = False
    secure_sum: str = "allowed"
    min_sites: int = 3
    max_update_norm: float | None = None
    strategies: tuple[str, ...] | None = None
    fingerprints: tuple[str, ...] | None = None
    statistics: str = "per_site"
    statistics_epsilon: float | None = None


def privacy_problems(values: Mapping[Any, Any]) -> list[str]:
    """What is wrong with `privacy` of site.yaml, one line for every unknown name and illegal value."""
    problems = []
    for key, value in values.items():
        if key not in _CHECKS:
            legal = ", ".join(_CHECKS)
            problems.append(
                f"privacy: found unknown name {str(key)[:60]!r}; expected any of {legal}; correct or remove it"
            )
        elif not _CHECKS[key][1](value):
            problems.append(f"privacy.{key}: found {str(value)[:60]!r}; expected {_CHECKS[key][0]}; correct it")
    return problems + _contradictions(values)


def _contradictions(values: Mapping[Any, Any]) -> list[str]:
    """Demands that would be passed over in silence: of record-level privacy without a budget, or of two noises."""
    idle = [key for key in OF_RECORDS if key in values]
    if idle and "epsilon" not in values:
        return [f"privacy: found {', '.join(idle)} without epsilon; expected the budget that switches them on; add it"]
    if {"noise_multiplier", "target_epsilon"} <= values.keys():
        return ["privacy: found noise_multiplier and target_epsilon; expected one of them; remove the other"]
    return []


def privacy_of(values: Mapping[str, Any]) -> PrivacyPolicy:
    """The policy of a mapping without problems."""
    typed: dict[str, Any] = {key: tuple(value) if isinstance(value, list) else value for key, value in values.items()}
    return PrivacyPolicy(**typed)


def _is_number(value: Any, low: float, high: float) -> bool:
    """Whether a number lies above `low`, up to `high`."""
    return isinstance(value, int | float) and not isinstance(value, bool) and low < value <= high


def _are_words(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(word, str) and 0 < len(word) <= 128 for word in value)


def _above_0(most: float) -> tuple[str, Callable[[Any], bool]]:
    return f"a number above 0, at most {most:g}", lambda value: _is_number(value, 0, most)


def _one_of(words: tuple[str, ...]) -> tuple[str, Callable[[Any], bool]]:
    return f"one of {', '.join(words)}", lambda value: isinstance(value, str) and value in words


_CHECKS: Mapping[str, tuple[str, Callable[[Any], bool]]] = {
    "epsilon": _above_0(1e6),
    "delta": (
        "a number above 0, at most 0.1, such as 1.0e-5 (YAML reads 1e-5 as text)",
        lambda value: _is_number(value, 0, 0.1),
    ),
    "noise_multiplier": _above_0(1e6),
    "target_epsilon": _above_0(1e6),
    "max_grad_norm": _above_0(1e6),
    "tell_epsilon": ("true or false", lambda value: isinstance(value, bool)),
    "secure_sum": _one_of(SECURE_SUMS),
    "min_sites": (
        "a whole number from 2 to 10000",
        lambda value: isinstance(value, int) and _is_number(value, 1, 10_000),
    ),
    "max_update_norm": _above_0(1e6),
    "strategies": ("a list of names", _are_words),
    "fingerprints": ("a list of fingerprints", _are_words),
    "statistics": _one_of(STATISTICS),
    "statistics_epsilon": _above_0(1e6),
}
"""Name -> what it may be, in words and as a check."""
