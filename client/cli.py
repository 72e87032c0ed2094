"""`gmmas-site`: everything a hospital's data engineer types. Each room adds its own commands with `register(app)`."""

import typer

from client import (
    cli_attendance,
    cli_audit,
    cli_bundle,
    cli_data,
    cli_enrol,
    cli_evaluate,
    cli_export,
    cli_import,
    cli_model,
    cli_operations,
    cli_peers,
    cli_predict,
    cli_reading_room,
    cli_stats,
    cli_withdraw,
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
cli_data.register(app)
cli_import.register(app)
cli_stats.register(app)
cli_enrol.register(app)
cli_attendance.register(app)
cli_operations.register(app)
cli_audit.register(app)
cli_peers.register(app)
cli_predict.register(app)
cli_export.register(app)
cli_evaluate.register(app)
cli_reading_room.register(app)
cli_model.register(app)
cli_bundle.register(app)
cli_withdraw.register(app)


def main() -> None:
    """Entry point; see `run_app` for exit codes."""
    run_app(app)
