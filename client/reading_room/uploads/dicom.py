"""DICOM files to NIfTI files: grouped by series, told apart by their headers, converted by dcm2niix.

Of the headers only the day of the study, the series' description, where slices lie and the pulse sequence's times are
looked at; patients' ids are compared with each other and not kept. The files of one upload must be of one study: two
patients are never mixed. The files of the
series that became images are handed on unchanged; what is exported to the hospital's archive refers to them.
"""

import hashlib
import logging
import os
import shutil
import subprocess
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import dcm2niix
import pydicom
from pydicom.dataset import Dataset
from pydicom.errors import InvalidDicomError
from pydicom.filereader import read_file_meta_info
from pydicom.uid import DeflatedExplicitVRLittleEndian, MediaStorageDirectoryStorage

from client.reading_room.uploads.archive import Received, label_of
from client.reading_room.uploads.limits import MAX_NIFTI_FILES, MAX_UNPACKED_BYTES
from client.reading_room.uploads.stack import reason_against
from gmmas_core.onboarding.headers import SeriesHeader, recognize, unambiguous
from gmmas_core.types import DataError

CONVERSION_TIMEOUT_S = 600
MIN_SLICES = 5
"""Localizers and single images have fewer."""

_TAGS = [
    *("StudyInstanceUID", "SeriesInstanceUID", "StudyDate", "Modality", "SeriesDescription", "ProtocolName"),
    *("SequenceName", "ContrastBolusAgent", "RepetitionTime", "EchoTime", "InversionTime", "ImageType"),
    *("NumberOfFrames", "SamplesPerPixel", "PatientID", "BurnedInAnnotation", "EchoNumbers", "AcquisitionTime"),
    *("ImagePositionPatient", "ImageOrientationPatient"),
]


_DAMAGED = (
    InvalidDicomError,
    OSError,
    ValueError,
    KeyError,
    TypeError,
    AttributeError,
    NotImplementedError,
    RecursionError,
)

# Values that break DICOM's rules are common and are read as they are; a warning would print them, or files' names.
pydicom.config.settings.reading_validation_mode = pydicom.config.IGNORE
warnings.filterwarnings("ignore", module=r"pydicom\.")
logging.getLogger("pydicom").setLevel(logging.CRITICAL)


@dataclass(frozen=True, kw_only=True)
class Converted:
    """What an upload of DICOM files became.

    Attributes:
        images: NIfTI files; labels are the series' descriptions.
        sequences: recognised from the header, one for each image, None where nobody can tell.
        headers: what the series said, one for each image.
        keys: one for each image, the same whatever other series are there.
        series: key of `originals`, one for each image; dcm2niix makes several images of some series.
        originals: the DICOM files of each series that gave an image.
        study_date: YYYY-MM-DD, or None.
        skipped: one sentence for each series that was left out.
    """

    images: tuple[Received, ...]
    sequences: tuple[str | None, ...]
    headers: tuple[SeriesHeader, ...]
    keys: tuple[str, ...]
    series: tuple[int, ...]
    originals: Mapping[int, tuple[Path, ...]]
    study_date: str | None
    skipped: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class _Series:
    files: tuple[Path, ...]
    key: str
    label: str
    header: SeriesHeader
    num_slices: int


def convert(received: Sequence[Received], target: Path, max_images: int = MAX_NIFTI_FILES) -> Converted:
    """Convert the files of one study.

    Args:
        received: DICOM files.
        target: empty folder for the NIfTI files and dcm2niix's own work.
        max_images: more are left out, and said to be, first those that nobody recognised.

    Raises:
        DataError: damaged files, no MRI, more than one study, nothing that can be converted, or dcm2niix failed.
    """
    headers = [(file.path, header) for file in received if (header := _read_header(file)) is not None]
    for tag, what in (("StudyInstanceUID", "studies"), ("PatientID", "patients")):
        different = {_text(header, tag) for _, header in headers}
        if len(different) > 1:
            raise DataError(
                f"DICOM: found {len(different)} {what} in one upload; expected one; upload each study of each patient "
                "apart"
            )
    usable, skipped = _usable_series(headers)
    if not usable:
        raise DataError(
            "\n".join(
                ["DICOM: found no series that can be read; expected MRI series of at least five slices", *skipped]
            )
        )
    files: list[tuple[Received, str | None, int, str]] = []
    for number, series in enumerate(usable):
        made = _convert_series(series, target / f"{number:03}")
        if not made:
            skipped.append(f"{series.label}: found nothing in it that dcm2niix converts; left out")
        guess = recognize(series.header)
        for part, path in enumerate(made):
            key = series.key if part == 0 else f"{series.key}-{part}"
            files.append((Received(path=path, label=series.label), guess, number, key))
    if not files:
        raise DataError("\n".join(["DICOM: found no series that dcm2niix converts; expected MRI series", *skipped]))
    files = sorted(files, key=lambda each: each[1] is None) if len(files) > max_images else files
    skipped += [f"{file.label}: found more than {max_images} images; left out" for file, *_ in files[max_images:]]
    files = files[:max_images]
    guesses = unambiguous({str(place): guess for place, (_, guess, *_) in enumerate(files)})
    return Converted(
        images=tuple(file for file, *_ in files),
        sequences=tuple(guesses.values()),
        headers=tuple(usable[number].header for _, _, number, _ in files),
        keys=tuple(key for *_, key in files),
        series=tuple(number for _, _, number, _ in files),
        originals={number: usable[number].files for _, _, number, _ in files},
        study_date=_day(headers[0][1]),
        skipped=tuple(skipped),
    )


