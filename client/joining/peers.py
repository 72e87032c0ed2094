"""The other hospitals as this one knows them: names and keys pinned after a comparison by voice.

`<state>/enrolment/peers.json` is the list that was accepted; nothing else says whose signature is whose. Signing uses
the key of the enrolment and verifying the pinned ones only, so a coordinator that relays keys of its own is noticed.
"""

import hmac
from collections.abc import Callable
from pathlib import Path

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ec import ECDSA, EllipticCurvePrivateKey
from cryptography.hazmat.primitives.hashes import SHA384
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_ssh_private_key,
)

from client.joining.enrolment import KEY, check_key, enrolment_folder, read_connection
from client.site import Site
from gmmas_core.peers import DOMAIN, Peers, read_peers, write_peers
from gmmas_core.types import DataError

FILE = "peers.json"


def accept(site: Site, peers: Peers, spoken: str) -> None:
    """Pin a list whose fingerprint the hospitals have compared; an older one is replaced.

    Args:
        site: enrolled.
        peers: as received.
        spoken: the fingerprint as heard from the other hospitals.

    Raises:
        DataError: another fingerprint, another federation, or a key in this site's name that is not its own.
    """
    if not hmac.compare_digest(spoken.strip().encode(), peers.spoken_fingerprint.encode()):
        raise DataError(
            "peers: found another fingerprint than this list has; expected what the other hospitals read out; do not "
            "use the list; ask every hospital what it reads"
        )
    federation = read_connection(site).federation
    if peers.federation != federation:
        raise DataError(f"peers: found a list of {peers.federation}; expected {federation}, as enrolled")
    _require_own_key(site, peers, check_key(site))
    write_peers(pinned_file(site), peers)


def pinned(site: Site) -> Peers:
    """The accepted list, in which this site stands with its own key.

    Raises:
        DataError: none was accepted, it cannot be read, or this site's key has changed since.
    """
    if not pinned_file(site).is_file():
        raise DataError(
            "peers: found no accepted list of hospitals; expected one for secure sums; run gmmas-site peers accept"
        )
    peers = read_peers(pinned_file(site))
    _require_own_key(site, peers, _public_line(_private_key(site)))
    return peers


def signer_of(site: Site) -> Callable[[bytes], bytes]:
    """Signs in this hospital's name, ECDSA on P-384 with SHA-384.

    Raises:
        DataError: no readable key.
    """
    key = _private_key(site)
    return lambda message: key.sign(DOMAIN + message, ECDSA(SHA384()))


def pinned_file(site: Site) -> Path:
    """Where the accepted list lies."""
    return enrolment_folder(site) / FILE


def _private_key(site: Site) -> EllipticCurvePrivateKey:
    """Raises: DataError: no readable key, or one that others can read."""
    file = enrolment_folder(site) / KEY
    try:
        mode, key = file.stat().st_mode, load_ssh_private_key(file.read_bytes(), None)
    except (OSError, ValueError, TypeError, UnsupportedAlgorithm):
        raise DataError(f"key: found no readable {KEY}; expected the one that gmmas-site enrol made") from None
    if mode & 0o077 or not isinstance(key, EllipticCurvePrivateKey):
        raise DataError(f"key: found {KEY} readable by others, or no ECDSA key; expected 0600; enrol again")
    return key


def _public_line(key: EllipticCurvePrivateKey) -> str:
    return key.public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH).decode()


def _require_own_key(site: Site, peers: Peers, own: str) -> None:
    if peers.sites.get(site.name) != own:
        raise DataError(
            f"peers: found another key than this site's own in the name of {site.name}, or none; expected its own; do "
            "not use the list; ask the coordinator what happened"
        )
