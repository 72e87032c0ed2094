"""Where a reading room keeps what it has, and what it was started with."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from client.reading_room.store.database import open_database
from client.reading_room.writer.settings import WriterSettings

CONTRIBUTIONS = "contributions"
"""Folder of the contributed cases."""


@dataclass(frozen=True, kw_only=True)
class Room:
    """A reading room on this machine.

    Attributes:
        folder: of everything it keeps, readable by its owner alone.
        site: name of the hospital, shown on every page.
        model: model folder that reads the studies.
        secure_cookies: whether browsers reach it over TLS, directly or through a proxy.
        passes: stochastic passes of a reading; None for the model's own number, 0 for none.
        device: where the model reads: "auto", "cpu" or "cuda".
        writer: of the language model that may write texts; None for the template alone.
    """

    folder: Path
    site: str
    model: Path
    secure_cookies: bool = False
    passes: int | None = None
    device: str = "auto"
    writer: WriterSettings | None = None

    @property
    def studies(self) -> Path:
        """One folder per study: images, findings, reports."""
        return self.folder / "studies"

    @property
    def contributions(self) -> Path:
        """Signed cases that were given to the site's training data, as a site folder."""
        return self.folder / CONTRIBUTIONS

    @contextmanager
    def database(self) -> Iterator[sqlite3.Connection]:
        """A connection of its own for whoever asks; closed afterwards."""
        with closing(open_database(self.folder)) as connection:
            yield connection
