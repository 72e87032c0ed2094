"""Is the node that calls itself a hospital the one whose key was approved under that name?

Flower proves that a node holds a registered key; that the key belongs to this hospital is known here alone. Without
this check any registered hospital could speak in another's name.
"""

from datetime import datetime
from pathlib import Path

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_public_key

from gmmas_core.enrolment import fingerprint_of
from gmmas_core.types import DataError, FederationError
from server.membership.members import APPROVED, is_expired, read_members


def require_member(folder: Path, site: str, public_key: bytes, now: datetime) -> None:
    """Refuse a node whose key is not the approved, unexpired one of the site that it says it is.

    Args:
        folder: of the federation; read anew each time, because approvals change while rounds are played.
        site: what the node calls itself.
        public_key: with which it proved itself to the SuperLink, PEM; b"" when it did not.
        now: UTC.

    Raises:
        FederationError: it is another's, expired, revoked or unknown.
    """
    fingerprint = _fingerprint(public_key)
    holders = {
        member.key.fingerprint: member for member in read_members(folder) if member.state == APPROVED and member.key
    }
    member = holders.get(fingerprint)
    if member is None:
        raise FederationError(
            f"site {site!r}: found a node without an approved key; expected the one that its hospital was enrolled "
            f"with; run approve {site}, and have the SuperLink started with authentication"
        )
    if member.site != site:
        raise FederationError(
            f"site {site!r}: found the key of {member.site!r}; expected its own; one hospital speaks in another's "
            "name: ask both before anything else"
        )
    if is_expired(member, now):
        raise FederationError(f"site {site!r}: found an expired key; expected a valid one; run rotate {site}")


def approved_sites(folder: Path) -> list[str]:
    """Hospitals whose key is approved, whether they are online or not, by name.

    Raises:
        FederationError: a member's file cannot be read.
    """
    return [member.site for member in read_members(folder) if member.state == APPROVED]


def _fingerprint(public_key: bytes) -> str:
    """As `approve` compares it; "" for what is no such key."""
    try:
        line = load_pem_public_key(public_key).public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH)
        return fingerprint_of(line.decode())
    except (ValueError, UnsupportedAlgorithm, DataError):
        return ""
