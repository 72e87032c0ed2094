"""Read one NIfTI file into an array and its place in space, or say what is wrong with it.

The file is decompressed and mapped onto an array in one go, in the dtype it was stored in: 16-bit integers stay 16-bit,
nothing passes through float64. Messages name what the caller calls the file (`where`), never its path.
"""

import math
import zlib
from pathlib import Path
from typing import Any, NoReturn

import nibabel as nib
import numpy as np
from nibabel.spatialimages import HeaderDataError
from nibabel.wrapstruct import WrapStructError
from numpy.typing import NDArray

from gmmas_core.data.grid import Volume
from gmmas_core.types import DataError

MAX_BYTES = 4 * 1024**3
"""A header that announces more than this is damaged or hostile; no brain MRI comes near."""

_GZIP_MAGIC = b"\x1f\x8b"
_NIFTI2_HEADER_BYTES = 540
_HEADER_READ = 65536


def load_volume(path: Path, where: str = "image", max_bytes: int = MAX_BYTES) -> Volume:
    """Read a `.nii` or `.nii.gz` file.

    Args:
        path: NIfTI-1 or NIfTI-2 in one file, compressed or not (the content decides, not the name).
        where: what a message calls it, e.g. "case 0f3a: t1c".
        max_bytes: of unpacked content that a header may announce.

    Returns:
        uint8 or int16 as stored, everything else (and anything with a scale factor) as float32; whatever orientation.
        The affine is nibabel's choice between sform, qform and pixel sizes, whatever their codes.

    Raises:
        DataError: missing, truncated, not NIfTI, not 3-D, complex or RGB, no usable affine, NaN or infinite values.
    """
    try:
        raw = path.read_bytes()
    except OSError as error:
        _fail(
            where, f"a file that cannot be read ({error.strerror})", "a readable NIfTI file", "check that it is there"
        )
    header = _read_header(raw, where)
    shape, dtype = _check_header(header, where)
    offset = int(header.get_data_offset())
    num_bytes = math.prod(shape) * dtype.itemsize
    if offset + num_bytes > max_bytes:
        found = f"a header announcing {(offset + num_bytes) / 1e6:,.0f} MB"
        _fail(where, found, f"at most {max_bytes / 1e6:,.0f} MB for one 3-D volume", "export the file again")
    content = _decompress(raw, offset + num_bytes, where)
    data = np.frombuffer(content, dtype, math.prod(shape), offset).reshape(shape, order="F")
    return Volume(_plain_values(data, header, where), _affine(header, where))


def read_header(path: Path, where: str = "image") -> Any:
    """nibabel's header of a NIfTI-1 or NIfTI-2 file, by its content, not by its name.

    Raises:
        DataError: missing, or not NIfTI.
    """
    try:
        with path.open("rb") as file:
            raw = file.read(_HEADER_READ)
    except OSError as error:
        _fail(
            where, f"a file that cannot be read ({error.strerror})", "a readable NIfTI file", "check that it is there"
        )
    return _read_header(raw, where)


def require_signal(volume: Volume, where: str) -> None:
    """Refuse an image without any signal.

    Raises:
        DataError: every voxel has the same value.
    """
    if volume.data.min() == volume.data.max():
        found = "only zeros" if not volume.data.any() else f"the value {float(volume.data.flat[0]):g} in every voxel"
        _fail(where, found, "an image of a brain", "export the sequence again or leave it out")


def _fail(where: str, found: str, expected: str, action: str) -> NoReturn:
    raise DataError(f"{where}: found {found}; expected {expected}; {action}")


