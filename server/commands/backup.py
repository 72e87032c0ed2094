"""`gmmas-coordinator health | backup | restore`: is it well, and what if its machine is lost?"""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

FederationArgument = Annotated[
    Path, typer.Argument(metavar="FEDERATION", help="Folder of the federation, see provision.")
]
Json = Annotated[bool, typer.Option("--json", help="Print the result as JSON.")]


def register(app: typer.Typer) -> None:
    """Add these commands to the coordinator's command line."""
    app.command("health")(health)
    app.command("backup")(backup)
    app.command("restore")(restore)


def health(federation: FederationArgument = Path("."), as_json: Json = False) -> None:
    """Ask whether the federation is being served right now: exit code 0 when it is, 1 when anything fails.

    Example:

        gmmas-coordinator health federation
    """
    from server.membership.federation_file import federation_folder
    from server.serving.health import health as ask

    lines = ask(federation_folder(federation), datetime.now(UTC))
    has_failed = any(line.verdict == "fail" for line in lines)
    if as_json:
        typer.echo(json.dumps({"ok": not has_failed, "health": [line.as_json() for line in lines]}, indent=1))
    else:
        typer.echo("\n".join(map(str, lines)))
    if has_failed:
        raise typer.Exit(1)


def backup(
    out: Annotated[Path, typer.Option("--out", metavar="FILE.tar", help="The file to be written.")],
    federation: FederationArgument = Path("."),
    runs: Annotated[
        list[Path] | None, typer.Option("--runs", metavar="RUN", help="Folder of a run; may be given several times.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Copy the federation and its runs into one file, while it serves and plays. The file holds private keys.

    Example:

        gmmas-coordinator backup federation --runs runs/first --out 2026-03-01.tar
    """
    from server.backup.make import back_up
    from server.membership.federation_file import federation_folder

    done = back_up(federation_folder(federation), runs or [], out, datetime.now(UTC))
    if as_json:
        typer.echo(json.dumps(done.as_json()))
        return
    typer.echo(f"backup: {out}, {done.files} files, {done.bytes / 2**20:.1f} MiB")
    for name, newest in done.runs.items():
        told = "no checkpoint yet" if newest is None else f"newest checkpoint of round {newest}"
        typer.echo(f"run {name}: {told}")
    typer.echo("it holds the authority's and the server's private keys: encrypt it before it leaves this machine")


def restore(
    archive: Annotated[Path, typer.Argument(metavar="FILE.tar", help="From gmmas-coordinator backup.")],
    into: Annotated[Path, typer.Argument(metavar="INTO", help="A folder that is absent or empty.")],
    as_json: Json = False,
) -> None:
    """Unpack a backup into an empty folder, once every file in it has been checked.

    What was decided after the backup is undone, revocations of hospitals too.

    Example:

        gmmas-coordinator restore 2026-03-01.tar restored
    """
    from server.backup.restore import restore as unpack
    from server.backup.restored import WARNING

    manifest = unpack(archive, into, datetime.now(UTC))
    runs = sorted({name.split("/")[1] for name in manifest["files"] if name.startswith("runs/")})
    if as_json:
        typer.echo(json.dumps({"into": str(into), "made": manifest["made"], "runs": runs, "warning": WARNING}))
        return
    typer.echo(f"restored: {into / 'federation'}, as it was at {manifest['made']}")
    for run in runs:
        typer.echo(f"run: {into / 'runs' / run}")
    typer.echo(f"warning: {WARNING}")
