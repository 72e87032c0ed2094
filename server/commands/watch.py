"""`gmmas-coordinator watch | export-mlflow`: look at a run, on the terminal, in a browser, or in another tool."""

import json
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gmmas_core.types import DISCLAIMER, FederationError

if TYPE_CHECKING:
    from server.dashboard.status import RunStatus
    from server.dashboard.watching import RunWatcher

RunArgument = Annotated[Path, typer.Argument(metavar="RUN", help="Folder of the run.")]

# matplotlib, hydra and FastAPI take seconds to import: what needs them is imported inside the commands.


def register(app: typer.Typer) -> None:
    """Add the commands that look at a run to the coordinator's command line."""
    app.command(
        "watch",
        epilog="Examples: gmmas-coordinator watch runs/demo/run\n\ngmmas-coordinator watch runs/demo/run --web",
    )(watch)
    app.command(
        "export-mlflow", epilog="Example: gmmas-coordinator export-mlflow runs/demo/run --uri http://127.0.0.1:5000"
    )(export_mlflow)


def watch(
    run: RunArgument,
    web: Annotated[bool, typer.Option("--web", help="Serve a page instead; Ctrl-C ends it.")] = False,
    host: Annotated[str, typer.Option(help="Address of the page.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Port of the page; 0 takes a free one.", min=0, max=65535)] = 8600,
    once: Annotated[bool, typer.Option("--once", help="Show the run as it is now, and end.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the run as it is now as JSON, and end.")] = False,
    every: Annotated[float, typer.Option(help="Seconds between two looks.", min=0.1)] = 1.0,
) -> None:
    """Watch a run until it ends: exit code 0 when it is finished, 1 when it has failed.

    Reads the run folder alone: works during a run, after it, and on a copied folder. A paused or silent run is watched
    on, because it may be resumed. Where the output is no terminal, one line is printed per change.
    """
    from server.dashboard.watching import RunWatcher
    from server.records.run_folder import RunFolder

    folder = RunFolder(run)
    must_be_there = once or as_json
    if not run.is_dir() or (must_be_there and not folder.ledger.is_file()):
        raise FederationError("run: found no ledger.jsonl; expected the folder of a run; check the path")
    if web:
        _serve(run, host, port)
        return
    watcher = RunWatcher(folder)
    if as_json:
        status = watcher.status()
        typer.echo(json.dumps(status.to_json(), allow_nan=False))
    elif once:
        status = watcher.status()
        _print_once(status)
    else:
        status = _follow(watcher, every)
    if status.state == "failed":
        raise typer.Exit(1)


def export_mlflow(
    run: RunArgument,
    uri: Annotated[str, typer.Option(help="MLflow's tracking address, e.g. http://127.0.0.1:5000 or a folder's.")],
    experiment: Annotated[str, typer.Option(help="Experiment in MLflow.")] = "gmmas-fed",
) -> None:
    """Copy a run's curves to an MLflow server; needs `pip install mlflow-skinny`. Sends sums over cases, no image."""
    from server.records.mlflow_export import export

    run_id = export(run, uri, experiment)
    typer.echo(f"MLflow run: {run_id}\n{DISCLAIMER}")


def _serve(run: Path, host: str, port: int) -> None:
    from server.dashboard.web import serve
    from server.records.run_folder import RunFolder
    from server.serving.direct import is_loopback

    def on_ready(address: str) -> None:
        typer.echo(f"dashboard: {address} (Ctrl-C ends it; the run goes on)\n{DISCLAIMER}")
        if not is_loopback(host):
            typer.echo(
                "dashboard: everyone who reaches this address can read it, unencrypted; "
                "put it behind a proxy with TLS and a login",
                err=True,
            )

    with suppress(KeyboardInterrupt):  # the way to end it, not a mishap
        serve(RunFolder(run), host, port, on_ready)


def _print_once(status: "RunStatus") -> None:
    from rich.console import Console

    from server.dashboard.terminal import view

    console = Console()
    console.print(view(status))


def _follow(watcher: "RunWatcher", every: float) -> "RunStatus":
    return _redraw(watcher, every) if sys.stdout.isatty() else _print_lines(watcher, every)


def _redraw(watcher: "RunWatcher", every: float) -> "RunStatus":
    from rich.console import Console
    from rich.live import Live

    from server.dashboard.status import ENDED
    from server.dashboard.terminal import view

    status = watcher.status()
    with Live(view(status), console=Console(), auto_refresh=False, vertical_overflow="ellipsis") as live:
        while status.state not in ENDED:
            time.sleep(every)
            status = watcher.status()
            live.update(view(status), refresh=True)
    return status


def _print_lines(watcher: "RunWatcher", every: float) -> "RunStatus":
    from server.dashboard.status import ENDED
    from server.dashboard.terminal import alert_line, line
    from server.dashboard.words import headline, replies

    typer.echo(DISCLAIMER)
    said: tuple[str, str] | None = None
    alerted: set[str] = set()
    while True:
        status = watcher.status()
        for alert in reversed(status.alerts):
            text = alert_line(alert)
            if text not in alerted:
                alerted.add(text)
                typer.echo(text)
        if (news := (headline(status), replies(status))) != said:
            said = news
            typer.echo(line(status))
        sys.stdout.flush()
        if status.state in ENDED:
            return status
        time.sleep(every)
