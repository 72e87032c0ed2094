"""`gmmas-site peers accept | show`: which hospitals this one takes part in secure sums with."""

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from gmmas_core.peers import Peers

FolderArgument = Annotated[Path, typer.Argument(metavar="SITE", help="Site folder, or its site.yaml.")]
Json = Annotated[bool, typer.Option("--json", help="Print the outcome as JSON.")]


def register(app: typer.Typer) -> None:
    """Add these commands to the hospital's command line."""
    room = typer.Typer(help="The other hospitals' keys, compared by voice and pinned.", no_args_is_help=True)
    room.command("accept", epilog="Example: gmmas-site peers accept north peers.json")(accept)
    room.command("show", epilog="Example: gmmas-site peers show north")(show)
    app.add_typer(room, name="peers")


def accept(
    folder: FolderArgument,
    peers: Annotated[Path, typer.Argument(metavar="PEERS_JSON", help="The coordinator's list.")],
    fingerprint: Annotated[
        str | None, typer.Option(metavar="SHA256:...", help="Of the list, as the other hospitals read it out.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Pin the hospitals' keys, after the hospitals have compared one fingerprint of the list by voice."""
    from client.joining.peers import accept as pin
    from client.site import read_site
    from gmmas_core.peers import read_peers
    from gmmas_core.types import DataError

    site, found = read_site(folder), read_peers(peers)
    typer.echo("\n".join(_words(found)), err=as_json)
    if fingerprint is None:
        if not sys.stdin.isatty():
            raise DataError("--fingerprint: found none, and no terminal to ask at; expected what the others read out")
        typer.echo("\nCall the other hospitals, on numbers you knew before. Does each read the same fingerprint?")
        fingerprint = typer.prompt("The fingerprint that they read")
    pin(site, found, fingerprint)
    told = f"accepted: {len(found.sites)} hospitals are pinned; a changed list has to be accepted anew"
    typer.echo(json.dumps(_told(found), indent=1) if as_json else told)


def show(folder: FolderArgument, as_json: Json = False) -> None:
    """The accepted list, and its fingerprint to read to another hospital."""
    from client.joining.peers import pinned
    from client.site import read_site

    found = pinned(read_site(folder))
    typer.echo(json.dumps(_told(found), indent=1) if as_json else "\n".join(_words(found)))


def _told(peers: "Peers") -> dict[str, Any]:
    return {
        "federation": peers.federation,
        "sites": peers.fingerprints,
        "fingerprint": peers.spoken_fingerprint,
    }


def _words(peers: "Peers") -> list[str]:
    kind, _, value = peers.spoken_fingerprint.partition(":")
    groups = " ".join(value[start : start + 4] for start in range(0, len(value), 4))
    return [
        f"The hospitals of {peers.federation}, and the fingerprints of their keys:",
        *(f"  {name:20} {fingerprint}" for name, fingerprint in peers.fingerprints.items()),
        "",
        f"FINGERPRINT OF THE WHOLE LIST: {peers.spoken_fingerprint}",
        f"  to read aloud: {kind}, then {groups}",
    ]
