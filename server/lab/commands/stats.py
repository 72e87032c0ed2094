"""`gmmas-lab stats`: the hospitals' statistics, asked of local site folders."""

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer


def register(app: typer.Typer) -> None:
    """Add `stats` to the lab's command line."""
    app.command("stats")(stats)


def stats(
    overrides: Annotated[list[str], typer.Argument(help="Hydra overrides, e.g. data.root=sites", show_default=False)],
    out: Annotated[Path, typer.Option(help="Folder of the answers; earlier ones in it go.")] = Path("statistics"),
    as_json: Annotated[bool, typer.Option("--json", help="Print statistics.json.")] = False,
) -> None:
    """Ask local site folders what they have, as gmmas-coordinator stats asks hospitals. Trains nothing.

    Example:

        gmmas-lab stats data.root=sites --out runs/statistics
    """
    from rich.console import Console
    from rich.progress import Progress

    from gmmas_core.config import load_config
    from server.commands.stats import show
    from server.lab.simulate import find_sites
    from server.lab.stats import ask_sites

    sites = find_sites(load_config(overrides), out)
    with Progress(console=Console(file=sys.stderr), transient=True, disable=not sys.stderr.isatty()) as progress:
        bar = progress.add_task("asking the hospitals", total=None)

        def watch(kind: str, fields: Mapping[str, Any]) -> None:
            progress.update(bar, description=f"{kind} {fields.get('site', '')}")

        content = ask_sites(sites, out, watch)
    show(out, content, as_json=as_json)
