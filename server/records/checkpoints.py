"""Global weights after each round, as folders that are wholly there or not there; what a run resumes from."""

import hashlib
import json
import logging
import shutil
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import load, save

from gmmas_core.atomic import publish_folder, write_bytes, write_json
from gmmas_core.types import DataError

WEIGHTS, ARRAYS, ABOUT = "weights.safetensors", "memory.safetensors", "checkpoint.json"
_PREFIX = "round-"

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Checkpoint:
    """What was saved after one round."""

    round: int
    weights: Mapping[str, NDArray[np.float32]]
    state: Mapping[str, Any]
    arrays: Mapping[str, NDArray[np.float32]]
    path: Path


def path_of(folder: Path, round: int) -> Path:
    """Where the checkpoint of a round lies."""
    return folder / f"{_PREFIX}{round:06d}"


def checkpoints_of(folder: Path) -> list[int]:
    """Rounds of which there is a checkpoint, sorted; whether it reads back is not looked at."""
    return sorted(int(path.name.removeprefix(_PREFIX)) for path in folder.glob(f"{_PREFIX}{'[0-9]' * 6}"))


def save_round(
    folder: Path,
    round: int,
    weights: Mapping[str, NDArray[np.float32]],
    state: Mapping[str, Any],
    arrays: Mapping[str, NDArray[np.float32]],
) -> Path:
    """Write the checkpoint of a round; a crash leaves the older checkpoints and nothing of this one.

    Args:
        folder: of all checkpoints; made if absent.
        round: from 0; an existing checkpoint of that round is replaced.
        weights: parameter name -> array.
        state: JSON-able; whatever else the next round needs.
        arrays: name -> array; what the next round needs beside the weights.

    Returns:
        The checkpoint's own folder.

    Raises:
        OSError: the disk is full or the folder cannot be written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for leftover in folder.glob(f".{_PREFIX}*"):
        shutil.rmtree(leftover, ignore_errors=True)
    final = path_of(folder, round)
    data = {WEIGHTS: _saved(weights), ARRAYS: _saved(arrays)}
    contents = {"round": round, "state": dict(state), **{_hash_of(name): _sha256(data[name]) for name in data}}
    temporary = Path(tempfile.mkdtemp(dir=folder, prefix=f".{final.name}."))
    try:
        for name, content in data.items():
            write_bytes(temporary / name, content)
        write_json(temporary / ABOUT, contents | {"sha256": _digest(contents)})
        publish_folder(temporary, final)
    except BaseException:
        shutil.rmtree(temporary, ignore_errors=True)
        raise
    return final


def newest_valid(folder: Path, on_skip: Callable[[str], None] = log.warning) -> Checkpoint | None:
    """The newest checkpoint that reads back as it was written.

    Args:
        folder: of all checkpoints; may be absent.
        on_skip: told the reason for every newer one that was passed over.

    Returns:
        The checkpoint, or None when there is no valid one.
    """
    for path in sorted(folder.glob(f"{_PREFIX}*"), reverse=True):
        try:
            return read_checkpoint(path)
        except DataError as error:
            on_skip(str(error))
    return None


def read_checkpoint(path: Path) -> Checkpoint:
    """Read one checkpoint and check its files against their hashes.

    Raises:
        DataError: a file is missing, unreadable or not as it was written.
    """
    try:
        about = json.loads((path / ABOUT).read_bytes())
        data = {name: (path / name).read_bytes() for name in (WEIGHTS, ARRAYS)}
    except (OSError, ValueError):
        raise DataError(f"checkpoint {path.name}: found a missing or unreadable file; expected three") from None
    about = about if isinstance(about, dict) else {}
    contents: dict[str, Any] = {key: about.get(key) for key in ("round", "state", *map(_hash_of, data))}
    if about.get("sha256") != _digest(contents):
        raise DataError(f"checkpoint {path.name}: found {ABOUT} altered; expected it as written")
    altered = [name for name, content in data.items() if _sha256(content) != contents[_hash_of(name)]]
    if altered:
        raise DataError(f"checkpoint {path.name}: found {altered[0]} altered or cut short; expected it as written")
    try:
        weights, arrays = (load(content) for content in data.values())
    except SafetensorError:
        raise DataError(f"checkpoint {path.name}: found arrays unreadable; expected safetensors") from None
    return Checkpoint(round=int(contents["round"]), weights=weights, state=contents["state"], arrays=arrays, path=path)


def _saved(arrays: Mapping[str, NDArray[np.float32]]) -> bytes:
    return bytes(save({name: np.asarray(array, order="C") for name, array in arrays.items()}))


def _hash_of(file: str) -> str:
    return f"{file.partition('.')[0]}_sha256"


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def _digest(contents: Mapping[str, Any]) -> str:
    return _sha256(json.dumps(contents, sort_keys=True, allow_nan=False).encode())
