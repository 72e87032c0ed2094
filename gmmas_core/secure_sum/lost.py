"""The one way in which a secure sum fails without anybody having done wrong."""

from gmmas_core.errors import FederationError


class RoundLost(FederationError):
    """Too many sites are gone; nothing of the sum can be read. Begin a new attempt, with fresh keys."""
