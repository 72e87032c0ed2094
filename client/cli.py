"""`gmmas-site`: everything a hospital's data engineer types. Each room adds its own commands with `register(app)`."""

import typer

from client.commands import (
    attendance,
    audit,
    bundle,
    data,
    enrol,
    evaluate,
    export,
    importing,
    model,
    operations,
    peers,
    predict,
    reading_room,
    stats,
    withdraw,
)
from gmmas_core.command_line import run_app

app = typer.Typer(
    name="gmmas-site",
    help="GMMAS-Fed inside one hospital: data, training, prediction. Research use only.",
    epilog="Start: gmmas-site init FOLDER --name NAME --label-convention brats2021, then check, then prepare.\n\n"
    "Without data: gmmas-site phantom FOLDER.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
for room in (
    data,
    importing,
    stats,
    enrol,
    attendance,
    operations,
    audit,
    peers,
    predict,
    export,
    evaluate,
    reading_room,
    model,
    bundle,
    withdraw,
):
    room.register(app)


def main() -> None:
    """Entry point; see `run_app` for exit codes."""
    run_app(app)
