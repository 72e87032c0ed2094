"""What a site says openly beside its keys, and signs with them: which sum it means, for which groups it would speak.

A group for which one hospital alone speaks would not be hidden by any sum: its total is that hospital's own. So every
site states its groups and its own least number of sites, and from the same signed statements each computes the same
answer to who speaks for what. The coordinator knows from the first question anyway which sequences and labels exist
where; no weight or count is stated.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from gmmas_core.types import FederationError

TAG = b"gmmas-fed secure round statement v2\n"
MAX_BYTES = 2**14
MAX_GROUPS = 200


@dataclass(frozen=True, kw_only=True)
class Statement:
    """One site's, for one attempt.

    Attributes:
        binding: digest of the plan, the weights and the layout that this site would add under.
        min_sites: fewest sites among which it speaks, for the sum and for each group.
        groups: parameter groups for which it has something to say, sorted.
        agreed: digest of the sum that it has signed for with the same update before, "" for none.
    """

    binding: str
    min_sites: int
    groups: tuple[str, ...]
    agreed: str = ""

    def to_bytes(self) -> bytes:
        """As it travels."""
        return json.dumps(asdict(self), separators=(",", ":"), sort_keys=True).encode()


def about(statement: bytes) -> bytes:
    """What the advert says of it: 32 bytes, so that it is signed, and the same for everybody or no sum."""
    return hashlib.sha256(TAG + statement).digest()


def read_statement(data: bytes) -> Statement:
    """A statement from outside; whose it is, the caller checks.

    Raises:
        FederationError: not one of this version.
    """
    try:
        values: Any = json.loads(data) if len(data) <= MAX_BYTES else None
    except (ValueError, RecursionError):
        values = None
    match values:
        case {"agreed": str(agreed), "binding": str(binding), "min_sites": int(least), "groups": list(groups), **rest}:
            is_fit = not rest and len(agreed) in (0, 64) and len(binding) == 64
            is_fit = is_fit and 1 <= least <= 10_000 and len(groups) <= MAX_GROUPS
            if is_fit and all(isinstance(group, str) and 0 < len(group) <= 64 for group in groups):
                return Statement(binding=binding, min_sites=least, groups=tuple(groups), agreed=agreed)
    raise FederationError("secure sum: found no statement of this version; expected one beside every advert")


def speakers(statements: Mapping[str, Statement]) -> dict[str, frozenset[str]]:
    """Parameter group -> the sites that speak for it; the same for whoever has the same statements.

    A site whose own least number is above the speakers that are left is silent for the group, which may silence others:
    repeated until nobody else has to be. Groups that somebody would have spoken for and nobody does are in it, empty.
    """
    found = {}
    for group in sorted({group for statement in statements.values() for group in statement.groups}):
        left = {site for site, statement in statements.items() if group in statement.groups}
        while silent := {site for site in left if statements[site].min_sites > len(left)}:
            left -= silent
        found[group] = frozenset(left)
    return found
