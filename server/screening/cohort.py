"""Which of a round's updates lies far from all the others: the distance to their coordinate-wise median.

A cap on claimed weights is not enough: one site that lies about its precision outvotes the rest up to the cap, and what
it sends is then worse than plain averaging. The median needs all updates of a round, so this screen works on spooled
rounds only. Hospitals that differ honestly are far too, hence the two factors: odd sites are held to their plain share,
and only very odd ones are left out.

    r_k^2 = sum_g ||theta_kg - med_g||^2  /  sum_g median_j ||theta_jg - med_g||^2

over the parameter groups g for which site k and at least two others speak, j over the sites that speak for g, med_g the
median per element over them. The denominator is what a typical site shows over the same groups, so that a hospital
without masks is not far because a decoder moves less than a stem. Where all speak for one group, r is the plain
"distance divided by the median distance".

Two sites lie at the same distance of their median, whatever they send: a group needs three voices to be judged. With
three sites in all, two that resemble each other make any third one look far, and leaving it out would cost a third of
the federation on the word of one pair; so with fewer than four sites nobody is left out, the odd one is only doubted.

Measured on phantoms, five hospitals, three rounds: honest r is 0.97 to 1.05, that of a flipped update 1.5 to 2.0, of
one three, five and ten times too long about 3, 5.5 and 11. Real hospitals differ more than phantoms do.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from statistics import median

import numpy as np
from numpy.typing import NDArray

from gmmas_core.config import ScreeningConfig
from gmmas_core.model.parameter_groups import group_of
from server.aggregation.columns import columns, sorted_rows
from server.aggregation.spool import Spool

Floats = NDArray[np.float32]

LEAST_VOICES = 3  # in a group, for its distances to mean anything
LEAST_SITES = 4  # in a round, for a site to be left out


@dataclass(frozen=True)
class FarSites:
    """Site -> reason, free of values: those to be held to their plain share, and those not to be counted."""

    doubts: dict[str, str] = field(default_factory=dict)
    left_out: dict[str, str] = field(default_factory=dict)


def far_sites(
    spool: Spool,
    plain: Mapping[str, Mapping[str, float]],
    reference: Mapping[str, Floats],
    config: ScreeningConfig,
) -> FarSites:
    """Judge the sites of a round by their distance from one another.

    Args:
        spool: screened updates; memory stays at a cache-sized stretch of each.
        plain: site -> parameter group -> plain weight; a site speaks where it is above 0.
        reference: the weights that the sites were sent; gives names and order.
        config: of the screening.

    Returns:
        Far sites; empty with fewer than three sites, or when the typical distance is 0.
    """
    sites = [site for site in spool.sites if site in plain]
    own = dict.fromkeys(sites, 0.0)
    typical = dict.fromkeys(sites, 0.0)
    for speakers, squares in _square_distances(spool, sites, plain, reference).values():
        usual = median(squares)
        for site, square in zip(speakers, squares):
            own[site] += square
            typical[site] += usual
    ratios = {site: float(np.sqrt(own[site] / typical[site])) for site in sites if typical[site] > 0}
    hard = {site for site, ratio in ratios.items() if ratio > config.distance_hard and len(sites) >= LEAST_SITES}
    soft = {site for site, ratio in ratios.items() if ratio > config.distance_soft} - hard
    odd = f"distance: more than {config.distance_soft:g} times as far from the other sites as is typical"
    far = (
        f"distance: found more than {config.distance_hard:g} times the typical distance from the other sites; "
        "expected less; look at its data and its training log"
    )
    return FarSites(doubts=dict.fromkeys(sorted(soft), odd), left_out=dict.fromkeys(sorted(hard), far))


def _square_distances(
    spool: Spool, sites: Sequence[str], plain: Mapping[str, Mapping[str, float]], reference: Mapping[str, Floats]
) -> dict[str, tuple[list[str], NDArray[np.float64]]]:
    """Group -> its speakers, and the squared distance of each to their coordinate median; judgeable groups only."""
    updates = {site: spool.read(site) for site in sites}
    found: dict[str, tuple[list[str], NDArray[np.float64]]] = {}
    for name in reference:
        group = group_of(name)
        if group not in found:
            speakers = [site for site in sites if plain[site].get(group, 0) > 0]
            found[group] = (speakers, np.zeros(len(speakers)))
        speakers, squares = found[group]
        if len(speakers) >= LEAST_VOICES:
            _add_square_distances([updates[site][name] for site in speakers], squares)
    return {group: value for group, value in found.items() if len(value[0]) >= LEAST_VOICES}


def _add_square_distances(updates: Sequence[Floats], squares: NDArray[np.float64]) -> None:
    """In float32, as in `server.screening.suspicion`: its sums over a stretch are right to about 1e-5."""
    middle, lower = len(updates) // 2, (len(updates) - 1) // 2
    for _, block_SN in columns(updates):
        rows = sorted_rows(block_SN.copy())
        median_N = rows[lower] + (rows[middle] - rows[lower]) / 2
        for number, row_N in enumerate(block_SN):
            step_N = row_N - median_N
            squares[number] += float(np.dot(step_N, step_N))
