"""What the SuperLink is told: which keys may connect.

The members' files are the truth and the SuperLink follows. Every step finds a key by itself, not by the number the
SuperLink once gave it, so each can be repeated after a crash, and a SuperLink that lost its database gets its keys
again. A SuperLink knows no expiry: an expired key is refused by the rounds, not here.
"""

import tempfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Protocol

from gmmas_core.enrolment import Enrolment, fingerprint_of
from gmmas_core.types import DataError, FederationError
from server.launching.flower_commands import SuperLink
from server.membership import answers, members
from server.membership.authority import CA_CERTIFICATE
from server.membership.federation_file import Federation
from server.membership.members import Member


class Registrar(Protocol):
    """What is asked of a SuperLink."""

    def register(self, public_key: str) -> int:
        """Add a key; the node's number."""

    def unregister(self, node_id: int) -> None:
        """Remove a node."""

    def registered(self) -> dict[str, int]:
        """Node numbers by key."""


@contextmanager
def superlink(folder: Path, address: str) -> Iterator[SuperLink]:
    """The SuperLink of a federation folder, over TLS with its authority; Flower's own files vanish afterwards."""
    with tempfile.TemporaryDirectory(prefix="gmmas-flwr-") as home:
        yield SuperLink(address, folder / CA_CERTIFICATE, Path(home))


def admit(folder: Path, federation: Federation, letter: Enrolment, link: Registrar, now: datetime) -> Member:
    """Approve a letter whose fingerprint two people have compared: the SuperLink first, then the member's file.

    The same letter again registers a key that the SuperLink forgot. A key before is shut out last.

    Raises:
        FederationError: the letter is not fit, or the SuperLink did not take it; nobody is approved then.
    """
    everybody = {member.site: member for member in members.read_members(folder)}
    member = members.read_member(folder, letter.site)
    again = answers.is_approved_already(member, letter)
    if not again:
        others = [other for site, other in everybody.items() if site != member.site]
        answers.require_fit(member, letter, others, federation.name, now)
    try:
        node_id = _ensure(link, link.registered(), letter.public_key)
    except FederationError as error:
        raise FederationError(f"{error}; nothing was approved") from None
    if again and member.key is not None:
        approved = replace(member, key=replace(member.key, node_id=node_id))
    else:
        approved = members.approve(member, letter, node_id, now, federation.site_days)
    members.write_member(folder, approved)
    if approved.invitation is None:
        members.invitation_file(folder, approved.site).unlink(missing_ok=True)
    try:
        drop_retired([approved], link)
    except FederationError as error:
        raise FederationError(f"{approved.site} is approved, but its key before is not shut out yet; {error}") from None
    return approved


def drop_retired(everybody: Iterable[Member], link: Registrar) -> int:
    """Shut out every key that was revoked or replaced.

    Returns:
        How many the SuperLink still had.

    Raises:
        FederationError: the SuperLink did not answer.
    """
    retired = {fingerprint for member in everybody for fingerprint in member.retired}
    still = [node_id for line, node_id in link.registered().items() if _fingerprint(line) in retired]
    for node_id in still:
        link.unregister(node_id)
    return len(still)


def register_all(everybody: Sequence[Member], link: Registrar, now: datetime) -> tuple[list[Member], list[str]]:
    """Make the SuperLink know every approved, unexpired key, and none that is retired.

    Args:
        everybody: all members.
        link: the SuperLink.
        now: UTC.

    Returns:
        Members whose node number is another now, to be written; one sentence per site that could not be registered.

    Raises:
        FederationError: the SuperLink did not answer.
    """
    known, changed, problems = link.registered(), [], []
    for member in everybody:
        if member.state != members.APPROVED or member.key is None or members.is_expired(member, now):
            continue
        try:
            node_id = _ensure(link, known, member.key.public_key)
        except FederationError as error:
            problems.append(f"{member.site}: {error}")
            continue
        if node_id != member.key.node_id:
            changed.append(replace(member, key=replace(member.key, node_id=node_id)))
    drop_retired(everybody, link)
    return changed, problems


def _ensure(link: Registrar, known: dict[str, int], public_key: str) -> int:
    return known[public_key] if public_key in known else link.register(public_key)


def _fingerprint(line: str) -> str:
    """ "" for a key of another kind, which no member has."""
    try:
        return fingerprint_of(line)
    except DataError:
        return ""
