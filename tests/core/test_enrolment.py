"""Letters that come from outside are whole and honest, or refused in one sentence."""

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from gmmas_core.enrolment import (
    MAX_BYTES,
    Enrolment,
    Invitation,
    answer,
    fingerprint_of,
    new_code,
    new_id,
    read_letter,
    spoken_fingerprint,
    write_letter,
)
from gmmas_core.types import DataError

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def line_of(key: Any) -> str:
    return str(key.public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH).decode())


@pytest.fixture(scope="module")
def public_key() -> str:
    return line_of(ec.generate_private_key(ec.SECP384R1()))


@pytest.fixture(scope="module")
def make_authority() -> Callable[[], str]:
    def make() -> str:
        key = ec.generate_private_key(ec.SECP384R1())
        name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "authority")])
        builder = x509.CertificateBuilder(name, name, key.public_key(), 1, NOW, NOW + timedelta(days=9))
        return builder.sign(key, hashes.SHA256()).public_bytes(Encoding.PEM).decode()

    return make


@pytest.fixture(scope="module")
def invitation(make_authority: Callable[[], str]) -> Invitation:
    return Invitation(
        federation="glioma",
        site="north",
        id=new_id(),
        code=new_code(),
        server="fl.example:443",
        ca_certificate=make_authority(),
        issued=NOW.isoformat(),
        expires=(NOW + timedelta(days=14)).isoformat(),
    )


def test_letters_are_read_as_they_were_written(invitation: Invitation, public_key: str, tmp_path: Path) -> None:
    letter = answer(invitation, public_key, NOW)
    for content in (invitation, letter):
        write_letter(tmp_path / "letter", content)
        assert read_letter(tmp_path / "letter", type(content)) == content
        assert (tmp_path / "letter").stat().st_mode & 0o777 == 0o600


def test_only_the_invitation_s_code_proves_an_answer_and_every_word_of_it(
    invitation: Invitation, public_key: str
) -> None:
    letter = answer(invitation, public_key, NOW)
    assert letter.is_proved_by(invitation.code)
    assert not letter.is_proved_by(new_code())
    other = line_of(ec.generate_private_key(ec.SECP384R1()))
    for change in ({"public_key": other}, {"site": "south"}, {"federation": "x"}, {"created": NOW.isoformat() + "0"}):
        try:
            altered = replace(letter, **change)
        except DataError:
            continue
        assert not altered.is_proved_by(invitation.code)
    assert not replace(letter, proof="é" * 64).is_proved_by(invitation.code)


def test_an_expired_invitation_is_not_answered(invitation: Invitation, public_key: str) -> None:
    with pytest.raises(DataError, match="expired on 2026-01-15"):
        answer(invitation, public_key, NOW + timedelta(days=14))


def test_the_fingerprint_is_the_one_that_ssh_keygen_prints() -> None:
    """Printed by `ssh-keygen -lf` for this line."""
    line = (
        "ecdsa-sha2-nistp384 AAAAE2VjZHNhLXNoYTItbmlzdHAzODQAAAAIbmlzdHAzODQAAABhBLcA85Q9N/PLzpgemSAojfV2iOKH2JBiBA/1D"
        "MMZeqAy+NPmSROlg8aTBZYWVzcz5wylYb6X0tDtVSwxRnnT5CvmB3MhAG4RN6twMad3x0QsDZoTNPfmF253H16kYVfUEQ=="
    )
    assert fingerprint_of(line) == "SHA256:yz44UqtcK6Sj/w+zDhVx42KoVWo4hG0Akm62XRvZac8"


def test_what_is_read_out_changes_with_the_key_the_authority_and_the_server(
    invitation: Invitation, public_key: str, make_authority: Callable[[], str]
) -> None:
    authority = invitation.ca_certificate.encode()
    said = spoken_fingerprint(public_key, authority, "fl.example:443")
    other = line_of(ec.generate_private_key(ec.SECP384R1()))
    assert said == spoken_fingerprint(public_key, authority, "fl.example:443")
    assert (
        len(
            {
                said,
                spoken_fingerprint(other, authority, "fl.example:443"),
                spoken_fingerprint(public_key, make_authority().encode(), "fl.example:443"),
                spoken_fingerprint(public_key, authority, "fl.example:444"),
            }
        )
        == 4
    )


@pytest.mark.parametrize(
    "key",
    [ec.generate_private_key(ec.SECP256R1()), ed25519.Ed25519PrivateKey.generate()],
    ids=["P-256", "Ed25519"],
)
def test_other_keys_are_refused(key: Any) -> None:
    with pytest.raises(DataError, match="expected ecdsa-sha2-nistp384"):
        fingerprint_of(line_of(key))


def _without(content: dict[str, Any]) -> Any:
    return {name: value for name, value in content.items() if name != "code"}


HOSTILE: dict[str, Callable[[dict[str, Any]], Any]] = {
    "another kind": lambda content: content | {"kind": "gmmas-fed enrolment"},
    "a later format": lambda content: content | {"format": 2},
    "one entry less": _without,
    "one entry more": lambda content: content | {"extra": "x"},
    "a list": lambda content: [content],
    "a number": lambda content: content | {"site": 1},
    "a path": lambda content: content | {"site": "../north"},
    "a long server": lambda content: content | {"server": "a" * 300 + ":1"},
    "a command": lambda content: content | {"server": "a b:1"},
    "no certificate": lambda content: content | {"ca_certificate": "x"},
    "half a character": lambda content: content | {"ca_certificate": "\ud800"},
    "no zone": lambda content: content | {"expires": "2026-01-01"},
    "before all time": lambda content: content | {"issued": "0001-01-01T00:00:00+14:00"},
    "too long": lambda content: content | {"ca_certificate": "x" * MAX_BYTES},
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_invitation_is_refused(name: str, invitation: Invitation, tmp_path: Path) -> None:
    write_letter(tmp_path / "letter", invitation)
    content = HOSTILE[name](json.loads((tmp_path / "letter").read_text()))
    (tmp_path / "letter").write_text(json.dumps(content))
    with pytest.raises(DataError):
        read_letter(tmp_path / "letter", Invitation)


@pytest.mark.parametrize("raw", [b"", b"{", b"\xff\xfe", b"[" * 10000, b'{"kind": 1e999}'])
def test_rubbish_is_refused(raw: bytes, tmp_path: Path) -> None:
    (tmp_path / "letter").write_bytes(raw)
    with pytest.raises(DataError, match="no readable"):
        read_letter(tmp_path / "letter", Enrolment)
    with pytest.raises(DataError, match="no readable"):
        read_letter(tmp_path / "absent", Enrolment)
