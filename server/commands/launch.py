"""`gmmas-coordinator launch | resume | stop`: start a federated run, bring it back, end it early."""

import json
import subprocess
import sys
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gmmas_core.types import DISCLAIMER, ConfigError

if TYPE_CHECKING:  # torch and hydra take seconds to import: help and mistyped options answer at once
    from server.launching.launch_plan import LaunchPlan
    from server.records.run_folder import RunFolder

RunArgument = Annotated[Path, typer.Argument(metavar="RUN", help="Folder of the run.")]
Json = Annotated[bool, typer.Option("--json", help="Print the result as JSON.")]
Detach = Annotated[bool, typer.Option("--detach", help="Return at once; the run goes on. Look with: watch RUN.")]


def register(app: typer.Typer) -> None:
    """Add these commands to the coordinator's command line."""
    app.command("launch")(launch)
    app.command("resume")(resume)
    app.command("stop")(stop)


def launch(
    overrides: Annotated[
        list[str] | None,
        typer.Argument(help="Hydra overrides, e.g. experiment=smoke rounds=5", show_default=False),
    ] = None,
    superlink: Annotated[
        str, typer.Option(metavar="HOST:PORT", help="Where the SuperLink takes runs.")
    ] = "127.0.0.1:8000",
    federation: Annotated[
        Path | None, typer.Option(help="Federation folder (see provision): only its approved members take part.")
    ] = None,
    root_certificates: Annotated[
        Path | None, typer.Option(help="Certificate (PEM) of the authority that signed the SuperLink's.")
    ] = None,
    insecure: Annotated[bool, typer.Option("--insecure", help="No TLS; only for a SuperLink on this machine.")] = False,
    run_dir: Annotated[
        Path | None,
        typer.Option(
            "--run-dir", help="Folder of the run; an existing one is continued.", show_default="runs/NAME-TIME"
        ),
    ] = None,
    detach: Detach = False,
    as_json: Json = False,
) -> None:
    """Run a federation on a SuperLink to its end. A run that Flower loses is continued by itself, from its last round.

    Examples:

        gmmas-coordinator launch experiment=smoke rounds=5 --superlink 127.0.0.1:8000 --insecure

        gmmas-coordinator launch experiment=smoke --federation federation --run-dir runs/first
    """
    from gmmas_core.config import load_config
    from server.launching.launch_plan import LaunchPlan
    from server.membership.authority import CA_CERTIFICATE
    from server.records.run_folder import RunFolder

    if federation is not None and root_certificates is None:
        root_certificates = federation / CA_CERTIFICATE
    if insecure == (root_certificates is not None):
        raise ConfigError(
            "launch: found no certificate, or --insecure beside one; expected --federation DIR, "
            "--root-certificates FILE or, for a SuperLink on this machine, --insecure"
        )
    chosen = overrides or []
    name = load_config(chosen).name
    folder = RunFolder(run_dir or Path("runs") / f"{name}-{datetime.now().strftime('%Y%m%d-%H%M%S')}")
    certificates = None if root_certificates is None else str(root_certificates.resolve())
    members = None if federation is None else str(federation.resolve())
    plan = LaunchPlan(overrides=tuple(chosen), superlink=superlink, root_certificates=certificates, federation=members)
    plan.link(folder)
    if detach:
        plan.save(folder)
    _run(folder, plan, detach=detach, as_json=as_json)


def resume(
    run: RunArgument,
    federation: Annotated[
        Path | None, typer.Option(help="The federation folder, where it is no longer where it was at launch.")
    ] = None,
    detach: Detach = False,
    as_json: Json = False,
) -> None:
    """Continue a run that was paused, stopped or lost, with the settings it was launched with.

    Example:

        gmmas-coordinator resume runs/first
    """
    from server.launching.launch_plan import read_plan
    from server.records.run_folder import RunFolder

    folder = RunFolder(run)
    plan = read_plan(folder)
    if federation is not None:
        plan = plan.at(federation)
        plan.link(folder)
        plan.save(folder)
    _run(folder, plan, detach=detach, as_json=as_json)


def stop(
    run: RunArgument,
    patience: Annotated[float, typer.Option(help="Seconds to wait for the end of the round.")] = 60.0,
    as_json: Json = False,
) -> None:
    """End a run early; resume continues it. A round that is still being played after the patience is cut off.

    Example:

        gmmas-coordinator stop runs/first --patience 600
    """
    from server.launching.stop_run import stop_run
    from server.records.run_folder import RunFolder

    done = stop_run(RunFolder(run), patience)
    typer.echo(json.dumps({"stopped": True, "how": done}) if as_json else done)


def _run(folder: "RunFolder", plan: "LaunchPlan", *, detach: bool, as_json: bool) -> None:
    if detach:
        pid = _start_detached(folder)
        if as_json:
            typer.echo(json.dumps({"run": str(folder.path), "launcher": pid}))
        else:
            typer.echo(f"run: {folder.path}\nlauncher: process {pid}\n{DISCLAIMER}")
        return
    from gmmas_core.config import load_config
    from gmmas_core.schedule import schedule
    from server.launching.launcher import launch as play
    from server.rounds.progress import RoundProgress

    with RoundProgress(len(schedule(load_config(plan.overrides)))) as progress:
        report = play(folder, plan, progress)
    if as_json:
        typer.echo(json.dumps(report))
    else:
        typer.echo(f"model:  {folder.model}\nreport: {folder.report_html.resolve()}\n{DISCLAIMER}")


def _start_detached(folder: "RunFolder") -> int:
    """The same command in a session of its own, which the end of this terminal does not end; its process id."""
    from server.launching.launch_plan import LAUNCHER
    from server.serving.bounded_log import bound

    log = folder.path / LAUNCHER / "launcher.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    bound(log)
    command = [sys.executable, "-c", "from server.cli import main; main()", "resume", str(folder.path.resolve())]
    with log.open("ab") as output:
        started = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT, start_new_session=True
        )
    return started.pid
