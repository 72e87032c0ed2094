"""The list of members and their keys that hospitals pin, so that nobody can stand between them: not even this side."""

from datetime import datetime
from pathlib import Path

from gmmas_core.peers import Peers
from gmmas_core.types import FederationError
from server.membership.federation_file import read_federation
from server.membership.members import APPROVED, is_expired, read_members


def peers_of(folder: Path, now: datetime) -> Peers:
    """Every approved hospital whose key is valid.

    Args:
        folder: of the federation.
        now: UTC.

    Raises:
        ConfigError, FederationError: no federation there, or fewer than two approved hospitals.
    """
    federation = read_federation(folder)
    members = [member for member in read_members(folder) if member.state == APPROVED and not is_expired(member, now)]
    sites = {member.site: member.key.public_key for member in members if member.key is not None}
    if len(sites) < 2:
        raise FederationError(f"peers: found {len(sites)} approved sites; expected at least 2; approve them first")
    return Peers(federation=federation.name, sites=sites)
