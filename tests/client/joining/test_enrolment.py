"""A key is made here, kept here, never lost and never replaced unsaid; what is not a whole invitation is refused."""

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.ec import SECP384R1, generate_private_key
from cryptography.hazmat.primitives.hashes import SHA384
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from client.joining.enrolment import check_key, days_left, enrol, read_authority, read_connection
from client.site import Site, write_site
from gmmas_core.enrolment import Invitation, fingerprint_of, new_code, new_id
from gmmas_core.types import DataError

NOW = datetime(2030, 5, 1, 12, tzinfo=UTC)


def authority(*, is_ca: bool = True, starts: datetime = NOW - timedelta(days=1), days: int = 100) -> str:
    key = generate_private_key(SECP384R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "an authority")])
    builder = x509.CertificateBuilder(name, name, key.public_key(), 1, starts, starts + timedelta(days=days))
    made = builder.add_extension(x509.BasicConstraints(is_ca, None), critical=True).sign(key, SHA384())
    return made.public_bytes(Encoding.PEM).decode()


def invitation(**other: str) -> Invitation:
    values = {
        "federation": "glioma",
        "site": "north",
        "id": new_id(),
        "code": new_code(),
        "server": "federation.example:443",
        "ca_certificate": authority(),
        "issued": NOW.isoformat(),
        "expires": (NOW + timedelta(days=14)).isoformat(),
    }
    return Invitation(**values | other)


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return write_site(tmp_path, "north", "brats2021")


def files(site: Site) -> set[str]:
    return {path.name for path in (site.state / "enrolment").iterdir()}


def test_enrol_makes_a_key_and_an_answer_that_proves_it(site: Site) -> None:
    letter = invitation()
    enrolled = enrol(site, letter, NOW)
    assert enrolled.is_new
    assert enrolled.kept is None
    assert files(site) == {"supernode_key", "supernode_key.pub", "ca.crt", "connection.json"}
    key = site.state / "enrolment" / "supernode_key"
    assert key.read_text().startswith("-----BEGIN OPENSSH PRIVATE KEY-----")
    assert key.stat().st_mode & 0o777 == 0o600
    assert key.parent.stat().st_mode & 0o777 == 0o700
    assert read_connection(site) == enrolled.connection
    assert enrolled.connection.server == "federation.example:443"
    # The answer is proved by the invitation's code and by no other, and carries the key that lies there.
    assert enrolled.answer.is_proved_by(letter.code)
    assert not enrolled.answer.is_proved_by(new_code())
    assert check_key(site) == enrolled.answer.public_key
    public = (key.parent / "supernode_key.pub").read_text()
    assert public == f"{enrolled.answer.public_key} north\n"
    assert days_left(read_authority(site), NOW) == 99


def test_nothing_secret_is_written_but_the_key(site: Site) -> None:
    letter = invitation()
    enrol(site, letter, NOW)
    for path in site.state.rglob("*"):
        assert not path.is_file() or letter.code not in path.read_text()


def test_the_same_invitation_twice_is_answered_with_the_same_key(site: Site) -> None:
    letter = invitation()
    first = enrol(site, letter, NOW)
    again = enrol(site, letter, NOW + timedelta(days=1))
    assert not again.is_new
    assert again.answer.public_key == first.answer.public_key
    assert again.answer.is_proved_by(letter.code)
    assert again.connection == first.connection
    assert "supernode_key.old" not in files(site)


def test_rotation_keeps_every_key(site: Site) -> None:
    key = site.state / "enrolment" / "supernode_key"
    made = []
    for kept in (None, "supernode_key.old", "supernode_key.old2", "supernode_key.old3"):
        enrolled = enrol(site, invitation(), NOW)
        assert enrolled.is_new
        assert enrolled.kept == kept
        made.append(key.read_bytes())
        assert fingerprint_of(check_key(site)) == read_connection(site).fingerprint == enrolled.connection.fingerprint
    assert len(set(made)) == 4
    old = [key.with_name(f"supernode_key.old{number}") for number in ("", "2", "3")]
    assert [path.read_bytes() for path in old] == made[:3]
    assert {path.stat().st_mode & 0o777 for path in old} == {0o600}


