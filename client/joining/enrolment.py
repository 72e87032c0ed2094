"""The hospital's key in a federation: made here, kept here; only its public half and its proof ever leave.

`<state>/enrolment/` holds `supernode_key` (OpenSSH, ECDSA on P-384, no passphrase, 0600), `supernode_key.pub`, `ca.crt`
(the authority that signed the server's certificate) and `connection.json`, which is written last: without it nothing
counts. The invitation's code is used once, for the proof, and not kept. A key is never removed: one that another
replaces stays beside it as `supernode_key.old` (`.old2`, ... when there is one already).
"""

import json
import stat
from dataclasses import asdict, dataclass, fields
from datetime import datetime, timedelta
from itertools import chain, count
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ec import SECP384R1, generate_private_key
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_ssh_private_key,
)

from client.site import Site
from gmmas_core.atomic import write_bytes, write_json
from gmmas_core.enrolment import MAX_BYTES, Enrolment, Invitation, answer, fingerprint_of, moment, read_certificate
from gmmas_core.types import DataError

FORMAT = 1
KEY, PUBLIC_KEY, AUTHORITY, CONNECTION = "supernode_key", "supernode_key.pub", "ca.crt", "connection.json"
SOON_DAYS = 30
"""A certificate that ends sooner than this is warned of."""

_AGAIN = "enrol again with an invitation from the coordinator: gmmas-site enrol"


@dataclass(frozen=True, kw_only=True)
class Connection:
    """What an enrolled hospital knows of its federation; nothing in it is secret.

    Attributes:
        federation, site: names.
        server: HOST:PORT.
        invitation: id of the invitation that was answered.
        fingerprint: of the public key.
        enrolled: ISO 8601, UTC.
    """

    federation: str
    site: str
    server: str
    invitation: str
    fingerprint: str
    enrolled: str


@dataclass(frozen=True, kw_only=True)
class Enrolled:
    """Outcome of `enrol`.

    Attributes:
        connection: as written.
        answer: for the coordinator.
        kept: file name of the key that was in use before, or None.
        is_new: whether a key was made; False when the same invitation was answered again with the same key.
    """

    connection: Connection
    answer: Enrolment
    kept: str | None
    is_new: bool


def enrolment_folder(site: Site) -> Path:
    """Where key, authority and connection lie."""
    return site.state / "enrolment"


def check_invitation(invitation: Invitation, now: datetime) -> None:
    """Refuse an invitation that cannot be answered (any more).

    Raises:
        DataError: it has expired, or its server or its certificate cannot be used.
    """
    if now >= moment(invitation.expires):
        raise DataError(
            f"invitation: found one that expired on {invitation.expires[:10]}; expected a valid one; ask the "
            "coordinator for another"
        )
    server_address(invitation.server)
    authority = read_certificate(invitation.ca_certificate.encode())
    if not _is_authority(authority):
        raise DataError("invitation: found no authority's certificate; expected the file as it was sent; ask for it")
    if not authority.not_valid_before_utc - timedelta(days=1) <= now < authority.not_valid_after_utc:
        raise DataError(
            "invitation: found an authority whose certificate does not hold today; expected one that does; check this "
            f"machine's clock, which says {now:%Y-%m-%d %H:%M} UTC, then ask the coordinator"
        )


def enrol(site: Site, invitation: Invitation, now: datetime) -> Enrolled:
    """Make this hospital's key, if it has not been made for this invitation already, and answer.

    Args:
        site: whose state folder takes the key.
        invitation: as received.
        now: UTC.

    Raises:
        DataError: the invitation is not for this site, has expired or is not whole; the site is enrolled in another
            federation; its key does not fit its connection; or the state folder cannot be written.
    """
    check_invitation(invitation, now)
    if invitation.site != site.name:
        raise DataError(
            f"invitation: found one for site {invitation.site}; expected one for {site.name}, as site.yaml says; use "
            "that site's folder, or ask the coordinator for another"
        )
    present = read_connection(site) if (enrolment_folder(site) / CONNECTION).exists() else None
    if present is not None and present.federation != invitation.federation:
        raise DataError(
            f"enrolment: found this site in federation {present.federation}; expected {invitation.federation}, as in "
            "the invitation; use a site folder of its own for every federation"
        )
    if present is not None and present.invitation == invitation.id:
        said = invitation.server, read_certificate(invitation.ca_certificate.encode())
        if (present.server, read_authority(site)) != said:
            raise DataError(
                "invitation: found another server or authority than when it was answered; expected the file as it was "
                "sent; ask the coordinator what happened before you use it"
            )
        return Enrolled(connection=present, answer=answer(invitation, check_key(site), now), kept=None, is_new=False)
    try:
        return _make(enrolment_folder(site), invitation, now)
    except OSError as error:
        raise DataError(
            f"state folder: found that it cannot be written ({error.strerror}); expected to keep the key there; give "
            "this user the right to write there, or set state in site.yaml"
        ) from None


