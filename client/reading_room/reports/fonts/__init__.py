"""Fonts that page, PDF and pictures share: Noto Sans SC, subset; see subset.py for how and OFL.txt for the licence."""

from importlib import resources
from pathlib import Path

NAMES = ("regular", "bold")


def path_of(name: str) -> Path:
    """The file of one of NAMES."""
    return Path(str(resources.files(__name__) / f"{name}.ttf"))
