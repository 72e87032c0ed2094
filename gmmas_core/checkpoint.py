"""A model folder: weights, resolved configuration, provenance, calibration, what the training sites' images looked like
(where that is known), and a card for people. Never pickle.

A folder appears whole or not at all, and is read with distrust: hashes, names, shapes and dtypes are compared before
a value reaches the network. The hashes find damage and mix-ups; they do not say who made the folder.
"""

import dataclasses
import hashlib
import json
import re
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import safetensors.numpy
from numpy.typing import NDArray
from safetensors import SafetensorError
from torch import nn

from gmmas_core import atomic
from gmmas_core.calibration import FILE as CALIBRATION
from gmmas_core.calibration import region_temperatures_of, temperatures_of
from gmmas_core.config import Config, config_hash, read_config, save_config
from gmmas_core.model.gmmas import GMMAS, build_model
from gmmas_core.model_card import model_card
from gmmas_core.novelty.stored import FILE as DISTRIBUTION
from gmmas_core.novelty.stored import Distribution, read_content
from gmmas_core.provenance import Fingerprint, core_fingerprint
from gmmas_core.types import ConfigError, DataError, FederationError
from gmmas_core.weights import load_weights, weights_hash, weights_of

__all__ = [
    "LoadedModel",
    "load_model",
    "load_weights",
    "save_model",
    "weights_hash",
    "weights_of",
]

FORMAT = 1
WEIGHTS, CONFIG, PROVENANCE, CARD = "model.safetensors", "config.yaml", "provenance.json", "model_card.md"
HASHED = (WEIGHTS, CONFIG, CALIBRATION)
MAX_BYTES = {WEIGHTS: 4 * 2**30, CONFIG: 2**20, PROVENANCE: 2**24, CALIBRATION: 2**20, DISTRIBUTION: 2**20}
"""Anything larger is not a model folder of ours and is not read into memory."""


@dataclass(frozen=True, kw_only=True)
class LoadedModel:
    """A model folder, read and checked.

    Attributes:
        model: in eval mode, on the CPU.
        config: resolved configuration of the run that made it.
        model_id: identity of weights, model configuration and calibration together.
        calibration: content of calibration.json; empty when not calibrated.
        provenance: content of provenance.json.
        warnings: differences that do not forbid using it, e.g. another version of the core's source.
        distribution: of the training sites' images; None where the folder says nothing of them.
    """

    model: GMMAS
    config: Config
    model_id: str
    calibration: Mapping[str, Any]
    provenance: Mapping[str, Any]
    warnings: tuple[str, ...]
    distribution: Distribution | None = None


def save_model(
    folder: Path,
    model: nn.Module,
    config: Config,
    provenance: Mapping[str, Any],
    calibration: Mapping[str, Any] | None = None,
    distribution: Mapping[str, Any] | None = None,
) -> str:
    """Write a model folder, replacing an older one of that name in one step.

    Args:
        folder: final place; its parent must be writable.
        model: whose float32 state is stored.
        config: resolved configuration; the lab's own data folder in it is not stored.
        provenance: JSON-able facts about the run (run id, rounds, sites, cases, results ...).
        calibration: content of calibration.json, or None when not calibrated.
        distribution: content of distribution.json; None or {} where nothing is known, and no file is written.

    Returns:
        The model's identity, also in provenance.json.

    Raises:
        ConfigError, DataError: a model, a calibration or a distribution that cannot be stored.
        DataError: the folder cannot be written; what was there is untouched.
    """
    calibration, distribution = dict(calibration or {}), dict(distribution or {})
    read_content(distribution, config.data.spacing_mm)
    temperatures = temperatures_of(calibration, config.task_list)
    region_temperatures_of(calibration)
    config = dataclasses.replace(config, data=dataclasses.replace(config.data, root=""))
    weights = weights_of(model)
    content_hash = weights_hash(weights)
    model_id = _identity(config, content_hash, calibration, distribution)
    with _replacing(folder) as fresh:
        (fresh / WEIGHTS).write_bytes(safetensors.numpy.save(weights))
        save_config(config, fresh / CONFIG)
        atomic.write_json(fresh / CALIBRATION, calibration)
        if distribution:
            atomic.write_json(fresh / DISTRIBUTION, distribution)
        record = {
            "format": FORMAT,
            "model_id": model_id,
            "weights_hash": content_hash,
            "config_hash": config_hash(config),
            "files": {name: _sha256(fresh / name) for name in (*HASHED, *((DISTRIBUTION,) if distribution else ()))},
            "fingerprint": json.loads(core_fingerprint(model, config).to_json()),
            "training": dict(provenance),
        }
        atomic.write_json(fresh / PROVENANCE, record)
        count = sum(array.size for array in weights.values())
        card = model_card(
            model_id,
            config,
            num_parameters=count,
            training=provenance,
            temperatures=temperatures,
            judged=sorted((distribution or {}).get("limits", {})),
        )
        (fresh / CARD).write_text(card, encoding="utf-8")
    return model_id


@contextmanager
def _replacing(folder: Path) -> Iterator[Path]:
    """An empty folder to write into, which takes the place of `folder` when all went well.

    Raises:
        DataError: a file or a folder cannot be written; what was there is untouched.
    """
    temporary: Path | None = None
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        temporary = Path(tempfile.mkdtemp(dir=folder.parent, prefix=f".{folder.name}."))
        yield temporary
        _let_others_read(temporary)
        atomic.publish_folder(temporary, folder)
    except OSError as error:
        raise DataError(
            f"model folder: cannot be written ({error.strerror}); expected a writable folder with free space; "
            "nothing was replaced"
        ) from None
    finally:
        if temporary is not None:
            shutil.rmtree(temporary, ignore_errors=True)


