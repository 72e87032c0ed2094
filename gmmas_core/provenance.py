"""Which core is this? One fingerprint over the source, the resolved model configuration and the model's parameters.

A site refuses a round whose fingerprint differs from its own and the coordinator refuses an update likewise, so "both
run the same network" is checked and not assumed. The four parts are kept as readable tables: whoever refuses can say
what differs. Package versions are reported with the rest but stay out of the digest: a hospital with another
processor has another build of torch, and its image is compared before a run, not in every round.
"""

import functools
import hashlib
import json
import platform
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

from torch import nn

from gmmas_core.config import Config, config_to_dict
from gmmas_core.types import FederationError

PARTS = ("source", "config", "parameters", "versions")
"""Tables of a fingerprint; all but the last are in its digest."""

PACKAGES = ("torch", "flwr", "monai", "nibabel", "numpy", "safetensors")
SHOWN_DIFFERENCES = 3


@dataclass(frozen=True, kw_only=True)
class Fingerprint:
    """What this process would train with, entry by entry.

    Attributes:
        source: file of gmmas_core (relative, with /) -> first 16 hex digits of its sha256.
        config: dotted key of the model's configuration, and "tasks" -> value as JSON.
        parameters: name in the state dict -> "dtype[shape]".
        versions: Python and package versions, without the build's local part ("+cpu").
    """

    source: Mapping[str, str]
    config: Mapping[str, str]
    parameters: Mapping[str, str]
    versions: Mapping[str, str]

    @property
    def parts(self) -> dict[str, str]:
        """sha256 per part, in the order of PARTS."""
        return {name: _digest(getattr(self, name)) for name in PARTS}

    @property
    def digest(self) -> str:
        """sha256 over source, config and parameters: the identity that rounds are checked against."""
        return _digest({name: value for name, value in self.parts.items() if name != "versions"})

    def difference(self, other: "Fingerprint") -> list[str]:
        """One line for each part that differs, naming the first entries that do; empty when nothing differs.

        In each line this fingerprint's value comes first.
        """
        lines = []
        for part in PARTS:
            mine, theirs = getattr(self, part), getattr(other, part)
            names = sorted(name for name in {*mine, *theirs} if mine.get(name) != theirs.get(name))
            if names:
                shown = [
                    f"{name} ({mine.get(name, 'absent')} against {theirs.get(name, 'absent')})"
                    for name in names[:SHOWN_DIFFERENCES]
                ]
                more = f" and {len(names) - len(shown)} more" if len(names) > len(shown) else ""
                lines.append(f"{part}: {', '.join(shown)}{more}")
        return lines

    def to_json(self) -> str:
        """One line of JSON, the same text for equal fingerprints."""
        return json.dumps({part: dict(getattr(self, part)) for part in PARTS}, sort_keys=True)

    @classmethod
    def from_json(cls, text: str) -> "Fingerprint":
        """Read what `to_json` wrote.

        Raises:
            FederationError: not a fingerprint.
        """
        try:
            tables = json.loads(text)
        except (ValueError, RecursionError):
            tables = None
        if not isinstance(tables, dict) or set(tables) != set(PARTS) or not all(map(_is_table, tables.values())):
            raise FederationError(
                f"fingerprint: found something else; expected JSON with {list(PARTS)}; use one version"
            )
        return cls(**tables)


def _is_table(value: object) -> bool:
    return isinstance(value, dict) and all(isinstance(entry, str) for entry in value.values())


def core_fingerprint(model: nn.Module, config: Config) -> Fingerprint:
    """The fingerprint of the installed core with this model.

    Source and versions are read once per process, so a file edited while a process runs changes nothing, as the code in
    memory does not change either.

    Args:
        model: any network of the core; its values do not matter, only names, shapes and dtypes.
        config: of which the model's section and the tasks count.
    """
    values = config_to_dict(config)
    settings = {f"model.{key}": value for key, value in values["model"].items()} | {"tasks": values["tasks"]}
    return Fingerprint(
        source=source_table(),
        config={key: json.dumps(value) for key, value in sorted(settings.items())},
        parameters=parameter_table(model),
        versions=version_table(),
    )


def parameter_table(model: nn.Module) -> dict[str, str]:
    """Name -> "float32[16,4,3,3,3]" of every entry of the state dict, sorted by name."""
    state = model.state_dict()
    return {
        name: f"{str(state[name].dtype).removeprefix('torch.')}[{','.join(map(str, state[name].shape))}]"
        for name in sorted(state)
    }


@functools.cache
def source_table(root: Path = Path(__file__).parent) -> dict[str, str]:
    """Hash of every Python file below a package's folder, whatever folder it is installed in.

    Line ends are normalised because a checkout may rewrite them. The digits are of
    sha256 and enough to tell files apart; they authenticate nobody.
    """
    files = sorted(root.rglob("*.py"), key=lambda file: file.relative_to(root).as_posix())
    return {
        file.relative_to(root).as_posix(): hashlib.sha256(file.read_bytes().replace(b"\r\n", b"\n")).hexdigest()[:16]
        for file in files
    }


@functools.cache
def version_table() -> dict[str, str]:
    """Public versions of Python and of the packages that decide numbers or formats."""
    found = {"python": ".".join(platform.python_version_tuple()[:2])}
    for package in PACKAGES:
        try:
            found[package] = metadata.version(package).split("+")[0]
        except metadata.PackageNotFoundError:
            found[package] = "absent"
    return found


def _digest(table: Mapping[str, str]) -> str:
    return hashlib.sha256(json.dumps(dict(table), sort_keys=True).encode()).hexdigest()
