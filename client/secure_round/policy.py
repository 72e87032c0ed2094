"""Whether this hospital joins a secure sum."""

from client.site import Site
from gmmas_core.config import Config
from gmmas_core.types import FederationError


def require_masked(site: Site, config: Config) -> None:
    """Refuse a phase of a secure sum in a run that has none, or at a site that joins none.

    Raises:
        FederationError: says which.
    """
    if site.privacy.secure_sum == "refused":
        raise FederationError("policy: found a secure sum; expected none (privacy.secure_sum: refused in site.yaml)")
    if config.privacy.secure_sum.name == "none":
        raise FederationError("request: found a secure sum in a run without one; expected privacy=secure_sum")


def require_plain(site: Site, config: Config) -> None:
    """Refuse to send an update that is not masked where this site or this run has it otherwise.

    Raises:
        FederationError: the run adds up masked updates, or this site sends no other.
    """
    if site.privacy.secure_sum == "required" or config.privacy.secure_sum.name != "none":
        raise FederationError("policy: found a request for a single update; expected a secure sum's (secure_sum)")
