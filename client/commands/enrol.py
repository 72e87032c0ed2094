"""`gmmas-site enrol | start`: from an invitation to a node at work, with a key that never leaves this machine."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from client.joining.enrolment import Enrolled
    from client.site import Site

# cryptography and yaml are imported inside the commands, as everywhere on this command line: help answers at once.

RUNTIME_PORT = 9094

HINT = (
    "Starting the node. If it says 'Failed to activate SuperNode', the coordinator has not approved this key, or no "
    "longer; it keeps trying, and connects once it is approved. While the server does not answer, it says so after "
    "a minute, here and in gmmas-site log, and what to do."
)
"""Flower's own words for a refused key name neither the key nor the coordinator."""


def register(app: typer.Typer) -> None:
    """Add the enrolment commands to the site's command line."""
    app.command(
        "enrol",
        epilog="Examples: gmmas-site enrol north.invitation.json --data north\n\n"
        "gmmas-site enrol north.invitation.json --data north --label-convention brats2021",
    )(enrol)
    app.command("start", epilog="Example: gmmas-site start north")(start)


def enrol(
    invitation: Annotated[Path, typer.Argument(help="The coordinator's invitation, a JSON file. Keep it secret.")],
    data: Annotated[Path, typer.Option(help="Site folder; site.yaml is written there if it is absent.")],
    label_convention: Annotated[
        str | None, typer.Option(help="Needed when there is no site.yaml: brats2021, brats2023, msd or canonical.")
    ] = None,
    out: Annotated[Path | None, typer.Option(help="Answer to send; else SITE.enrolment.json in this folder.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the outcome as JSON.")] = False,
) -> None:
    """Make this hospital's key and write the answer to an invitation. A second invitation replaces the key."""
    from datetime import UTC, datetime

    from client.joining.enrolment import check_invitation
    from client.joining.enrolment import enrol as make
    from gmmas_core.enrolment import Invitation, read_letter, write_letter

    now = datetime.now(UTC)
    letter = read_letter(invitation, Invitation)
    check_invitation(letter, now)
    target = out or Path(f"{letter.site}.enrolment.json")
    _check_target(target)
    site, lines = _site(data, letter.site, label_convention)
    enrolled = make(site, letter, now)
    write_letter(target, enrolled.answer)
    content = _told(enrolled, letter, target)
    if as_json:
        typer.echo(json.dumps(content, indent=1))
    else:
        typer.echo("\n".join([*lines, *_words(enrolled, content, data, invitation)]))


def start(
    folder: Annotated[Path, typer.Argument(help="Site folder, with site.yaml.")],
    runtime_port: Annotated[
        int, typer.Option(min=1, max=65535, help="Port on which the node talks to itself, on this machine only.")
    ] = RUNTIME_PORT,
) -> None:
    """Run this hospital's node until it is told to end (Ctrl-C, SIGTERM). Training begins when the coordinator says."""
    import os
    import sys

    from client.node.command import node_command, node_environment, warnings_before_start

    command = node_command(folder, runtime_port)
    for warning in warnings_before_start(folder):
        typer.echo(f"warning: {warning}", err=True)
    environment = node_environment(folder)
    typer.echo(HINT, err=True)
    sys.stdout.flush()
    sys.stderr.flush()
    # In place of this process: signals reach the node's keeper itself, and its exit code is the command's.
    os.execve(command[0], command, environment)


def _check_target(target: Path) -> None:
    """Refuse to write over anything but an earlier answer, before a key is made."""
    from gmmas_core.enrolment import Enrolment, read_letter
    from gmmas_core.types import DataError

    if not target.parent.is_dir():
        raise DataError("--out: found no such folder; expected one that is there; create it")
    if target.exists():
        try:
            read_letter(target, Enrolment)
        except DataError:
            raise DataError("--out: found another file of this name; expected none; choose another name") from None


def _site(data: Path, name: str, label_convention: str | None) -> "tuple[Site, list[str]]":
    """The site, written first where there is none."""
    from client.commands.data import make_site
    from client.site import SITE_FILE, read_site
    from gmmas_core.types import DataError

    if data.is_file() or (data / SITE_FILE).exists():
        site = read_site(data)
        if label_convention not in (None, site.label_convention):
            raise DataError(
                f"{SITE_FILE}: found label_convention {site.label_convention}; expected what you gave; correct one"
            )
        return site, []
    if label_convention is None:
        raise DataError(
            f"{SITE_FILE}: found none; expected one, or --label-convention to write it; what do the masks' values mean?"
        )
    lines = make_site(data, name, label_convention)
    return read_site(data), lines


def _told(enrolled: "Enrolled", letter: Any, target: Path) -> dict[str, Any]:
    from gmmas_core.enrolment import spoken_fingerprint

    connection = enrolled.connection
    authority = letter.ca_certificate.encode()
    return {
        "federation": connection.federation,
        "site": connection.site,
        "server": connection.server,
        "fingerprint": spoken_fingerprint(enrolled.answer.public_key, authority, connection.server),
        "key_fingerprint": connection.fingerprint,
        "answer": str(target),
        "new_key": enrolled.is_new,
        "old_key": enrolled.kept,
    }


def _words(enrolled: "Enrolled", content: dict[str, Any], data: Path, invitation: Path) -> list[str]:
    """What a person reads, and does next."""
    kind, _, value = content["fingerprint"].partition(":")
    groups = " ".join(value[start : start + 4] for start in range(0, len(value), 4))
    made = "A key was made" if enrolled.is_new else "The key that was made for this invitation before is"
    lines = [f"{made} for site {content['site']} of the federation {content['federation']}."]
    if enrolled.kept:
        lines += [
            f"The key that was in use until now is kept beside it as {enrolled.kept}. A node that starts anew uses the",
            "new one, and waits until the coordinator has approved it.",
        ]
    return [
        *lines,
        "",
        "=" * 72,
        "  FINGERPRINT OF THIS ENROLMENT (its key, the authority and the server)",
        "",
        f"  {content['fingerprint']}",
        "",
        f"  to read aloud: {kind}, then {groups}",
        "=" * 72,
        "",
        "Next:",
        f"1. Send {content['answer']} to the coordinator. It is not secret.",
        "2. Read the fingerprint above to the coordinator on the telephone, on a number you knew before.",
        "   The coordinator approves only if the same one stands there.",
        f"3. When the coordinator has approved: delete {invitation.name}, then",
        f"   gmmas-site check {data} --connect",
        f"   gmmas-site start {data}",
    ]
