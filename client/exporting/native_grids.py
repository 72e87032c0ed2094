"""An outline once more on each of the scanner's own grids, for cases that `gmmas-site prepare --raw` made.

raw.json keeps how each sequence was turned and moved. An outline goes back only onto an image that is still there and
still the one that was prepared, known by its voxels and its place; for any other the reason is told and nothing is
written. Of the image's header only what says where its voxels lie is taken over, both ways NIfTI has of saying it:
scanners and converters write dates and names into the rest.
"""

import gzip
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
from numpy.typing import NDArray

from client.predicting.result_files import COMPRESSION
from client.raw.sources import Study, files_of, find_studies, read_study
from gmmas_core.data.grid import Volume, same_grid
from gmmas_core.data.nifti import read_header
from gmmas_core.onboarding.back import to_native
from gmmas_core.onboarding.record import FILE, RawRecord, RawSequence, read_raw_record, voxel_digest
from gmmas_core.types import Case, DataError

SPACES = {"t1": "T1w", "t1c": "T1wCE", "t2": "T2w", "flair": "FLAIR"}
"""Sequence -> label of BIDS's entity `space`: the image that an outline lies on."""

_PLACE = (
    *("qform_code", "sform_code", "quatern_b", "quatern_c", "quatern_d", "qoffset_x", "qoffset_y", "qoffset_z"),
    *("srow_x", "srow_y", "srow_z", "xyzt_units"),
)
_TOLERANCE_MM = 1e-4


@dataclass(frozen=True, kw_only=True)
class Carried:
    """What came of a case.

    Attributes:
        labels: sequence -> outline on its grid.
        files: sequence -> the same as a NIfTI file.
        left_out: sequence, or "every sequence" -> why there is none.
    """

    labels: Mapping[str, NDArray[np.uint8]] = field(default_factory=dict)
    files: Mapping[str, bytes] = field(default_factory=dict)
    left_out: Mapping[str, str] = field(default_factory=dict)


class NativeGrids:
    """The raw studies of a site."""

    def __init__(self, raw: Path) -> None:
        """See `find_studies`, which may refuse the folder."""
        self._studies = find_studies(raw)

    def sources(self, case: Case) -> list[Path]:
        """The files that decide what `carry` answers."""
        folder = _folder(case)
        study = self._studies.get(folder.name)
        return [*([folder / FILE] if (folder / FILE).is_file() else []), *([] if study is None else files_of(study))]

    def carry(self, case: Case, labels: Volume) -> Carried:
        """Bring a case's outline back.

        Args:
            case: of a site folder.
            labels: uint8 on the grid of the case's images.

        Raises:
            DataError: a damaged raw.json.
        """
        folder = _folder(case)
        record = read_raw_record(folder)
        if record is None:
            return _none("not made by prepare --raw")
        if not same_grid(labels.grid, record.model):
            return _none("its images are not on the grid that prepare --raw wrote; prepare it again")
        if record.case_id != folder.name:
            return _none(f"its {FILE} is of another case; prepare it again")
        source = self._studies.get(folder.name)
        if source is None:
            return _none("its raw study is not there; expected a folder of the case's name")
        with tempfile.TemporaryDirectory(prefix="gmmas-native-") as work:
            try:
                study = read_study(source, Path(work))
            except DataError:  # whose words may name a series, which this must not
                return _none("its raw study cannot be read; see prepare --raw --list")
            return _carry(study, record, labels)


def _folder(case: Case) -> Path:
    return next(iter(case.images.values())).parent


def _none(reason: str) -> Carried:
    return Carried(left_out={"every sequence": reason})


def _carry(study: Study, record: RawRecord, labels: Volume) -> Carried:
    moved, files, left_out = {}, {}, {}
    for sequence, known in record.sequences.items():
        file = _same_image(study, known)
        if not known.voxels:
            left_out[sequence] = "prepared by a version that did not note which image it read; prepare the case again"
        elif file is None:
            left_out[sequence] = "the image it was prepared from is gone or has changed; prepare the case again"
        else:
            moved[sequence] = to_native(labels, record, sequence).data
            files[sequence] = _as_file(moved[sequence], read_header(file, sequence))
    return Carried(labels=moved, files=files, left_out=left_out)


def _same_image(study: Study, known: RawSequence) -> Path | None:
    for key, volume in study.volumes.items():
        is_there = volume.data.shape == known.native.shape and np.allclose(
            volume.affine_44, known.native.affine_44, rtol=0, atol=_TOLERANCE_MM
        )
        if is_there and voxel_digest(volume) == known.voxels:
            return study.files[key]
    return None


def _as_file(labels_XYZ: NDArray[np.uint8], of_image: Any) -> bytes:
    kind: Any = nib.Nifti2Image if isinstance(of_image, nib.Nifti2Header) else nib.Nifti1Image
    image = kind(labels_XYZ, of_image.get_best_affine(), dtype=np.uint8)
    for name in _PLACE:
        image.header[name] = of_image[name]
    image.header["pixdim"][:4] = of_image["pixdim"][:4]
    return gzip.compress(image.to_bytes(), COMPRESSION, mtime=0)
