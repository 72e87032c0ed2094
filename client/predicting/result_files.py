"""A result as two files: a segmentation and a JSON that a person and a program can read; and a third on demand, a map
of uncertainty.

They are deterministic: the same images, model, settings, machine and number of threads give the same bytes, except
for `created_at` in the JSON, which is fixed too where SOURCE_DATE_EPOCH is set. The JSON is written last
and holds the others' hashes, so that it always belongs to what lies beside it.
"""

import gzip
import hashlib
import os
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
from numpy.typing import NDArray

from gmmas_core import atomic
from gmmas_core.calibration import region_temperatures_of, temperatures_of
from gmmas_core.checkpoint import LoadedModel
from gmmas_core.config import Config, config_hash
from gmmas_core.data.labels import LABEL_CONVENTIONS, from_canonical
from gmmas_core.types import CLASS_NAMES, DISCLAIMER, LABEL_NAMES, CaseResult, DataError

MASK_SUFFIX, MAP_SUFFIX, FACTS_SUFFIX = "_seg.nii.gz", "_uncertainty.nii.gz", ".json"
COMPRESSION = 6

Volume = NDArray[np.uint8] | NDArray[np.int16] | NDArray[np.float32]


def require_writable(out: Path) -> None:
    """Create the output folder and try it, before minutes of work.

    Raises:
        DataError: it cannot be created or written.
    """
    probe = out / f".gmmas-{os.getpid()}"
    try:
        out.mkdir(parents=True, exist_ok=True)
        probe.write_bytes(b"")
        probe.unlink()
    except OSError as error:
        raise _unwritable(error) from None


def write_result(
    result: CaseResult,
    out: Path,
    *,
    convention: str,
    loaded: LoadedModel,
    config: Config,
    findings: Mapping[str, Any],
    entropy_XYZ: NDArray[np.float32] | None = None,
) -> dict[str, Any]:
    """Write `<case>_seg.nii.gz`, `<case>_uncertainty.nii.gz` where there is a map, and `<case>.json` into a folder.

    Args:
        result: of `read_case`.
        out: folder; created when absent.
        convention: label values of the file, a key of LABEL_CONVENTIONS.
        loaded: what made the result.
        config: with the evaluation settings that were used.
        findings: see `findings`; stated with the rest.
        entropy_XYZ: predictive entropy in nats on the result's grid.

    Returns:
        The JSON's content.

    Raises:
        DataError: unknown convention, or the folder cannot be written; a file that was there before is whole.
    """
    mask, written_map = from_canonical(result.seg_XYZ, convention), None
    try:
        written = _write_volume(mask, result.affine_44, out / f"{result.case_id}{MASK_SUFFIX}")
        if entropy_XYZ is not None:
            written_map = _write_volume(entropy_XYZ, result.affine_44, out / f"{result.case_id}{MAP_SUFFIX}")
            written_map |= {"content": "predictive entropy of the four classes", "unit": "nat"}
        facts = result_facts(
            result,
            segmentation={**written, **label_names(convention)},
            uncertainty_map=written_map,
            loaded=loaded,
            config=config,
        )
        facts |= findings
        atomic.write_json(out / f"{result.case_id}{FACTS_SUFFIX}", facts)
    except OSError as error:
        raise _unwritable(error) from None
    return facts


def _write_volume(values_XYZ: Volume, affine_44: NDArray[np.float64], path: Path) -> dict[str, Any]:
    content = nifti_bytes(values_XYZ, affine_44)
    atomic.write_bytes(path, content)
    return {"file": path.name, "sha256": hashlib.sha256(content).hexdigest()}


def nifti_bytes(values_XYZ: Volume, affine_44: NDArray[np.float64]) -> bytes:
    """A gzipped NIfTI-1 file of the array's own type on the given grid, without a date in it."""
    image = nib.Nifti1Image(values_XYZ, affine_44, dtype=values_XYZ.dtype)
    image.header.set_xyzt_units("mm")
    image.set_sform(affine_44, code="scanner")
    try:
        image.set_qform(affine_44, code="scanner", strip_shears=False)
    except nib.spatialimages.HeaderDataError:
        image.set_qform(None)  # a sheared grid has no qform; the sform holds it
    return gzip.compress(image.to_bytes(), COMPRESSION, mtime=0)


def label_names(convention: str) -> dict[str, Any]:
    """What the values in the file mean."""
    names = {str(value): LABEL_NAMES.get(label, "background") for value, label in LABEL_CONVENTIONS[convention].items()}
    return {"label_convention": convention, "labels": names}


def result_facts(
    result: CaseResult,
    *,
    segmentation: Mapping[str, Any],
    uncertainty_map: Mapping[str, Any] | None,
    loaded: LoadedModel,
    config: Config,
) -> dict[str, Any]:
    """Everything a CaseResult says but its array, as JSON-able values; null is "not assessable" or "not asked for"."""
    evaluation = config.evaluation
    return {
        "disclaimer": DISCLAIMER,
        "notice": config.notice,
        "case_id": result.case_id,
        "model": {
            "model_id": result.model_id,
            "config_hash": config_hash(loaded.config),
            "warnings": list(loaded.warnings),
        },
        "sequences_used": list(result.sequences_used),
        "sequences_missing": list(result.sequences_missing),
        "not_assessable": dict(result.not_assessable),
        "abstained": dict(result.abstained),
        "segmentation": dict(segmentation),
        "uncertainty_map": None if uncertainty_map is None else dict(uncertainty_map),
        "volume_ml": dict(result.volume_ml),
        "region_uncertainty": dict(result.region_uncertainty),
        "region_epistemic": dict(result.region_epistemic),
        "region_aleatoric": dict(result.region_aleatoric),
        "region_temperature": region_temperatures_of(loaded.calibration),
        "probability": {task.value: value for task, value in result.probability.items()},
        "probability_of": {task.value: CLASS_NAMES[task][1] for task in result.probability},
        "calibrated": [task.value for task in temperatures_of(loaded.calibration, result.probability)],
        "epistemic": {task.value: value for task, value in result.epistemic.items()},
        "aleatoric": {task.value: value for task, value in result.aleatoric.items()},
        "affine_44": result.affine_44.tolist(),
        "reading": {
            "inference": evaluation.inference,
            "overlap": evaluation.overlap,
            "flips": evaluation.flips,
            "postprocess": evaluation.postprocess,
            "mc_passes": evaluation.mc_passes,
            "spacing_mm": config.data.spacing_mm,
        },
        "created_at": result.created_at or now(),
    }


def now() -> str:
    """UTC time in seconds, or the time that SOURCE_DATE_EPOCH fixes for reproducible files."""
    epoch = os.environ.get("SOURCE_DATE_EPOCH", "")
    moment = datetime.fromtimestamp(int(epoch), UTC) if epoch.isdecimal() else datetime.now(UTC)
    return moment.isoformat(timespec="seconds")


def _unwritable(error: OSError) -> DataError:
    return DataError(
        f"output folder: cannot be written ({error.strerror}); expected a writable folder with free space; "
        "choose another --out"
    )
