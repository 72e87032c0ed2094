"""`gmmas-coordinator provision | approve | revoke | rotate | list`: who may take part, from invitation to farewell."""

import json
import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from server.membership.federation_file import Federation
    from server.membership.members import Member

SiteArgument = Annotated[str, typer.Argument(metavar="SITE", help="The hospital's name in federation.yaml.")]
FolderOption = Annotated[Path, typer.Option("--federation", metavar="DIR", help="Folder of federation.yaml.")]
LinkOption = Annotated[str, typer.Option(metavar="HOST:PORT", help="The SuperLink, as reached from here.")]
HERE, LOOPBACK = Path("."), "127.0.0.1:8000"


def register(app: typer.Typer) -> None:
    """Add the commands to the coordinator's command line."""
    app.command("provision", epilog="Example: gmmas-coordinator provision federation.yaml")(provision)
    app.command("approve", epilog="Example: gmmas-coordinator approve east east.enrolment.json")(approve)
    app.command("revoke", epilog='Example: gmmas-coordinator revoke east --reason "left the study"')(revoke)
    app.command("rotate", epilog="Example: gmmas-coordinator rotate east")(rotate)
    app.command("list", epilog="Example: gmmas-coordinator list --federation federation")(list_members)


def provision(
    federation: Annotated[Path, typer.Argument(metavar="FEDERATION_YAML", help="federation.yaml or its folder.")],
    renew: Annotated[bool, typer.Option("--renew-server", help="Sign a new certificate for the server.")] = False,
) -> None:
    """Make what a federation lacks: its authority, the server's certificate, an invitation for each new hospital.

    Nothing that is there is made again, so the command may be repeated, e.g. after adding a hospital.
    """
    from server.membership import authority
    from server.membership.federation_file import federation_folder, read_federation
    from server.records.run_lock import run_lock

    folder = federation_folder(federation)
    settings, now = read_federation(folder), datetime.now(UTC)
    with run_lock(folder):
        made = (
            ["authority (ca/): keep ca/ca.key secret"] if authority.make_authority(folder, settings.name, now) else []
        )
        if authority.make_server(folder, settings, now):
            made.append("certificate of the server (server/)")
        elif renew:
            authority.renew_server(folder, settings, now)
            made.append("new certificate of the server (server/server.crt); restart the SuperLink")
        waiting, notes = _invite_missing(folder, settings, now)
    lines = [f"made: {line}" for line in made] or ["nothing to make: authority and server certificate are there"]
    lines += [f"invitation: {path}" for path in waiting]
    if waiting:
        lines.append("next: send each invitation to its hospital alone, on a confidential way (e.g. the hospital's own")
        lines.append("encrypted mail); the hospital runs gmmas-site enrol and sends its answer back; then run")
        lines.append("gmmas-coordinator approve SITE SITE.enrolment.json with the hospital on the telephone")
    lines += [f"warning: {line}" for line in [*notes, *authority.warnings(folder, settings, now)]]
    typer.echo("\n".join(lines))


def approve(
    site: SiteArgument,
    enrolment: Annotated[Path, typer.Argument(metavar="ENROLMENT", help="The hospital's answer.")],
    federation: FolderOption = HERE,
    fingerprint: Annotated[
        str | None, typer.Option(metavar="SHA256:...", help="As the hospital reads it out over the telephone.")
    ] = None,
    superlink: LinkOption = LOOPBACK,
) -> None:
    """Let a hospital's key in, after two people have compared the enrolment's fingerprint over the telephone."""
    from gmmas_core.enrolment import Enrolment, read_letter, spoken_fingerprint
    from server.membership import answers, authority, members, registration
    from server.membership.federation_file import federation_folder, read_federation
    from server.records.run_lock import run_lock

    folder = federation_folder(federation)
    settings, letter, now = read_federation(folder), read_letter(enrolment, Enrolment), datetime.now(UTC)
    member = members.read_member(folder, site)
    if letter.site != site or not answers.is_approved_already(member, letter):
        others = [other for other in members.read_members(folder) if other.site != site]
        answers.require_fit(member, letter, others, settings.name, now)
        own = (folder / authority.CA_CERTIFICATE).read_bytes()
        _compare_fingerprint(site, spoken_fingerprint(letter.public_key, own, settings.address), fingerprint)
    with run_lock(folder), registration.superlink(folder, superlink) as link:
        approved = registration.admit(folder, settings, letter, link, now)
    if approved.key is not None:
        typer.echo(f"approved {site}: {approved.key.fingerprint}, until {approved.key.expires[:10]}")
        typer.echo(f"next: tell the hospital to run gmmas-site start; delete {enrolment.name} and the sent invitation")


