"""The two letters of an enrolment: the coordinator's invitation and the hospital's answer.

No private key is ever in a letter. The invitation carries the authority that signs the server's certificate and a
one-time code; the answer carries the public half of a key that was made at the hospital, with a proof (HMAC-SHA256
under the code) that it comes from whoever held the invitation. A stolen invitation still gives nothing by itself:
before the coordinator approves, two people compare a fingerprint of both letters over the telephone.
"""

import base64
import hashlib
import hmac
import json
import re
import secrets
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, ClassVar, TypeVar

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric.ec import SECP384R1, EllipticCurvePublicKey

from gmmas_core.atomic import write_bytes
from gmmas_core.types import DataError

FORMAT = 1
MAX_BYTES = 2**16
SITE_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}")
_HOST_PORT = re.compile(r"[A-Za-z0-9.-]{1,253}:[0-9]{1,5}")
_ID = re.compile(r"[0-9a-f]{32}")
_CODE = re.compile(r"[A-Z2-7]{32}")


@dataclass(frozen=True, kw_only=True)
class Invitation:
    """What the coordinator gives one hospital; secret until it is used, because of the code.

    Attributes:
        federation: its name.
        site: the hospital's name in it.
        id: 32 hexadecimal digits, unlike every other invitation's.
        code: one-time secret, 160 bits as 32 base32 letters.
        server: HOST:PORT to which the hospital connects, over TLS.
        ca_certificate: PEM of the authority that signed the server's certificate.
        issued, expires: ISO 8601, UTC.
    """

    kind: ClassVar[str] = "gmmas-fed invitation"

    federation: str
    site: str
    id: str
    code: str
    server: str
    ca_certificate: str
    issued: str
    expires: str

    def __post_init__(self) -> None:
        """Raises: DataError: a value that no coordinator of this release writes."""
        fit = (
            SITE_NAME.fullmatch(self.site)
            and SITE_NAME.fullmatch(self.federation)
            and _ID.fullmatch(self.id)
            and _CODE.fullmatch(self.code)
            and _HOST_PORT.fullmatch(self.server)
        )
        if not fit:
            raise DataError("invitation: found an unfit name, id, code or server; expected it as it was issued")
        moment(self.issued)
        moment(self.expires)
        read_certificate(self.ca_certificate.encode(errors="replace"))


@dataclass(frozen=True, kw_only=True)
class Enrolment:
    """A hospital's answer; public, but only a fingerprint compared by voice makes it trusted.

    Attributes:
        federation, site: as in the invitation.
        invitation: id of the invitation.
        public_key: OpenSSH line of an ECDSA key on P-384, without comment.
        created: ISO 8601, UTC.
        proof: hexadecimal HMAC-SHA256 of everything else under the invitation's code.
    """

    kind: ClassVar[str] = "gmmas-fed enrolment"

    federation: str
    site: str
    invitation: str
    public_key: str
    created: str
    proof: str

    def __post_init__(self) -> None:
        """Raises: DataError: a value that no hospital of this release writes."""
        if not (SITE_NAME.fullmatch(self.site) and SITE_NAME.fullmatch(self.federation)):
            raise DataError("enrolment: found an unfit name; expected letters, digits, dashes or underscores")
        fingerprint_of(self.public_key)
        moment(self.created)

    def is_proved_by(self, code: str) -> bool:
        """Whether its sender held the invitation with this code."""
        return self.proof.isascii() and hmac.compare_digest(self.proof, _proof(asdict(self), code))


Letter = TypeVar("Letter", Invitation, Enrolment)


def new_id() -> str:
    """An invitation's id."""
    return secrets.token_hex(16)


def new_code() -> str:
    """An invitation's one-time code."""
    return base64.b32encode(secrets.token_bytes(20)).decode()


def answer(invitation: Invitation, public_key: str, now: datetime) -> Enrolment:
    """The hospital's answer to an invitation.

    Args:
        invitation: as received.
        public_key: OpenSSH line of the key that the hospital has made.
        now: UTC.

    Raises:
        DataError: the invitation has expired, or the key is not fit.
    """
    if now >= moment(invitation.expires):
        raise DataError(
            f"invitation: found one that expired on {invitation.expires[:10]}; expected a valid one; ask the "
            "coordinator for another: gmmas-coordinator rotate SITE"
        )
    said = {
        "federation": invitation.federation,
        "site": invitation.site,
        "invitation": invitation.id,
        "public_key": public_key,
        "created": now.isoformat(timespec="seconds"),
    }
    return Enrolment(**said, proof=_proof(said, invitation.code))