def _read_header(file: Received) -> Dataset | None:
    """Of an image or another object of a study; None for a DICOMDIR, which lists files and is none of the study."""
    try:
        if read_file_meta_info(file.path).get("TransferSyntaxUID") == DeflatedExplicitVRLittleEndian:
            raise DataError(
                f"{file.label}: found a DICOM file that is compressed as a whole, which may become any size; "
                "expected an ordinary one; export the study again without deflation"
            )
        header = pydicom.dcmread(file.path, stop_before_pixels=True, specific_tags=_TAGS)
        if header.file_meta.get("MediaStorageSOPClassUID") == MediaStorageDirectoryStorage:
            return None
        if _text(header, "StudyInstanceUID") and _text(header, "SeriesInstanceUID"):
            return header
    except _DAMAGED:
        pass
    raise DataError(f"{file.label}: found a DICOM file that is damaged; expected an intact one; export the study again")


def _usable_series(headers: Sequence[tuple[Path, Dataset]]) -> tuple[list[_Series], list[str]]:
    """By series, and within one by echo: a dual echo is two images of different weighting."""
    grouped: dict[tuple[str, str], list[tuple[Path, Dataset]]] = {}
    for path, header in headers:
        grouped.setdefault((_text(header, "SeriesInstanceUID"), _text(header, "EchoNumbers")), []).append(
            (path, header)
        )
    usable, skipped = [], []
    for identity, members in grouped.items():
        series = _series(identity, members)
        reason = _reason_to_skip(series, [header for _, header in members])
        if reason:
            skipped.append(f"{series.label}: {reason}; left out")
        else:
            usable.append(series)
    return usable, skipped


def _series(identity: tuple[str, str], members: Sequence[tuple[Path, Dataset]]) -> _Series:
    first = members[0][1]
    words = " ".join(_text(first, tag) for tag in ("SeriesDescription", "ProtocolName", "SequenceName")).strip()
    kinds = [str(kind).upper() for kind in first.get("ImageType", None) or []]
    return _Series(
        files=tuple(path for path, _ in members),
        key="s" + hashlib.sha256("\0".join(identity).encode()).hexdigest()[:8],
        label=_one_line(_text(first, "SeriesDescription") or _text(first, "ProtocolName") or "series without a name"),
        header=SeriesHeader(
            words=words,
            has_agent=bool(_text(first, "ContrastBolusAgent")),
            tr_ms=_number(first, "RepetitionTime"),
            te_ms=_number(first, "EchoTime"),
            ti_ms=_number(first, "InversionTime"),
            is_derived=bool(kinds) and kinds[0] == "DERIVED",
            taken=_number(first, "AcquisitionTime"),
        ),
        num_slices=sum(int(_number(header, "NumberOfFrames") or 1) for _, header in members),
    )


def _one_line(description: str) -> str:
    """A slash is no path here: "T1 W/O CONTRAST" is one name."""
    return label_of(description.replace("/", "|").replace("\\", "|"))


def _reason_to_skip(series: _Series, headers: Sequence[Dataset]) -> str | None:
    header = headers[0]
    if _text(header, "Modality") != "MR":
        return f"found {label_of(_text(header, 'Modality')) or 'no modality'}; expected MR"
    if (_number(header, "SamplesPerPixel") or 1) != 1:
        return "found colour; expected grey values"
    if series.num_slices < MIN_SLICES:
        return f"found {series.num_slices} slices; expected at least {MIN_SLICES}"
    if any(_text(each, "BurnedInAnnotation").upper() == "YES" for each in headers):
        return "found text burned into the picture, which may name the patient; expected none"
    return reason_against(headers)


def _convert_series(series: _Series, folder: Path) -> list[Path]:
    source, out = folder / "in", folder / "out"
    source.mkdir(parents=True)
    out.mkdir()
    for number, file in enumerate(series.files):
        _place(file, source / f"{number:05}.dcm")
    options = ["-g", "i", "-b", "n", "-z", "i", "-1", "-f", "image", "-d", "0"]
    try:
        subprocess.run(
            [dcm2niix.bin, *options, "-o", str(out), str(source)],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=CONVERSION_TIMEOUT_S,
            env={"PATH": "/usr/bin:/bin", "HOME": str(folder), "LC_ALL": "C.UTF-8"},
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise DataError(
            f"{series.label}: found dcm2niix still at work after {CONVERSION_TIMEOUT_S} s; expected seconds; "
            "export the study again"
        ) from None
    files = sorted(out.glob("*.nii.gz"))
    if sum(file.stat().st_size for file in files) > MAX_UNPACKED_BYTES:
        raise DataError(f"{series.label}: found a series of many gigabytes; expected one MRI; leave it out")
    if any("_Eq" in file.name for file in files):
        return []  # uneven slices: one image is out of place, the other interpolated
    return files  # dcm2niix ends with other codes for warnings too; what counts is what it wrote


def _place(file: Path, place: Path) -> None:
    """The same file under a name of ours; a copy where it lies on another disk or belongs to somebody else."""
    try:
        os.link(file, place)
    except OSError:
        shutil.copyfile(file, place)


def _text(header: Dataset, tag: str) -> str:
    value = header.get(tag, None)
    return "" if value is None else str(value).strip()


def _number(header: Dataset, tag: str) -> float | None:
    try:
        return float(header.get(tag, None))
    except (TypeError, ValueError):
        return None


def _day(header: Dataset) -> str | None:
    text = _text(header, "StudyDate")
    return f"{text[:4]}-{text[4:6]}-{text[6:8]}" if len(text) == 8 and text.isdecimal() else None
