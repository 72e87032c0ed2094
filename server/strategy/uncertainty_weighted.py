"""Sites speak louder the less the global model knows their cases and the cleaner those cases are."""

from collections.abc import Mapping, Sequence
from math import exp
from statistics import geometric_mean

from gmmas_core.config import StrategyConfig
from gmmas_core.weighing import doubt_ratio, log_variance_of, own_group, task_of
from server.strategy.factors import Factor, over_median, weigh_by
from server.strategy.strategy import Loudness, Memory
from server.strategy.voice import Voice


def uncertainty_weighted(voices: Sequence[Voice], config: StrategyConfig, memory: Memory) -> Loudness:
    """Weight n_ig f_ig, f the capped product of the configured factors; without factors masked FedAvg.

        doubt          r_it = (u_e + eps) / (u_a + eps): epistemic uncertainty of the received global model over
                       aleatoric uncertainty of the model trained here, both in nats on this site's validation cases
        homoscedastic  exp(-s_it) with the learned log-variance s, in the group that only task t trains

    A group that serves every task takes the geometric mean of r over the tasks for which the site has labels. Ratios
    are taken over the sites' median of each task first, so that a site that measured nothing is neutral. Learned
    log-variances keep their plain share: weighing them by exp(-s) would pull them towards whoever claims the least.

    Source: the ratio is FedEvi's (MICCAI 2024), with mutual information and expected entropy of MC-dropout in place of
    Dirichlet evidence; s from Kendall et al. 2018 (arXiv 1705.07115). Their product and the geometric mean are this
    project's own; ablate with `strategy.factors`.
    """
    return weigh_by(FACTORS, voices, config)


def _doubt(speaking: Sequence[Voice], group: str) -> Mapping[str, float]:
    if log_variance_of(group) is not None:
        return dict.fromkeys((voice.site for voice in speaking), 1.0)
    own = task_of(group)
    tasks = [own] if own is not None else _tasks(speaking)
    ratios: dict[str, list[float]] = {voice.site: [] for voice in speaking}
    for task in tasks:
        labelled = [voice for voice in speaking if voice.seen.get(own_group(task), 0) > 0]
        for site, ratio in over_median({voice.site: doubt_ratio(voice.metrics, task) for voice in labelled}).items():
            ratios[site].append(ratio)
    return {site: geometric_mean(found) if found else 1.0 for site, found in ratios.items()}


def _homoscedastic(speaking: Sequence[Voice], group: str) -> Mapping[str, float]:
    task = task_of(group)
    if task is None:
        return dict.fromkeys((voice.site for voice in speaking), 1.0)
    log_variances = {voice.site: voice.uncertainty.get(task) for voice in speaking}
    return over_median({site: None if s is None else exp(-s) for site, s in log_variances.items()})


FACTORS: Mapping[str, Factor] = {"doubt": _doubt, "homoscedastic": _homoscedastic}


def _tasks(voices: Sequence[Voice]) -> list[str]:
    return [task for group in voices[0].seen if (task := task_of(group)) is not None] if voices else []
