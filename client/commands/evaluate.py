"""`gmmas-site evaluate`: a released model on the hospital's own cases."""

import json
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from client.progress import progress_bar


class Split(StrEnum):
    """Which of the site's cases."""

    HOLDOUT = "holdout"
    VALIDATION = "validation"
    TRAIN = "train"


def register(app: typer.Typer) -> None:
    """Add `evaluate` to the site's command line."""
    app.command(
        "evaluate",
        epilog="Examples: gmmas-site evaluate north --model runs/demo/model\n\n"
        "gmmas-site evaluate north --model runs/demo/model --subsets --json",
    )(evaluate)


def evaluate(
    folder: Annotated[Path, typer.Argument(help="Site folder, with site.yaml.")],
    model: Annotated[Path, typer.Option(help="Model folder, e.g. runs/RUN/model.")],
    split: Annotated[Split, typer.Option(help="Cases to score.")] = Split.HOLDOUT,
    subsets: Annotated[
        bool, typer.Option("--subsets", help="Also score all 15 subsets of the sequences (about 15 times slower).")
    ] = False,
    mc_passes: Annotated[
        int | None, typer.Option(min=0, help="Passes with dropout for uncertainty; else as the model says.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the numbers as JSON.")] = False,
) -> None:
    """Score a model on this hospital's cases and write a report that stays here. Research use only."""
    from client.evaluation.evaluate import evaluate_model
    from client.site import read_site
    from gmmas_core.checkpoint import load_model

    site = read_site(folder)
    loaded = load_model(model)
    with progress_bar("scoring cases") as advance:
        found = evaluate_model(site, loaded, split.value, subsets=subsets, mc_passes=mc_passes, on_progress=advance)
    if as_json:
        typer.echo(json.dumps(found, indent=1))
    else:
        _print(found)
        typer.echo(f"report: {site.state / found['report']}")


def _print(found: dict[str, Any]) -> None:
    from gmmas_core.reporting.sequence_parts import value_in_words
    from gmmas_core.reporting.wording import cases, measured

    typer.echo(f"{found['disclaimer']}\nmodel {found['model_id']} on the {found['split']} cases of {found['site']}")
    for warning in found["warnings"]:
        typer.echo(f"warning: {warning}")
    for region, entry in found["summary"]["segmentation"].items():
        typer.echo(f"  Dice {region}: {measured(entry['dice']['mean'], entry['n'])} (n = {entry['n']})")
    for task, entry in found["summary"]["classification"].items():
        typer.echo(f"  AUROC {task}: {measured(entry['auroc']['value'], entry['n'])} (n = {entry['n']})")
    for row in found.get("subsets", ()):
        values = (f"{name} {value_in_words(row, name)} (n = {row['counts'][name]})" for name in row["values"])
        typer.echo(f"  {'+'.join(row['sequences'])}, {cases(row['n'])}: {', '.join(values) if row['n'] else 'none'}")
