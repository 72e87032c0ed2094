"""Is a hospital's answer fit to be approved? Everything that can be known without a telephone.

Only the coordinator's own record of the invitation counts; what the answer says about time is not believed.
"""

from collections.abc import Iterable
from datetime import datetime

from cryptography.hazmat.primitives import serialization

from gmmas_core.enrolment import Enrolment, fingerprint_of, moment
from gmmas_core.types import FederationError
from server.membership.members import APPROVED, Member


def is_approved_already(member: Member, letter: Enrolment) -> bool:
    """Whether this letter's key is the site's present one, and the letter answers no newer invitation."""
    if member.state != APPROVED or member.key is None or letter.site != member.site:
        return False
    answers_open = member.invitation is not None and letter.invitation == member.invitation.id
    return letter.public_key == member.key.public_key and not answers_open


def require_fit(member: Member, letter: Enrolment, others: Iterable[Member], federation: str, now: datetime) -> None:
    """Everything that can be known about an answer without a telephone.

    Args:
        member: as which the coordinator is about to approve it.
        letter: the hospital's answer.
        others: every other member.
        federation: name of this one.
        now: UTC.

    Raises:
        FederationError: it must not be approved; the message says why and what to do.
    """
    site, again = member.site, f"run rotate {member.site} and send the new invitation"
    if letter.federation != federation or letter.site != site:
        raise FederationError(
            f"enrolment: found one of {letter.site} in {letter.federation}; expected {site} in {federation}; take the "
            "right file"
        )
    invitation = member.invitation
    if invitation is None or letter.invitation != invitation.id:
        raise FederationError(
            f"enrolment of {site}: found the answer to an invitation that is used, replaced or unknown; expected the "
            f"open one's; {again}"
        )
    if now >= moment(invitation.expires):
        raise FederationError(
            f"enrolment of {site}: found an invitation that expired on {invitation.expires[:10]}; expected a valid "
            f"one; {again}"
        )
    if not letter.is_proved_by(invitation.code):
        raise FederationError(
            f"enrolment of {site}: found a proof that does not fit; expected the invitation's holder; somebody altered "
            f"the file, or never had the invitation: ask the hospital, then {again}"
        )
    if letter.public_key != canonical(letter.public_key):
        raise FederationError(f"enrolment of {site}: found an unusual public key; expected gmmas-site enrol's; {again}")
    _require_new_key(member, fingerprint_of(letter.public_key), others, again)


def _require_new_key(member: Member, fingerprint: str, others: Iterable[Member], again: str) -> None:
    for other in others:
        if other.key is not None and other.key.fingerprint == fingerprint:
            raise FederationError(
                f"enrolment of {member.site}: found the key of {other.site}; expected one of its own; ask both "
                f"hospitals, then {again}"
            )
    if any(fingerprint in each.retired for each in (member, *others)):
        raise FederationError(
            f"enrolment of {member.site}: found a key that was retired; expected a new one; {again}; the hospital runs "
            "gmmas-site enrol with it"
        )


def canonical(public_key: str) -> str:
    """The one way to write a key as an OpenSSH line, so that equal keys are equal texts."""
    key = serialization.load_ssh_public_key(public_key.encode())
    return key.public_bytes(serialization.Encoding.OpenSSH, serialization.PublicFormat.OpenSSH).decode()
