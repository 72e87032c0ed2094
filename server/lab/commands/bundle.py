"""`gmmas-lab bundle`: what a hospital without internet installs from."""

import json
from pathlib import Path
from typing import Annotated

import typer

from gmmas_core.types import DISCLAIMER

# What nobody signed may be signed later, on the machine that holds the key: the format is OpenSSH's own.
UNSIGNED = """NOT SIGNED: no hospital should install from it. Sign it where the key is, then hand over the public key:
  ssh-keygen -Y sign -n gmmas-bundle -f KEY {sums}"""


def register(app: typer.Typer) -> None:
    """Add this command to the researcher's command line."""
    app.command("bundle")(bundle)


def bundle(
    out: Annotated[Path, typer.Option(help="New folder for the bundle.")],
    key: Annotated[
        Path | None, typer.Option(help="Key that signs it (gmmas-coordinator release-key).", show_default="unsigned")
    ] = None,
    images: Annotated[
        list[Path] | None, typer.Option(help="Archive of a container image to put in; may be repeated.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the outcome as JSON.")] = False,
) -> None:
    """Make what a hospital without internet needs: all wheels, documents, instructions, hashes, a signature.

    Run it on a machine of the hospital's kind (same processor, same Python), with internet. Examples:

        gmmas-lab bundle --out gmmas-bundle --key coordinator.key

        gmmas-lab bundle --out gmmas-bundle --key coordinator.key --images site.tar
    """
    from rich.console import Console

    from gmmas_core.signing import key_fingerprint, read_private_key
    from gmmas_core.ssh_signature import ssh_fingerprint
    from server.lab.bundling.bundle import make_bundle

    secret = None if key is None else read_private_key(key)
    console = Console(stderr=True)
    with console.status("starting") as status:
        say = status.update if console.is_terminal else lambda text: None
        made = make_bundle(out, images=images or [], key=secret, say=say)
    public = None if secret is None else secret.public_key()
    content = {
        "disclaimer": DISCLAIMER,
        "folder": str(made.folder),
        "bytes": made.bytes,
        "about": vars(made.about),
        "signer": None if made.signer is None else str(made.signer),
        "fingerprint": None if public is None else key_fingerprint(public),
        "ssh_fingerprint": None if public is None else ssh_fingerprint(public),
    }
    if as_json:
        typer.echo(json.dumps(content, indent=1))
        return
    typer.echo(f"{DISCLAIMER}\nbundle: {made.folder}, {made.about.wheels} wheels, {made.bytes / 2**20:.0f} MiB")
    if made.signer is None:
        typer.echo(UNSIGNED.format(sums=made.folder / "SHA256SUMS"))
    else:
        typer.echo(
            f"signer: {made.signer}; give it to the hospital on another way than the bundle and read out\n"
            f"  {content['ssh_fingerprint']}\n  {content['fingerprint']}"
        )
