"""The authority and the server's certificate, as another implementation of TLS sees them."""

import shutil
import ssl
import stat
import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509

from gmmas_core.types import ConfigError, FederationError
from server.membership import authority
from server.membership.federation_file import Federation

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
FEDERATION = Federation(
    name="demo",
    address="fed.example.org:443",
    names=("10.1.2.3", "localhost"),
    sites=("east",),
    server_days=365,
    invitation_days=14,
    site_days=365,
)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    assert authority.make_authority(tmp_path, "demo", NOW)
    assert authority.make_server(tmp_path, FEDERATION, NOW)
    return tmp_path


def files(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_what_is_made_and_who_may_read_it(folder: Path) -> None:
    modes = {str(p.relative_to(folder)): stat.S_IMODE(p.stat().st_mode) for p in folder.rglob("*") if p.is_file()}
    assert modes == {
        "ca/ca.key": 0o600,
        "ca/ca.crt": 0o644,
        "server/server.key": 0o600,
        "server/server.crt": 0o644,
        "server/superexec.secret": 0o600,
    }
    assert len(bytes.fromhex((folder / "server/superexec.secret").read_text())) == 32


def test_the_certificates_say_what_they_are_for(folder: Path) -> None:
    ca, server = authority.ca_certificate(folder), authority.server_certificate(folder)
    constraints = ca.extensions.get_extension_for_class(x509.BasicConstraints)
    assert (constraints.critical, constraints.value.ca, constraints.value.path_length) == (True, True, 0)
    usage = ca.extensions.get_extension_for_class(x509.KeyUsage).value
    assert usage.key_cert_sign
    assert usage.crl_sign
    assert not usage.digital_signature
    assert ca.not_valid_after_utc == NOW + timedelta(days=3650)
    assert server.not_valid_after_utc == NOW + timedelta(days=365)
    names = server.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert names.get_values_for_type(x509.DNSName) == ["fed.example.org", "localhost", "superlink"]
    assert [str(ip) for ip in names.get_values_for_type(x509.IPAddress)] == ["10.1.2.3", "127.0.0.1"]
    assert not server.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    server.verify_directly_issued_by(ca)


@pytest.mark.skipif(shutil.which("openssl") is None, reason="needs openssl")
@pytest.mark.parametrize(("host", "code"), [("fed.example.org", 0), ("evil.example.org", 2)])
def test_openssl_accepts_the_chain_strictly(folder: Path, host: str, code: int) -> None:
    command = ["openssl", "verify", "-x509_strict", "-purpose", "sslserver", "-verify_hostname", host]
    command += ["-attime", str(int(NOW.timestamp())), "-CAfile", "ca/ca.crt", "server/server.crt"]
    assert subprocess.run(command, cwd=folder, capture_output=True, check=False).returncode == code


def test_key_and_certificate_are_a_pair(folder: Path) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "server/server.crt", folder / "server/server.key")


def test_a_second_time_changes_nothing(folder: Path) -> None:
    before = files(folder)
    assert not authority.make_authority(folder, "demo", NOW)
    assert not authority.make_server(folder, FEDERATION, NOW)
    assert files(folder) == before


def test_what_is_missing_is_made_around_what_is_there(folder: Path) -> None:
    """As after a crash between two files."""
    before = files(folder)
    (folder / "server/server.crt").unlink()
    (folder / "ca/ca.crt").unlink()
    assert authority.make_authority(folder, "demo", NOW)
    assert authority.make_server(folder, FEDERATION, NOW)
    after = files(folder)
    assert {name for name in before if before[name] != after[name]} == {"server/server.crt", "ca/ca.crt"}
    authority.server_certificate(folder).verify_directly_issued_by(authority.ca_certificate(folder))


def test_renewal_keeps_authority_and_the_old_certificate(folder: Path) -> None:
    before = files(folder)
    later = NOW + timedelta(days=340)
    authority.renew_server(folder, FEDERATION, later)
    after = files(folder)
    assert after["server/server.crt.old"] == before["server/server.crt"]
    assert after["ca/ca.crt"] == before["ca/ca.crt"]
    server = authority.server_certificate(folder)
    server.verify_directly_issued_by(authority.ca_certificate(folder))
    assert server.not_valid_after_utc == later + timedelta(days=365)
    assert not authority.warnings(folder, FEDERATION, later)


def test_a_certificate_does_not_outlive_its_authority(folder: Path) -> None:
    late = NOW + timedelta(days=3630)
    authority.renew_server(folder, FEDERATION, late)
    assert authority.server_certificate(folder).not_valid_after_utc == NOW + timedelta(days=3650)
    assert any("the authority ends on 2036-02-27" in line for line in authority.warnings(folder, FEDERATION, late))
    with pytest.raises(FederationError, match="has expired"):
        authority.renew_server(folder, FEDERATION, NOW + timedelta(days=3651))


def test_warnings_begin_thirty_days_before(folder: Path) -> None:
    assert authority.warnings(folder, FEDERATION, NOW + timedelta(days=335)) == []
    (line,) = authority.warnings(folder, FEDERATION, NOW + timedelta(days=335, seconds=1))
    assert "ends on 2027-03-01" in line
    moved = Federation(**vars(FEDERATION) | {"address": "new.example.org:443"})
    (line,) = authority.warnings(folder, moved, NOW)
    assert "does not name new.example.org" in line


def test_the_authority_key_may_lie_elsewhere_until_something_is_signed(folder: Path) -> None:
    (folder / "ca/ca.key").rename(folder / "elsewhere")
    assert not authority.make_authority(folder, "demo", NOW)
    assert not authority.make_server(folder, FEDERATION, NOW)
    before = files(folder)
    with pytest.raises(FederationError, match=r"ca/ca\.key: found no readable file"):
        authority.renew_server(folder, FEDERATION, NOW)
    assert files(folder) == before


def test_keys_that_must_not_be_used(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    other = tmp_path_factory.mktemp("other")
    authority.make_authority(other, "demo", NOW)
    key = folder / "ca/ca.key"
    original = key.read_bytes()
    key.write_bytes((other / "ca/ca.key").read_bytes())
    with pytest.raises(FederationError, match=r"not ca/ca\.crt's"):
        authority.renew_server(folder, FEDERATION, NOW)
    key.write_bytes(b"nonsense")
    with pytest.raises(FederationError, match="no private key"):
        authority.renew_server(folder, FEDERATION, NOW)
    key.write_bytes(original)
    key.chmod(0o640)
    with pytest.raises(FederationError, match="others may read"):
        authority.renew_server(folder, FEDERATION, NOW)


def test_an_authority_of_another_federation(folder: Path) -> None:
    with pytest.raises(ConfigError, match="found the name 'other'"):
        authority.make_authority(folder, "other", NOW)


def test_nothing_provisioned_yet(tmp_path: Path) -> None:
    with pytest.raises(FederationError, match=r"ca/ca\.crt: found no readable file"):
        authority.ca_certificate(tmp_path)
    with pytest.raises(FederationError, match="run provision first"):
        authority.server_certificate(tmp_path)
