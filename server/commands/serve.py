"""`gmmas-coordinator serve | check`: the server to which hospitals connect, and whether all is ready for it."""

import json
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from gmmas_core.types import DISCLAIMER


def register(app: typer.Typer) -> None:
    """Add these commands to the coordinator's command line."""
    app.command("check")(check)
    app.command("serve")(serve)


def check(
    federation: Annotated[
        Path, typer.Argument(metavar="FEDERATION", help="Folder of the federation, see provision.")
    ] = Path("."),
    superlink: Annotated[str, typer.Option(metavar="HOST:PORT", help="The SuperLink.")] = "127.0.0.1:8000",
    as_json: Annotated[bool, typer.Option("--json", help="Print the lines as JSON.")] = False,
) -> None:
    """Ask everything that a federation's server needs: pass, warn or fail, and what to do. Changes nothing.

    Example:

        gmmas-coordinator check federation
    """
    from server.membership.federation_file import federation_folder
    from server.serving.preflight import preflight

    lines = preflight(federation_folder(federation), superlink, datetime.now(UTC))
    has_failed = any(line.verdict == "fail" for line in lines)
    if as_json:
        typer.echo(json.dumps({"ok": not has_failed, "preflight": [line.as_json() for line in lines]}, indent=1))
    else:
        typer.echo("\n".join(map(str, lines)))
    if has_failed:
        raise typer.Exit(1)


def serve(
    federation: Annotated[
        Path, typer.Argument(metavar="FEDERATION", help="Folder of the federation, see provision.")
    ] = Path("."),
    host: Annotated[str, typer.Option(help="Address of this machine on which hospitals are served.")] = "0.0.0.0",
    port: Annotated[
        int | None, typer.Option(min=1, max=65535, help="Port for hospitals.", show_default="as in federation.yaml")
    ] = None,
    superlink_port: Annotated[
        int, typer.Option(min=1, max=65535, help="Port on this machine for launch and approve.")
    ] = 8000,
) -> None:
    """Serve hospitals until told to end: Flower's SuperLink, its executor, and nginx in front of them.

    Outside, only /v1/fleet/ and /health can be reached. Inside, whoever has an account on this machine can start runs:
    keep other people off it.

    Example:

        gmmas-coordinator serve federation
    """
    from server.membership.federation_file import federation_folder, read_federation
    from server.serving.serve import Server, serving

    folder = federation_folder(federation)
    public = port or int(read_federation(folder).address.rpartition(":")[2])
    server = Server(federation=folder, host=host, port=public, superlink_port=superlink_port)
    with serving(server) as started:
        typer.echo(
            f"serving hospitals on port {public}; launch and approve with --superlink 127.0.0.1:{superlink_port}\n"
            f"logs: {server.home}\n{DISCLAIMER}"
        )
        while True:
            started.require_kept()
            time.sleep(1)
