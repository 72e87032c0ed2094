"""`gmmas-coordinator release | release-key`: from a finished run to a signed model that hospitals can take."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer


def register(app: typer.Typer) -> None:
    """Add the release commands to the coordinator's command line."""
    app.command(
        "release",
        epilog="Examples: gmmas-coordinator release runs/demo/run --key coordinator.key\n\n"
        "gmmas-coordinator release runs/demo/run --list\n\ngmmas-coordinator release runs/demo/run --rollback v1",
    )(release)
    app.command("release-key", epilog="Example: gmmas-coordinator release-key coordinator.key")(release_key)


def release(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="Folder of the run, finished or paused.")],
    number: Annotated[
        int | None, typer.Option("--round", min=1, help="Round to release; else the best on validation cases.")
    ] = None,
    override: Annotated[
        str | None, typer.Option(metavar='"NAME: REASON"', help="Who releases against a gate, and why.")
    ] = None,
    key: Annotated[Path | None, typer.Option(help="Ed25519 private key (PEM), see release-key.")] = None,
    show: Annotated[bool, typer.Option("--list", help="Show the releases there are; change nothing.")] = False,
    rollback: Annotated[str | None, typer.Option(metavar="VERSION", help="Make this release the current one.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the result as JSON.")] = False,
) -> None:
    """Release a run's model, signed, if it holds on the hospitals' holdouts. Research use only.

    It refuses unless the worst site's Dice, the calibration and the number of holdout cases reach the limits of the
    run's configuration (release.*), all of them known, or a named person answers for it.
    """
    from gmmas_core.signing import read_private_key
    from gmmas_core.types import FederationError
    from server.records.run_folder import RunFolder
    from server.release.releases import publish, roll_back, versions

    folder = RunFolder(run)
    if show:
        found = versions(folder)
        _print(as_json, {"versions": found}, [_version_line(entry) for entry in found] or ["no release yet"])
    elif rollback is not None:
        moved = roll_back(folder, rollback)
        _print(as_json, moved, [f"current: {moved['version']} (before: {moved['before'] or 'none'})"])
    elif key is None:
        raise FederationError("release: found no --key; expected the coordinator's; make one: release-key OUT")
    else:
        line = publish(folder, read_private_key(key), number=number, override=override)
        line["folder"] = str(folder.releases / line["version"])
        _print(as_json, line, _release_lines(line))


def release_key(
    out: Annotated[Path, typer.Argument(help="New file for the private key; OUT.pub gets the public one.")],
) -> None:
    """Make the key that signs releases. Keep OUT secret; hospitals need OUT.pub, on another way than the model."""
    from gmmas_core.signing import key_fingerprint, make_key, read_public_key

    public = make_key(out)
    typer.echo(f"private key: {out} (keep it secret)\npublic key: {public}")
    typer.echo(f"fingerprint: {key_fingerprint(read_public_key(public))}")


def _print(as_json: bool, content: Mapping[str, Any], lines: list[str]) -> None:
    from gmmas_core.types import DISCLAIMER

    if as_json:
        typer.echo(json.dumps({"disclaimer": DISCLAIMER, **content}))
    else:
        typer.echo("\n".join([DISCLAIMER, *lines]))


def _version_line(entry: Mapping[str, Any]) -> str:
    if not entry["in_ledger"]:
        return f"  {entry['version']}: not in the ledger; do not hand it out, release again"
    state = "overridden by " + entry["override"]["name"] if entry["override"] else "all gates open"
    mark = "*" if entry["current"] else " "
    return f"{mark} {entry['version']}: round {entry['round']}, {entry['model_id']}, {entry['time'][:16]}, {state}"


def _release_lines(line: Mapping[str, Any]) -> list[str]:
    lines = [f"  {gate['name']}: {gate['state']}: {gate['statement']}" for gate in line["gates"]]
    if line["override"]:
        lines.append(f"  overridden by {line['override']['name']}: {line['override']['reason']}")
    lines.append(f"released {line['version']}: round {line['round']}, model {line['model_id']}")
    lines.append(f"signed with the key of fingerprint {line['key_fingerprint']}")
    return [*lines, f"folder: {line['folder']}"]
