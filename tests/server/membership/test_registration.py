"""The members' files are the truth, the SuperLink follows: by its rules here, for real in commands/test_members.py."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from gmmas_core.enrolment import Enrolment, answer, fingerprint_of
from gmmas_core.types import FederationError
from server.membership import authority, members, registration
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


@dataclass
class Registry:
    """Flower's rules: a key registers once, and after it was unregistered never again; optionally breaking down."""

    live: dict[str, int] = field(default_factory=dict)
    burnt: set[str] = field(default_factory=set)
    number: int = 0
    calls_left: int = 1000

    def _call(self) -> None:
        self.calls_left -= 1
        if self.calls_left < 0:
            raise FederationError("SuperLink: found no answer")

    def register(self, public_key: str) -> int:
        self._call()
        if public_key in self.live or public_key in self.burnt:
            raise FederationError("Public key already in use.")
        self.number += 1
        self.live[public_key] = self.number
        return self.number

    def unregister(self, node_id: int) -> None:
        self._call()
        (key,) = [key for key, number in self.live.items() if number == node_id]
        del self.live[key]
        self.burnt.add(key)

    def registered(self) -> dict[str, int]:
        self._call()
        return dict(self.live)


@pytest.fixture(scope="module")
def ca_pem(tmp_path_factory: pytest.TempPathFactory) -> str:
    folder = tmp_path_factory.mktemp("ca")
    authority.make_authority(folder, "demo", NOW)
    return (folder / authority.CA_CERTIFICATE).read_text()


def new_key() -> str:
    public = ec.generate_private_key(ec.SECP384R1()).public_key()
    return public.public_bytes(serialization.Encoding.OpenSSH, serialization.PublicFormat.OpenSSH).decode()


def letter(folder: Path, site: str, ca_pem: str, key: str | None = None) -> Enrolment:
    """Invite a site, again if it is there, and let it answer."""
    known = {member.site: member for member in members.read_members(folder)}
    member = members.invite(known.get(site, Member(site=site)), NOW, 14)
    members.write_member(folder, member)
    return answer(members.letter_of(member, FEDERATION, ca_pem), key or new_key(), NOW)


def admit(folder: Path, said: Enrolment, link: Registry) -> Member:
    return registration.admit(folder, FEDERATION, said, link, NOW)


def test_approval_registers_first_and_writes_then(tmp_path: Path, ca_pem: str) -> None:
    link, said = Registry(), letter(tmp_path, "east", ca_pem)
    waiting = members.invitation_file(tmp_path, "east")
    waiting.parent.mkdir()
    waiting.write_text("{}")
    member = admit(tmp_path, said, link)
    assert link.live == {said.public_key: 1}
    assert member == members.read_member(tmp_path, "east")
    assert member.key is not None
    assert (member.state, member.key.node_id, member.invitation) == ("approved", 1, None)
    assert not waiting.exists()


@pytest.mark.parametrize("calls", [0, 1])
def test_nothing_is_approved_while_the_superlink_is_away(tmp_path: Path, ca_pem: str, calls: int) -> None:
    said = letter(tmp_path, "east", ca_pem)
    before = members.read_member(tmp_path, "east")
    with pytest.raises(FederationError, match="nothing was approved"):
        admit(tmp_path, said, Registry(calls_left=calls))
    assert members.read_member(tmp_path, "east") == before


def test_an_unfit_letter_reaches_no_superlink(tmp_path: Path, ca_pem: str) -> None:
    link, said = Registry(), letter(tmp_path, "east", ca_pem)
    letter(tmp_path, "east", ca_pem)  # invited again: the first is void
    with pytest.raises(FederationError, match="replaced"):
        admit(tmp_path, said, link)
    assert link.live == {}


def test_a_crash_between_the_superlink_and_the_file(tmp_path: Path, ca_pem: str) -> None:
    """The key is there, the file says invited: the same letter again finds the key's own number."""
    link, said = Registry(), letter(tmp_path, "east", ca_pem)
    link.register(new_key())
    number = link.register(said.public_key)
    assert admit(tmp_path, said, link).key.node_id == number  # type: ignore[union-attr]