def load_model(folder: Path) -> LoadedModel:
    """Read a model folder.

    Raises:
        DataError: a file is missing, too large, damaged or not what provenance.json says.
        ConfigError: the configuration cannot be read, or this version of the core builds another network from it.
    """
    if not folder.is_dir():
        raise DataError(
            f"model folder {folder.name!r}: found no such folder; expected one with {WEIGHTS} and {PROVENANCE}"
        )
    record = _read_table(folder, PROVENANCE)
    if record.get("format") != FORMAT:
        raise DataError(
            f"{PROVENANCE}: found format {record.get('format')!r}; expected {FORMAT}; use a matching version"
        )
    files = record.get("files")
    content = {name: _read_checked(folder, name, files) for name in _named_in(files)}
    config = read_config(folder / CONFIG)
    calibration = _read_table(folder, CALIBRATION)
    temperatures_of(calibration, config.task_list)
    region_temperatures_of(calibration)
    table = _read_table(folder, DISTRIBUTION) if DISTRIBUTION in content else {}
    distribution = read_content(table, config.data.spacing_mm)
    model = build_model(config.model, config.task_list, loss=config.loss, seed=0)
    warnings = _compare_core(model, config, record)
    weights = _parse_weights(content.pop(WEIGHTS))
    load_weights(model, weights)
    content_hash = weights_hash(weights)
    model_id = _identity(config, content_hash, calibration, table)
    if (record.get("weights_hash"), record.get("model_id")) != (content_hash, model_id):
        raise DataError(
            f"{PROVENANCE}: found the identity of another model; expected {model_id}; copy the folder again"
        )
    return LoadedModel(
        model=model.eval(),
        config=config,
        model_id=model_id,
        calibration=calibration,
        provenance=record,
        warnings=warnings,
        distribution=distribution,
    )


def _named_in(files: object) -> tuple[str, ...]:
    """Files to be compared with their hashes; folders of before there was a distribution name none."""
    return (*HASHED, DISTRIBUTION) if isinstance(files, dict) and DISTRIBUTION in files else HASHED


def _let_others_read(folder: Path) -> None:
    """Temporary files are private to their user; a model is made to be copied."""
    folder.chmod(0o755)
    for file in folder.iterdir():
        file.chmod(0o644)


def _identity(
    config: Config, content_hash: str, calibration: Mapping[str, Any], distribution: Mapping[str, Any]
) -> str:
    """Name of the run and 12 hex digits over everything that decides an answer."""
    decides = [content_hash, dataclasses.asdict(config.model), config.tasks, calibration]
    decides += [distribution] if distribution else []  # folders of before there was one keep their names
    digest = hashlib.sha256(json.dumps(decides, sort_keys=True).encode()).hexdigest()
    return f"{re.sub(r'[^a-z0-9]+', '-', config.name.lower()).strip('-') or 'model'}-{digest[:12]}"


def _compare_core(model: nn.Module, config: Config, record: Mapping[str, Any]) -> tuple[str, ...]:
    """Warnings for another source or version; an error for another network."""
    try:
        recorded = Fingerprint.from_json(json.dumps(record.get("fingerprint")))
    except FederationError as error:
        raise DataError(f"{PROVENANCE}: {error}") from None
    lines = recorded.difference(core_fingerprint(model, config))
    fatal = [line for line in lines if line.startswith(("parameters:", "config:"))]
    if fatal:
        raise ConfigError(
            f"model folder: found a network that this version does not build; {'; '.join(fatal)} (folder against this "
            "version); use the version of the core that made the folder"
        )
    return tuple(f"made with another core, answers may differ slightly: {line}" for line in lines)


def _parse_weights(content: bytes) -> dict[str, NDArray[Any]]:
    try:
        return dict(safetensors.numpy.load(content))
    except (SafetensorError, KeyError, TypeError, ValueError, OverflowError):
        raise DataError(f"{WEIGHTS}: found something else; expected float32 arrays in the safetensors format") from None


def _read_table(folder: Path, name: str) -> dict[str, Any]:
    try:
        value = json.loads(_read(folder, name))
    except (ValueError, RecursionError):
        value = None
    if not isinstance(value, dict):
        raise DataError(f"{name}: found something else; expected a JSON object; copy the model folder again")
    return value


def _read_checked(folder: Path, name: str, hashes: object) -> bytes:
    content = _read(folder, name)
    expected = hashes.get(name) if isinstance(hashes, dict) else None
    if hashlib.sha256(content).hexdigest() != expected:
        raise DataError(
            f"{name}: found {len(content)} bytes with another sha256 than {PROVENANCE} states; expected an unchanged "
            "file; copy the model folder again"
        )
    return content


def _read(folder: Path, name: str) -> bytes:
    path = folder / name
    try:
        size = path.stat().st_size
        if size <= MAX_BYTES[name]:
            return path.read_bytes()
    except OSError as error:
        raise DataError(f"{name}: cannot be read ({error.strerror}); expected a file of a model folder") from None
    raise DataError(f"{name}: found {size} bytes; expected at most {MAX_BYTES[name]}")


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
