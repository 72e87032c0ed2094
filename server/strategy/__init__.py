"""How loudly each site speaks for each parameter group, and how the voices become one; looked up by name."""

from collections.abc import Mapping

from gmmas_core.types import ConfigError
from server.strategy.adaptive_pid import adaptive_pid, remember_losses
from server.strategy.krum import krum
from server.strategy.masked_fedavg import masked_fedavg
from server.strategy.median import median
from server.strategy.precision_weighted import precision_weighted
from server.strategy.semi_supervised import semi_supervised
from server.strategy.strategy import Strategy
from server.strategy.trimmed_mean import trimmed_mean
from server.strategy.uncertainty_weighted import uncertainty_weighted

STRATEGIES: Mapping[str, Strategy] = {
    "masked_fedavg": Strategy(weigh=masked_fedavg, streams=True),
    "uncertainty_weighted": Strategy(weigh=uncertainty_weighted),
    "precision_weighted": Strategy(weigh=precision_weighted),
    "adaptive_pid": Strategy(weigh=adaptive_pid, remember=remember_losses),
    "semi_supervised": Strategy(weigh=semi_supervised),
    "trimmed_mean": Strategy(weigh=masked_fedavg, combine=trimmed_mean),
    "median": Strategy(weigh=masked_fedavg, combine=median),
    "krum": Strategy(weigh=masked_fedavg, combine=krum),
}


def strategy_of(name: str) -> Strategy:
    """The strategy of a name.

    Raises:
        ConfigError: unknown name.
    """
    if name not in STRATEGIES:
        raise ConfigError(f"strategy.name: found {name!r}; expected any of {sorted(STRATEGIES)}")
    return STRATEGIES[name]
