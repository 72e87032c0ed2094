"""`gmmas-site verify-bundle`: may this offline bundle be installed from?"""

import json
from pathlib import Path
from typing import Annotated

import typer

from client.progress import progress_bar
from gmmas_core.types import DISCLAIMER


def register(app: typer.Typer) -> None:
    """Add the bundle command to the site's command line."""
    app.command("verify-bundle", epilog="Example: gmmas-site verify-bundle gmmas-bundle --signer gmmas-bundle.signer")(
        verify_bundle
    )


def verify_bundle(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="The bundle, unpacked.")],
    signer: Annotated[
        Path, typer.Option(help="Coordinator's public key, received on another way: PEM or an ssh-ed25519 line.")
    ],
    as_json: Annotated[bool, typer.Option("--json", help="Print the outcome as JSON.")] = False,
) -> None:
    """Check an offline bundle: its signature, every file, nothing missing, nothing added. Exit code 1 if not."""
    from client.joining.bundle import verify
    from gmmas_core.signing import key_fingerprint
    from gmmas_core.ssh_signature import read_signer, ssh_fingerprint

    key = read_signer(signer)
    with progress_bar("comparing files") as advance:
        verdict = verify(folder, key, advance)
    about = verdict.about
    content = {
        "disclaimer": DISCLAIMER,
        "ok": not verdict.problems,
        "problems": list(verdict.problems),
        "files": verdict.files,
        "bytes": verdict.bytes,
        "about": None if about is None else vars(about),
        "signer": {"fingerprint": key_fingerprint(key), "ssh_fingerprint": ssh_fingerprint(key)},
    }
    if as_json:
        typer.echo(json.dumps(content, indent=1))
    else:
        lines = [f"wrong: {problem}" for problem in verdict.problems]
        if about is not None:
            lines.append(f"release {about.release} for Python {about.python} on {about.machine}, made {about.created}")
        lines.append(f"{verdict.files} files, {verdict.bytes / 2**20:.1f} MiB; signer {ssh_fingerprint(key)}")
        lines.append(f"not to be used: {len(verdict.problems)} problems" if verdict.problems else "intact, as signed")
        typer.echo("\n".join([DISCLAIMER, *lines]))
    if verdict.problems:
        raise typer.Exit(1)
