"""`gmmas-coordinator peers`: the list of members that hospitals compare and pin."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer


def register(app: typer.Typer) -> None:
    """Add the command to the coordinator's command line."""
    app.command("peers", epilog="Example: gmmas-coordinator peers federation --out peers.json")(peers)


def peers(
    federation: Annotated[Path, typer.Argument(metavar="FOLDER", help="federation.yaml or its folder.")],
    out: Annotated[Path, typer.Option(metavar="FILE", help="The list, for every hospital; not secret.")],
    as_json: Annotated[bool, typer.Option("--json", help="Print the outcome as JSON.")] = False,
) -> None:
    """Write the names and public keys of the approved hospitals, for secure sums: each hospital compares and pins it.

    Write and send it again whenever a hospital was approved, revoked or has a new key.
    """
    from gmmas_core.peers import write_peers
    from server.membership.federation_file import federation_folder
    from server.membership.peers import peers_of

    found = peers_of(federation_folder(federation), datetime.now(UTC))
    write_peers(out, found)
    if as_json:
        content = {"federation": found.federation, "sites": found.fingerprints, "list": str(out)}
        typer.echo(json.dumps(content | {"fingerprint": found.spoken_fingerprint}, indent=1))
        return
    lines = [f"{name:20} {fingerprint}" for name, fingerprint in found.fingerprints.items()]
    lines += [
        "",
        f"fingerprint of the list: {found.spoken_fingerprint}",
        "",
        f"next: send {out} to every hospital; each",
    ]
    lines += ["runs gmmas-site peers accept and compares the fingerprint with the OTHER HOSPITALS by voice,"]
    lines += ["not with you: it is what keeps the coordinator out of the middle"]
    typer.echo("\n".join(lines))
