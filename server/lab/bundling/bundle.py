"""`gmmas-lab bundle`: everything that a hospital without internet needs to install, check and run, in one folder.

What it holds and how it is read: `gmmas_core.bundle_format`. It appears under its name only when it is complete.
"""

import hashlib
import platform
import shutil
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from gmmas_core import atomic, ssh_signature
from gmmas_core.bundle_format import (
    ABOUT,
    DOCS,
    IMAGES,
    INSTALL,
    NAMESPACE,
    PATH,
    REQUIREMENTS,
    SIGNATURE,
    SUMS,
    WHEELS,
    About,
    write_about,
    write_sums,
)
from gmmas_core.types import ConfigError, DataError
from server.lab.bundling.wheels import CONSTRAINTS, PROJECT, Say, Wheel, collect, read_wheels

SOURCE = Path(__file__).resolve().parents[3]
"""The checkout that is bundled: the one that this program runs from."""

INSTRUCTIONS = "deploy/offline/INSTALL.md"
DOCUMENTS = ("deploy/*.md", "client/*.md", "client/reading_room/README.md")
NAME = "coordinator"
"""The signer's name in the file for `ssh-keygen -Y verify`."""


@dataclass(frozen=True, kw_only=True)
class Made:
    """A finished bundle.

    Attributes:
        signer: file with the public key, beside the bundle, to be handed over on another way; None when not signed.
    """

    folder: Path
    about: About
    bytes: int
    signer: Path | None


def make_bundle(
    out: Path,
    *,
    images: Sequence[Path],
    key: Ed25519PrivateKey | None,
    say: Say,
    source: Path = SOURCE,
) -> Made:
    """Make a bundle of a checkout.

    Args:
        out: must not exist.
        images: archives of container images, as `docker save` or `podman save` wrote them.
        key: the one that signs releases; None leaves the bundle without a signature.
        say: told what is being done.
        source: the checkout.

    Raises:
        ConfigError: no checkout, `out` is taken, or a wheel is not locked.
        DataError: an image archive that is missing or whose name no bundle may hold.
        FederationError: pip did not get every wheel.
        OSError: the disk is full. Nothing is left, as after every other error.
    """
    _check(source, out, images)
    half = out.with_name(f".{out.name}.partial")
    shutil.rmtree(half, ignore_errors=True)  # of an attempt that was killed
    try:
        for folder in (WHEELS, DOCS, *([IMAGES] if images else ())):
            (half / folder).mkdir(parents=True)
        collect(source, half / WHEELS, say)
        wheels = read_wheels(half / WHEELS, source / CONSTRAINTS)
        say("copying documents and images")
        _copy(source, half, images)
        about = _about(wheels, len(images))
        _write(half, REQUIREMENTS, "".join(f"{wheel.requirement}\n" for wheel in wheels))
        _write(half, ABOUT, write_about(about))
        say("computing checksums")
        _seal(half, key)
        size = sum(path.stat().st_size for path in half.rglob("*") if path.is_file())
        say("writing to disk")
        atomic.publish_folder(half, out)
    except BaseException:
        shutil.rmtree(half, ignore_errors=True)
        raise
    return Made(folder=out, about=about, bytes=size, signer=_write_signer(out, key))


def _check(source: Path, out: Path, images: Sequence[Path]) -> None:
    for part in ("pyproject.toml", CONSTRAINTS, INSTRUCTIONS):
        if not (source / part).is_file():
            raise ConfigError(f"bundle: found no {part} beside this program; expected a checkout; run it from there")
    if out.exists() or out.is_symlink():
        raise ConfigError("--out: found something of this name; expected a new folder; choose another name")
    if not out.parent.is_dir():
        raise ConfigError("--out: found no such parent folder; expected one that is there; create it")
    for image in images:
        if not image.is_file() or not PATH.fullmatch(image.name):
            raise DataError(
                f"--images {image.name!r}: found no file, or other signs than letters, digits, dots and dashes in its "
                "name; expected an archive such as site.tar; rename it"
            )
    if len({image.name.lower() for image in images}) != len(images):
        raise DataError("--images: found two files of one name; expected different names; rename one")


def _copy(source: Path, half: Path, images: Sequence[Path]) -> None:
    shutil.copyfile(source / INSTRUCTIONS, half / INSTALL)
    for pattern in DOCUMENTS:
        for document in source.glob(pattern):
            target = half / DOCS / document.relative_to(source)
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(document, target)
    for image in images:
        shutil.copyfile(image, half / IMAGES / image.name)


def _about(wheels: Sequence[Wheel], images: int) -> About:
    (release,) = (str(wheel.version) for wheel in wheels if wheel.name == PROJECT)
    return About(
        release=release,
        python=f"{sys.version_info.major}.{sys.version_info.minor}",
        machine=platform.machine(),
        created=datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        wheels=len(wheels),
        images=images,
    )


def _seal(half: Path, key: Ed25519PrivateKey | None) -> None:
    """List every file's hash, sign the list, let everybody read."""
    sums = {}
    for path in half.rglob("*"):
        if path.is_file():
            with path.open("rb") as file:
                sums[path.relative_to(half).as_posix()] = hashlib.file_digest(file, "sha256").hexdigest()
    listed = write_sums(sums)
    _write(half, SUMS, listed)
    if key is not None:
        _write(half, SIGNATURE, ssh_signature.sign(listed.encode(), key, NAMESPACE))
    for path in (half, *half.rglob("*")):
        path.chmod(0o755 if path.is_dir() else 0o644)


def _write_signer(out: Path, key: Ed25519PrivateKey | None) -> Path | None:
    if key is None:
        return None
    signer = out.with_name(f"{out.name}.signer")
    atomic.write_text(signer, ssh_signature.allowed_signer(key.public_key(), NAME, NAMESPACE) + "\n")
    signer.chmod(0o644)
    return signer


def _write(half: Path, name: str, text: str) -> None:
    (half / name).write_text(text)
