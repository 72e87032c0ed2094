"""What an upload offers: unpacked, of one kind, converted where it was DICOM, each file with a guessed sequence."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from client.reading_room.uploads.archive import Received, unpack
from client.reading_room.uploads.dicom import convert
from client.reading_room.uploads.kinds import DICOM, NIFTI, ZIP, kind_of
from client.reading_room.uploads.limits import MAX_NIFTI_FILES
from gmmas_core.data.sequences import sequence_of
from gmmas_core.onboarding.headers import unambiguous
from gmmas_core.types import SEQUENCES, DataError


@dataclass(frozen=True, kw_only=True)
class Offer:
    """A NIfTI file, and which sequence it probably is.

    Attributes:
        file: where it lies and what it was called.
        sequence: one of SEQUENCES, or None where nobody can tell.
        recognized_by: "name" or "header".
        series: key of `Offers.originals`; None where it was no DICOM.
    """

    file: Received
    sequence: str | None
    recognized_by: str
    series: int | None = None


@dataclass(frozen=True, kw_only=True)
class Offers:
    """All of one upload.

    Attributes:
        images: at least one.
        source: "nifti" or "dicom".
        study_date: YYYY-MM-DD where the files tell it.
        left_out: one sentence for each series or file that was not taken.
        originals: DICOM files of the series from which the images were made.
    """

    images: tuple[Offer, ...]
    source: str
    study_date: str | None
    left_out: tuple[str, ...]
    originals: Mapping[int, tuple[Path, ...]] = field(default_factory=dict)


def look_through(received: Sequence[Received], place: Path) -> Offers:
    """Unpack, tell kinds apart and convert.

    Args:
        received: one .zip, or DICOM files, or NIfTI files.
        place: folder for what is unpacked and converted; the caller removes it in the end.

    Raises:
        DataError: nothing, several kinds at once, files of no known kind, or what `unpack` and `convert` refuse.
    """
    if len(received) == 1 and kind_of(received[0].path) == ZIP:
        unpacked = place / "unpacked"
        unpacked.mkdir()
        received = unpack(received[0].path, unpacked)
    if not received:
        raise DataError("upload: found no file; expected one to four NIfTI files or a DICOM folder; choose some")
    by_kind: dict[str, list[Received]] = {}
    for file in received:
        by_kind.setdefault(kind_of(file.path), []).append(file)
    if DICOM in by_kind and set(by_kind) <= {DICOM, "other"}:
        return _dicom_offers(by_kind[DICOM], len(by_kind.get("other", ())), place)
    return _nifti_offers(by_kind)


def _dicom_offers(files: Sequence[Received], num_others: int, place: Path) -> Offers:
    """Folders of DICOM files come with a directory, a viewer and the like, which are left out and counted."""
    work = place / "converted"
    work.mkdir()
    converted = convert(files, work)
    found = zip(converted.images, converted.sequences, converted.series, strict=True)
    others = (f"{num_others} files that are no DICOM images; left out",) if num_others else ()
    return Offers(
        images=tuple(
            Offer(file=file, sequence=guess, recognized_by="header", series=series) for file, guess, series in found
        ),
        source="dicom",
        study_date=converted.study_date,
        left_out=(*converted.skipped, *others),
        originals=converted.originals,
    )


def _nifti_offers(by_kind: dict[str, list[Received]]) -> Offers:
    problems = []
    for kind, files in by_kind.items():
        for file in files:
            if kind == DICOM:
                problems.append(f"{file.label}: found a DICOM file among others; expected one kind; upload them apart")
            elif kind == ZIP:
                problems.append(f"{file.label}: found an archive among others; expected it alone; upload it alone")
            elif kind != NIFTI:
                problems.append(f"{file.label}: found no image; expected NIfTI (.nii, .nii.gz); leave the file out")
    files = by_kind.get(NIFTI, [])
    if len(files) > MAX_NIFTI_FILES:
        problems.append(f"upload: found {len(files)} images; expected at most {MAX_NIFTI_FILES}; upload one study")
    if problems:
        raise DataError("\n".join(problems))
    told = {str(number): sequence_of(file.label) for number, file in enumerate(files)}
    guesses = unambiguous({number: guess if guess in SEQUENCES else None for number, guess in told.items()})
    return Offers(
        images=tuple(
            Offer(file=file, sequence=guess, recognized_by="name")
            for file, guess in zip(files, guesses.values(), strict=True)
        ),
        source="nifti",
        study_date=None,
        left_out=(),
    )