def test_the_same_letter_again_changes_nothing_but_mends_the_superlink(tmp_path: Path, ca_pem: str) -> None:
    link, said = Registry(), letter(tmp_path, "east", ca_pem)
    first = admit(tmp_path, said, link)
    assert admit(tmp_path, said, link) == first
    empty = Registry(number=40)
    again = admit(tmp_path, said, empty)
    assert empty.live == {said.public_key: 41}
    assert again.key is not None
    assert first.key is not None
    assert (again.key.node_id, again.key.expires) == (41, first.key.expires)


def test_a_replaced_key_works_until_the_new_one_is_approved(tmp_path: Path, ca_pem: str) -> None:
    link = Registry()
    old = letter(tmp_path, "east", ca_pem)
    admit(tmp_path, old, link)
    new = letter(tmp_path, "east", ca_pem)
    assert set(link.live) == {old.public_key}
    member = admit(tmp_path, new, link)
    assert set(link.live) == {new.public_key}
    assert member.retired == (fingerprint_of(old.public_key),)
    with pytest.raises(FederationError, match="used"):
        admit(tmp_path, old, link)


def test_an_old_key_that_could_not_be_shut_out_is_shut_out_later(tmp_path: Path, ca_pem: str) -> None:
    link = Registry()
    admit(tmp_path, letter(tmp_path, "east", ca_pem), link)
    new = letter(tmp_path, "east", ca_pem)
    link.calls_left = 2
    with pytest.raises(FederationError, match="east is approved, but its key before is not shut out"):
        admit(tmp_path, new, link)
    assert len(link.live) == 2
    link.calls_left = 1000
    assert admit(tmp_path, new, link).state == "approved"
    assert set(link.live) == {new.public_key}


def test_revoked_while_the_superlink_was_away_then_invited_again(tmp_path: Path, ca_pem: str) -> None:
    link = Registry()
    old = letter(tmp_path, "east", ca_pem)
    member = members.revoke(admit(tmp_path, old, link), "lost laptop")
    members.write_member(tmp_path, member)
    new = letter(tmp_path, "east", ca_pem)
    assert old.public_key in link.live
    admit(tmp_path, new, link)
    assert set(link.live) == {new.public_key}


def test_retired_keys_are_shut_out_once_and_others_left(tmp_path: Path, ca_pem: str) -> None:
    link = Registry()
    east, west = (admit(tmp_path, letter(tmp_path, site, ca_pem), link) for site in ("east", "west"))
    gone = members.revoke(east, "left")
    assert registration.drop_retired([gone, west], link) == 1
    assert registration.drop_retired([gone, west], link) == 0
    assert west.key is not None
    assert set(link.live) == {west.key.public_key}


def test_a_superlink_that_lost_everything_gets_what_is_valid(tmp_path: Path, ca_pem: str) -> None:
    link = Registry()
    names = ("east", "west", "north", "south")
    east, west, north, south = (admit(tmp_path, letter(tmp_path, site, ca_pem), link) for site in names)
    north = members.revoke(north, "left")
    late = members.approve(south, letter(tmp_path, "south", ca_pem), 4, NOW - timedelta(days=366), 365)
    lost = Registry(number=10)
    changed, problems = registration.register_all([east, west, north, late, Member(site="new")], lost, NOW)
    assert [(member.site, member.key.node_id) for member in changed if member.key] == [("east", 11), ("west", 12)]
    assert problems == []
    assert len(lost.live) == 2
    assert registration.register_all(changed, lost, NOW) == ([], [])


def test_one_key_that_cannot_be_registered_does_not_stop_the_others(tmp_path: Path, ca_pem: str) -> None:
    link = Registry()
    everybody = [admit(tmp_path, letter(tmp_path, site, ca_pem), link) for site in ("east", "west")]
    assert everybody[0].key is not None
    lost = Registry(burnt={everybody[0].key.public_key}, number=10)
    changed, problems = registration.register_all(everybody, lost, NOW)
    assert [member.site for member in changed] == ["west"]
    assert len(lost.live) == 1
    (problem,) = problems
    assert problem.startswith("east: Public key already in use")
