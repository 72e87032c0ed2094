"""From invited to approved to revoked, and every answer that must not get in."""

import json
import stat
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from gmmas_core.enrolment import Enrolment, Invitation, answer, fingerprint_of, read_letter
from gmmas_core.types import DataError, FederationError
from server.membership import answers, authority, members
from server.membership.federation_file import Federation
from server.membership.members import Member

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
FEDERATION = Federation(
    name="demo",
    address="fed.example.org:443",
    names=(),
    sites=("east", "west"),
    server_days=365,
    invitation_days=14,
    site_days=365,
)


@pytest.fixture(scope="module")
def ca_pem(tmp_path_factory: pytest.TempPathFactory) -> str:
    folder = tmp_path_factory.mktemp("ca")
    authority.make_authority(folder, "demo", NOW)
    return (folder / authority.CA_CERTIFICATE).read_text()


def new_key() -> str:
    public = ec.generate_private_key(ec.SECP384R1()).public_key()
    return public.public_bytes(serialization.Encoding.OpenSSH, serialization.PublicFormat.OpenSSH).decode()


def invited(site: str = "east") -> Member:
    return members.invite(Member(site=site), NOW, 14)


def answered(member: Member, ca_pem: str, key: str | None = None) -> Enrolment:
    return answer(members.letter_of(member, FEDERATION, ca_pem), key or new_key(), NOW)


def approved(member: Member, ca_pem: str, key: str | None = None) -> Member:
    return members.approve(member, answered(member, ca_pem, key), 7, NOW, 365)


def refusal(member: Member, letter: Enrolment, *others: Member, now: datetime = NOW) -> str:
    with pytest.raises(FederationError) as caught:
        answers.require_fit(member, letter, others, "demo", now)
    return str(caught.value)


def test_a_life_from_invitation_to_farewell(ca_pem: str) -> None:
    member = invited()
    letter = answered(member, ca_pem)
    answers.require_fit(member, letter, [invited("west")], "demo", NOW)
    first = members.approve(member, letter, 7, NOW, 365)
    assert (first.state, first.invitation, first.retired) == ("approved", None, ())
    assert first.key is not None
    assert first.key.expires == "2027-03-01T12:00:00+00:00"
    assert first.key.fingerprint == fingerprint_of(letter.public_key)
    turning = members.invite(first, NOW, 14)
    assert (turning.state, turning.key) == ("approved", first.key)
    second = approved(turning, ca_pem)
    assert second.key is not None
    assert second.key.public_key != first.key.public_key
    assert second.retired == (first.key.fingerprint,)
    gone = members.revoke(second, "left")
    assert (gone.state, gone.reason, gone.invitation) == ("revoked", "left", None)
    assert gone.retired == (first.key.fingerprint, second.key.fingerprint)
    back = members.invite(gone, NOW, 14)
    assert (back.state, back.key, back.reason) == ("invited", None, "")
    assert back.retired == gone.retired
    assert members.revoke(gone, "left") == gone


def test_every_invitation_is_another(ca_pem: str) -> None:
    one, two = invited().invitation, invited().invitation
    assert one is not None
    assert two is not None
    assert one.id != two.id
    assert one.code != two.code


def test_a_wrong_proof(ca_pem: str) -> None:
    member = invited()
    letter = answered(member, ca_pem)
    assert "proof that does not fit" in refusal(member, replace(letter, proof="0" * 64))
    assert "proof that does not fit" in refusal(member, replace(letter, proof=""))


def test_a_swapped_key_breaks_the_proof(ca_pem: str) -> None:
    member = invited()
    assert "proof that does not fit" in refusal(member, replace(answered(member, ca_pem), public_key=new_key()))


