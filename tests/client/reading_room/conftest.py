"""An open room, and files as people upload them."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest

from client.reading_room.store.database import open_database
from client.result_files import nifti_bytes


@pytest.fixture
def room(tmp_path: Path) -> Iterator[sqlite3.Connection]:
    """The database of a new reading room."""
    with closing(open_database(tmp_path / "room")) as connection:
        yield connection


@pytest.fixture(scope="session")
def nifti() -> bytes:
    """A small .nii.gz with signal."""
    values_XYZ = np.random.default_rng(0).random((8, 9, 10), dtype=np.float32)
    return nifti_bytes(values_XYZ, np.diag([1.0, 1.0, 2.0, 1.0]))
