"""Updates of one round on disk, for strategies that must see all of them before the first one counts.

Memory then does not grow with the sites: every update lies in one flat file and is read through a memory map, a block
at a time. The files do not outlive an attempt at a round, so they are renamed into place but never synced.
"""

import math
import os
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO
from urllib.parse import quote, unquote

import numpy as np
from numpy.typing import NDArray

from gmmas_core.types import FederationError

Floats = NDArray[np.float32]

_SUFFIX = ".f32"


class Spool:
    """A folder of updates, one file per site, all with the parameters of the weights that were sent."""

    def __init__(self, folder: Path, reference: Mapping[str, Floats]) -> None:
        """Use a folder; what lies in it stays until `clear`.

        Args:
            folder: made if absent; nothing else may live in it.
            reference: parameter name -> float32 array; fixes names, order and shapes.
        """
        self.folder = folder
        self._shapes = {name: array.shape for name, array in reference.items()}
        self._starts, self._size = {}, 0
        for name, array in reference.items():
            self._starts[name] = self._size
            self._size += array.size
        folder.mkdir(parents=True, exist_ok=True)

    @property
    def sites(self) -> tuple[str, ...]:
        """Sites whose update is here, sorted: nothing may depend on who came first."""
        return tuple(sorted(unquote(path.name.removesuffix(_SUFFIX)) for path in self.folder.glob(f"*{_SUFFIX}")))

    def add(self, site: str, weights: Mapping[str, Floats]) -> None:
        """Keep one site's update, wholly or not at all; an earlier one of the same site is replaced.

        Args:
            site: its name.
            weights: parameter name -> float32 array, exactly the reference's names and shapes.

        Raises:
            FederationError: other names, shapes or dtypes.
            OSError: the disk is full; what was there before is untouched.
        """
        if weights.keys() != self._shapes.keys():
            raise FederationError(f"spool: found other parameters from {site}; expected those that were sent")
        for name, shape in self._shapes.items():
            if weights[name].dtype != np.float32 or weights[name].shape != shape:
                raise FederationError(f"parameter {name}: found another shape or dtype; expected float32 {list(shape)}")
        with _replacing(self._path(site)) as file:
            for name in self._shapes:
                file.write(np.ascontiguousarray(weights[name]).data)

    def read(self, site: str) -> dict[str, Floats]:
        """One site's update as read-only views of its file, parameter by parameter in the reference's order.

        Raises:
            FederationError: there is no update of this site.
        """
        flat = self._mapped(site, 0, self._size)
        return {name: self._shaped(name, flat[start:]) for name, start in self._starts.items()}

    def read_parameter(self, site: str, name: str) -> Floats:
        """One parameter of one site's update; its pages leave memory with the array.

        Raises:
            FederationError: there is no update of this site.
        """
        return self._shaped(name, self._mapped(site, self._starts[name], math.prod(self._shapes[name])))

    def drop(self, site: str) -> None:
        """Forget one site's update; one that is not here is forgotten already."""
        self._path(site).unlink(missing_ok=True)

    def clear(self) -> None:
        """Forget everything, and what a killed process left half written."""
        for path in self.folder.iterdir():
            path.unlink()

    def _mapped(self, site: str, start: int, size: int) -> Floats:
        path = self._path(site)
        if not path.is_file():
            raise FederationError(
                f"spool: found no update of {site}; expected one of {', '.join(self.sites) or 'none'}"
            )
        offset = start * np.dtype(np.float32).itemsize
        return np.asarray(np.memmap(path, np.float32, mode="r", offset=offset, shape=(size,)))

    def _shaped(self, name: str, flat: Floats) -> Floats:
        return flat[: math.prod(self._shapes[name])].reshape(self._shapes[name])

    def _path(self, site: str) -> Path:
        return self.folder / f"{quote(site, safe='')}{_SUFFIX}"


@contextmanager
def _replacing(path: Path) -> Iterator[BinaryIO]:
    """A file that takes its final name when all is written."""
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=".writing-")
    try:
        with os.fdopen(handle, "wb") as file:
            yield file
        os.replace(name, path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
