"""Put one file of a data set into a case folder.

A link where that will do, else a copy, one volume of a 4-D file, or a mask in the site's own label values.
"""

import gzip
import math
import os
import shutil
import zlib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
from nibabel.filebasedimages import ImageFileError
from nibabel.spatialimages import HeaderDataError
from numpy.typing import NDArray

from gmmas_core.atomic import write_bytes
from gmmas_core.data.labels import from_canonical
from gmmas_core.types import BACKGROUND, DataError

Place = Callable[[Path, Path], None]
"""(source file, new file) -> the file is there."""

MAX_BYTES = 8 * 1024**3
"""Of unpacked content; MSD's 4-D images take 0.14 GB."""


def link(source: Path, target: Path) -> None:
    """Link a file: hard where the file system can, else symbolic to the absolute path.

    Raises:
        DataError: the source is gone.
    """
    real = os.path.realpath(source)
    if not os.path.isfile(real):
        raise DataError(f"file: found none for {target.name}; expected the source to stay; import again")
    try:
        os.link(real, target)
    except OSError:  # another file system, or one that has no hard links or forbids them
        os.symlink(real, target)


def copy(source: Path, target: Path) -> None:
    """Copy a file's content and make it durable.

    Raises:
        DataError: the source cannot be read.
    """
    try:
        read = source.open("rb")
    except OSError as error:
        raise DataError(
            f"file: found {error.strerror} for {target.name}; expected a readable file; see its permissions"
        ) from None
    with read, target.open("xb") as written:
        shutil.copyfileobj(read, written, 2**20)
        written.flush()
        os.fsync(written.fileno())


PLACES: Mapping[str, Place] = {"link": link, "copy": copy}


def looks_same(one: Path, other: Path) -> bool:
    """Whether two files are one, or are of one size and begin and end alike; True where one cannot be read."""
    try:
        size = one.stat().st_size
        return os.path.samefile(one, other) or (size == other.stat().st_size and _ends(one) == _ends(other))
    except OSError:
        return True


def _ends(file: Path) -> bytes:
    """The first and the last 64 KiB; gzip ends with a checksum of all it holds."""
    with file.open("rb") as read:
        first = read.read(2**16)
        read.seek(-min(file.stat().st_size, 2**16), os.SEEK_END)
        return first + read.read(2**16)


def split_volumes(source: Path, targets: Mapping[int, Path], expected: int) -> None:
    """Write volumes of a 4-D file as 3-D files: same values, type and place in space.

    Args:
        source: the 4-D NIfTI file.
        targets: index along the last axis -> new .nii.gz file.
        expected: volumes that the file must have.

    Raises:
        DataError: unreadable, or another number of volumes.
    """
    image = _open(source)
    if len(image.shape) != 4 or image.shape[3] != expected:
        shape = "x".join(map(str, image.shape))
        raise DataError(f"image: found {shape} voxels; expected {expected} volumes; unpack the data set again")
    # The stored values, not scaled, under the same scale factors, so that a volume means the same.
    raw = _values(image.dataobj.get_unscaled)
    for index, target in targets.items():
        header = image.header.copy()
        header.set_data_shape(raw.shape[:3])
        header.set_slope_inter(image.dataobj.slope, image.dataobj.inter)
        _write(image, np.asfortranarray(raw[..., index]), header, target)


def rewrite_mask(source: Path, target: Path, values: Mapping[int, int], convention: str) -> set[int]:
    """Write a mask in another convention: same grid, other label values.

    Args:
        source: the mask in its data set's values.
        target: new .nii.gz file; not written when no tumour is left.
        values: file value -> canonical label.
        convention: of LABEL_CONVENTIONS, to write in.

    Returns:
        The file values found.

    Raises:
        DataError: unreadable, or a value that the data set's convention does not have.
    """
    image = _open(source)
    data = _values(lambda: np.asanyarray(image.dataobj))
    found = np.unique(data)
    unknown = [value for value in found.tolist() if value not in values]
    if unknown:
        shown = ", ".join(f"{value:g}" for value in unknown[:5])
        legal = ", ".join(map(str, sorted(values)))
        raise DataError(f"mask: found the values {shown}; expected only {legal}; check that --from is right")
    seg = np.zeros(data.shape, dtype=np.uint8)
    for value, label in values.items():
        seg[data == value] = label
    if (seg != BACKGROUND).any():
        header = image.header.copy()
        header.set_data_dtype(np.uint8)
        header.set_slope_inter(1, 0)
        _write(image, from_canonical(seg, convention), header, target)
    return {int(value) for value in found}


def _open(source: Path) -> Any:
    try:
        image = nib.load(source)
        size = math.prod(image.shape) * image.get_data_dtype().itemsize
    except (OSError, EOFError, ValueError, zlib.error, ImageFileError, HeaderDataError):
        raise DataError("file: found no readable NIfTI; expected one; unpack the data set again") from None
    if not isinstance(image, nib.Nifti1Image) or size > MAX_BYTES:
        raise DataError("file: found no NIfTI, or one of more than 8 GB; expected a NIfTI of a brain; check the file")
    return image


def _values(read: Callable[[], NDArray[Any]]) -> NDArray[Any]:
    try:
        return read()
    except (OSError, EOFError, ValueError, zlib.error):
        raise DataError("file: found a truncated or damaged file; expected all of it; unpack it again") from None


def _write(image: Any, data: NDArray[Any], header: Any, target: Path) -> None:
    slope, inter = header.get_slope_inter()
    written = type(image)(data, None, header)
    written.header.set_slope_inter(slope, inter)  # the constructor forgets them
    write_bytes(target, gzip.compress(written.to_bytes(), compresslevel=1, mtime=0))