def write_letter(path: Path, letter: Invitation | Enrolment) -> None:
    """Write one letter as JSON, in one step, readable by its owner alone."""
    content = {"kind": letter.kind, "format": FORMAT, **asdict(letter)}
    write_bytes(path, (json.dumps(content, indent=1) + "\n").encode())
    path.chmod(0o600)


def read_letter(path: Path, kind: type[Letter]) -> Letter:
    """Read an invitation or an enrolment that came from outside.

    Raises:
        DataError: no such file, or not a whole letter of this kind and format.
    """
    try:
        with path.open("rb") as file:
            raw = file.read(MAX_BYTES + 1)
        content = json.loads(raw) if len(raw) <= MAX_BYTES else None
    except (OSError, ValueError, RecursionError):
        content = None
    names = {field.name for field in fields(kind)}
    if not isinstance(content, Mapping) or (content.get("kind"), content.get("format")) != (kind.kind, FORMAT):
        raise DataError(f"{kind.__name__.lower()}: found no readable {kind.kind}; expected the file as it was sent")
    values = {name: value for name, value in content.items() if name not in ("kind", "format")}
    if values.keys() != names or not all(isinstance(value, str) for value in values.values()):
        raise DataError(f"{kind.__name__.lower()}: found missing or unknown entries; expected the file as it was sent")
    return kind(**values)


def fingerprint_of(public_key: str) -> str:
    """SHA256:... of an OpenSSH public key, as `ssh-keygen -lf` prints it.

    Raises:
        DataError: not an ECDSA key on P-384 (the strongest that Flower takes), or not one line.
    """
    try:
        key = serialization.load_ssh_public_key(public_key.encode())
        algorithm, blob = public_key.split()
        wire = base64.b64decode(blob, validate=True)
    except (ValueError, UnsupportedAlgorithm, NotImplementedError):
        raise DataError("public key: found no OpenSSH line of two words; expected an ECDSA key on P-384") from None
    if not isinstance(key, EllipticCurvePublicKey) or not isinstance(key.curve, SECP384R1):
        raise DataError(f"public key: found {algorithm[:40]}; expected ecdsa-sha2-nistp384")
    return "SHA256:" + base64.b64encode(hashlib.sha256(wire).digest()).decode().rstrip("=")


def spoken_fingerprint(public_key: str, ca_certificate: bytes, server: str) -> str:
    """What two people read to each other before an approval: it covers both letters.

    The hospital computes it from what it received and made, the coordinator from what it received and has. Whoever
    changed the authority or the server in the invitation, or the key in the answer, changes what one of them reads.

    Args:
        public_key: OpenSSH line of the hospital's key.
        ca_certificate: PEM of the federation's authority.
        server: HOST:PORT to which the hospital connects.

    Returns:
        SHA256:... of all three, as long as a key's own fingerprint.

    Raises:
        DataError: an unfit key or certificate.
    """
    authority = read_certificate(ca_certificate).fingerprint(hashes.SHA256())
    words = f"GMMAS-Fed enrolment\n{fingerprint_of(public_key)}\n{authority.hex()}\n{server}\n"
    return "SHA256:" + base64.b64encode(hashlib.sha256(words.encode()).digest()).decode().rstrip("=")


def read_certificate(pem: bytes) -> x509.Certificate:
    """One certificate.

    Raises:
        DataError: it is no PEM certificate.
    """
    try:
        return x509.load_pem_x509_certificate(pem)
    except ValueError:
        raise DataError("certificate: found no PEM certificate; expected the federation's authority") from None


def moment(text: str) -> datetime:
    """A time as letters carry it.

    Raises:
        DataError: not ISO 8601 with a time zone.
    """
    try:
        found = datetime.fromisoformat(text)
        if found.tzinfo is not None:
            return found.astimezone(UTC)
    except (ValueError, OverflowError):
        pass
    raise DataError("letter: found an unfit time; expected ISO 8601 with a time zone")


def _proof(said: Mapping[str, Any], code: str) -> str:
    words = json.dumps({name: value for name, value in said.items() if name != "proof"}, sort_keys=True)
    return hmac.new(code.encode(), words.encode(), hashlib.sha256).hexdigest()
