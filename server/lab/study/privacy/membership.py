"""Was this patient in the training set? Two attacks, and how well they do.

Shapes: M models, P patients of one pool, each model having trained on some of them.

An average hides the few patients who are exposed, so the share of members found at few false alarms stands beside the
area under the curve (Carlini et al. 2022).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import beta, norm

from gmmas_core.metrics.classification import auroc
from gmmas_core.types import DataError

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
Interval = tuple[float, float]

FALSE_POSITIVE_RATES = (0.01, 0.001)
FEWEST_SHADOWS = 2
"""Models with a patient, and models without, below which no Gaussian is fitted."""

_LEAST_DEVIATION = 1e-3
_TAILS = (2.5, 97.5)


@dataclass(frozen=True, kw_only=True)
class Found:
    """Members found at few false alarms.

    Attributes:
        rate: of false alarms that was allowed.
        alarms, strangers: false alarms that were allowed, of so many patients who are no members.
        found, members: members above the threshold, of so many.
        interval: 95 % Clopper-Pearson of found / members. It takes the patients as independent and the threshold as
            given: with few strangers guessing, too, finds about 1 in strangers + 1 per model.
    """

    rate: float
    alarms: int
    strangers: int
    found: int
    members: int
    interval: Interval


def area(score_P: Floats, member_P: Bools) -> float:
    """AUROC of telling members from strangers; 0.5 is guessing.

    Raises:
        DataError: no member, or nobody else.
    """
    value = auroc(score_P, member_P.astype(np.int64))
    if value is None:
        raise DataError("membership: found members only, or none; expected both; draw another pool")
    return value


def area_interval(score_MP: Floats, member_MP: Bools, resamples: int, seed: int = 0) -> Interval:
    """95 % bootstrap interval of the mean area over models, drawing models, then members and strangers, with repeats.

    Args:
        score_MP: NaN where a model is not asked about a patient.
        member_MP: who is a member of which model.
        resamples: draws.
        seed: of the draws.
    """
    rng = np.random.default_rng(seed)
    rows = [_sides(score_P, member_P) for score_P, member_P in zip(score_MP, member_MP, strict=True)]
    drawn = []
    for _ in range(resamples):
        areas = []
        for place in rng.integers(len(rows), size=len(rows)):
            inside, outside = rows[place]
            picked = [rng.choice(side, len(side)) for side in (inside, outside)]
            labels = np.repeat([True, False], [len(inside), len(outside)])
            areas.append(area(np.concatenate(picked), labels))
        drawn.append(np.mean(areas))
    low, high = np.percentile(drawn, _TAILS)
    return float(low), float(high)


def found_at(score_MP: Floats, member_MP: Bools, rate: float) -> Found:
    """Members above the threshold that lets `rate` of the strangers through, over all models together.

    Each model has its own threshold: the score of the first stranger who is one too many. With fewer than 1 / rate
    strangers no false alarm is allowed at all.
    """
    alarms = strangers = found = members = 0
    for score_P, member_P in zip(score_MP, member_MP, strict=True):
        inside, outside = _sides(score_P, member_P)
        allowed = int(rate * len(outside))
        threshold = np.sort(outside)[::-1][allowed]
        alarms, strangers = alarms + allowed, strangers + len(outside)
        found, members = found + int((inside > threshold).sum()), members + len(inside)
    return Found(
        rate=rate,
        alarms=alarms,
        strangers=strangers,
        found=found,
        members=members,
        interval=exact_interval(found, members),
    )


def exact_interval(hits: int, tries: int) -> Interval:
    """95 % Clopper-Pearson interval of a share."""
    low = float(beta.ppf(0.025, hits, tries - hits + 1)) if hits else 0.0
    high = float(beta.ppf(0.975, hits + 1, tries - hits)) if hits < tries else 1.0
    return low, high


def likelihood_ratio(signal_MP: Floats, member_MP: Bools, target: int) -> Floats:
    """LiRA, online: log of how much likelier a model's signal is with a patient than without.

    Every other model is a shadow model: for each patient a Gaussian is fitted to the signals of those that trained on
    the patient, and one to the others'.

    Args:
        signal_MP: higher means better fitted, e.g. the logit of the probability given to the truth.
        member_MP: who is a member of which model.
        target: row of the model that is attacked.

    Returns:
        (P,), NaN for a patient with fewer than FEWEST_SHADOWS shadow models on either side.

    Source: Carlini et al. 2022 (arXiv 2112.03570), algorithm 1.
    """
    others = np.arange(len(signal_MP)) != target
    ratio_P = np.full(signal_MP.shape[1], np.nan)
    for patient in range(signal_MP.shape[1]):
        inside = signal_MP[others & member_MP[:, patient], patient]
        outside = signal_MP[others & ~member_MP[:, patient], patient]
        if min(len(inside), len(outside)) >= FEWEST_SHADOWS:
            said = signal_MP[target, patient]
            ratio_P[patient] = _log_density(said, inside) - _log_density(said, outside)
    return ratio_P


def _log_density(value: float, seen: Sequence[float] | Floats) -> float:
    deviation = max(float(np.std(seen, ddof=1)), _LEAST_DEVIATION)
    return float(norm.logpdf(value, np.mean(seen), deviation))


def _sides(score_P: Floats, member_P: Bools) -> tuple[Floats, Floats]:
    known = ~np.isnan(score_P)
    inside, outside = score_P[known & member_P], score_P[known & ~member_P]
    if not len(inside) or not len(outside):
        raise DataError("membership: found members only, or none; expected both; draw another pool")
    return inside, outside