def test_a_site_whose_enrolment_was_cut_off_enrols_again_and_loses_no_key(site: Site) -> None:
    enrol(site, invitation(), NOW)
    folder = site.state / "enrolment"
    before = (folder / "supernode_key").read_bytes()
    (folder / "connection.json").unlink()
    with pytest.raises(DataError, match="enrolment: found none; expected this site to be enrolled; enrol again"):
        read_connection(site)
    assert enrol(site, invitation(), NOW).kept == "supernode_key.old"
    assert (folder / "supernode_key.old").read_bytes() == before


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"expires": NOW.isoformat()}, "found one that expired on 2030-05-01; expected a valid one"),
        ({"site": "south"}, "found one for site south; expected one for north, as site.yaml says"),
        ({"server": "federation.example:70000"}, "server: found federation.example:70000; expected HOST:PORT"),
        ({"server": "federation.example:0"}, "expected HOST:PORT"),
        ({"ca_certificate": authority(is_ca=False)}, "found no authority's certificate"),
        ({"ca_certificate": authority(days=1)}, "certificate does not hold today"),
        ({"ca_certificate": authority(starts=NOW + timedelta(days=2))}, "clock, which says 2030-05-01 12:00 UTC"),
    ],
)
def test_an_invitation_that_does_not_fit_makes_no_key(site: Site, change: dict[str, str], says: str) -> None:
    with pytest.raises(DataError, match=says):
        enrol(site, invitation(**change), NOW)
    assert not site.state.exists()


def test_an_invitation_altered_after_it_was_answered_is_refused(site: Site) -> None:
    letter = invitation()
    enrol(site, letter, NOW)
    for change in ({"server": "elsewhere.example:443"}, {"ca_certificate": authority()}):
        with pytest.raises(DataError, match="found another server or authority than when it was answered"):
            enrol(site, replace(letter, **change), NOW)


def test_a_site_belongs_to_one_federation(site: Site) -> None:
    enrol(site, invitation(), NOW)
    with pytest.raises(DataError, match="found this site in federation glioma; expected other"):
        enrol(site, invitation(federation="other"), NOW)


def test_a_state_folder_that_cannot_be_written_is_said(site: Site) -> None:
    site.state.write_text("a file")
    with pytest.raises(DataError, match="state folder: found that it cannot be written"):
        enrol(site, invitation(), NOW)


def _break_with(text: str) -> Callable[[Path], object]:
    return lambda folder: (folder / "connection.json").write_text(text)


def _renamed_in_connection(folder: Path) -> None:
    content = json.loads((folder / "connection.json").read_text())
    (folder / "connection.json").write_text(json.dumps(content | {"site": "south"}))


@pytest.mark.parametrize(
    ("damage", "says"),
    [
        (_break_with("{"), "unfit connection.json"),
        (_break_with("[]"), "unfit connection.json"),
        (_break_with('{"format": 1}'), "unfit connection.json"),
        (_renamed_in_connection, "found it for site south; expected north"),
    ],
)
def test_a_damaged_connection_is_refused(site: Site, damage: Callable[[Path], object], says: str) -> None:
    enrol(site, invitation(), NOW)
    damage(site.state / "enrolment")
    with pytest.raises(DataError, match=says):
        read_connection(site)


@pytest.mark.parametrize(
    ("damage", "says"),
    [
        (lambda key: key.chmod(0o640), "mode 0640; expected 0600"),
        (lambda key: key.write_text("nothing"), "found no readable supernode_key"),
        (lambda key: key.unlink(), "found no readable supernode_key"),
        (lambda key: (key.parent / "supernode_key.old").replace(key), "found another than the one that was enrolled"),
    ],
)
def test_a_damaged_key_is_refused(site: Site, damage: Callable[[Path], object], says: str) -> None:
    enrol(site, invitation(), NOW)
    enrol(site, invitation(), NOW)
    damage(site.state / "enrolment" / "supernode_key")
    with pytest.raises(DataError, match=says):
        check_key(site)
