"""One prepared raw study as a case folder: four images, the brain mask, the record of how."""

import gzip
import hashlib
import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
from numpy.typing import NDArray

from gmmas_core import atomic
from gmmas_core.data.grid import Volume
from gmmas_core.onboarding.recognition import Guess
from gmmas_core.onboarding.record import FILE, RawRecord, RawSequence, Stripped, voxel_digest, write_raw_record
from gmmas_core.onboarding.study import Prepared, Settings, software

_LEVEL = 6


def files_of_case(case_id: str, sequences: Iterable[str]) -> set[str]:
    """Names of what is written for a case."""
    return {FILE, *(f"{case_id}_{name}.nii.gz" for name in (*sequences, "brain"))}


def write_case(
    work: Path,
    final: Path,
    prepared: Prepared,
    natives: Mapping[str, Volume],
    named: Mapping[str, tuple[str, Guess]],
    settings: Settings,
    atlas: Path | None,
    key: str,
) -> None:
    """Write a case beside its final place and publish it in one step.

    Args:
        work: folder on the same disk as `final`, which the caller removes; an older case goes there first.
        final: the case's folder.
        prepared, natives, settings, atlas: of the study.
        named: sequence -> label of the series and why it was taken for it.
        key: digest of the inputs.
    """
    temporary = work / "case"
    temporary.mkdir(mode=0o755)
    case_id = final.name
    for name, image_XYZ in prepared.images.items():
        _save(temporary / f"{case_id}_{name}.nii.gz", image_XYZ, prepared)
    _save(temporary / f"{case_id}_brain.nii.gz", prepared.brain.mask_XYZ.astype(np.uint8), prepared)
    write_raw_record(temporary, _record(case_id, prepared, natives, named, settings, atlas, key))
    if final.exists():
        os.replace(final, work / "older")
    atomic.publish_folder(temporary, final)


def _record(
    case_id: str,
    prepared: Prepared,
    natives: Mapping[str, Volume],
    named: Mapping[str, tuple[str, Guess]],
    settings: Settings,
    atlas: Path | None,
    key: str,
) -> RawRecord:
    sequences = {}
    for name in prepared.images:
        label, guess = named[name]
        registered = prepared.registered.get(name)
        sequences[name] = RawSequence(
            label=label,
            confidence=guess.confidence,
            reasons=guess.reasons,
            decided_by=guess.decided_by,
            native=natives[name].grid,
            matrix_44=prepared.matrices[name],
            residual_mm=None if registered is None else registered.residual_mm,
            information=None if registered is None else registered.information,
            voxels=voxel_digest(natives[name]),
        )
    return RawRecord(
        case_id=case_id,
        reference=prepared.reference,
        space="reference" if atlas is None else "atlas",
        atlas_sha256="" if atlas is None else hashlib.sha256(atlas.read_bytes()).hexdigest(),
        model=prepared.grid,
        sequences=sequences,
        stripped=Stripped(
            method=settings.strip.method,
            sha256=settings.strip.weights_sha256,
            volume_ml=round(prepared.brain.volume_ml, 1),
            agreement=prepared.brain.agreement,
        ),
        warnings=prepared.warnings,
        inputs=key,
        software=software(),
    )


def _save(path: Path, data_XYZ: NDArray[Any], prepared: Prepared) -> None:
    """The same bytes for the same voxels: no time and no name in the gzip header."""
    image = nib.Nifti1Image(data_XYZ, prepared.grid.affine_44)
    image.set_sform(prepared.grid.affine_44, 1)
    image.set_qform(prepared.grid.affine_44, 1)
    image.header.set_xyzt_units("mm")
    path.write_bytes(gzip.compress(image.to_bytes(), _LEVEL, mtime=0))