def _read_header(raw: bytes, where: str) -> Any:
    """The NIfTI-1 or NIfTI-2 header at the start of the (possibly compressed) content."""
    try:
        start, _ = _gunzip(raw[:_HEADER_READ], _NIFTI2_HEADER_BYTES) if raw[:2] == _GZIP_MAGIC else (raw, None)
    except zlib.error:
        _fail(where, "damaged gzip data", "an intact .nii.gz file", "copy or export the file again")
    for kind in (nib.Nifti1Header, nib.Nifti2Header):
        if kind.may_contain_header(start[:_NIFTI2_HEADER_BYTES]):
            try:
                header = kind(start[: kind.template_dtype.itemsize], check=True)
            except (HeaderDataError, WrapStructError, ValueError):
                break
            if bytes(header["magic"])[:2] == b"n+":
                return header
    return _fail(where, "no NIfTI header", "a NIfTI file (.nii or .nii.gz)", "convert the image, e.g. with dcm2niix")


def _check_header(header: Any, where: str) -> tuple[tuple[int, int, int], np.dtype[Any]]:
    shape = tuple(int(n) for n in header.get_data_shape())
    if len(shape) > 3 and math.prod(shape[3:]) == 1:
        shape = shape[:3]
    if len(shape) != 3 or min(shape) < 1:
        found = f"a {len(shape)}-D image of {'x'.join(map(str, shape))}"
        _fail(where, found, "one 3-D volume", "keep one volume of the series per file")
    dtype = header.get_data_dtype()
    if dtype.kind not in "iuf":
        _fail(where, f"voxels of type {dtype}", "one real number per voxel", "export the image as grey values")
    return (shape[0], shape[1], shape[2]), dtype


def _decompress(raw: bytes, num_bytes: int, where: str) -> bytes:
    """At least `num_bytes` of content; never much more, so that a small hostile file cannot fill the memory."""
    content = raw
    if raw[:2] == _GZIP_MAGIC:
        try:
            content, member = _gunzip(raw, num_bytes + 1)
            _read_to_checksum(member)
        except zlib.error:
            _fail(where, "damaged gzip data", "an intact .nii.gz file", "copy or export the file again")
    if len(content) < num_bytes:
        found = f"a truncated file ({len(content) / 1e6:.1f} of {num_bytes / 1e6:.1f} MB of content)"
        _fail(where, found, "a complete file", "copy or export the file again")
    return content


def _gunzip(raw: bytes, limit: int) -> tuple[bytes, Any]:
    """Up to `limit` bytes of content, from as many gzip members as that takes, and the last member's decompressor."""
    member = zlib.decompressobj(wbits=31)
    content = member.decompress(raw, limit)
    while member.eof and len(content) < limit and member.unused_data[:2] == _GZIP_MAGIC:
        raw, member = member.unused_data, zlib.decompressobj(wbits=31)
        content += member.decompress(raw, limit - len(content))
    return content, member


def _read_to_checksum(member: Any) -> None:
    """Let zlib see the rest of a member, a piece at a time, because damage shows in the checksum at its end."""
    rest, left = member.unconsumed_tail, MAX_BYTES
    while rest and left > 0 and not member.eof:
        left -= len(member.decompress(rest, 2**20))
        rest = member.unconsumed_tail


def _plain_values(data: NDArray[Any], header: Any, where: str) -> NDArray[Any]:
    slope, intercept = header.get_slope_inter()
    scaled = slope is not None and (slope, intercept) != (1.0, 0.0)
    if not scaled and data.dtype.kind in "iu" and data.dtype.newbyteorder("=") in (np.uint8, np.int16):
        return data.astype(data.dtype.newbyteorder("="), copy=False)
    with np.errstate(over="ignore", invalid="ignore"):
        values = data.astype(np.float32)
        if scaled:
            values = values * np.float32(slope) + np.float32(intercept)
    bad = int(np.count_nonzero(~np.isfinite(values)))
    if bad:
        _fail(where, f"{bad} voxels that are NaN or infinite", "finite values only", "export the image again")
    return values


def _affine(header: Any, where: str) -> NDArray[np.float64]:
    affine_44 = np.asarray(header.get_best_affine(), dtype=np.float64)
    if not np.isfinite(affine_44).all() or abs(np.linalg.det(affine_44[:3, :3])) < 1e-9:
        _fail(where, "an affine that is not invertible", "voxel sizes and directions", "export with its orientation")
    return affine_44
