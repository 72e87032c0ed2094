"""What a hospital demands for its patients' privacy: `privacy` in site.yaml; the coordinator cannot see or change it.

Everything has a default that changes nothing but the cohort floor's rules, so a site without the key behaves as one
that has thought about none of this. With `epsilon` set, no stage that takes gradients runs without record-level
differential privacy, and none at all once the data set's budget is used up.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from typing import Any

SECURE_SUMS = ("allowed", "required", "refused")
STATISTICS = ("per_site", "summed", "refused")


@dataclass(frozen=True, kw_only=True)
class PrivacyPolicy:
    """A hospital's demands.

    Attributes:
        epsilon: budget of this site's data set, over all runs; None for no record-level differential privacy.
        delta: of every (epsilon, delta) statement; must be below 1 / patients, which is checked before training.
        noise_multiplier: of record-level noise, in clipping norms; None lets `target_epsilon` decide.
        target_epsilon: what one run may spend at most; its noise is chosen for that. Ignored with `noise_multiplier`;
            None stands for the whole budget.
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


NAMES = tuple(item.name for item in fields(PrivacyPolicy))
LEGAL = "a mapping of " + ", ".join(NAMES) + "; client/README.md says what each may be"


def are_privacy(value: Any) -> bool:
    """Whether a value of site.yaml is a mapping of known names to legal values."""
    return isinstance(value, Mapping) and all(key in _HOLDS and _HOLDS[key](each) for key, each in value.items())


def privacy_of(values: Mapping[str, Any]) -> PrivacyPolicy:
    """The policy of a mapping for which `are_privacy` holds."""
    typed: dict[str, Any] = {key: tuple(value) if isinstance(value, list) else value for key, value in values.items()}
    return PrivacyPolicy(**typed)


def _is_number(value: Any, low: float, high: float) -> bool:
    """Whether a number lies above `low`, up to `high`."""
    return isinstance(value, int | float) and not isinstance(value, bool) and low < value <= high


def _are_words(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(word, str) and 0 < len(word) <= 128 for word in value)


_HOLDS: Mapping[str, Callable[[Any], bool]] = {
    "epsilon": lambda value: _is_number(value, 0, 1e6),
    "delta": lambda value: _is_number(value, 0, 0.1),
    "noise_multiplier": lambda value: _is_number(value, 0, 1e6),
    "target_epsilon": lambda value: _is_number(value, 0, 1e6),
    "max_grad_norm": lambda value: _is_number(value, 0, 1e6),
    "tell_epsilon": lambda value: isinstance(value, bool),
    "secure_sum": lambda value: value in SECURE_SUMS,
    "min_sites": lambda value: isinstance(value, int) and _is_number(value, 1, 10_000),
    "max_update_norm": lambda value: _is_number(value, 0, 1e6),
    "strategies": _are_words,
    "fingerprints": _are_words,
    "statistics": lambda value: value in STATISTICS,
    "statistics_epsilon": lambda value: _is_number(value, 0, 1e6),
}
