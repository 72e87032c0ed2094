"""`gmmas-site predict`: one or several case folders through a model folder."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from client.commands.device import Device
from client.progress import progress_bar

# torch takes seconds to import: everything that needs it is imported inside the command, so that help answers at once.
if TYPE_CHECKING:
    from gmmas_core.checkpoint import LoadedModel


def register(app: typer.Typer) -> None:
    """Add `predict` to the site's command line."""
    app.command("predict", epilog="Example: gmmas-site predict north/sub-0001 --model runs/demo/model --out out")(
        predict
    )


def predict(
    case_folders: Annotated[list[Path], typer.Argument(help="Folders with the NIfTI files of one case each.")],
    model: Annotated[Path, typer.Option(help="Model folder, e.g. runs/RUN/model.")],
    out: Annotated[Path, typer.Option(help="Folder for CASE_seg.nii.gz and CASE.json.")],
    label_convention: Annotated[
        str, typer.Option(help="Label values written: canonical, brats2021, brats2023 or msd.")
    ] = "canonical",
    inference: Annotated[str | None, typer.Option(help="window or one_pass; else as the model says.")] = None,
    flips: Annotated[
        bool, typer.Option("--flips", help="Average over eight mirror images (eight times slower).")
    ] = False,
    mc_passes: Annotated[
        int | None, typer.Option(min=0, help="Passes with dropout for uncertainty; 0 for none.")
    ] = None,
    postprocess: Annotated[
        str | None, typer.Option(help="none, paper or multifocal: which components stay; else as the model says.")
    ] = None,
    uncertainty_map: Annotated[
        bool, typer.Option("--uncertainty-map", help="Also write CASE_uncertainty.nii.gz; needs --mc-passes.")
    ] = False,
    device: Annotated[Device, typer.Option(help="Where to compute.")] = Device.AUTO,
    as_json: Annotated[bool, typer.Option("--json", help="Print the results as JSON.")] = False,
) -> None:
    """Segment a case on its own grid and answer the image-level questions. Research use only."""
    from client.predicting.prediction import predict_folders, with_settings
    from gmmas_core.checkpoint import load_model
    from gmmas_core.training.precision import choose_device
    from gmmas_core.types import DataError

    loaded = load_model(model)
    config = with_settings(
        loaded.config, inference=inference, flips=flips, mc_passes=mc_passes, postprocess=postprocess
    )
    place = choose_device(device)
    with progress_bar("reading cases") as advance:
        results, failures = predict_folders(
            case_folders,
            out,
            loaded=loaded,
            config=config,
            convention=label_convention,
            uncertainty_map=uncertainty_map,
            device=place,
            on_progress=advance,
        )
    if as_json:
        typer.echo(json.dumps({"results": results, "failures": failures}, indent=1))
    else:
        _print_summary(loaded, results)
    if failures:
        raise DataError("\n".join(failures))


def _print_summary(loaded: "LoadedModel", results: Sequence[Mapping[str, Any]]) -> None:
    from gmmas_core.types import DISCLAIMER

    typer.echo(f"{DISCLAIMER}\nmodel {loaded.model_id}")
    for warning in loaded.warnings:
        typer.echo(f"warning: {warning}")
    for facts in results:
        typer.echo(f"\n{facts['case_id']} -> {facts['segmentation']['file']}")
        volumes = (f"{region} {_ml(value)}" for region, value in facts["volume_ml"].items())
        typer.echo(f"  volumes: {', '.join(volumes)}")
        for task, probability in facts["probability"].items():
            if task in facts["abstained"]:
                continue
            calibrated = "calibrated" if task in facts["calibrated"] else "not calibrated"
            typer.echo(f"  {task}: {facts['probability_of'][task]} {probability:.2f} ({calibrated})")
        for each in facts["suggested"]["types"]:
            typer.echo(f"  imaging-suggested: {each['name']} {each['probability']:.2f}")
        for what, reason in {**facts["not_assessable"], **facts["abstained"]}.items():
            typer.echo(f"  {what}: {reason}")
        for check in facts["checks"]:
            if check["verdict"] in ("warn", "fail"):
                place = f" ({check['where']})" if check["where"] else ""
                words = f"found {check['found']}; expected {check['expected']}; {check['action']}"
                typer.echo(f"  {check['verdict']}: {check['id']}{place}: {words}")


def _ml(value: float | None) -> str:
    return "not assessable" if value is None else f"{value:.1f} mL"
