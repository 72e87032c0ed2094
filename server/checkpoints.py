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

WEIGHTS, ABOUT = "weights.safetensors", "checkpoint.json"
_PREFIX = "round-"

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Checkpoint:
    """What was saved after one round."""

    round: int
    weights: Mapping[str, NDArray[np.float32]]
    state: Mapping[str, Any]
    path: Path


def save_round(folder: Path, round: int, weights: Mapping[str, NDArray[np.float32]], state: Mapping[str, Any]) -> Path:
    """Write the checkpoint of a round; a crash leaves the older checkpoints and nothing of this one.

    Args:
        folder: of all checkpoints; made if absent.
        round: from 0; an existing checkpoint of that round is replaced.
        weights: parameter name -> array.
        state: JSON-able; whatever else the next round needs.

    Returns:
        The checkpoint's own folder.

    Raises:
        OSError: the disk is full or the folder cannot be written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for leftover in folder.glob(f".{_PREFIX}*"):
        shutil.rmtree(leftover, ignore_errors=True)
    final = folder / f"{_PREFIX}{round:06d}"
    data = save({name: np.asarray(array, order="C") for name, array in weights.items()})
    contents = {"round": round, "state": dict(state), "weights_sha256": hashlib.sha256(data).hexdigest()}
    temporary = Path(tempfile.mkdtemp(dir=folder, prefix=f".{final.name}."))
    try:
        write_bytes(temporary / WEIGHTS, data)
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
    """Read one checkpoint and check both its files against their hashes.

    Raises:
        DataError: a file is missing, unreadable or not as it was written.
    """
    try:
        about = json.loads((path / ABOUT).read_bytes())
        data = (path / WEIGHTS).read_bytes()
    except (OSError, ValueError):
        raise DataError(f"checkpoint {path.name}: found a missing or unreadable file; expected two") from None
    about = about if isinstance(about, dict) else {}
    contents: dict[str, Any] = {key: about.get(key) for key in ("round", "state", "weights_sha256")}
    if about.get("sha256") != _digest(contents):
        raise DataError(f"checkpoint {path.name}: found {ABOUT} altered; expected it as written")
    if hashlib.sha256(data).hexdigest() != contents["weights_sha256"]:
        raise DataError(f"checkpoint {path.name}: found {WEIGHTS} altered or cut short; expected it as written")
    try:
        weights = load(data)
    except SafetensorError:
        raise DataError(f"checkpoint {path.name}: found {WEIGHTS} unreadable; expected safetensors") from None
    return Checkpoint(round=int(contents["round"]), weights=weights, state=contents["state"], path=path)


def _digest(contents: Mapping[str, Any]) -> str:
    return hashlib.sha256(json.dumps(contents, sort_keys=True, allow_nan=False).encode()).hexdigest()
