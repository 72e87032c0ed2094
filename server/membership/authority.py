"""The federation's own certificate authority and the server's certificate.

Hospitals trust this one authority and no other, so nobody on the way can answer in the server's name. Private keys are
made here, once, readable by their owner only; no key is ever overwritten. The authority's key is needed only to sign:
between two signatures it may lie elsewhere, off line.
"""

import ipaddress
import os
import secrets
import stat
import tempfile
from datetime import datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ec import SECP384R1, EllipticCurvePrivateKey, generate_private_key
from cryptography.hazmat.primitives.hashes import SHA384
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from gmmas_core.atomic import sync_folder, write_bytes
from gmmas_core.enrolment import read_certificate
from gmmas_core.types import ConfigError, FederationError
from server.membership.federation_file import SOON, Federation

CA_KEY, CA_CERTIFICATE = Path("ca/ca.key"), Path("ca/ca.crt")
SERVER_KEY, SERVER_CERTIFICATE = Path("server/server.key"), Path("server/server.crt")
SUPEREXEC_SECRET = Path("server/superexec.secret")
CA_DAYS = 3650
_CLOCK_SKEW = timedelta(days=1)
"""A hospital whose clock is behind must not find that a new certificate is not valid yet."""


def make_authority(folder: Path, name: str, now: datetime) -> bool:
    """Make the authority's key and certificate, as far as they are missing.

    Args:
        folder: of the federation.
        name: of the federation.
        now: UTC.

    Returns:
        Whether anything was made.

    Raises:
        ConfigError: the authority that is there was made for a federation of another name.
    """
    if not (folder / CA_CERTIFICATE).exists():
        if not (folder / CA_KEY).exists():
            _write_key(folder / CA_KEY)
        key = _read_key(folder / CA_KEY)
        subject = _named("GMMAS-Fed authority", name)
        builder = _started(subject, subject, key, key, now, now + timedelta(days=CA_DAYS))
        builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        builder = builder.add_extension(_usage(signs=True), critical=True)
        _write_certificate(folder / CA_CERTIFICATE, builder.sign(key, SHA384()))
        return True
    found = ca_certificate(folder).subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    if [attribute.value for attribute in found] != [name]:
        raise ConfigError(
            f"federation.yaml: found the name {name!r}; expected the one that ca/ca.crt was made for; correct it, or "
            "start a new federation in another folder"
        )
    return False


def make_server(folder: Path, federation: Federation, now: datetime) -> bool:
    """Make the server's key, certificate and worker secret, as far as they are missing.

    Returns:
        Whether a certificate was made.

    Raises:
        FederationError: the authority's key is not there, is not the certificate's, or the authority has expired.
    """
    if not (folder / SUPEREXEC_SECRET).exists():
        _write_secret(folder / SUPEREXEC_SECRET, secrets.token_hex(32).encode())
    if (folder / SERVER_KEY).exists() and (folder / SERVER_CERTIFICATE).exists():
        return False
    renew_server(folder, federation, now)
    return True


def renew_server(folder: Path, federation: Federation, now: datetime) -> None:
    """Sign a new certificate for the server's key; the one before stays as server.crt.old.

    Raises:
        FederationError: see make_server; nothing was changed then.
    """
    authority = ca_certificate(folder)
    ends = min(now + timedelta(days=federation.server_days), authority.not_valid_after_utc)
    if ends <= now:
        raise FederationError(
            "ca/ca.crt: found an authority that has expired; expected a valid one; start a new folder"
        )
    ca_key = _read_key(folder / CA_KEY)
    if _public_bytes(ca_key) != _public_bytes(authority):
        raise FederationError("ca/ca.key: found a key that is not ca/ca.crt's; expected the pair; restore both")
    if not (folder / SERVER_KEY).exists():
        _write_key(folder / SERVER_KEY)
    key = _read_key(folder / SERVER_KEY)
    # Its subject differs from the issuer's, else readers take it for a self-signed one.
    builder = _started(_named("GMMAS-Fed server", federation.name), authority.subject, key, ca_key, now, ends)
    builder = builder.add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
    builder = builder.add_extension(_usage(signs=False), critical=True)
    builder = builder.add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
    builder = builder.add_extension(x509.SubjectAlternativeName(_alternatives(federation)), critical=False)
    path = folder / SERVER_CERTIFICATE
    if path.exists():
        write_bytes(path.with_name(f"{path.name}.old"), path.read_bytes())
    _write_certificate(path, builder.sign(ca_key, SHA384()))


