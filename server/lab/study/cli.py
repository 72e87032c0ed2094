"""`gmmas-lab study`: experiments on the method itself."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from gmmas_core.types import DISCLAIMER

app = typer.Typer(help=f"Measure what a part of the method or a strategy is worth. {DISCLAIMER}", no_args_is_help=True)


Overrides = Annotated[
    list[str] | None, typer.Argument(help="Hydra overrides for every arm, e.g. rounds=24", show_default=False)
]
Repeats = Annotated[int, typer.Option(help="Seeds per arm.")]
Workers = Annotated[int, typer.Option(help="Runs at the same time, one thread each.")]
Json = Annotated[bool, typer.Option("--json", help="Print the result as JSON.")]


@app.command()
def method(
    overrides: Overrides = None,
    mode: Annotated[str, typer.Option(help="quick (five arms, minutes) or full (all arms, days on a CPU).")] = "quick",
    out: Annotated[Path, typer.Option(help="Folder of the study; an existing one is continued.")] = Path("runs/study"),
    repeats: Repeats = 3,
    workers: Workers = 2,
    arms: Annotated[str, typer.Option(help="Names, separated by commas; those of the mode when empty.")] = "",
    as_json: Json = False,
) -> None:
    """Compare supervision, Tumor-CutMix, pseudo-labels and the whole method on phantom hospitals.

    Examples:

        gmmas-lab study method --mode quick --out runs/study

        gmmas-lab study method --mode full --arms gmmas-20,no-adaptation-20 --repeats 5
    """
    from server.lab.study.sizes import size_of

    size = size_of(mode)
    # Imported only now: a mistyped mode is answered before the network's libraries are loaded.
    from server.lab.study.method import study_method
    from server.lab.study.running import Request

    request = Request(arms=_names(arms), repeats=repeats, workers=workers, overrides=overrides or ())
    study = study_method(size, out, request)
    _tell(study, out, as_json)


@app.command()
def strategies(
    overrides: Overrides = None,
    mode: Annotated[str, typer.Option(help="quick (half an hour on 2 cores) or full (a GPU or a night).")] = "quick",
    out: Annotated[Path, typer.Option(help="Folder of the study; an existing one is continued.")] = Path(
        "runs/strategies"
    ),
    repeats: Repeats = 3,
    workers: Workers = 2,
    arms: Annotated[
        str, typer.Option(help="Names beside masked-fedavg, with commas; those of the mode when empty.")
    ] = "",
    as_json: Json = False,
) -> None:
    """Compare aggregation strategies, modifiers and encodings on seven phantom hospitals in trouble.

    Examples:

        gmmas-lab study strategies --mode quick --out runs/strategies

        gmmas-lab study strategies --mode full --arms uncertainty,median --repeats 5
    """
    from server.lab.study.strategy_sizes import strategy_size_of

    size = strategy_size_of(mode)
    # Imported only now: a mistyped mode is answered before the network's libraries are loaded.
    from server.lab.study.running import Request
    from server.lab.study.strategies import study_strategies

    request = Request(arms=_names(arms), repeats=repeats, workers=workers, overrides=overrides or ())
    study = study_strategies(size, out, request)
    _tell(study, out, as_json)


@app.command()
def privacy(
    overrides: Overrides = None,
    mode: Annotated[str, typer.Option(help="quick (about an hour on 2 busy cores) or full (days, a GPU).")] = "quick",
    out: Annotated[Path, typer.Option(help="Folder of the study; an existing one is continued.")] = Path(
        "runs/privacy"
    ),
    repeats: Repeats = 2,
    workers: Workers = 2,
    arms: Annotated[str, typer.Option(help="Names, separated by commas; all when empty.")] = "",
    as_json: Json = False,
) -> None:
    """Measure what record-level privacy costs on phantoms, and what attacks gain with and without it.

    Examples:

        gmmas-lab study privacy --mode quick --out runs/privacy

        gmmas-lab study privacy --mode full --arms epsilon-none,epsilon-8 --repeats 5
    """
    from server.lab.study.privacy.sizes import privacy_size_of

    size = privacy_size_of(mode)
    # Imported only now: a mistyped mode is answered before the network's libraries are loaded.
    from server.lab.study.privacy.study import study_privacy
    from server.lab.study.running import Request

    request = Request(arms=_names(arms), repeats=repeats, workers=workers, overrides=overrides or ())
    study = study_privacy(size, out, request)
    _tell(study, out, as_json)


@app.command()
def novelty(
    mode: Annotated[str, typer.Option(help="quick (minutes on 2 cores) or full (an hour).")] = "quick",
    out: Annotated[Path, typer.Option(help="Folder of the study; an existing one is made anew.")] = Path(
        "runs/novelty"
    ),
    real: Annotated[
        Path | None, typer.Option(help="Folder of real cases: brats2021/, tcga/, ood/, raw/.", show_default="none")
    ] = None,
    model: Annotated[
        Path | None, typer.Option(help="Model folder whose network's features are tried too.", show_default="none")
    ] = None,
    as_json: Json = False,
) -> None:
    """Measure whether images unlike the training sites' are found: new scanners, swapped files, faults.

    Examples:

        gmmas-lab study novelty --mode quick --out runs/novelty

        gmmas-lab study novelty --real realdata
    """
    from server.lab.study.novelty.sizes import novelty_size_of

    size = novelty_size_of(mode)
    # Imported only now: a mistyped mode is answered before the heavy libraries are loaded.
    from server.lab.study.novelty.study import study_novelty

    _tell(study_novelty(size, out, real, model), out, as_json)


@app.command()
def writer(
    lies: Annotated[Path, typer.Option(help="Folder of the catalogue of lies.")] = Path(
        "tests/client/reading_room/lies"
    ),
    as_json: Json = False,
) -> None:
    """Score the verifier of the reading room's writer: lies caught by kind, true sentences refused.

    Example:

        gmmas-lab study writer
    """
    from server.lab.study.writer.page import score_plain, score_text
    from server.lab.study.writer.score import score_catalogue

    score = score_catalogue(lies)
    typer.echo(json.dumps(score_plain(score)) if as_json else score_text(score))


def _names(text: str) -> list[str]:
    return [name.strip() for name in text.split(",") if name.strip()]


def _tell(study: Mapping[str, Any], out: Path, as_json: bool) -> None:
    if as_json:
        typer.echo(json.dumps(study))
        return
    typer.echo((out / "study.md").read_text())
    typer.echo(f"report: {(out / 'study.html').resolve()}")
