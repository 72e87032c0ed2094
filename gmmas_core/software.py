"""Which software this is, in three short facts that both sides tell each other: release, image and protocol."""

import os
from importlib import metadata

from gmmas_core.types import ConfigError

PROTOCOL = 1
"""Raised whenever requests or replies change in a way that an older side would misread."""

PACKAGE = "gmmas-fed"
IMAGE = "GMMAS_IMAGE"
"""Environment variable: the container image as its operator states it, "name:tag@digest"."""

MAX_IMAGE = 200


def release() -> str:
    """Version of the installed package; "unknown" where it runs without being installed."""
    try:
        return metadata.version(PACKAGE)
    except metadata.PackageNotFoundError:
        return "unknown"


def image() -> str:
    """The container image, "" where nobody has stated one.

    Raises:
        ConfigError: something that is no name of an image.
    """
    stated = os.environ.get(IMAGE, "")
    if len(stated) > MAX_IMAGE or not stated.isprintable():
        raise ConfigError(
            f"{IMAGE}: found no plain name; expected at most {MAX_IMAGE} printable characters; correct it"
        )
    return stated
