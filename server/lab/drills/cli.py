"""`gmmas-lab drills`: does a closed federation stand what goes wrong between hospitals?"""

import json
from pathlib import Path
from typing import Annotated

import typer


def register(app: typer.Typer) -> None:
    """Add the command to the laboratory's command line."""
    app.command("drills", epilog="Examples: gmmas-lab drills --list\n\ngmmas-lab drills link-cut disk-full-site")(
        drills
    )


def drills(
    names: Annotated[
        list[str] | None, typer.Argument(help="Which; all when none is named.", show_default=False)
    ] = None,
    show: Annotated[bool, typer.Option("--list", help="Only tell which there are.")] = False,
    out: Annotated[Path, typer.Option(help="Folder for logs, runs, drills.json and drills.txt.")] = Path("runs/drills"),
    as_json: Annotated[bool, typer.Option("--json", help="Print the result as JSON.")] = False,
) -> None:
    """Play failures with real processes: three phantom hospitals, each in a network namespace, and one coordinator.

    Needs root, iproute2, nftables and nginx. Nothing outside the namespaces is touched, and all of it ends with the
    command. Exit code 0 only when every drill ended as expected. What to do in each case: deploy/RUNBOOK.md.
    """
    from gmmas_core.types import DISCLAIMER, ConfigError
    from server.lab.drills.play import DRILLS, chosen
    from server.lab.drills.seclusion import missing, secluded
    from server.serving.front_door import nginx

    if show:
        rows = [{"drill": d.name, "disturbance": d.disturbance, "expected": d.expected} for d in DRILLS.values()]
        typer.echo(json.dumps(rows) if as_json else "\n".join(f"{d.name:20}{d.disturbance}" for d in DRILLS.values()))
        return
    wanted = chosen(names or [])
    problem = missing([program for drill in wanted for program in drill.programs])
    if problem is not None:
        raise ConfigError(problem)
    nginx()
    out.mkdir(parents=True, exist_ok=True)
    where = out.resolve()

    def work() -> int:
        from rich.console import Console

        from server.lab.drills.play import play_all, table

        outcomes = []
        for outcome in play_all(wanted, where):
            outcomes.append(outcome)
            row = outcome.to_json()
            typer.echo(f"{row['verdict']:6} {row['drill']:20} {row['seconds']:6.1f} s  {row['observed']}", err=True)
        if as_json:
            typer.echo((where / "drills.json").read_text())
        else:
            Console().print(table(outcomes), DISCLAIMER)
        return 0 if all(outcome.holds for outcome in outcomes) else 1

    raise typer.Exit(secluded(work))
