"""A site's weight as its plain share times what it claims about itself, held between 1/cap and cap of the median.

A claim can be wrong or a lie, so it is bounded by what the others claim: the product f of all factors of a site counts
as min(cap, max(1/cap, f / median f)), the median being over the sites that speak for the group. A cap alone does not
make a strategy safe, see `server.lab.liars`; `server.screening.cohort` and `server.screening.plain_share` belong to
it. Of two sites, one that claims infinitely more speaks 2 cap times as loudly, and no screen can tell who is right.
"""

from collections.abc import Callable, Mapping, Sequence
from math import prod
from statistics import median

from gmmas_core.config import StrategyConfig
from gmmas_core.types import ConfigError
from gmmas_core.weighing import plain_share
from server.strategy.strategy import Loudness
from server.strategy.voice import Voice

Factor = Callable[[Sequence[Voice], str], Mapping[str, float]]
"""(those who speak for a group, the group) -> site -> claim > 0, 1 for one that claims nothing."""


def weigh_by(factors: Mapping[str, Factor], voices: Sequence[Voice], config: StrategyConfig) -> Loudness:
    """Plain shares times the capped product of the factors that the configuration names.

    Raises:
        ConfigError: `strategy.factors` names one that the strategy does not know.
    """
    require_known(config, factors)
    loudness: Loudness = {voice.site: dict(plain_share(voice.seen)) for voice in voices}
    for group in dict.fromkeys(group for weights in loudness.values() for group in weights):
        speaking = [voice for voice in voices if loudness[voice.site].get(group, 0) > 0]
        claims = [factors[name](speaking, group) for name in config.factors]
        products = {voice.site: prod(claim[voice.site] for claim in claims) for voice in speaking}
        for site, share in capped(products, config.cap).items():
            loudness[site][group] *= share
    return loudness


def capped(claims: Mapping[str, float], cap: float) -> dict[str, float]:
    """Claims over their median, between 1/cap and cap."""
    return {site: min(cap, max(1 / cap, claim)) for site, claim in over_median(claims).items()}


def over_median(claims: Mapping[str, float | None]) -> dict[str, float]:
    """Claims (> 0) divided by the median of those known; 1 for the unknown ones."""
    known = [claim for claim in claims.values() if claim is not None]
    middle = median(known) if known else 1.0
    return {site: 1.0 if claim is None else claim / middle for site, claim in claims.items()}


def require_known(config: StrategyConfig, factors: Mapping[str, object]) -> None:
    """Raise ConfigError unless the strategy knows every factor that is configured."""
    unknown = [name for name in config.factors if name not in factors]
    if unknown:
        raise ConfigError(f"strategy.factors: found {unknown}; expected any of {list(factors)} for {config.name}")
