"""Which software is this? The protocol that both sides speak, the release that is installed and the image it came in.

Flower does not compare versions, so our first question does: each side says its own three before anything else is read.
The release and the image are for people, who have to know what to install; only PROTOCOL decides whether two sides can
talk. That both train the same network is a matter of its own, see `provenance`.
"""

import os
from dataclasses import dataclass
from importlib import metadata

from gmmas_core.types import ConfigError, FederationError

PROTOCOL = 2
"""Number of the messages' form: raise it when an older release could not read them, or would read them wrongly."""

PACKAGE = "gmmas-fed"
IMAGE = "GMMAS_IMAGE"
"""Environment variable with the container image as its operator states it, "name:tag@digest"."""

MAX_LABEL = 200  # characters of a release's or an image's name


@dataclass(frozen=True, kw_only=True)
class Software:
    """What one side runs; `image` is "" outside containers."""

    protocol: int
    release: str
    image: str


def installed() -> Software:
    """What runs here.

    Raises:
        ConfigError: GMMAS_IMAGE is no name.
    """
    return Software(protocol=PROTOCOL, release=release(), image=image())


def release() -> str:
    """Version of the installed package; "unknown" in a bare checkout."""
    try:
        return metadata.version(PACKAGE)
    except metadata.PackageNotFoundError:
        return "unknown"


def image() -> str:
    """The container image, "" where none is named.

    Raises:
        ConfigError: what GMMAS_IMAGE holds is no name.
    """
    name = os.environ.get(IMAGE, "")
    if not is_label(name):
        raise ConfigError(
            f"{IMAGE}: found unprintable or more than {MAX_LABEL} characters; expected name:tag@digest; correct it"
        )
    return name


def is_label(text: str) -> bool:
    """Whether it may stand in a ledger, a page or a terminal as the name of a release or an image."""
    return len(text) <= MAX_LABEL and text.isprintable()


def require_same_protocol(theirs: Software | None, whose: str) -> None:
    """Refuse to go on with a side that speaks otherwise.

    Args:
        theirs: None for a release of before there were protocols.
        whose: "coordinator" or "site 'north'", at the head of the message.

    Raises:
        FederationError: both releases, and who has to do what.
    """
    ours = f"protocol {PROTOCOL} (release {release()} here)"
    if theirs is None:
        raise FederationError(
            f"{whose}: found an older release, which does not say its protocol; expected {ours}; "
            f"install release {release()} there"
        )
    if theirs.protocol != PROTOCOL:
        older = "there" if theirs.protocol < PROTOCOL else "here"
        newer = release() if theirs.protocol < PROTOCOL else theirs.release
        raise FederationError(
            f"{whose}: found protocol {theirs.protocol} of release {theirs.release}; expected {ours}; "
            f"install release {newer} {older}"
        )
