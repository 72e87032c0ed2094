"""The DICOM series from which an image was made: headers without pixels, and where each frame lies in the patient."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pydicom
from numpy.typing import NDArray
from pydicom.dataset import Dataset
from pydicom.errors import InvalidDicomError

from client.reading_room.exports.headers import UNUSABLE
from client.reading_room.record import DICOM, Record
from gmmas_core.types import DataError

_BROKEN = (InvalidDicomError, OSError, *UNUSABLE)

_RAS = np.diag([-1.0, -1.0, 1.0])
"""DICOM counts to the left and to the back, NIfTI to the right and to the front."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Series:
    """One series as it came from the scanner.

    Attributes:
        headers: of its files, pixels left out; one where the file holds many frames.
        planes_F33: per frame, (column, row, 1) of a pixel's centre to mm in RAS+ space; rows are x, y, z.
        shape: frames, rows, columns.
    """

    headers: tuple[Dataset, ...]
    planes_F33: NDArray[np.float64]
    shape: tuple[int, int, int]


def read_series(folder: Path, number: int) -> Series | None:
    """A series of a study's originals; None where it has no single grid that can be told.

    Args:
        folder: of the originals, files `SSS-NNNNN.dcm`.
        number: of the series.
    """
    try:
        headers = _without_doubles(
            pydicom.dcmread(path, stop_before_pixels=True) for path in sorted(folder.glob(f"{number:03}-*.dcm"))
        )
        sizes = {(int(header.Rows), int(header.Columns)) for header in headers}
        if len(sizes) != 1 or len({str(header.FrameOfReferenceUID) for header in headers}) != 1:
            return None
        planes = np.array([plane for header in headers for plane in _planes(header)])
    except _BROKEN:
        return None
    if len(headers) > 1 and len(planes) != len(headers):
        return None  # several files of several frames: what refers to frames could not say which
    order = _along_normal(planes) if len(headers) > 1 else list(range(len(planes)))
    rows, columns = sizes.pop()
    return Series(
        headers=tuple(headers[place] for place in order) if len(headers) > 1 else tuple(headers),
        planes_F33=planes[order],
        shape=(len(planes), rows, columns),
    )


def first_headers(record: Record) -> list[tuple[Dataset, int]]:
    """Of each series that was read: the header of its first file, and how many files it has.

    Raises:
        DataError: a file is gone or is no longer DICOM.
    """
    folder = record.folder.parent.parent / DICOM
    found: list[tuple[Dataset, int]] = []
    for number in sorted({image.dicom for image in record.study.images if image.sequence and image.dicom is not None}):
        paths = sorted(folder.glob(f"{number:03}-*.dcm"))
        try:
            found.append((pydicom.dcmread(paths[0], stop_before_pixels=True), len(paths)))
        except _BROKEN:
            raise DataError(
                "DICOM: found an original file missing or damaged; expected those that were uploaded; upload them again"
            ) from None
    return found


def _without_doubles(headers: Iterator[Dataset]) -> list[Dataset]:
    """A file that was uploaded twice counts once."""
    return list({str(header.SOPInstanceUID): header for header in headers}.values())


def _planes(header: Dataset) -> Iterator[NDArray[np.float64]]:
    if "NumberOfFrames" not in header:
        yield _plane(header.ImagePositionPatient, header.ImageOrientationPatient, header.PixelSpacing)
        return
    shared = header.SharedFunctionalGroupsSequence[0]
    for own in header.PerFrameFunctionalGroupsSequence:
        position = _group(own, shared, "PlanePositionSequence").ImagePositionPatient
        orientation = _group(own, shared, "PlaneOrientationSequence").ImageOrientationPatient
        yield _plane(position, orientation, _group(own, shared, "PixelMeasuresSequence").PixelSpacing)


def _group(own: Dataset, shared: Dataset, keyword: str) -> Dataset:
    found: Dataset = (own if keyword in own else shared)[keyword].value[0]
    return found


def _plane(position: Sequence[float], orientation: Sequence[float], spacing: Sequence[float]) -> NDArray[np.float64]:
    """PS3.3 C.7.6.2.1.1: the first direction goes along a row, over columns; spacing is given for rows first."""
    along_row, along_column = np.array(orientation[:3], dtype=float), np.array(orientation[3:6], dtype=float)
    between_rows, between_columns = float(spacing[0]), float(spacing[1])
    columns = (along_row * between_columns, along_column * between_rows, np.array(position, dtype=float))
    return np.asarray(_RAS @ np.stack(columns, axis=1))


def _along_normal(planes_F33: NDArray[np.float64]) -> list[int]:
    """Frames from one end of the stack to the other, whatever the order of the files."""
    normal = np.cross(planes_F33[0, :, 0], planes_F33[0, :, 1])
    return [int(place) for place in np.argsort(planes_F33[:, :, 2] @ normal, kind="stable")]
