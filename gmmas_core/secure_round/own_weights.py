"""How loudly a site speaks in a secure sum: it weighs itself, because nobody else may see what it is weighed by.

Only strategies of which a site's weight depends on this site alone can be played so. `masked_fedavg` does already; of
`uncertainty_weighted` the claims are held between 1/cap and cap as they are, where the coordinator of a plain round
holds them against the sites' median. A median over sites needs the sites' numbers, so there is none.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from statistics import geometric_mean

from gmmas_core.config_federation import StrategyConfig
from gmmas_core.fixed_point import check_limits
from gmmas_core.types import FederationError, Metric
from gmmas_core.weighing import doubt_ratio, log_variance_of, own_group, plain_share, task_of

WEIGHED = "uncertainty_weighted"
FINEST = 2**10  # steps of a weight per case, where weights are real numbers
LARGEST = 2**24  # of a weight in steps, while there is a choice
MAX_CASES, MAX_SITES = 10**6, 2000


@dataclass(frozen=True, kw_only=True)
class SumTerms:
    """What the coordinator fixes for one attempt at a round's sum; all sites must have been told the same.

    Attributes:
        attempt: at this round, from 0.
        max_cases: training cases of the largest site that was asked; what a site has beyond them does not count.
        max_sites: that were asked, so that no sum overflows.
    """

    attempt: int
    max_cases: int
    max_sites: int

    def __post_init__(self) -> None:
        """Raises: FederationError: a number that no coordinator of this release sends."""
        if not (0 <= self.attempt < 2**31 and 1 <= self.max_cases <= MAX_CASES and 2 <= self.max_sites <= MAX_SITES):
            raise FederationError("secure sum: found terms out of range; expected those of a federation")

    def unit(self, strategy: StrategyConfig) -> int:
        """Steps of a weight per case: 1 where weights are numbers of cases."""
        if strategy.name != WEIGHED:
            return 1
        room = LARGEST / math.ceil(self.max_cases * strategy.cap)
        return min(FINEST, 1 << max(0, math.floor(math.log2(room))))

    def max_weight(self, strategy: StrategyConfig) -> int:
        """Largest weight of a site, in steps.

        Raises:
            ConfigError: weights so large that sums would not be exact.
        """
        loudest = strategy.cap if strategy.name == WEIGHED else 1
        most = math.ceil(self.max_cases * loudest) * self.unit(strategy)
        check_limits(most, self.max_sites)
        return most


def own_weights(
    strategy: StrategyConfig,
    terms: SumTerms,
    seen: Mapping[str, int],
    uncertainty: Mapping[str, float],
    metrics: Mapping[str, Metric],
) -> dict[str, int]:
    """Parameter group -> weight in whole steps, 0 for silence.

    Args:
        strategy: of the run, composed at this site.
        terms: of the attempt.
        seen, uncertainty, metrics: of the site's own update, as they might have left.
    """
    unit, most = terms.unit(strategy), terms.max_weight(strategy)
    weights = {}
    for group, cases in plain_share(seen).items():
        factor = _factor(strategy, group, seen, uncertainty, metrics) if strategy.name == WEIGHED else 1.0
        steps = math.floor(min(cases, terms.max_cases) * factor * unit + 0.5)
        weights[group] = min(most, max(1, steps)) if cases > 0 else 0
    return weights


def _factor(
    strategy: StrategyConfig,
    group: str,
    seen: Mapping[str, int],
    uncertainty: Mapping[str, float],
    metrics: Mapping[str, Metric],
) -> float:
    """The product of the configured factors, see `server.strategy.uncertainty_weighted`, between 1/cap and cap."""
    product = 1.0
    if "doubt" in strategy.factors and log_variance_of(group) is None:
        own = task_of(group)
        tasks = [task for each in seen if (task := task_of(each)) is not None] if own is None else [own]
        ratios = [doubt_ratio(metrics, task) for task in tasks if seen[own_group(task)] > 0]
        product *= geometric_mean([1.0 if ratio is None else ratio for ratio in ratios]) if ratios else 1.0
    task = task_of(group)
    if "homoscedastic" in strategy.factors and task in uncertainty:
        product *= math.exp(-min(50.0, max(-50.0, uncertainty[str(task)])))
    return min(strategy.cap, max(1 / strategy.cap, product))
