"""Who is in the federation: one small file per hospital, and the steps from invited to approved to revoked.

Pure state, no network; whether an answer is fit is judged in answers.py, what the SuperLink must be told is in
registration.py. A key that was ever replaced or
revoked stays retired for good, in every hospital's name: a SuperLink never takes such a key again either.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from gmmas_core.atomic import write_json
from gmmas_core.enrolment import SITE_NAME, Enrolment, Invitation, fingerprint_of, moment, new_code, new_id
from gmmas_core.types import DataError, FederationError
from server.membership.federation_file import SOON, Federation

FORMAT = 1
MEMBERS, INVITATIONS = Path("members"), Path("invitations")
INVITED, APPROVED, REVOKED = "invited", "approved", "revoked"
STATES = (INVITED, APPROVED, REVOKED)
MAX_BYTES = 2**20


@dataclass(frozen=True, kw_only=True)
class OpenInvitation:
    """One that was not answered yet; times are ISO 8601, UTC."""

    id: str
    code: str
    issued: str
    expires: str


@dataclass(frozen=True, kw_only=True)
class Key:
    """The public key of a hospital.

    Attributes:
        public_key: OpenSSH line.
        fingerprint: SHA256:..., of it.
        approved, expires: ISO 8601, UTC.
        node_id: the SuperLink's number for it when it was last told.
    """

    public_key: str
    fingerprint: str
    approved: str
    expires: str
    node_id: int | None


@dataclass(frozen=True, kw_only=True)
class Member:
    """One hospital.

    Attributes:
        site: its name.
        state: "invited", "approved" or "revoked".
        invitation: the open one, if any; an approved site has one while its key is being replaced.
        key: the approved one, or of a revoked site the last one.
        retired: fingerprints of every key that must never be used again.
        reason: why it was revoked.
    """

    site: str
    state: str = INVITED
    invitation: OpenInvitation | None = None
    key: Key | None = None
    retired: tuple[str, ...] = ()
    reason: str = ""


def invite(member: Member, now: datetime, days: int) -> Member:
    """With a new invitation; an older one is void. The key of an approved site stays in use until another is approved.

    Args:
        member: in any state.
        now: UTC.
        days: how long the invitation is valid.
    """
    ends = now + timedelta(days=days)
    invitation = OpenInvitation(id=new_id(), code=new_code(), issued=_text(now), expires=_text(ends))
    if member.state == APPROVED:
        return replace(member, invitation=invitation)
    return replace(member, invitation=invitation, state=INVITED, key=None, reason="")


def letter_of(member: Member, federation: Federation, ca_pem: str) -> Invitation:
    """The invitation as it is sent to the hospital.

    Raises:
        FederationError: the member has no open invitation.
    """
    if member.invitation is None:
        raise FederationError(f"{member.site}: found no open invitation; expected one; run rotate {member.site}")
    return Invitation(
        federation=federation.name,
        site=member.site,
        server=federation.address,
        ca_certificate=ca_pem,
        **asdict(member.invitation),
    )


def approve(member: Member, letter: Enrolment, node_id: int, now: datetime, days: int) -> Member:
    """With the letter's key; the invitation is used up and a key before is retired. `answers.require_fit` comes first.

    Args:
        member: as read.
        letter: fit, and its fingerprint compared.
        node_id: the SuperLink's number for the key.
        now: UTC.
        days: how long the key is valid.
    """
    fingerprint = fingerprint_of(letter.public_key)
    ends = _text(now + timedelta(days=days))
    key = Key(public_key=letter.public_key, fingerprint=fingerprint, approved=_text(now), expires=ends, node_id=node_id)
    before = [member.key.fingerprint] if member.key is not None and member.key.fingerprint != fingerprint else []
    retired = tuple(dict.fromkeys([*member.retired, *before]))
    return replace(member, state=APPROVED, invitation=None, key=key, retired=retired, reason="")


def revoke(member: Member, reason: str) -> Member:
    """Out of the federation: its key is retired and an open invitation void."""
    own = [member.key.fingerprint] if member.key is not None else []
    retired = tuple(dict.fromkeys([*member.retired, *own]))
    return replace(member, state=REVOKED, invitation=None, retired=retired, reason=reason)


def is_expired(member: Member, now: datetime) -> bool:
    """Whether an approved key is no longer valid."""
    return member.key is not None and now >= moment(member.key.expires)


def standing(member: Member, now: datetime) -> str:
    """The state in words, with what time has made of it."""
    if member.state == INVITED:
        is_open = member.invitation is not None and now < moment(member.invitation.expires)
        return INVITED if is_open else "invitation expired"
    if member.state == REVOKED or member.key is None:
        return REVOKED
    if is_expired(member, now):
        return "expired"
    return "expires soon" if moment(member.key.expires) - now < SOON else APPROVED


def read_member(folder: Path, site: str) -> Member:
    """One hospital of a federation folder.

    Raises:
        FederationError: it is not there, or its file is not as it was written.
    """
    if not SITE_NAME.fullmatch(site) or not _file(folder, site).exists():
        raise FederationError(
            f"site: found no member {site[:64]!r}; expected one of federation.yaml; add it there and run provision"
        )
    try:
        raw = _file(folder, site).read_bytes()
        return _parsed(json.loads(raw if len(raw) <= MAX_BYTES else b""), site)
    except (OSError, ValueError, TypeError, KeyError, RecursionError, DataError):
        raise FederationError(
            f"members/{site}.json: found no record of format {FORMAT}; expected it as it was written; restore it"
        ) from None


def read_members(folder: Path) -> list[Member]:
    """Every hospital, by name.

    Raises:
        FederationError: see read_member.
    """
    return [read_member(folder, path.stem) for path in sorted((folder / MEMBERS).glob("*.json"))]


def write_member(folder: Path, member: Member) -> None:
    """Write one hospital's file in one step, readable by its owner only."""
    write_json(_file(folder, member.site), {"format": FORMAT, **asdict(member), "retired": list(member.retired)})


