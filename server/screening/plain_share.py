"""What a doubtful site may still say: at most what its number of cases gives it, whatever it claims."""

from collections.abc import Mapping
from math import fsum

Loudness = Mapping[str, Mapping[str, float]]

INAUDIBLE = 1e-12
"""Share of a group below which a voice cannot fill what others have to give up: rounding would."""


def hold_to_plain_share(loudness: Loudness, plain: Loudness, doubtful: set[str]) -> dict[str, dict[str, float]]:
    """Lower the voice of doubtful sites to their plain share of each parameter group.

    Site k's share of group g is L_kg / sum_j L_jg; its plain share p_kg = n_kg / sum_j n_jg. A doubtful site above p_kg
    is set to it, the others keep their proportions and fill the rest; that raises what the others have, so it is
    repeated until no doubtful site is above its plain share. Where all speakers of a group are held, or nobody else
    speaks loudly enough to fill the rest, the group has its plain weights.

    Args:
        loudness: site -> parameter group -> weight >= 0; only proportions matter.
        plain: the same sites and groups, weighed by cases.
        doubtful: the sites to be held.

    Returns:
        New weights, in the proportions above. A group in which nobody had to be held is as it was.
    """
    held = {site: dict(groups) for site, groups in loudness.items()}
    for group in {group for groups in loudness.values() for group in groups}:
        loud = {site: groups.get(group, 0.0) for site, groups in loudness.items()}
        for site, weight in _hold(loud, {site: plain[site].get(group, 0.0) for site in loud}, doubtful).items():
            held[site][group] = weight
    return held


def _hold(loud: Mapping[str, float], plain: Mapping[str, float], doubtful: set[str]) -> Mapping[str, float]:
    """One group."""
    cases = fsum(plain.values())  # exactly rounded, whatever the order
    if cases == 0 or not any(loud.values()):
        return loud
    fair = {site: weight / cases for site, weight in plain.items()}
    capped: set[str] = set()
    while True:
        free = fsum(weight for site, weight in loud.items() if site not in capped)
        rest = 1 - fsum(fair[site] for site in capped)
        if free <= INAUDIBLE * fsum(loud.values()) or rest <= 0:
            return plain
        total = free / rest
        over = {site for site in doubtful & set(loud) if site not in capped and loud[site] > fair[site] * total}
        if not over:
            return {site: fair[site] * total if site in capped else weight for site, weight in loud.items()}
        capped |= over
