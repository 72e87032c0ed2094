"""One thing that a patient's leaving purges."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, kw_only=True)
class Trace:
    """One thing to purge.

    Attributes:
        path: where it lies.
        purge: does it; safe to do again after it was interrupted.
    """

    path: Path
    purge: Callable[[], None]
