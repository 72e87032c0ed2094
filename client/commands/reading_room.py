"""`gmmas-site reading-room | reading-room-user`: the platform for doctors, and who may come in."""

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from client.commands.device import Device

if TYPE_CHECKING:
    from client.reading_room.room import Room
    from gmmas_core.checkpoint import LoadedModel

DEFAULT_FOLDER = Path("reading-room")
FIRST_USER = "clinician"

DataOption = Annotated[
    Path | None, typer.Option("--data", help="Folder of the room: studies, accounts, audit. Made when absent.")
]


class Role(StrEnum):
    """What somebody may do; see `access.roles`."""

    CLINICIAN = "clinician"
    TECHNICIAN = "technician"
    VIEWER = "viewer"
    ADMIN = "admin"


def register(app: typer.Typer) -> None:
    """Add these commands to the hospital's command line."""
    app.command(
        "reading-room",
        epilog="Examples: gmmas-site reading-room --model runs/demo/run/model\n\n"
        "gmmas-site reading-room --model releases/v3 --data /srv/reading-room --site north --port 8443",
    )(reading_room)
    app.command(
        "reading-room-user",
        epilog="Example: gmmas-site reading-room-user m.weber --role clinician --data /srv/reading-room",
    )(reading_room_user)
    app.command(
        "reading-room-backup",
        epilog="Example: gmmas-site reading-room-backup /backup/room-2026-01-31 --data /srv/reading-room",
    )(reading_room_backup)


def reading_room(
    model: Annotated[Path, typer.Option(help="Model folder that reads the studies, e.g. runs/demo/run/model.")],
    data: DataOption = None,
    host: Annotated[str, typer.Option(help="Address to listen on; this machine alone unless told.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port to listen on; 0 for any free one.")] = 8001,
    name: Annotated[
        list[str] | None, typer.Option(help="Name under which browsers reach the room; may be repeated.")
    ] = None,
    site: Annotated[str, typer.Option(help="Name of the hospital, shown on every page.")] = "this hospital",
    behind_tls: Annotated[
        bool,
        typer.Option("--behind-tls", help="Browsers come through a proxy with TLS; cookies over it alone."),
    ] = False,
    passes: Annotated[
        int | None, typer.Option(min=0, help="Stochastic passes per study; 0 for none; else as the model says, or 5.")
    ] = None,
    device: Annotated[Device, typer.Option(help="Where the model reads.")] = Device.AUTO,
    writer: Annotated[
        Path | None,
        typer.Option(help="YAML file naming a local language model that writes texts, e.g. Ollama's; else a template."),
    ] = None,
    phantoms: Annotated[
        bool, typer.Option("--phantoms", help="Put three computer-generated studies onto a new worklist.")
    ] = False,
) -> None:
    """Open the reading room: worklist, viewer, findings, reports. Research use only.

    Without --data it is a room to try out, with phantom studies and one account whose password is printed once.
    """
    from client.reading_room.room import Room
    from client.reading_room.service import listen, serve
    from client.reading_room.writer.settings import read_writer
    from gmmas_core.checkpoint import load_model
    from gmmas_core.types import DataError

    if passes == 1:
        raise DataError("--passes: found 1; expected 0 or at least 2; one pass has no spread")
    loaded = load_model(model)
    own = loaded.config.evaluation.mc_passes or DEFAULT_PASSES
    room = Room(
        folder=(data or DEFAULT_FOLDER).absolute(),
        site=site,
        model=model,
        secure_cookies=behind_tls,
        passes=own if passes is None else passes,
        device=device.value,
        writer=None if writer is None else read_writer(writer),
    )
    listener = listen(host, port)
    _prepare(room, is_trial=data is None, phantoms=phantoms or data is None)
    _tell(room, loaded, *listener.getsockname()[:2])
    serve(room, listener, tuple(name or ()))


DEFAULT_PASSES = 5
"""The fewest that give volumes a 5th and a 95th percentile."""


def _tell(room: "Room", loaded: "LoadedModel", address: str, port: int) -> None:
    """What somebody who has just started the room must know."""
    from gmmas_core.types import DISCLAIMER

    shown = f"[{address}]" if ":" in address else address
    typer.echo(f"{DISCLAIMER}\nmodel {loaded.model_id}")
    for warning in loaded.warnings:
        typer.echo(f"warning: {warning}")
    if address not in ("127.0.0.1", "::1") and not room.secure_cookies:
        typer.echo("warning: other machines can reach this room without TLS; put a proxy with TLS before it")
    if room.writer is not None:
        typer.echo(f"texts: {room.writer.name}, checked; else the template")
    typer.echo(f"reading room: http://{shown}:{port}/  (Ctrl-C ends it)")


def _prepare(room: "Room", *, is_trial: bool, phantoms: bool) -> None:
    """First start: accounts and phantom studies."""
    import secrets

    from client.reading_room.access.accounts import add_user, count_users
    from client.reading_room.phantoms import add_phantoms
    from client.reading_room.store.database import transaction
    from client.reading_room.store.jobs import SYSTEM
    from client.reading_room.store.studies import worklist

    with room.database() as connection:
        is_empty = not worklist(connection, limit=1)
        if not count_users(connection):
            if not is_trial:
                typer.echo(
                    f"no account yet: gmmas-site reading-room-user NAME --role admin --data {room.folder}", err=True
                )
            else:
                password = "-".join(secrets.token_hex(2) for _ in range(4))
                with transaction(connection):
                    add_user(connection, FIRST_USER, Role.CLINICIAN, password, by=SYSTEM)
                typer.echo(f"sign in as {FIRST_USER} with the password {password} (printed this once)")
    if phantoms and is_empty:
        typer.echo(f"phantom studies on the worklist: {add_phantoms(room)}")


def reading_room_user(
    name: Annotated[str, typer.Argument(help="User name: small letters, digits, dots, dashes.")],
    role: Annotated[Role, typer.Option(help="What this person may do.")],
    data: DataOption = None,
) -> None:
    """Add an account to a reading room; the password is asked for, twice, or read from standard input."""
    import sys

    from client.reading_room.access.accounts import add_user
    from client.reading_room.store.database import open_database, transaction
    from client.reading_room.store.jobs import SYSTEM
    from gmmas_core.types import DataError

    if sys.stdin.isatty():
        password = typer.prompt("Password", hide_input=True, confirmation_prompt=True)
    else:
        password = sys.stdin.readline(1000).rstrip("\n")
        if not password:
            raise DataError("password: found nothing on standard input; expected one line; type it there")
    connection = open_database(data or DEFAULT_FOLDER)
    with transaction(connection):
        add_user(connection, name, role, password, by=SYSTEM)
    connection.close()
    typer.echo(f"added {name}, {role.value}")


def reading_room_backup(
    target: Annotated[Path, typer.Argument(help="New folder for the copy, readable by its owner alone.")],
    data: DataOption = None,
) -> None:
    """Copy a reading room while it is in use: database, images, findings. To restore, give the copy as --data."""
    from client.reading_room.backup import back_up_room

    studies = back_up_room(data or DEFAULT_FOLDER, target)
    typer.echo(f"copied: {studies} studies, accounts and audit")
