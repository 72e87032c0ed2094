"""`gmmas-coordinator`: what the coordinator types."""

import json
from pathlib import Path
from typing import Annotated

import typer

from gmmas_core.command_line import run_app
from gmmas_core.types import DISCLAIMER
from server.commands import audit, backup, launch, members, peers, quarantine, release, serve, stats, watch

app = typer.Typer(
    name="gmmas-coordinator",
    help=f"Look after federated runs. {DISCLAIMER}",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",
)

RunArgument = Annotated[Path, typer.Argument(metavar="RUN", help="Folder of the run.")]
Json = Annotated[bool, typer.Option("--json", help="Print the result as JSON.")]


@app.command()
def report(run: RunArgument, as_json: Json = False) -> None:
    """Write report.json and report.html of a run again, from its ledger; works during a run and on a copied folder.

    Example:

        gmmas-coordinator report runs/demo/run
    """
    from server.records.run_folder import RunFolder
    from server.report.numbers import write_report

    folder = RunFolder(run)
    content = write_report(folder)
    typer.echo(json.dumps(content) if as_json else f"report: {folder.report_html.resolve()}\n{DISCLAIMER}")


for room in (
    members,
    peers,
    serve,
    backup,
    stats,
    launch,
    watch,
    quarantine,
    audit,
    release,
):
    room.register(app)


def main() -> None:
    """Entry point; see `run_app` for exit codes."""
    run_app(app)