def read_connection(site: Site) -> Connection:
    """What this site is enrolled in.

    Raises:
        DataError: not enrolled, a file that is not as `enrol` wrote it, or site.yaml has another name by now.
    """
    try:
        with (enrolment_folder(site) / CONNECTION).open("rb") as file:
            content = json.loads(file.read(MAX_BYTES))
    except FileNotFoundError:
        raise DataError(f"enrolment: found none; expected this site to be enrolled; {_AGAIN}") from None
    except (OSError, ValueError, RecursionError):
        content = None
    names = {field.name for field in fields(Connection)}
    values = {name: value for name, value in content.items() if name != "format"} if isinstance(content, dict) else {}
    if values.keys() != names or content["format"] != FORMAT or not all(isinstance(v, str) for v in values.values()):
        raise DataError(f"enrolment: found an unfit {CONNECTION}; expected it as enrol wrote it; {_AGAIN}")
    connection = Connection(**values)
    if connection.site != site.name:
        raise DataError(
            f"enrolment: found it for site {connection.site}; expected {site.name}, as site.yaml says; correct that"
        )
    server_address(connection.server)
    return connection


def server_address(server: str) -> tuple[str, int]:
    """Host and port.

    Raises:
        DataError: not HOST:PORT.
    """
    host, _, port = server.rpartition(":")
    if not host or not port.isdecimal() or not 0 < int(port) < 2**16:
        raise DataError(f"server: found {server[:80]}; expected HOST:PORT; ask the coordinator for another invitation")
    return host, int(port)


def read_authority(site: Site) -> x509.Certificate:
    """The certificate of the authority that signed the server's.

    Raises:
        DataError: no readable file, or no certificate.
    """
    try:
        return read_certificate((enrolment_folder(site) / AUTHORITY).read_bytes())
    except OSError:
        raise DataError(f"enrolment: found no readable {AUTHORITY}; expected the authority; {_AGAIN}") from None


def days_left(certificate: x509.Certificate, now: datetime) -> int:
    """Whole days until a certificate ends; negative when it has ended."""
    return (certificate.not_valid_after_utc - now).days


def check_key(site: Site) -> str:
    """Whether the private key is there, for its owner alone, and the one whose fingerprint was read out.

    Returns:
        The public key as an OpenSSH line.

    Raises:
        DataError: one of these does not hold.
    """
    file = enrolment_folder(site) / KEY
    try:
        mode, content = stat.S_IMODE(file.stat().st_mode), file.read_bytes()
        public = load_ssh_private_key(content, None).public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH)
    except (OSError, ValueError, TypeError, UnsupportedAlgorithm):
        raise DataError(f"key: found no readable {KEY}; expected the key that enrol made; {_AGAIN}") from None
    if mode & 0o077:
        raise DataError(
            f"key: found {KEY} with mode {mode:04o}; expected 0600, its owner alone; chmod 600, and if others could "
            "have read it, ask the coordinator for an invitation to a new key"
        )
    line = public.decode()
    if fingerprint_of(line) != read_connection(site).fingerprint:
        raise DataError(f"key: found another than the one that was enrolled; expected its fingerprint; {_AGAIN}")
    return line


def _make(folder: Path, invitation: Invitation, now: datetime) -> Enrolled:
    """Key, authority and connection, in this order: a crash in between leaves a site that has to enrol again."""
    folder.mkdir(parents=True, exist_ok=True)
    folder.chmod(0o700)
    kept = _keep_old(folder)
    key = generate_private_key(SECP384R1())
    public = key.public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH).decode()
    letter = answer(invitation, public, now)
    connection = Connection(
        federation=invitation.federation,
        site=invitation.site,
        server=invitation.server,
        invitation=invitation.id,
        fingerprint=fingerprint_of(public),
        enrolled=letter.created,
    )
    # `write_bytes` makes its files 0600.
    write_bytes(folder / KEY, key.private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption()))
    write_bytes(folder / PUBLIC_KEY, f"{public} {invitation.site}\n".encode())
    write_bytes(folder / AUTHORITY, invitation.ca_certificate.encode())
    write_json(folder / CONNECTION, {"format": FORMAT, **asdict(connection)})
    return Enrolled(connection=connection, answer=letter, kept=kept, is_new=True)


def _keep_old(folder: Path) -> str | None:
    if not (folder / KEY).exists():
        return None
    names = (f"{KEY}.{ending}" for ending in chain(["old"], (f"old{number}" for number in count(2))))
    kept = next(name for name in names if not (folder / name).exists())
    write_bytes(folder / kept, (folder / KEY).read_bytes())
    return kept


def _is_authority(certificate: x509.Certificate) -> bool:
    try:
        return certificate.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    except (x509.ExtensionNotFound, ValueError):
        return False
