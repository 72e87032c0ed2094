"""`gmmas-coordinator stats`: what the hospitals have, before anything is trained."""

import json
import sys
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from gmmas_core.types import DISCLAIMER, ConfigError


def register(app: typer.Typer) -> None:
    """Add `stats` to the coordinator's command line."""
    app.command("stats")(stats)


def stats(
    superlink: Annotated[
        str, typer.Option(metavar="HOST:PORT", help="Where the SuperLink takes runs.")
    ] = "127.0.0.1:8000",
    federation: Annotated[
        Path | None, typer.Option(help="Federation folder (see provision): only its approved members count.")
    ] = None,
    root_certificates: Annotated[
        Path | None, typer.Option(help="Certificate (PEM) of the authority that signed the SuperLink's.")
    ] = None,
    insecure: Annotated[bool, typer.Option("--insecure", help="No TLS; only for a SuperLink on this machine.")] = False,
    out: Annotated[
        Path | None, typer.Option(help="Folder of the answers; earlier ones in it go.", show_default="statistics/TIME")
    ] = None,
    wait: Annotated[float, typer.Option(help="Seconds for hospitals to come online.")] = 60.0,
    deadline: Annotated[
        float, typer.Option(help="Seconds for their answers; the first takes as long as opening every file.")
    ] = 3600.0,
    min_sites: Annotated[int, typer.Option(help="Hospitals to wait for, without --federation.")] = 1,
    as_json: Annotated[bool, typer.Option("--json", help="Print statistics.json.")] = False,
) -> None:
    """Ask every hospital for counts of its patients: labels, sequences, ages, scanners, volumes. Trains nothing.

    Each hospital decides what it tells; small cells are hidden there. Exit code 1 when nobody told anything.

    Examples:

        gmmas-coordinator stats --federation federation --out statistics/spring

        gmmas-coordinator stats --superlink 127.0.0.1:8000 --insecure --min-sites 3 --json
    """
    from rich.console import Console
    from rich.progress import Progress

    from server.launching.flower_commands import SuperLink
    from server.membership.authority import CA_CERTIFICATE
    from server.statistics.asking import ask_through
    from server.statistics.question import Question
    from server.statistics.report import write_statistics

    if federation is not None and root_certificates is None:
        root_certificates = federation / CA_CERTIFICATE
    if insecure == (root_certificates is not None):
        raise ConfigError(
            "stats: found no certificate, or --insecure beside one; expected --federation DIR, "
            "--root-certificates FILE or, for a SuperLink on this machine, --insecure"
        )
    if min(wait, deadline) <= 0 or min_sites < 1:
        raise ConfigError("stats: found --wait, --deadline or --min-sites of 0 or less; expected more")
    folder = out or Path("statistics") / datetime.now().strftime("%Y%m%d-%H%M%S")
    link = SuperLink(superlink, root_certificates, folder.resolve() / "launcher")
    question = Question(wait_s=wait, deadline_s=deadline, min_sites=min_sites)
    with Progress(console=Console(file=sys.stderr), transient=True, disable=not sys.stderr.isatty()) as progress:
        bar = progress.add_task("asking the hospitals", total=1.0)
        answers = ask_through(link, folder, question, federation, lambda part: progress.update(bar, completed=part))
    show(folder, write_statistics(folder, answers), as_json=as_json)


def show(folder: Path, content: dict[str, Any], *, as_json: bool) -> None:
    """Tell what came, and exit with 1 when nothing did."""
    if as_json:
        typer.echo(json.dumps(content))
    else:
        typer.echo(f"{len(content['sites'])} hospitals told their counts: {', '.join(content['sites']) or '-'}")
        for site, why in content["silent"].items():
            typer.echo(f"silent: {site}: {why}")
        for warning in content["advice"]["warnings"]:
            typer.echo(f"note: {warning['about']}: {warning['text']}")
        typer.echo(f"strategy: {content['advice']['strategy']['name']}")
        typer.echo(f"page: {(folder / 'statistics.html').resolve()}\n{DISCLAIMER}")
    if not content["sites"]:
        raise typer.Exit(1)
