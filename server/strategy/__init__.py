"""How loudly each site speaks for each parameter group; one file per strategy, looked up by its name in the config."""

from collections.abc import Callable, Mapping

from gmmas_core.types import ConfigError, SiteUpdate
from server.strategy.masked_fedavg import masked_fedavg

Strategy = Callable[[SiteUpdate], dict[str, int]]
"""A screened update -> weight per parameter group, a whole number >= 0; 0 means the site is silent there."""

STRATEGIES: Mapping[str, Strategy] = {"masked_fedavg": masked_fedavg}


def strategy_of(name: str) -> Strategy:
    """The strategy of a name.

    Raises:
        ConfigError: unknown name.
    """
    if name not in STRATEGIES:
        raise ConfigError(f"strategy.name: found {name!r}; expected any of {sorted(STRATEGIES)}")
    return STRATEGIES[name]
