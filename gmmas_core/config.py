"""Hydra compose -> checked dataclasses. The only file that imports hydra.

Both sides of the federation compose the same configuration from their **installed** `configs/` plus override strings;
nothing but the strings crosses the wire. Names in YAML are looked up in plain dictionaries: no `_target_`, no code.

OmegaConf's resolvers can read a machine's environment (`${oc.env:NAME}`), and an error text would carry what they
read to whoever sent the override. So no dollar sign is taken in an override, escaped or not, and before anything is
resolved every interpolation of the composed files is looked at: a plain reference to another key, or a refusal.
"""

import copy
import dataclasses
import functools
import hashlib
import json
import re
import types
import typing
from collections.abc import Iterator, Mapping, Sequence
from importlib import resources
from pathlib import Path
from typing import Any

import yaml
from hydra import compose, initialize_config_module
from hydra.core.global_hydra import GlobalHydra
from hydra.errors import ConfigCompositionException, HydraException
from omegaconf import OmegaConf
from omegaconf.errors import OmegaConfBaseException

from gmmas_core.config_curriculum import (
    AdaptationConfig,
    CalibrationConfig,
    CurriculumConfig,
    PseudoLabelConfig,
    StagePlan,
)
from gmmas_core.config_federation import (
    ExchangeConfig,
    FederationConfig,
    ReleaseConfig,
    ScreeningConfig,
    ServerOptimizerConfig,
    StrategyConfig,
)
from gmmas_core.config_privacy import ClientLevelConfig, PrivacyConfig, SecureSumConfig
from gmmas_core.config_require import require
from gmmas_core.config_schema import (
    AcceptanceConfig,
    Config,
    DataConfig,
    EvaluationConfig,
    LossConfig,
    ModelConfig,
    TrainingConfig,
)
from gmmas_core.types import ConfigError

__all__ = [
    "AcceptanceConfig",
    "AdaptationConfig",
    "CalibrationConfig",
    "ClientLevelConfig",
    "Config",
    "CurriculumConfig",
    "DataConfig",
    "EvaluationConfig",
    "ExchangeConfig",
    "FederationConfig",
    "LossConfig",
    "ModelConfig",
    "PrivacyConfig",
    "PseudoLabelConfig",
    "ReleaseConfig",
    "ScreeningConfig",
    "SecureSumConfig",
    "ServerOptimizerConfig",
    "StagePlan",
    "StrategyConfig",
    "TrainingConfig",
    "config_from_dict",
    "config_groups",
    "config_hash",
    "config_keys",
    "config_to_dict",
    "load_config",
    "read_config",
    "save_config",
]


_REFERENCE = re.compile(r"\$\{[a-z_][a-z0-9_.]*\}")
"""The one kind of interpolation: the value of another key. A resolver's call has a colon."""


def load_config(overrides: Sequence[str] = ()) -> Config:
    """Compose configs/config.yaml with overrides and check every value.

    Args:
        overrides: Hydra overrides, e.g. ("experiment=smoke", "rounds=5", "training.lr=1e-4").

    Returns:
        The resolved configuration as plain objects.

    Raises:
        ConfigError: unknown key, group, option or bad value; the message lists the valid ones.
    """
    for override in overrides:
        _refuse_code(override)
    return config_from_dict(copy.deepcopy(_composed(tuple(overrides))))


@functools.lru_cache(maxsize=64)
def _composed(overrides: tuple[str, ...]) -> dict[str, Any]:
    """Hydra takes 0.2 s, and within one process the files do not change."""
    GlobalHydra.instance().clear()
    try:
        with initialize_config_module("configs", version_base="1.3"):
            composed = compose("config", overrides=list(overrides))
        _refuse_resolvers(OmegaConf.to_container(composed, resolve=False))
        plain = OmegaConf.to_container(composed, resolve=True, throw_on_missing=True)
    except (ConfigCompositionException, HydraException, OmegaConfBaseException) as error:
        raise ConfigError(_explain(error, overrides)) from None
    return typing.cast("dict[str, Any]", plain)


def _refuse_code(override: str) -> None:
    """Hydra unescapes: `$\\{...}` and `\\${...}` become interpolations too, so the sign itself is refused."""
    if "_target_" in override or "$" in override:
        key = re.match(r"[+~]*[A-Za-z0-9_./@]{0,80}", override)
        raise ConfigError(
            f"override {key[0] if key else ''!r}: found an interpolation or _target_; expected a plain value"
        )


def _refuse_resolvers(values: Any) -> None:
    """Refuse every interpolation but references, before one is resolved; the text names the key alone."""
    for key, text in _texts(values, ""):
        if "${" in _REFERENCE.sub("", text):
            raise ConfigError(f"{key}: found an interpolation that calls a resolver; expected a plain value")


def _texts(values: Any, where: str) -> Iterator[tuple[str, str]]:
    """Dotted key and text of every string."""
    if isinstance(values, Mapping):
        for key, value in values.items():
            yield from _texts(value, f"{where}.{key}".lstrip("."))
    elif isinstance(values, list):
        for index, value in enumerate(values):
            yield from _texts(value, f"{where}[{index}]")
    elif isinstance(values, str):
        yield where, values


