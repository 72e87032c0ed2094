"""Federated averaging in which a site speaks only for what it has seen."""

from collections.abc import Sequence

from gmmas_core.config import StrategyConfig
from gmmas_core.weighing import plain_share
from server.strategy.strategy import Loudness, Memory
from server.strategy.voice import Voice


def masked_fedavg(voices: Sequence[Voice], config: StrategyConfig, memory: Memory) -> Loudness:
    """Weight of a site per parameter group: the number of its training cases that inform the group.

        theta_g = sum_i n_ig theta_ig / sum_i n_ig,      n_ig = cases of site i seen by group g

    A site without T2 is silent for `stem.t2`, one without 1p/19q labels for `head.codel_1p19q`. A task's learned
    log-variance is averaged by the cases that carry that task's label (masks, for segmentation), i.e. the variances by
    their weighted geometric mean; a site without such labels would only bring its untouched starting value. By default
    they are not averaged at all: groups that stay at the sites (`strategy.local_groups`) have seen nothing.

    Source: McMahan et al. 2017 (arXiv 1602.05629), eq. 1, with masks per sequence as in FedMEMA (arXiv 2403.11803);
    log-variances: Kendall et al. 2018 (arXiv 1705.07115).
    """
    return {voice.site: dict(plain_share(voice.seen)) for voice in voices}
