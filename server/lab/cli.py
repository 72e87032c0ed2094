"""`gmmas-lab`: the researcher's room."""

import json
from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from gmmas_core.command_line import run_app
from gmmas_core.types import DISCLAIMER, ConfigError
from server.lab.commands import bundle as cli_bundle
from server.lab.commands import stats as cli_stats
from server.lab.drills import cli as drills_cli
from server.lab.study.cli import app as study_app

app = typer.Typer(
    name="gmmas-lab",
    help=f"Simulate federations of local site folders, study and benchmark. {DISCLAIMER}",
    no_args_is_help=True,
    rich_markup_mode="markdown",
)
app.add_typer(study_app, name="study")
cli_bundle.register(app)
cli_stats.register(app)
drills_cli.register(app)

Overrides = Annotated[
    list[str] | None,
    typer.Argument(help="Hydra overrides, e.g. experiment=smoke rounds=5 training.lr=1e-4", show_default=False),
]
RunDir = Annotated[
    Path | None,
    typer.Option("--run-dir", help="Folder of the run; an existing one is resumed.", show_default="runs/NAME-TIME"),
]
Json = Annotated[bool, typer.Option("--json", help="Print the result as JSON.")]


@app.command()
def simulate(
    overrides: Overrides = None,
    engine: Annotated[
        str, typer.Option(help="'flower' (Simulation Engine on Ray), 'in-process' or 'processes'.")
    ] = "flower",
    run_dir: RunDir = None,
    as_json: Json = False,
) -> None:
    """Train a federation of local site folders and write model and report.

    Examples:

        gmmas-site phantom sites --sites 3 --cases 24 --size 48

        gmmas-lab simulate experiment=smoke data.root=sites

        gmmas-lab simulate experiment=smoke data.root=sites rounds=5 training.lr=1e-4 --engine in-process

        gmmas-lab simulate experiment=smoke data.root=sites data.partition=fets   (23 unequal hospitals)
    """
    from gmmas_core.config import load_config

    chosen = overrides or []
    folder = run_dir or _new_run_dir(load_config(chosen).name)
    # Imported only now: a mistyped override is answered before the network's libraries are loaded.
    from server.lab.simulate import simulate as play

    report = play(chosen, folder, engine)
    if as_json:
        typer.echo(json.dumps(report))
    else:
        _tell(folder)


@app.command()
def demo(
    out: Annotated[Path, typer.Option(help="Folder for the phantom hospitals and the run; replaced.")] = Path(
        "runs/demo"
    ),
    as_json: Json = False,
) -> None:
    """Make three phantom hospitals, train them together through Flower, and write a report.

    Example:

        gmmas-lab demo --out runs/demo
    """
    from server.lab.demo import demo as play

    report = play(out)
    if as_json:
        typer.echo(json.dumps(report))
    else:
        _tell(out / "run")
        typer.echo(f"look at it: gmmas-site reading-room --model {out / 'run' / 'model'}")


@app.command()
def bench(
    name: Annotated[
        str,
        typer.Argument(
            help="network, learning, data, aggregation, round, inference, reading-room, federation, secure-sum, "
            "endurance."
        ),
    ],
    repeats: Annotated[int, typer.Option(help="Measurements per row.")] = 3,
    seed: Annotated[int, typer.Option(help="Of all inputs and weights.")] = 0,
    threads: Annotated[int, typer.Option(help="Threads of torch, where the benchmark uses them.")] = 1,
    sites: Annotated[
        str,
        typer.Option(help="Of federation and secure-sum: numbers of sites with commas; none for their own."),
    ] = "",
    rounds: Annotated[int, typer.Option(help="Of endurance.")] = 300,
    as_json: Json = False,
) -> None:
    """Measure ours beside its peers on this machine, on the same input in one run.

    Examples:

        gmmas-lab bench network --repeats 5

        gmmas-lab bench aggregation --json

        gmmas-lab bench federation --sites 4,32,128,512 --repeats 1

        gmmas-lab bench secure-sum --sites 4,16 --repeats 1

        gmmas-lab bench endurance --rounds 300
    """
    from server.lab.bench.command import Settings, show
    from server.lab.bench.command import bench as measure

    settings = Settings(repeats=repeats, seed=seed, threads=threads, sites=_numbers(sites), rounds=rounds)
    result = measure(name, settings)
    if as_json:
        typer.echo(json.dumps(result))
    else:
        show(result)


def _numbers(text: str) -> tuple[int, ...]:
    try:
        return tuple(int(part) for part in text.split(",") if text)
    except ValueError:
        raise ConfigError(f"--sites: found {text!r}; expected whole numbers separated by commas") from None


def _new_run_dir(name: str) -> Path:
    return Path("runs") / f"{name}-{datetime.now().strftime('%Y%m%d-%H%M%S')}"


def _tell(folder: Path) -> None:
    typer.echo(f"model:  {folder / 'model'}")
    typer.echo(f"report: {(folder / 'report.html').resolve()}")
    typer.echo(DISCLAIMER)


def main() -> None:
    """Entry point; see `run_app` for exit codes."""
    run_app(app)
