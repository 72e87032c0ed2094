"""raw.json: everything that was done to a raw study, so that it can be judged, repeated and taken back.

It stays in the case's folder inside the hospital. Labels of series are what the scanner or the sender wrote.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gmmas_core import atomic
from gmmas_core.data.grid import Grid, Volume
from gmmas_core.onboarding.placing import require_rigid
from gmmas_core.types import DISCLAIMER, SEQUENCES, DataError

FILE = "raw.json"
FORMAT = 1


@dataclass(frozen=True, kw_only=True, eq=False)
class RawSequence:
    """One sequence of a raw study.

    Attributes:
        label: what the series or file was called.
        confidence, reasons: of the recognition; `decided_by` is "rules" or "person".
        native: the sequence's own grid.
        matrix_44: maps points of the model's space to points of this sequence's own space, mm, RAS+.
        residual_mm: inverse consistency of the registration; None for the reference itself.
        information: Mattes' mutual information; None for the reference.
        voxels: `voxel_digest` of the image, by which it is known again; "" in records that were written without.
    """

    label: str
    confidence: float
    reasons: tuple[str, ...]
    decided_by: str
    native: Grid
    matrix_44: NDArray[np.float64]
    residual_mm: float | None
    information: float | None
    voxels: str = ""


@dataclass(frozen=True, kw_only=True)
class Stripped:
    """How the skull was removed.

    Attributes:
        method: name in the registry.
        sha256: of the weights, "" where there are none.
        volume_ml: of the brain mask.
        agreement: of the method's votes in [0, 1], None where it does not vote.
    """

    method: str
    sha256: str
    volume_ml: float
    agreement: float | None


@dataclass(frozen=True, kw_only=True, eq=False)
class RawRecord:
    """All of one study.

    Attributes:
        case_id: the case's folder.
        reference: the sequence that the others were registered to.
        space: "reference" or "atlas".
        atlas_sha256: of the atlas file, "" without one.
        model: the grid that the case was written on.
        sequences: in SEQUENCES' order, any subset.
        stripped: the brain mask.
        warnings: sentences for a person.
        inputs: digest of the source's names, sizes and times and of the settings; equal means done already.
        software: package -> version.
    """

    case_id: str
    reference: str
    space: str
    atlas_sha256: str
    model: Grid
    sequences: Mapping[str, RawSequence]
    stripped: Stripped
    warnings: tuple[str, ...]
    inputs: str
    software: Mapping[str, str]


def write_raw_record(folder: Path, record: RawRecord) -> None:
    """Write raw.json into a case's folder."""
    content = {
        "format": FORMAT,
        "case_id": record.case_id,
        "notice": DISCLAIMER,
        "matrices": "4x4, mm, RAS+ world: point of the model's space -> point of the sequence's own space",
        "reference": record.reference,
        "space": record.space,
        "atlas_sha256": record.atlas_sha256,
        "model_grid": _from_grid(record.model),
        "sequences": {
            name: {
                "label": each.label,
                "confidence": each.confidence,
                "reasons": list(each.reasons),
                "decided_by": each.decided_by,
                "native_grid": _from_grid(each.native),
                "matrix": each.matrix_44.tolist(),
                "residual_mm": each.residual_mm,
                "information": each.information,
                "voxels": each.voxels,
            }
            for name, each in record.sequences.items()
        },
        "stripped": asdict(record.stripped),
        "warnings": list(record.warnings),
        "inputs": record.inputs,
        "software": dict(record.software),
    }
    atomic.write_json(folder / FILE, content)


def voxel_digest(volume: Volume) -> str:
    """sha256 of an image's values in the order of its axes, however its file is packed or called."""
    return hashlib.sha256(np.ascontiguousarray(volume.data).data).hexdigest()


def read_raw_record(folder: Path) -> RawRecord | None:
    """Read a case's raw.json; None where the case was not prepared from raw images.

    Raises:
        DataError: it is damaged or of another format.
    """
    path = folder / FILE
    if not path.is_file():
        return None
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        if content["format"] != FORMAT:
            raise ValueError("another format")
        return _record(content)
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        raise DataError(
            f"case {folder.name}: found a {FILE} that is damaged; expected the one that prepare --raw wrote; "
            "prepare the case again"
        ) from None


def _record(content: Mapping[str, Any]) -> RawRecord:
    sequences = {}
    for name, each in content["sequences"].items():
        if name not in SEQUENCES:
            raise ValueError("no known sequence")
        matrix_44 = np.array(each["matrix"], dtype=np.float64)
        require_rigid(matrix_44, name)
        sequences[name] = RawSequence(
            label=str(each["label"]),
            confidence=float(each["confidence"]),
            reasons=tuple(map(str, each["reasons"])),
            decided_by=str(each["decided_by"]),
            native=_to_grid(each["native_grid"]),
            matrix_44=matrix_44,
            residual_mm=each["residual_mm"],
            information=each["information"],
            voxels=str(each.get("voxels", "")),
        )
    return RawRecord(
        case_id=str(content["case_id"]),
        reference=str(content["reference"]),
        space=str(content["space"]),
        atlas_sha256=str(content["atlas_sha256"]),
        model=_to_grid(content["model_grid"]),
        sequences=sequences,
        stripped=Stripped(**content["stripped"]),
        warnings=tuple(map(str, content["warnings"])),
        inputs=str(content["inputs"]),
        software=dict(content["software"]),
    )


def _from_grid(grid: Grid) -> dict[str, Any]:
    return {"shape": list(grid.shape), "affine": grid.affine_44.tolist(), "axis_codes": grid.orientation}


def _to_grid(content: Mapping[str, Any]) -> Grid:
    x, y, z = (int(n) for n in content["shape"])
    affine_44 = np.array(content["affine"], dtype=np.float64)
    if affine_44.shape != (4, 4) or not np.isfinite(affine_44).all() or min(x, y, z) < 1:
        raise ValueError("no grid")
    return Grid((x, y, z), affine_44)
