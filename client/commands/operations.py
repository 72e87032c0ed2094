"""`gmmas-site health | log`: is the node alive, and what has it done."""

import json
from pathlib import Path
from typing import Annotated

import typer

FolderArgument = Annotated[Path, typer.Argument(metavar="SITE", help="Site folder, or its site.yaml.")]

FOLLOW_S = 0.5
"""Pause between two looks for new lines."""


def register(app: typer.Typer) -> None:
    """Add these commands to the hospital's command line."""
    app.command("health", epilog="Example: gmmas-site health north --limit 120")(health)
    app.command("log", epilog="Examples: gmmas-site log north --last 50\n\ngmmas-site log north --follow")(log)


def health(
    folder: FolderArgument,
    limit: Annotated[float, typer.Option(min=1, help="Seconds after which a heartbeat is stale.")] = 120.0,
    as_json: Annotated[bool, typer.Option("--json", help="Print everything as JSON.")] = False,
) -> None:
    """Whether this hospital's node is alive, by its heartbeat; exit code 0 if it is, else 1."""
    from datetime import UTC, datetime

    from client.node.health import health as ask
    from client.site import read_site

    found = ask(read_site(folder), datetime.now(UTC), limit)
    typer.echo(json.dumps(found.facts | {"found": found.found, "action": found.action}) if as_json else str(found))
    if not found.is_well:
        raise typer.Exit(1)


def log(
    folder: FolderArgument,
    last: Annotated[int, typer.Option(min=0, help="Newest events to print.")] = 20,
    follow: Annotated[bool, typer.Option("--follow", help="Go on with new events until Ctrl-C.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print events as JSON lines, as they are stored.")] = False,
) -> None:
    """What this hospital's node did: asked, trained, refused ... The log holds nothing that names a patient."""
    import time

    from client.node.event_reading import EventReader, event_text
    from client.site import read_site

    reader = EventReader(read_site(folder).state)
    events = reader.so_far()
    while True:
        for event in events[len(events) - last :] if last < len(events) else events:
            typer.echo(json.dumps(event) if as_json else event_text(event))
        if not follow:
            return
        time.sleep(FOLLOW_S)
        events, last = reader.since(), 10**9
