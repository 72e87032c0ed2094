"""What a site says no to before it reads a weight: code, strategies and ways to add up that its site.yaml excludes."""

from client.site import Site
from gmmas_core.config import Config
from gmmas_core.types import FederationError


def require_allowed(site: Site, config: Config, fingerprint: str) -> None:
    """Refuse a run that the hospital's `privacy` does not admit.

    Args:
        site: its policy.
        config: composed here.
        fingerprint: of this core and the model it built; that the coordinator's is the same is checked elsewhere.

    Raises:
        FederationError: says which demand is not met; the lists themselves are not told.
    """
    policy = site.privacy
    if policy.fingerprints is not None and fingerprint not in policy.fingerprints:
        raise FederationError("policy: found a core fingerprint that is not on this site's list; expected one that is")
    if policy.strategies is not None and config.strategy.name not in policy.strategies:
        raise FederationError(
            f"policy: found strategy {config.strategy.name}; expected one on this site's list (strategies)"
        )
    is_masked = config.privacy.secure_sum.name != "none"
    if policy.secure_sum == "required" and not is_masked:
        raise FederationError(
            "policy: found a run without a secure sum; expected one: this site sends no single update (secure_sum)"
        )
    if policy.secure_sum == "refused" and is_masked:
        raise FederationError("policy: found a run with a secure sum; expected one without (secure_sum)")


def require_plain(site: Site, config: Config) -> None:
    """Refuse to send an update that is not masked where this site or this run has it otherwise.

    Raises:
        FederationError: the run adds up masked updates, or this site sends no other.
    """
    if site.privacy.secure_sum == "required" or config.privacy.secure_sum.name != "none":
        raise FederationError("policy: found a request for a single update; expected a secure sum's (secure_sum)")
