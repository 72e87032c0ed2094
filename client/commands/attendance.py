"""`gmmas-site pause | resume | leave`: whether this hospital takes part."""

import json
from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

FolderArgument = Annotated[Path, typer.Argument(metavar="SITE", help="Site folder, or its site.yaml.")]
Reason = Annotated[str, typer.Option(metavar="TEXT", help="Why; stays at this site.")]
Json = Annotated[bool, typer.Option("--json", help="Print the outcome as JSON.")]


def register(app: typer.Typer) -> None:
    """Add these commands to the hospital's command line."""
    app.command("pause", epilog='Example: gmmas-site pause north --reason "scanner data under review"')(pause)
    app.command("resume", epilog="Example: gmmas-site resume north")(resume)
    app.command("leave", epilog='Example: gmmas-site leave north --reason "the study has ended"')(leave)


def pause(folder: FolderArgument, reason: Reason = "", as_json: Json = False) -> None:
    """Refuse to train and to evaluate until resume. The node may run on; what it computes now is finished and sent."""
    from client.node import attendance

    _stay_away(folder, attendance.PAUSED, reason, as_json)


def leave(folder: FolderArgument, reason: Reason = "", as_json: Json = False) -> None:
    """Refuse everything from now on. Then end the node, and ask the coordinator to revoke this site's key."""
    from client.node import attendance

    _stay_away(folder, attendance.LEFT, reason, as_json)


def resume(folder: FolderArgument, as_json: Json = False) -> None:
    """Take part again."""
    from client.node import attendance
    from client.site import read_site

    site = read_site(folder)
    was_away = attendance.come_back(site)
    told = f"{site.name}: takes part again" if was_away else f"{site.name}: was not away"
    typer.echo(json.dumps({"site": site.name, "was_away": was_away}) if as_json else told)


def _stay_away(folder: Path, state: str, reason: str, as_json: bool) -> None:
    from client.node import attendance
    from client.site import read_site

    site = read_site(folder)
    attendance.stay_away(site, state, reason, datetime.now().astimezone())
    told = f"{site.name}: {state}; gmmas-site resume {folder} undoes it"
    typer.echo(json.dumps({"site": site.name, "state": state}) if as_json else told)