def revoke(
    site: SiteArgument,
    reason: Annotated[str, typer.Option(metavar="TEXT", help="Why; kept with the member.")],
    federation: FolderOption = HERE,
    superlink: LinkOption = LOOPBACK,
) -> None:
    """Shut a hospital out, at once and for good; its key is never accepted again."""
    from gmmas_core.types import FederationError
    from server.membership import members, registration
    from server.membership.federation_file import federation_folder
    from server.records.run_lock import run_lock

    if not reason.strip() or len(reason) > 500:
        raise FederationError("--reason: found none, or more than 500 characters; expected a sentence")
    folder = federation_folder(federation)
    with run_lock(folder):
        revoked = members.revoke(members.read_member(folder, site), reason.strip())
        members.write_member(folder, revoked)
        members.invitation_file(folder, site).unlink(missing_ok=True)
        try:
            with registration.superlink(folder, superlink) as link:
                registration.drop_retired([revoked], link)
        except FederationError as error:
            raise FederationError(
                f"{site} is revoked here, but the SuperLink was not told; {error}; then repeat this command"
            ) from None
    typer.echo(f"revoked {site}: its key is shut out; to invite it again, run gmmas-coordinator rotate {site}")


def rotate(site: SiteArgument, federation: FolderOption = HERE) -> None:
    """Invite a hospital again: for a new key, or because its invitation was lost or expired.

    An approved key stays in use until the new one is approved.
    """
    from server.membership import members
    from server.membership.federation_file import federation_folder, read_federation
    from server.records.run_lock import run_lock

    folder = federation_folder(federation)
    settings, now = read_federation(folder), datetime.now(UTC)
    with run_lock(folder):
        invited = members.invite(members.read_member(folder, site), now, settings.invitation_days)
        path = _write_invitation(folder, settings, invited)
    typer.echo(f"invitation: {path}\nnext: send it to {site} alone, on a confidential way; an older one is void")
    if invited.state == members.APPROVED:
        typer.echo("its present key stays in use until the new one is approved")


def list_members(
    federation: FolderOption = HERE,
    superlink: LinkOption = LOOPBACK,
    register_all: Annotated[
        bool, typer.Option("--register", help="Tell the SuperLink every approved key again, e.g. after it lost them.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the result as JSON.")] = False,
) -> None:
    """Show who belongs to the federation, whose key ends when, and whether the SuperLink has it."""
    from gmmas_core.types import FederationError
    from server.membership import authority, members, registration
    from server.membership.federation_file import federation_folder, read_federation
    from server.records.run_lock import run_lock

    folder = federation_folder(federation)
    settings, now = read_federation(folder), datetime.now(UTC)
    warnings = authority.warnings(folder, settings, now)
    problems: list[str] = []
    with registration.superlink(folder, superlink) as link:
        if register_all:
            with run_lock(folder):
                changed, problems = registration.register_all(members.read_members(folder), link, now)
                for member in changed:
                    members.write_member(folder, member)
        everybody = members.read_members(folder)
        try:
            known = link.registered()
        except FederationError as error:
            known = None
            warnings.append(str(error))
    content = {
        "federation": settings.name,
        "authority_expires": authority.ca_certificate(folder).not_valid_after_utc.isoformat(),
        "server_expires": authority.server_certificate(folder).not_valid_after_utc.isoformat(),
        "warnings": [*warnings, *_strays(everybody, known)],
        "sites": [_row(member, known, now) for member in everybody],
    }
    typer.echo(json.dumps(content) if as_json else "\n".join(_table(content)))
    if problems:
        raise FederationError("\n".join(problems))


