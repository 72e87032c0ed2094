"""`gmmas-site export`: masks of a site for BIDS and nnU-Net, a model for MONAI and ONNX."""

import json
from collections.abc import Mapping, Sequence
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from client.progress import progress_bar

# torch takes seconds to import: everything that needs it is imported inside the command, so that help answers at once.
if TYPE_CHECKING:
    from client.site import Site
    from gmmas_core.types import Case


class Target(StrEnum):
    """What can be exported."""

    BIDS = "bids"
    NNUNET = "nnunet"
    MONAI = "monai"
    ONNX = "onnx"


def register(app: typer.Typer) -> None:
    """Add `export` to the site's command line."""
    app.command(
        "export",
        epilog="Examples: gmmas-site export north --to bids --out derivatives\n\n"
        "gmmas-site export north --to bids --predictions predicted --out derivatives\n\n"
        "gmmas-site export north --to bids --raw scanner --out derivatives\n\n"
        "gmmas-site export north --to nnunet --out nnUNet_raw/Dataset501_Glioma\n\n"
        "gmmas-site export runs/demo/model --to monai --out gmmas_bundle\n\n"
        "gmmas-site export runs/demo/model --to onnx --out gmmas_onnx",
    )(export)


def export(
    source: Annotated[Path, typer.Argument(help="Site folder (bids, nnunet) or model folder (monai, onnx).")],
    to: Annotated[Target, typer.Option(help="What for.")],
    out: Annotated[Path, typer.Option(help="New folder; nnunet: called DatasetNNN_NAME.")],
    overrides: Annotated[
        list[str] | None, typer.Argument(help="Settings that decide the split, as the coordinator runs them.")
    ] = None,
    predictions: Annotated[
        Path | None, typer.Option(help="bids: what gmmas-site predict wrote; without it the site's own masks.")
    ] = None,
    raw: Annotated[
        Path | None,
        typer.Option(
            help="bids: the studies that prepare --raw read; outlines also go back onto each scan's own grid."
        ),
    ] = None,
    labels: Annotated[str, typer.Option(help="nnunet: regions (nested, as BraTS scores them) or plain.")] = "regions",
    images: Annotated[str, typer.Option(help="nnunet: link (hard links where possible) or copy.")] = "link",
    as_json: Annotated[bool, typer.Option("--json", help="Print what was written as JSON.")] = False,
) -> None:
    """Write a new folder for other tools, whole or not at all; interrupted, the same command goes on.

    It is a copy on this disk: nothing is sent, and nothing updates it. Patients who have been withdrawn are not in it.
    """
    _require_bids(to, {"--predictions": predictions, "--raw": raw})
    if to in (Target.MONAI, Target.ONNX):
        summary = _export_model(source, to, out)
    else:
        summary = _export_cases(source, to, out, overrides or [], predictions, raw, labels, images)
    if as_json:
        typer.echo(json.dumps(summary, indent=1))
        return
    typer.echo(summary["disclaimer"])
    for case_id, reason in summary.get("skipped", {}).items():
        typer.echo(f"left out: {case_id}: {reason}")
    for case_id, reasons in summary.get("not_carried_back", {}).items():
        for sequence, reason in reasons.items():
            typer.echo(f"not on the scanner's grid: {case_id}: {sequence}: {reason}")
    typer.echo(_told(summary, out))


def _require_bids(to: Target, given: Mapping[str, Path | None]) -> None:
    """What another kind would ignore is refused: it would export something else than was meant."""
    from gmmas_core.types import ConfigError

    for option, value in given.items():
        if value is not None and to != Target.BIDS:
            raise ConfigError(f"{option}: found it with --to {to}; expected --to bids; leave it out")


def _export_cases(
    source: Path,
    to: Target,
    out: Path,
    overrides: Sequence[str],
    predictions: Path | None,
    raw: Path | None,
    labels: str,
    images: str,
) -> dict[str, Any]:
    from client.exporting.bids_site import masks_as_bids, predictions_as_bids
    from client.exporting.cases import export_cases
    from client.exporting.native_grids import NativeGrids
    from client.exporting.nnunet import as_nnunet
    from client.site import read_site

    site = read_site(source)
    cases = _cases(site, overrides)
    natives = None if raw is None else NativeGrids(raw)
    if to == Target.NNUNET:
        kind = as_nnunet(site, out, labels, images)
    elif predictions is not None:
        kind = predictions_as_bids(cases, predictions, natives)
    else:
        kind = masks_as_bids(site, cases, natives)
    with progress_bar("exporting") as advance:
        return export_cases(site, cases, out, kind, advance)


def _cases(site: "Site", overrides: Sequence[str]) -> "tuple[Case, ...]":
    from client.data.local_data import open_local_data
    from gmmas_core.config import load_config

    return open_local_data(site, load_config(list(overrides))).cases


def _export_model(source: Path, to: Target, out: Path) -> dict[str, Any]:
    from client.exporting.model import export_model

    return export_model(source, str(to), out)


def _told(summary: dict[str, Any], out: Path) -> str:
    if "model_id" in summary:
        return f"Wrote {out.name}: model {summary['model_id']} for {summary['to']}."
    left_out = len(summary["skipped"])
    return f"Wrote {out.name}: {summary['cases']} cases for {summary['to']}, {left_out} left out."