def ca_certificate(folder: Path) -> x509.Certificate:
    """The authority's.

    Raises:
        FederationError: there is none yet.
    """
    return _read_certificate(folder, CA_CERTIFICATE)


def server_certificate(folder: Path) -> x509.Certificate:
    """The server's.

    Raises:
        FederationError: there is none yet.
    """
    return _read_certificate(folder, SERVER_CERTIFICATE)


def warnings(folder: Path, federation: Federation, now: datetime) -> list[str]:
    """What will break soon, or is broken: expiry within 30 days, an address that the certificate does not name."""
    server, authority = server_certificate(folder), ca_certificate(folder)
    renew = "run gmmas-coordinator provision --renew-server and restart the SuperLink"
    found = []
    if server.not_valid_after_utc - now < SOON:
        found.append(f"the server's certificate ends on {server.not_valid_after_utc:%Y-%m-%d}; {renew}")
    if authority.not_valid_after_utc - now < SOON:
        ends = f"{authority.not_valid_after_utc:%Y-%m-%d}"
        found.append(f"the authority ends on {ends}; make a new federation folder and invite every site again")
    named = set(server.extensions.get_extension_for_class(x509.SubjectAlternativeName).value)
    lacking = [str(each.value) for each in _alternatives(federation) if each not in named]
    if lacking:
        found.append(f"the server's certificate does not name {', '.join(lacking)}; {renew}")
    return found


def _alternatives(federation: Federation) -> list[x509.GeneralName]:
    texts = [federation.host, *federation.names, "superlink", "localhost", "127.0.0.1"]
    return [_general_name(text) for text in dict.fromkeys(texts)]


def _general_name(text: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(text))
    except ValueError:
        return x509.DNSName(text)


def _started(
    subject: x509.Name,
    issuer: x509.Name,
    key: EllipticCurvePrivateKey,
    issuer_key: EllipticCurvePrivateKey,
    now: datetime,
    ends: datetime,
) -> x509.CertificateBuilder:
    """What both certificates have in common."""
    public, signing = key.public_key(), issuer_key.public_key()
    builder = x509.CertificateBuilder(issuer, subject, public, x509.random_serial_number(), now - _CLOCK_SKEW, ends)
    builder = builder.add_extension(x509.SubjectKeyIdentifier.from_public_key(public), critical=False)
    return builder.add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(signing), critical=False)


def _named(role: str, federation: str) -> x509.Name:
    named = [(NameOID.ORGANIZATION_NAME, role), (NameOID.COMMON_NAME, federation)]
    return x509.Name([x509.NameAttribute(oid, value) for oid, value in named])


def _usage(signs: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=signs,
        crl_sign=signs,
        encipher_only=False,
        decipher_only=False,
    )


def _public_bytes(holder: EllipticCurvePrivateKey | x509.Certificate) -> bytes:
    form = serialization.PublicFormat.SubjectPublicKeyInfo
    return holder.public_key().public_bytes(serialization.Encoding.DER, form)


def _read_certificate(folder: Path, path: Path) -> x509.Certificate:
    try:
        content = (folder / path).read_bytes()
    except OSError:
        raise FederationError(f"{path}: found no readable file; expected one; run provision first") from None
    return read_certificate(content)


def _write_certificate(path: Path, certificate: x509.Certificate) -> None:
    write_bytes(path, certificate.public_bytes(serialization.Encoding.PEM))
    path.chmod(0o644)


def _write_key(path: Path) -> None:
    key = generate_private_key(SECP384R1())
    form = serialization.PrivateFormat.PKCS8
    _write_secret(path, key.private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption()))


def _read_key(path: Path) -> EllipticCurvePrivateKey:
    where = f"{path.parent.name}/{path.name}"
    try:
        mode, content = path.stat().st_mode, path.read_bytes()
    except OSError:
        raise FederationError(f"{where}: found no readable file; expected it for signing; bring it back") from None
    if stat.S_IMODE(mode) & 0o077:
        raise FederationError(f"{where}: found that others may read it; expected mode 0600; consider it known to them")
    try:
        key = serialization.load_pem_private_key(content, password=None)
    except (ValueError, TypeError):
        key = None
    if not isinstance(key, EllipticCurvePrivateKey):
        raise FederationError(f"{where}: found no private key on an elliptic curve; expected one; restore it")
    return key


def _write_secret(path: Path, content: bytes) -> None:
    """A new file, whole or not at all, readable by its owner only, never over another one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")  # mode 0600, O_EXCL
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.link(name, path)
    finally:
        Path(name).unlink()
    sync_folder(path.parent)
