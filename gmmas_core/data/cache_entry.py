"""What one cached case consists of on disk, how it is recognised as whole, and when its sources count as unchanged."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gmmas_core import atomic
from gmmas_core.data.geometry import Grid
from gmmas_core.data.prepared_case import PreparedCase
from gmmas_core.data.preprocess import ContextFrame, Prepared
from gmmas_core.types import SEQUENCES, Case, DataError

MAX_TUMOUR_VOXELS = 1000
"""Tumour voxels kept for placing crops, spread evenly over the labels present."""

_ARRAYS = ("image", "seg", "context", "context_seg", "tumour")


@dataclass(frozen=True, kw_only=True)
class CacheEntry:
    """Where a prepared case lies, and its checked meta data."""

    folder: Path
    meta: Mapping[str, Any]


class Sources:
    """The files of a case: a key of their content, hashed only when a file looks different from last time.

    Attributes:
        key: names the content; the same bytes under the same roles give the same key.
    """

    def __init__(self, case: Case, home: Path) -> None:
        """Look at the files, and hash them where `home` does not remember this look.

        Raises:
            DataError: a file is missing or unreadable.
        """
        self._case = case
        self._index = home / "sources.json"
        files = {sequence: case.images[sequence] for sequence in SEQUENCES if sequence in case.images}
        if case.mask is not None:
            files["mask"] = case.mask
        self._files = files
        self._looks = self._look()
        known = _read_json(self._index) or {}
        self._is_known = known.get("looks") == self._looks and isinstance(known.get("key"), str)
        self.key: str = known["key"] if self._is_known else digest({role: self._hash(role) for role in files})

    def require_unchanged(self) -> None:
        """Refuse to publish what was read from files that changed meanwhile.

        Raises:
            DataError: a file looks different from when it was hashed.
        """
        if self._look() != self._looks:
            raise DataError(
                f"case {self._case.case_id}: found files that changed while they were read; expected files at rest; "
                "run prepare again when copying has finished"
            )

    def remember(self) -> None:
        """Spare the next look the hashing."""
        if not self._is_known:
            atomic.write_json(self._index, {"looks": self._looks, "key": self.key})

    def _look(self) -> dict[str, list[int]]:
        looks = {}
        for role, path in self._files.items():
            try:
                stat = path.stat()
            except OSError as error:
                raise self._unreadable(role, error) from None
            looks[role] = [stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns, stat.st_ino]
        return looks

    def _hash(self, role: str) -> str:
        try:
            with self._files[role].open("rb") as file:
                return hashlib.file_digest(file, "sha256").hexdigest()
        except OSError as error:
            raise self._unreadable(role, error) from None

    def _unreadable(self, role: str, error: OSError) -> DataError:
        return DataError(
            f"case {self._case.case_id}: {role}: found a file that cannot be read ({error.strerror}); "
            "expected a readable NIfTI file; check it is there"
        )


def write_entry(folder: Path, prepared: Prepared) -> None:
    """Write a prepared case into an empty folder; meta.json, the last file, makes it an entry."""
    arrays: dict[str, NDArray[Any] | None] = {
        "image": prepared.image_CXYZ,
        "seg": prepared.seg_XYZ,
        "context": prepared.context_CXYZ,
        "context_seg": prepared.context_seg_XYZ,
        "tumour": tumour_voxels(prepared.seg_XYZ),
    }
    for name, array in arrays.items():
        if array is not None:
            np.save(folder / f"{name}.npy", np.ascontiguousarray(array), allow_pickle=False)
    meta = {
        "case_id": prepared.case_id,
        "available": prepared.available_C.tolist(),
        "native": _grid_to_json(prepared.native),
        "inside": _grid_to_json(prepared.inside),
        "crop_start": list(prepared.crop_start),
        "context_origin": list(prepared.context_frame.origin_3),
        "context_edge": prepared.context_frame.edge,
        "files": {file.name: file.stat().st_size for file in sorted(folder.glob("*.npy"))},
    }
    atomic.write_json(folder / "meta.json", {"meta": meta, "digest": digest(meta)})


def read_entry(folder: Path) -> CacheEntry | None:
    """The entry when it is whole, else None: meta.json intact and every file of the size it was written with."""
    content = _read_json(folder / "meta.json")
    if content is None or not isinstance(content.get("meta"), dict) or content.get("digest") != digest(content["meta"]):
        return None
    meta = content["meta"]
    for name, size in meta["files"].items():
        try:
            if (folder / name).stat().st_size != size:
                return None
        except OSError:
            return None
    return CacheEntry(folder=folder, meta=meta)


def tumour_voxels(seg_XYZ: NDArray[np.uint8] | None) -> NDArray[np.int16]:
    """Up to MAX_TUMOUR_VOXELS positions (N, 3), the same number of each label where there are enough; fixed choice."""
    if seg_XYZ is None:
        return np.zeros((0, 3), dtype=np.int16)
    rng = np.random.default_rng(0)
    present = [label for label in (1, 2, 3) if (seg_XYZ == label).any()]
    chosen = []
    for label in present:
        places = np.flatnonzero(seg_XYZ == label)
        chosen.append(rng.permutation(places)[: MAX_TUMOUR_VOXELS // len(present)])
    flat = np.concatenate([*chosen, np.zeros(0, dtype=np.int64)])
    return np.stack(np.unravel_index(flat, seg_XYZ.shape), axis=1).astype(np.int16)


def with_mask(case: PreparedCase, mask_XYZ: NDArray[np.uint8]) -> PreparedCase:
    """An opened case without mask, as if it had been prepared with this one.

    The context's labels are those at its voxels' centres rather than the majority: they only guide Tumor-CutMix, and a
    case is opened far more often than it is used there.

    Raises:
        DataError: the mask is not on the case's prepared crop.
    """
    if mask_XYZ.shape != case.shape:
        raise DataError(
            f"case {case.case_id}: pseudo-mask: found {mask_XYZ.shape} voxels; expected {case.shape}, the prepared "
            "crop; let the model label the case again"
        )
    num, frame = case.context_CXYZ.shape[-1], case.context_frame
    centre_N = (np.arange(num) + 0.5) * frame.edge / num
    places = [np.floor(centre_N + low).astype(int) for low in frame.origin_3]
    within = [(at >= 0) & (at < n) for at, n in zip(places, case.shape, strict=True)]
    context_seg_XYZ = np.zeros((num, num, num), dtype=np.uint8)
    context_seg_XYZ[np.ix_(*within)] = mask_XYZ[
        np.ix_(*(at[inside] for at, inside in zip(places, within, strict=True)))
    ]
    return replace(case, seg_XYZ=mask_XYZ, context_seg_XYZ=context_seg_XYZ, tumour_N3=tumour_voxels(mask_XYZ))


def _read_json(path: Path) -> dict[str, Any] | None:
    try:
        content = json.loads(path.read_text())
    except (OSError, ValueError):
        return None
    return content if isinstance(content, dict) else None


def digest(value: Mapping[str, Any]) -> str:
    """96 bits of sha256 over canonical JSON, as hex."""
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()[:24]


def _grid_to_json(grid: Grid) -> dict[str, Any]:
    return {"shape": list(grid.shape), "affine": grid.affine_44.tolist()}


def _grid(value: Mapping[str, Any]) -> Grid:
    return Grid(_triple(value["shape"]), np.array(value["affine"], dtype=np.float64))


def _triple(values: list[Any]) -> tuple[Any, Any, Any]:
    x, y, z = values
    return x, y, z


def open_entry(entry: CacheEntry) -> PreparedCase:
    """Memory-map an entry's arrays; nothing but headers, the tumour voxels and meta.json is read."""
    meta = entry.meta
    arrays = {
        name: np.load(entry.folder / f"{name}.npy", mmap_mode="r", allow_pickle=False)
        for name in _ARRAYS
        if f"{name}.npy" in meta["files"]
    }
    return PreparedCase(
        case_id=meta["case_id"],
        image_CXYZ=arrays["image"],
        seg_XYZ=arrays.get("seg"),
        context_CXYZ=arrays["context"],
        context_seg_XYZ=arrays.get("context_seg"),
        tumour_N3=np.array(arrays["tumour"]),
        available_C=np.array(meta["available"], dtype=bool),
        native=_grid(meta["native"]),
        inside=_grid(meta["inside"]),
        crop_start=_triple(meta["crop_start"]),
        context_frame=ContextFrame(origin_3=_triple(meta["context_origin"]), edge=meta["context_edge"]),
        meta=meta,
    )