def _invite_missing(folder: Path, settings: "Federation", now: datetime) -> tuple[list[Path], list[str]]:
    """Invitations that wait to be sent, made where a site has none yet, and what the coordinator should know."""
    from server.membership import members

    there = {member.site: member for member in members.read_members(folder)}
    waiting, notes = [], []
    for site in settings.sites:
        member = there.get(site) or members.invite(members.Member(site=site), now, settings.invitation_days)
        if member.invitation is None:
            continue
        if members.standing(member, now) == "invitation expired":
            notes.append(f"the invitation of {site} has expired; run gmmas-coordinator rotate {site}")
        else:
            waiting.append(_write_invitation(folder, settings, member))
    for site in sorted(there.keys() - set(settings.sites)):
        if there[site].state != members.REVOKED:
            notes.append(f"{site} is a member but not in federation.yaml; add it there, or revoke it")
    return waiting, notes


def _write_invitation(folder: Path, settings: "Federation", member: "Member") -> Path:
    """Write a member, then its letter: a crash in between leaves a member whose letter provision writes again."""
    from gmmas_core.enrolment import write_letter
    from server.membership import authority, members

    ca_pem = (folder / authority.CA_CERTIFICATE).read_text()
    path = members.invitation_file(folder, member.site)
    letter = members.letter_of(member, settings, ca_pem)
    members.write_member(folder, member)
    write_letter(path, letter)
    return path


def _compare_fingerprint(site: str, found: str, said: str | None) -> None:
    from gmmas_core.types import FederationError

    stop = "do not approve; somebody may have answered in the hospital's place"
    if said is None and not sys.stdin.isatty():
        raise FederationError(
            "approve: found no terminal to ask at; expected --fingerprint SHA256:... as the hospital reads it out "
            "over the telephone"
        )
    if said is not None and said.strip() != found:
        raise FederationError(f"approve {site}: found the fingerprint {found}; expected the one given; {stop}")
    if said is None:
        typer.echo(f"fingerprint of the enrolment of {site}:\n  {found}")
        if not typer.confirm("Call the hospital on a number you know. Does it read out the same, letter by letter?"):
            raise FederationError(f"approve {site}: found another fingerprint; expected the same; {stop}")


def _row(member: "Member", known: Mapping[str, int] | None, now: datetime) -> dict[str, Any]:
    from server.membership.members import standing

    key = member.key
    has = "unknown" if known is None else ("yes" if key is not None and key.public_key in known else "no")
    return {
        "site": member.site,
        "state": standing(member, now),
        "fingerprint": key.fingerprint if key is not None else None,
        "expires": key.expires if key is not None else (member.invitation.expires if member.invitation else None),
        "superlink": has,
        "invited_again": member.key is not None and member.invitation is not None,
        "reason": member.reason,
    }


def _strays(everybody: "list[Member]", known: Mapping[str, int] | None) -> list[str]:
    """Keys at the SuperLink that no approved site has: revoked while it was away, or added past these commands."""
    ours = {member.key.public_key for member in everybody if member.key is not None and member.state == "approved"}
    number = len((known or {}).keys() - ours)
    said = (
        f"the SuperLink lets in {number} keys of no approved site; run list --register, which shuts out retired ones; "
    )
    return [said + "what is left then was added past these commands"] if number else []


def _table(content: Mapping[str, Any]) -> list[str]:
    ends = f"authority until {content['authority_expires'][:10]}, server until {content['server_expires'][:10]}"
    lines = [f"federation {content['federation']}: {ends}", *(f"warning: {line}" for line in content["warnings"])]
    for row in content["sites"]:
        words = [row["site"].ljust(16), row["state"].ljust(18), (row["expires"] or "-")[:10].ljust(10)]
        words += [f"superlink: {row['superlink']}".ljust(18), row["fingerprint"] or "-"]
        words += ["invited again"] if row["invited_again"] else []
        lines.append("  ".join([*words, row["reason"]]).rstrip())
    return lines