def test_the_answer_of_another_site_or_federation(ca_pem: str) -> None:
    east, west = invited(), invited("west")
    letter = answered(west, ca_pem)
    assert "found one of west in demo; expected east" in refusal(east, letter)
    # Renamed, it still names an invitation that is not east's.
    assert "used, replaced or unknown" in refusal(east, replace(letter, site="east"))
    assert east.invitation is not None
    assert "proof that does not fit" in refusal(east, replace(letter, site="east", invitation=east.invitation.id))
    assert "in other; expected" in refusal(east, replace(answered(east, ca_pem), federation="other"))


def test_a_used_or_replaced_invitation(ca_pem: str) -> None:
    member = invited()
    letter = answered(member, ca_pem)
    used = members.approve(member, answered(member, ca_pem), 7, NOW, 365)
    assert "used, replaced or unknown" in refusal(used, letter)
    assert "used, replaced or unknown" in refusal(members.invite(member, NOW, 14), letter)
    assert "used, replaced or unknown" in refusal(members.revoke(member, "left"), letter)


def test_an_expired_invitation_whatever_the_answer_says_about_time(ca_pem: str) -> None:
    member = invited()
    letter = answered(member, ca_pem)
    answers.require_fit(member, letter, [], "demo", NOW + timedelta(days=14, seconds=-1))
    assert "expired on 2026-03-15" in refusal(member, letter, now=NOW + timedelta(days=14))


def test_the_key_of_another_site(ca_pem: str) -> None:
    east, key = invited(), new_key()
    letter = answered(east, ca_pem, key)
    west = approved(invited("west"), ca_pem, key)
    assert "found the key of west" in refusal(east, letter, west)
    turned = approved(members.invite(west, NOW, 14), ca_pem)
    assert "found a key that was retired" in refusal(east, letter, turned)


def test_an_own_key_that_was_retired(ca_pem: str) -> None:
    key = new_key()
    back = members.invite(members.revoke(approved(invited(), ca_pem, key), "lost"), NOW, 14)
    assert "found a key that was retired" in refusal(back, answered(back, ca_pem, key))


def test_the_same_letter_again_and_a_renewal_with_the_same_key(ca_pem: str) -> None:
    member, key = invited(), new_key()
    letter = answered(member, ca_pem, key)
    assert not answers.is_approved_already(member, letter)
    first = members.approve(member, letter, 7, NOW, 365)
    assert answers.is_approved_already(first, letter)
    assert not answers.is_approved_already(first, replace(letter, site="west"))
    assert not answers.is_approved_already(members.revoke(first, "left"), letter)
    turning = members.invite(first, NOW, 14)
    assert answers.is_approved_already(turning, letter)
    renewal = answered(turning, ca_pem, key)
    assert not answers.is_approved_already(turning, renewal)
    answers.require_fit(turning, renewal, [], "demo", NOW)
    assert members.approve(turning, renewal, 7, NOW, 365).retired == ()


def test_a_key_that_is_written_in_another_way(ca_pem: str) -> None:
    """Equal keys must be equal texts, or a retired key would come back under another fingerprint."""
    member = invited()
    public = new_key()
    padded = answered(member, ca_pem, public.replace(" ", "  "))
    assert "an unusual public key" in refusal(member, padded)
    assert answers.canonical(padded.public_key) == public
    authority_key = ec.generate_private_key(ec.SECP384R1())
    certificate = (
        serialization.SSHCertificateBuilder()
        .public_key(serialization.load_ssh_public_key(public.encode()))  # type: ignore[arg-type]
        .type(serialization.SSHCertificateType.USER)
        .valid_for_all_principals()
        .valid_after(0)
        .valid_before(2**40)
        .sign(authority_key)
    )
    wrapped = answered(member, ca_pem, certificate.public_bytes().decode())
    assert "an unusual public key" in refusal(member, wrapped)


@pytest.mark.parametrize(
    ("days", "words"), [(0, "approved"), (335, "approved"), (336, "expires soon"), (365, "expired"), (900, "expired")]
)
def test_standing_of_an_approved_site(ca_pem: str, days: int, words: str) -> None:
    member = approved(invited(), ca_pem)
    assert members.standing(member, NOW + timedelta(days=days)) == words


