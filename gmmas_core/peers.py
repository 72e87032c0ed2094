"""The list of a federation's hospitals and their public keys, by which hospitals know each other.

The coordinator writes it and relays everything afterwards, so the list itself must not come from it alone: each
hospital compares one spoken fingerprint of the whole list with the others, by voice, and only then pins it.
"""

import base64
import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ec import ECDSA, EllipticCurvePublicKey
from cryptography.hazmat.primitives.hashes import SHA384
from cryptography.hazmat.primitives.serialization import load_ssh_public_key

from gmmas_core.atomic import write_json
from gmmas_core.enrolment import SITE_NAME, fingerprint_of
from gmmas_core.types import DataError, FederationError

KIND, FORMAT = "gmmas-fed peers", 1
MAX_BYTES = 2**20
MAX_SITES = 2000

DOMAIN = b"gmmas-fed secure sum signature v1\n"
"""Before everything that hospitals sign for each other, because Flower signs with the same key."""

Verify = Callable[[str, bytes, bytes], None]
"""(site, message, signature) -> nothing; raises FederationError unless that site's key has signed."""


@dataclass(frozen=True, kw_only=True)
class Peers:
    """Who is who.

    Attributes:
        federation: its name.
        sites: name -> public key as an OpenSSH line without comment.
    """

    federation: str
    sites: Mapping[str, str]

    def __post_init__(self) -> None:
        """Raises: DataError: an unfit name or key, too many sites, or one key under two names."""
        names = (self.federation, *self.sites)
        if not all(isinstance(name, str) and SITE_NAME.fullmatch(name) for name in names):
            raise DataError("peers: found an unfit name; expected letters, digits, dashes or underscores")
        if not 2 <= len(self.sites) <= MAX_SITES:
            raise DataError(f"peers: found {len(self.sites)} sites; expected 2 to {MAX_SITES}")
        if len(set(self.fingerprints.values())) != len(self.sites):
            raise DataError("peers: found one key under two names; expected a key of its own for every site")

    @property
    def fingerprints(self) -> dict[str, str]:
        """Name -> SHA256:... of its key, by name; DataError for a key that is none."""
        return {name: fingerprint_of(key) for name, key in sorted(self.sites.items())}

    @property
    def spoken_fingerprint(self) -> str:
        """What the hospitals read to each other; it covers the federation, every name and every key."""
        lines = [f"{name} {fingerprint}" for name, fingerprint in self.fingerprints.items()]
        words = "\n".join(["GMMAS-Fed peers", self.federation, *lines, ""])
        return "SHA256:" + base64.b64encode(hashlib.sha256(words.encode()).digest()).decode().rstrip("=")


def write_peers(path: Path, peers: Peers) -> None:
    """Write the list as JSON, in one step."""
    sites = dict(sorted(peers.sites.items()))
    write_json(path, {"kind": KIND, "format": FORMAT, "federation": peers.federation, "sites": sites})


def read_peers(path: Path) -> Peers:
    """Read a list that may have come from outside.

    Raises:
        DataError: no such file, or not a whole list of this format.
    """
    content = _parsed(path)
    if content.keys() != {"kind", "format", "federation", "sites"} or not isinstance(content["sites"], Mapping):
        raise DataError("peers: found missing or unknown entries; expected the file as it was sent")
    if not isinstance(content["federation"], str) or not all(isinstance(key, str) for key in content["sites"].values()):
        raise DataError("peers: found an entry that is no text; expected the file as it was sent")
    return Peers(federation=content["federation"], sites=content["sites"])


def verifier_of(sites: Mapping[str, str]) -> Verify:
    """Checks signatures (ECDSA on P-384 with SHA-384) by these keys and no others.

    Args:
        sites: name -> public key as an OpenSSH line.
    """
    keys = {name: load_ssh_public_key(line.encode()) for name, line in sites.items()}

    def verify(name: str, message: bytes, signature: bytes) -> None:
        key = keys.get(name)
        if not isinstance(key, EllipticCurvePublicKey):
            raise FederationError(f"peers: found {name[:64]!r}; expected a hospital on the list; accept the new one")
        try:
            key.verify(signature, DOMAIN + message, ECDSA(SHA384()))
        except InvalidSignature:
            raise FederationError(
                f"peers: found a message in the name of {name} that its key on the list did not sign; expected its "
                "own; somebody stands between the hospitals, or the list is out of date"
            ) from None

    return verify


def _parsed(path: Path) -> Mapping[str, Any]:
    try:
        with path.open("rb") as file:
            raw = file.read(MAX_BYTES + 1)
        content = json.loads(raw) if len(raw) <= MAX_BYTES else None
    except (OSError, ValueError, RecursionError):
        content = None
    if not isinstance(content, Mapping) or (content.get("kind"), content.get("format")) != (KIND, FORMAT):
        raise DataError(f"peers: found no readable {KIND}; expected the file as gmmas-coordinator peers wrote it")
    return content