def by_public_key(folder: Path) -> dict[str, Member]:
    """Approved hospitals by their key's OpenSSH line, those whose key has expired included.

    Raises:
        FederationError: see read_member.
    """
    approved = [member for member in read_members(folder) if member.state == APPROVED]
    return {member.key.public_key: member for member in approved if member.key is not None}


def invitation_file(folder: Path, site: str) -> Path:
    """Where a site's invitation waits to be sent."""
    return folder / INVITATIONS / f"{site}.invitation.json"


def _file(folder: Path, site: str) -> Path:
    return folder / MEMBERS / f"{site}.json"


def _text(time: datetime) -> str:
    return time.isoformat(timespec="seconds")


def _parsed(content: Any, site: str) -> Member:
    """Raises: ValueError, TypeError, KeyError, DataError: not a record of this site in this format."""
    names = {field.name for field in fields(Member)} | {"format"}
    if not isinstance(content, Mapping) or content.keys() != names or content["format"] != FORMAT:
        raise ValueError
    values = {name: value for name, value in content.items() if name != "format"}
    invitation = None if values["invitation"] is None else OpenInvitation(**values["invitation"])
    key = None if values["key"] is None else Key(**values["key"])
    texts = [*asdict(invitation).values()] if invitation is not None else []
    if key is not None:
        moment(key.expires)
        texts += [key.approved]
        if fingerprint_of(key.public_key) != key.fingerprint or type(key.node_id) not in (int, type(None)):
            raise ValueError
    if invitation is not None:
        moment(invitation.expires)
    texts += [values["reason"], *values["retired"]]
    fits = values["site"] == site and values["state"] in STATES and all(isinstance(text, str) for text in texts)
    if not fits or (values["state"] == APPROVED and key is None):
        raise ValueError
    return Member(**values | {"invitation": invitation, "key": key, "retired": tuple(values["retired"])})
