"""Sites speak louder where their gradients agree with each other from batch to batch."""

from collections.abc import Mapping, Sequence
from statistics import median

from gmmas_core.config import StrategyConfig
from server.strategy.factors import Factor, weigh_by
from server.strategy.signals import measured
from server.strategy.strategy import Loudness, Memory
from server.strategy.voice import Voice

EPSILON = 1e-3  # of the sites' median variance, so that neither the unit nor the learning rate matters


def precision_weighted(voices: Sequence[Voice], config: StrategyConfig, memory: Memory) -> Loudness:
    """Weight n_ig / (sigma2_ig + eps), the inverse capped at `config.cap` times the sites' median of the group.

        sigma2_ig   variance of the stochastic gradient over local steps, mean over the group's parameters
        eps         EPSILON times the median sigma2 of the group

    A variance of exactly 0 is no measurement (a single step, a frozen group) and neutral, like a missing one.

    FIVA adds to each sigma2 a variance of the server's, filtered over rounds as 1 / (0.95 / s + sum_i 1/sigma2_i) and
    the squared learning rate to the gradient's. Both are left out: all sites share learning rate and steps of a round,
    so they cancel from the proportions; and where the filter settles, 0.05 / s = sum_i 1/sigma2_i, the server's term
    adds to K equal sites 1 / (20 K) of their variance at the most, under a hundredth from five sites on.

    Source: FIVA (MLHC 2025, arXiv 2508.09196), per layer, a layer being a parameter group.
    """
    return weigh_by(FACTORS, voices, config)


def _precision(speaking: Sequence[Voice], group: str) -> Mapping[str, float]:
    measurements = {voice.site: measured(voice, f"gradient_variance.{group}") for voice in speaking}
    known = [variance for variance in measurements.values() if variance]
    middle = median(known) if known else 0.0
    return {
        site: (middle + EPSILON * middle) / (variance + EPSILON * middle) if variance else 1.0
        for site, variance in measurements.items()
    }


FACTORS: Mapping[str, Factor] = {"gradient_variance": _precision}