def _explain(error: Exception, overrides: Sequence[str]) -> str:
    """Hydra's words without its stack of hints, naming the keys or options that exist."""
    root: BaseException = error
    while root.__cause__ is not None:
        root = root.__cause__
    text = str(error).split("\nSet the environment")[0].strip()
    reason = str(root).splitlines()[0] if str(root) else ""
    if reason and reason not in text:
        text += f" ({reason})"
    given = ", ".join(overrides) or "none"
    return f"configuration: {text}; overrides given: {given}; valid keys: {', '.join(config_keys())}"


def config_keys() -> list[str]:
    """Every dotted key of the configuration, in order."""
    return [key for key, _ in _leaves(Config)]


def config_groups() -> dict[str, list[str]]:
    """The groups that an override may choose from, with the names of their files: `model` -> base, paper, tiny."""
    chosen = {item.name for item in dataclasses.fields(Config)} | {"experiment"}
    folders = [folder for folder in resources.files("configs").iterdir() if folder.name in chosen and folder.is_dir()]
    return {
        folder.name: sorted(file.name.removesuffix(".yaml") for file in folder.iterdir() if file.name.endswith(".yaml"))
        for folder in sorted(folders, key=lambda folder: folder.name)
    }


def _leaves(schema: type, prefix: str = "") -> list[tuple[str, Any]]:
    hints = typing.get_type_hints(schema)
    found: list[tuple[str, Any]] = []
    for item in dataclasses.fields(schema):
        hint = hints[item.name]
        if dataclasses.is_dataclass(hint):
            found += _leaves(typing.cast(type, hint), f"{prefix}{item.name}.")
        else:
            found.append((prefix + item.name, hint))
    return found


def config_from_dict(values: Mapping[str, Any]) -> Config:
    """Rebuild a Config from plain values (as stored in a run or model folder).

    Raises:
        ConfigError: unknown or missing key, wrong type or bad value.
    """
    return typing.cast(Config, _build(Config, values, ""))


def _build(schema: type, values: Any, where: str) -> Any:
    require(isinstance(values, Mapping), f"{where or 'config'}: found {type(values).__name__}; expected a mapping")
    hints = typing.get_type_hints(schema)
    names = [item.name for item in dataclasses.fields(schema)]
    unknown = sorted(set(values) - set(names))
    require(not unknown, f"{where or 'config'}: found unknown key {unknown}; expected any of {names}")
    unset = dataclasses.MISSING
    required = [f.name for f in dataclasses.fields(schema) if f.default is unset and f.default_factory is unset]
    missing = sorted(set(required) - set(values))
    require(not missing, f"{where or 'config'}: missing key {missing}")
    return schema(**{key: _coerce(hints[key], value, f"{where}.{key}".lstrip(".")) for key, value in values.items()})


def _coerce(hint: Any, value: Any, where: str) -> Any:
    if dataclasses.is_dataclass(hint):
        return _build(typing.cast(type, hint), value, where)
    if typing.get_origin(hint) is list:
        require(isinstance(value, list), f"{where}: found {value!r}; expected a list")
        (inner,) = typing.get_args(hint)
        return [_coerce(inner, item, f"{where}[{index}]") for index, item in enumerate(value)]
    if isinstance(hint, types.UnionType):
        return value
    if hint is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if hint is float and isinstance(value, str):
        value = _number(value, where)
    fits = isinstance(value, hint) and not (hint is int and isinstance(value, bool))
    require(fits, f"{where}: found {value!r}; expected {hint.__name__}")
    return value


def _number(text: str, where: str) -> float:
    """YAML 1.1 reads 1e-4 (no dot) as a string; people write it all the same."""
    try:
        return float(text)
    except ValueError:
        raise ConfigError(f"{where}: found {text!r}; expected a number") from None


def config_to_dict(config: Config) -> dict[str, Any]:
    """Plain, JSON-able values."""
    return dataclasses.asdict(config)


def config_hash(config: Config) -> str:
    """sha256 of what both sides must agree on: everything but the lab's own folder and the notices.

    `data.root` and `data.workers` are facts of one machine, so two sides may differ in them.
    """
    values = config_to_dict(config)
    for fact in ("root", "workers", "deal", "partition"):
        del values["data"][fact]
    return hashlib.sha256(json.dumps(values, sort_keys=True).encode()).hexdigest()


def save_config(config: Config, path: Path) -> None:
    """Write the resolved configuration as YAML."""
    path.write_text(yaml.safe_dump(config_to_dict(config), sort_keys=False))


def read_config(path: Path) -> Config:
    """Read a resolved configuration written by `save_config`.

    Raises:
        ConfigError: unreadable, unknown key or bad value.
    """
    try:
        values = yaml.safe_load(path.read_text())
    except (OSError, yaml.YAMLError, UnicodeDecodeError):
        raise ConfigError(f"{path.name}: cannot be read as YAML; expected a resolved configuration") from None
    return config_from_dict(values)
