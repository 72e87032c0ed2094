"""The shares of an answer to "unmask"."""

from gmmas_core.secure_sum import Kind
from gmmas_core.secure_sum.removal import Reply
from gmmas_core.types import FederationError
from gmmas_core.wire import SecureMessage


def read_shares(message: SecureMessage) -> Reply:
    """Site -> kind and share.

    Raises:
        FederationError: another name, or both kinds of one site.
    """
    found = {}
    for name, share in message.parts.items():
        kind, _, site = name.partition(".")
        if kind not in (Kind.SELF.value, Kind.PAIR.value) or not site or site in found:
            raise FederationError("secure sum: found unfit shares; expected one kind of each site")
        found[site] = (Kind(kind), share)
    return found
