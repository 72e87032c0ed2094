"""One round under client-level privacy: each site's change is clipped, the sum gets noise, all sites weigh alike.

    Delta_i = change of site i over the groups it speaks for, scaled down to norm C          (0 elsewhere)
    x' = x + (sum_i Delta_i + N(0, (z_sum C)^2)) / K_g             for every parameter of group g with K_g > 0

K_g, the number of sites that may speak for g, is fixed and public (`speakers`); a site that did not answer, or was left
out, counts as a change of 0. Leaving one hospital's data out (its change becomes 0) moves the sum by at most C: that is
the neighbour this privacy is about, with who takes part and what sites say when they join as public. Norms are not
compared between sites (`suspect` without memory): one site's data would decide about another's. A site left out for
what it sent alone is a change of 0 and within the bound.

Adaptive clipping (`adaptive_clipping`) moves C towards the quantile gamma of the sites' norms, by a noisy count:

    b_i = 1 where ||Delta_i|| was within C;      b = (sum_i (b_i - 1/2) + N(0, s_b^2)) / m + 1/2,  m sites asked
    C' = C exp(-eta (b - gamma))

The count has sensitivity 1/2. Both together are to cost what one sum with noise multiplier z costs, so the sum gets
z_sum = (z^-2 - (2 s_b)^-2)^(-1/2), a little more than z.

The integers of the sum are exact (quantum 2^-47) whatever the order; rounding the mean to float32 lengthens it by less
than n 2^-24, for which the noise is larger by ROUNDING. The sum is added to once and drawn for once: what it becomes is
the round's result and lies in the checkpoint, so a resumed run never draws again for a finished round; an attempt that
died before its line in the ledger has shown nothing to anybody.

Source: McMahan et al. 2018 (arXiv 1710.06963); Andrew et al. 2021, Differentially Private Learning with Adaptive
Clipping (arXiv 1905.03871), algorithm 1 and theorem 1.
"""

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gmmas_core.config import ClientLevelConfig
from gmmas_core.model.parameter_groups import group_of
from gmmas_core.privacy.clipping import clip_change
from gmmas_core.types import SiteUpdate
from server.aggregation.exact_mean import Accumulator
from server.client_level.noise import Noise

Floats = NDArray[np.float32]

ROUNDING = 1.001
"""Of the noise; covers the rounding of up to 10000 sites."""


class ClippedSum:
    """What one attempt at a round gathers, in memory that does not grow with the sites."""

    def __init__(
        self,
        reference: Mapping[str, Floats],
        speakers: Mapping[str, int],
        asked: int,
        clip: float,
        settings: ClientLevelConfig,
    ) -> None:
        """Begin a round.

        Args:
            reference: the weights that the sites were sent.
            speakers: parameter group -> sites that may speak for it, at least 1.
            asked: sites that were asked, at least 1.
            clip: this round's norm.
            settings: of the run.
        """
        self.speakers, self.clip = dict(speakers), clip
        self._reference, self._asked, self._settings = reference, asked, settings
        self._within = 0.0
        zeros = {name: np.zeros_like(value) for name, value in reference.items()}
        self._sum = Accumulator(zeros, max_weight=1, max_sites=asked)

    def add(self, update: SiteUpdate) -> dict[str, float]:
        """Clip one screened update and add it, wholly or not at all.

        Returns:
            Parameter group -> 1 where the site spoke, 0 elsewhere.
        """
        spoken = {group for group, count in update.seen.items() if count and group in self.speakers}
        clipped = clip_change(update.weights, self._reference, spoken, self.clip)
        self._sum.add(clipped.change, {name: int(group_of(name) in self.speakers) for name in self._reference})
        self._within += clipped.within - 0.5
        return {group: float(group in spoken) for group in update.seen}

    def result(self, noise: Noise) -> dict[str, Floats]:
        """The round's noisy mean; call it once: every call draws anew, and only one may be seen."""
        changes, deviation = self._sum.result(), self.sum_deviation
        mean = {}
        for name, sent in self._reference.items():
            count = self.speakers.get(group_of(name), 0)
            drawn = noise.normal(sent.size, deviation).reshape(sent.shape) if count else 0.0
            moved = (changes[name].astype(np.float64) * self._sum.num_sites + drawn) / max(1, count)
            mean[name] = np.asarray(sent + moved, np.float32) if count else sent.copy()
        return mean

    def next_clip(self, noise: Noise) -> float:
        """The next round's norm; call it once."""
        settings = self._settings
        if settings.name != "adaptive_clipping" or not self.speakers:
            return self.clip
        share = (self._within + float(noise.normal(1, self.count_deviation)[0])) / self._asked + 0.5
        return self.clip * math.exp(-settings.clip_lr * (share - settings.quantile))

    @property
    def count_deviation(self) -> float:
        """Of the noise on the count of sites within the norm."""
        return count_deviation(self._settings, self._asked)

    @property
    def sum_deviation(self) -> float:
        """Of the noise on every value of the sum."""
        z = self._settings.noise_multiplier
        if self._settings.name == "adaptive_clipping":
            z = (z**-2 - (2 * self.count_deviation) ** -2) ** -0.5
        return z * self.clip * ROUNDING

    def about(self) -> dict[str, Any]:
        """For the ledger: what was done, nothing that was measured."""
        return {
            "name": self._settings.name,
            "clip_norm": self.clip,
            "noise_multiplier": self._settings.noise_multiplier,
            "sum_deviation": self.sum_deviation,
            "speakers": self.speakers,
        }


def count_deviation(settings: ClientLevelConfig, asked: int) -> float:
    """As configured; else a twentieth of the asked sites (Andrew et al.), and never less than costs a quarter.

    With few sites a twentieth would spend more on the count than the whole round has; at s_b = z the sum gets
    z_sum = 1.155 z.
    """
    return settings.count_noise or max(asked / 20, settings.noise_multiplier)
