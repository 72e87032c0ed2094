"""Who shares masks with whom: everybody with everybody, or a ring lattice over an order that nobody chose."""

from collections.abc import Mapping, Sequence, Set
from hashlib import sha256

from gmmas_core.errors import FederationError
from gmmas_core.secure_sum.encoding import pack


def neighbours(names: Sequence[str], seed: bytes, degree: int) -> dict[str, tuple[str, ...]]:
    """The other sites that each site shares masks with; symmetric.

    Below the complete graph: the names in an order given by sha256(seed, name), closed to a ring; each site's
    neighbours are the degree / 2 on either side, as in Bell et al. 2020 (doi 10.1145/3372297.3417885, section 3).

    Args:
        names: of all sites, unique.
        seed: of the order.
        degree: neighbours per site, even; n - 1 or more for the complete graph.

    Raises:
        FederationError: names that repeat, or a degree that is odd or below 1.
    """
    if len(set(names)) != len(names):
        raise FederationError("secure sum: found a site name twice; expected each once")
    if degree >= len(names) - 1:
        return {name: tuple(sorted(other for other in names if other != name)) for name in names}
    if degree < 2 or degree % 2:
        raise FederationError(f"secure sum: found degree {degree}; expected an even number, or one below the sites")
    ring = sorted(names, key=lambda name: sha256(pack(seed, name)).digest())
    steps = [step for reach in range(1, degree // 2 + 1) for step in (-reach, reach)]
    return {name: tuple(sorted(ring[(place + step) % len(ring)] for step in steps)) for place, name in enumerate(ring)}


def is_connected(graph: Mapping[str, Sequence[str]], sites: Set[str]) -> bool:
    """Whether masks tie all these sites together; where they do not, each part's own sum would show."""
    if not sites:
        return False
    start = min(sites)
    reached, open_ends = {start}, [start]
    while open_ends:
        new = set(graph[open_ends.pop()]) & sites - reached
        reached |= new
        open_ends.extend(new)
    return reached == set(sites)