def test_standing_of_the_others(ca_pem: str) -> None:
    assert members.standing(invited(), NOW) == "invited"
    assert members.standing(invited(), NOW + timedelta(days=14)) == "invitation expired"
    assert members.standing(members.revoke(invited(), "never came"), NOW) == "revoked"


def test_files_come_back_as_they_were_written(ca_pem: str, tmp_path: Path) -> None:
    east = approved(invited(), ca_pem)
    west = members.revoke(approved(invited("west"), ca_pem), "left the study")
    north = invited("north")
    for member in (east, west, north):
        members.write_member(tmp_path, member)
    assert members.read_members(tmp_path) == [east, north, west]
    assert stat.S_IMODE((tmp_path / "members/east.json").stat().st_mode) == 0o600
    assert east.key is not None
    assert members.by_public_key(tmp_path) == {east.key.public_key: east}
    content = json.loads((tmp_path / "members/east.json").read_text())
    assert set(content) == {"format", "site", "state", "invitation", "key", "retired", "reason"}


@pytest.mark.parametrize("site", ["../east", "a/b", "", ".", "east\n", "x" * 65, "nobody"])
def test_no_such_member(tmp_path: Path, site: str) -> None:
    (tmp_path / "east.json").write_text("{}")
    (tmp_path / "members").mkdir()
    with pytest.raises(FederationError, match="found no member"):
        members.read_member(tmp_path, site)


@pytest.mark.parametrize(
    "change",
    [
        {"format": 2},
        {"site": "west"},
        {"state": "admin"},
        {"key": None},
        {"key": {"public_key": "x"}},
        {"key": []},
        {"retired": [1]},
        {"retired": None},
        {"reason": None},
        {"invitation": "x"},
        {"extra": 1},
    ],
)
def test_a_damaged_record_is_not_half_believed(ca_pem: str, tmp_path: Path, change: dict[str, Any]) -> None:
    members.write_member(tmp_path, approved(invited(), ca_pem))
    path = tmp_path / "members/east.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | change))
    with pytest.raises(FederationError, match=r"members/east\.json: found no record of format 1"):
        members.read_member(tmp_path, "east")


def test_an_exchanged_key_in_a_record_is_noticed(ca_pem: str, tmp_path: Path) -> None:
    members.write_member(tmp_path, approved(invited(), ca_pem))
    path = tmp_path / "members/east.json"
    content = json.loads(path.read_text())
    content["key"]["public_key"] = new_key()
    path.write_text(json.dumps(content))
    with pytest.raises(FederationError, match="restore it"):
        members.read_member(tmp_path, "east")


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"[]",
        b"null",
        b"[" * 100_000,
        b"{}" + b" " * 2**20,
        b'{"kind": "gmmas-fed invitation", "format": 1}',
        b'{"kind": "gmmas-fed enrolment", "format": 1}',
        b'{"kind": "gmmas-fed enrolment", "format": 1, "federation": 1, "site": [], "invitation": {}, '
        b'"public_key": null, "created": true, "proof": 2.5}',
        b"\xff\xfe",
    ],
)
def test_hostile_letters(tmp_path: Path, raw: bytes) -> None:
    path = tmp_path / "east.enrolment.json"
    path.write_bytes(raw)
    with pytest.raises(DataError, match="expected the file as it was sent"):
        read_letter(path, Enrolment)
    (tmp_path / "folder").mkdir()
    with pytest.raises(DataError):
        read_letter(tmp_path / "folder", Enrolment)


def test_an_invitation_is_one_that_a_hospital_accepts(ca_pem: str) -> None:
    letter = members.letter_of(invited(), FEDERATION, ca_pem)
    assert isinstance(letter, Invitation)
    assert (letter.server, letter.site, letter.federation) == ("fed.example.org:443", "east", "demo")
    with pytest.raises(FederationError, match="no open invitation"):
        members.letter_of(Member(site="east"), FEDERATION, ca_pem)
