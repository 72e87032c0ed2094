"""What lies in a folder of raw studies: one folder per study with DICOM in any nesting, or NIfTI files with skull."""

import hashlib
import json
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from client.reading_room.uploads.archive import Received, label_of
from client.reading_room.uploads.kinds import DICOM, NIFTI, kind_of
from gmmas_core.data.grid import Volume
from gmmas_core.data.nifti import load_volume, require_signal
from gmmas_core.data.sequences import sequence_of
from gmmas_core.onboarding.headers import SeriesHeader
from gmmas_core.onboarding.recognition import Series, sidecar_header
from gmmas_core.types import DataError

MAX_SIDECAR_BYTES = 2**20
MAX_IMAGES = 64
"""Of one study; the rest are left out and said to be."""

_BRAIN = re.compile(r"(^|[_-])brain[_-]?mask\.nii(\.gz)?$", re.IGNORECASE)
_PLAIN_KEY = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_./ -]*")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,99}")


@dataclass(frozen=True, kw_only=True, eq=False)
class Study:
    """The images of one study, read.

    Attributes:
        series: key, stable between two looks at the same files -> what is known of it.
        volumes: key -> image.
        files: key -> NIfTI file that it was read from; DICOM's lie in the work folder.
        brain_mask: a mask of the brain that lay beside NIfTI images.
        notes: one sentence for each series or file that was left out.
    """

    series: Mapping[str, Series]
    volumes: Mapping[str, Volume]
    files: Mapping[str, Path]
    brain_mask: Path | None
    notes: tuple[str, ...]


def find_studies(source: Path) -> dict[str, Path]:
    """Case id -> folder, for every folder in a folder of raw studies.

    Raises:
        DataError: no such folder, none in it, or names that cannot be case ids.
    """
    if not source.is_dir():
        raise DataError("--raw: found no such folder; expected one that holds one folder per study")
    folders = sorted(inner for inner in source.iterdir() if inner.is_dir() and not inner.name.startswith("."))
    if not folders:
        raise DataError("--raw: found no folder in it; expected one folder per study; put each study into its own")
    odd = sum(not _is_case_id(folder.name) for folder in folders)
    if odd:
        raise DataError(
            f"--raw: found {odd} folders whose names are no pseudonyms; expected letters, digits, - and _ only, since "
            "the names become case ids, and no sequence's name at their end; rename them"
        )
    return {folder.name: folder for folder in folders}


def _is_case_id(name: str) -> bool:
    return _NAME.fullmatch(name) is not None and sequence_of(f"{name}_brain.nii.gz") is None


def files_of(folder: Path) -> list[Path]:
    """Every plain file below a folder, hidden ones left out, in a fixed order."""
    return sorted(
        path
        for path in folder.rglob("*")
        if path.is_file() and not any(part.startswith(".") for part in path.relative_to(folder).parts)
    )


def fingerprint(folder: Path, settings: str) -> str:
    """Digest of the names, sizes and times of a study's files and of how it is to be prepared."""
    digest = hashlib.sha256(settings.encode())
    for path in files_of(folder):
        facts = path.stat()
        digest.update(os.fsencode(path.relative_to(folder)))
        digest.update(f"\0{facts.st_size}\0{facts.st_mtime_ns}\n".encode())
    return digest.hexdigest()


def read_study(folder: Path, work: Path) -> Study:
    """Read one study.

    Args:
        folder: of the study; nothing is written there.
        work: empty folder for what is converted; the caller removes it. Same disk as the source saves copies.

    Raises:
        DataError: no image, DICOM and NIfTI mixed, or what `convert` refuses.
    """
    kinds: dict[str, list[Path]] = {DICOM: [], NIFTI: []}
    for path in files_of(folder):
        kinds.get(kind_of(path), []).append(path)
    if kinds[DICOM] and kinds[NIFTI]:
        raise DataError("study: found DICOM and NIfTI in one folder; expected one kind; keep them apart")
    if kinds[DICOM]:
        return _from_dicom(kinds[DICOM], work)
    if kinds[NIFTI]:
        return _from_nifti(folder, kinds[NIFTI])
    raise DataError("study: found neither DICOM nor NIfTI in its folder; expected one of them; check the export")


def _from_dicom(files: list[Path], work: Path) -> Study:
    from client.reading_room.uploads.dicom import convert

    received = [Received(path=path.resolve(), label=label_of(path.name)) for path in files]
    converted = convert(received, work, MAX_IMAGES)
    series, volumes, places, notes = {}, {}, {}, list(converted.skipped)
    for key, image, header in zip(converted.keys, converted.images, converted.headers, strict=True):
        volume = _read(image.path, image.label, notes)
        if volume is not None:
            series[key] = _series(image.label, header, volume)
            volumes[key], places[key] = volume, image.path
    return Study(series=series, volumes=volumes, files=places, brain_mask=None, notes=tuple(notes))


def _from_nifti(folder: Path, files: list[Path]) -> Study:
    series, volumes, places = {}, {}, {}
    notes: list[str] = []
    masks = [path for path in files if _BRAIN.search(path.name)]
    if len(masks) > 1:
        raise DataError(f"study: found {len(masks)} brain masks; expected one; remove the others")
    images = [path for path in files if path not in masks]
    for path in images[:MAX_IMAGES]:
        label = label_of(path.name)
        volume = _read(path, label, notes)
        if volume is not None:
            key = _key_of(path.relative_to(folder))
            sidecar = _sidecar(path)
            header = None if sidecar is None else sidecar_header(sidecar)
            series[key] = _series(label, header, volume)
            volumes[key], places[key] = volume, path
    notes += [f"{label_of(path.name)}: found more than {MAX_IMAGES} images; left out" for path in images[MAX_IMAGES:]]
    return Study(series=series, volumes=volumes, files=places, brain_mask=next(iter(masks), None), notes=tuple(notes))


def _key_of(path: Path) -> str:
    """A file's path, or a digest where a table cannot hold it or a spreadsheet would take it for a formula."""
    text = path.as_posix()
    return text if _PLAIN_KEY.fullmatch(text) else "f" + hashlib.sha256(os.fsencode(path)).hexdigest()[:8]


def _series(label: str, header: SeriesHeader | None, volume: Volume) -> Series:
    spacing_mm = volume.grid.spacing_mm
    shortest = min(mm * n for mm, n in zip(spacing_mm, volume.grid.shape, strict=True))
    return Series(label=label, header=header, thickest_mm=max(spacing_mm), shortest_mm=shortest)


def _read(path: Path, label: str, notes: list[str]) -> Volume | None:
    try:
        volume = load_volume(path, label)
        require_signal(volume, label)
    except DataError as error:
        notes.append(f"{error}; left out")
        return None
    return volume


def _sidecar(path: Path) -> dict[str, object] | None:
    """The JSON beside an image, if it has one that tells something."""
    place = path.with_name(re.sub(r"\.nii(\.gz)?$", ".json", path.name, flags=re.IGNORECASE))
    try:
        if place == path or place.stat().st_size > MAX_SIDECAR_BYTES:
            return None
        content = json.loads(place.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return None
    return content if isinstance(content, dict) else None
