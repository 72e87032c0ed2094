"""`gmmas-lab study`: experiments on the method itself."""

import json
from pathlib import Path
from typing import Annotated

import typer

from gmmas_core.types import DISCLAIMER

app = typer.Typer(help=f"Measure what each part of the method is worth. {DISCLAIMER}", no_args_is_help=True)


@app.callback()
def _group() -> None:
    """Keep `study method` a command of a group, although it is the only one so far."""


@app.command()
def method(
    overrides: Annotated[
        list[str] | None, typer.Argument(help="Hydra overrides for every arm, e.g. rounds=24", show_default=False)
    ] = None,
    mode: Annotated[str, typer.Option(help="quick (five arms, minutes) or full (all arms, days on a CPU).")] = "quick",
    out: Annotated[Path, typer.Option(help="Folder of the study; an existing one is continued.")] = Path("runs/study"),
    repeats: Annotated[int, typer.Option(help="Seeds per arm.")] = 3,
    workers: Annotated[int, typer.Option(help="Runs at the same time, one thread each.")] = 2,
    arms: Annotated[str, typer.Option(help="Names, separated by commas; those of the mode when empty.")] = "",
    as_json: Annotated[bool, typer.Option("--json", help="Print the result as JSON.")] = False,
) -> None:
    """Compare supervision, Tumor-CutMix, pseudo-labels and the whole method on phantom hospitals.

    Examples:

        gmmas-lab study method --mode quick --out runs/study

        gmmas-lab study method --mode full --arms gmmas-20,no-adaptation-20 --repeats 5
    """
    from server.lab.study.sizes import size_of

    size = size_of(mode)
    names = [name.strip() for name in arms.split(",") if name.strip()]
    # Imported only now: a mistyped mode is answered before the network's libraries are loaded.
    from server.lab.study.method import study_method

    study = study_method(size, out, arms=names, repeats=repeats, workers=workers, overrides=overrides or [])
    if as_json:
        typer.echo(json.dumps(study))
        return
    typer.echo((out / "study.md").read_text())
    typer.echo(f"report: {(out / 'study.html').resolve()}")
