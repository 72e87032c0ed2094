"""What an uploaded file is, by its first bytes; its name decides nothing."""

import zlib
from pathlib import Path

NIFTI, DICOM, ZIP, OTHER = "nifti", "dicom", "zip", "other"

_HEADER_SIZES = {size.to_bytes(4, order) for size in (348, 540) for order in ("little", "big")}
_MAGICS = (b"n+1\0", b"ni1\0", b"n+2\0", b"ni2\0")


def kind_of(path: Path) -> str:
    """NIFTI (compressed or not), DICOM, ZIP or OTHER.

    Raises:
        OSError: the file cannot be read.
    """
    with path.open("rb") as file:
        start = file.read(65536)
    if start[:4] in (b"PK\x03\x04", b"PK\x05\x06"):
        return ZIP
    if start[128:132] == b"DICM":
        return DICOM
    if start[:2] == b"\x1f\x8b":
        try:
            start = zlib.decompressobj(wbits=31).decompress(start, 1024)
        except zlib.error:
            return OTHER
    is_nifti = start[:4] in _HEADER_SIZES and (start[344:348] in _MAGICS or start[4:8] in _MAGICS)
    return NIFTI if is_nifti else OTHER
