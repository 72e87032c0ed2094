"""federation.yaml: who belongs to a federation and how its server is reached; written by the coordinator, by hand.

Reading lists every problem at once and refuses unknown keys. Names of hospitals become names of files, so nothing but
letters, digits, dashes and underscores passes.
"""

import ipaddress
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import yaml

from gmmas_core.enrolment import SITE_NAME
from gmmas_core.types import ConfigError

FEDERATION_FILE = "federation.yaml"
MAX_BYTES = 2**20
MAX_SITES, MAX_NAMES, MAX_DAYS = 1000, 50, 3650
SOON = timedelta(days=30)
"""So long before something expires it is said."""

_DAYS = {"server": 365, "invitation": 14, "site": 365}
_LABEL = re.compile(r"[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?")
_NUMBERS = re.compile(r"[0-9.]+")


@dataclass(frozen=True, kw_only=True)
class Federation:
    """What federation.yaml says.

    Attributes:
        name: of the federation.
        address: HOST:PORT to which hospitals connect.
        names: further DNS names or IP addresses of the server.
        sites: the hospitals' names, unlike each other on every file system.
        server_days, invitation_days, site_days: validity of the server's certificate, an invitation, a site's key.
    """

    name: str
    address: str
    names: tuple[str, ...]
    sites: tuple[str, ...]
    server_days: int
    invitation_days: int
    site_days: int

    @property
    def host(self) -> str:
        """The address without its port."""
        return self.address.rpartition(":")[0]


def federation_folder(path: Path) -> Path:
    """The folder that belongs to a path of federation.yaml, or of the folder itself.

    Raises:
        ConfigError: a file of another name, which later commands would not find, or in a folder that is not there.
    """
    if path.is_dir():
        return path
    if path.name != FEDERATION_FILE:
        raise ConfigError(f"federation: found {path.name!r}; expected {FEDERATION_FILE} or its folder; rename the file")
    if not path.parent.is_dir():
        raise ConfigError(
            f"federation: found no folder {path.parent.name!r}; expected the federation's; check the path"
        )
    return path.parent


def read_federation(folder: Path) -> Federation:
    """Read federation.yaml of a federation folder.

    Raises:
        ConfigError: no readable file, or every unknown key, missing key and bad value in it.
    """
    values = _parse(folder / FEDERATION_FILE)
    problems = _problems("", values, _TOP, {"name", "server", "sites"})
    server, days = values.get("server"), values.get("valid_days", {})
    if isinstance(server, dict):
        problems += _problems("server.", server, _SERVER, {"address"})
    if isinstance(days, dict):
        problems += _problems("valid_days.", days, dict.fromkeys(_DAYS, _COUNT), set())
    if problems:
        raise ConfigError("\n".join(f"{FEDERATION_FILE}: {problem}" for problem in problems))
    valid = _DAYS | days
    return Federation(
        name=values["name"],
        address=values["server"]["address"],
        names=tuple(values["server"].get("names", ())),
        sites=tuple(values["sites"]),
        server_days=valid["server"],
        invitation_days=valid["invitation"],
        site_days=valid["site"],
    )


def is_host(text: str) -> bool:
    """Whether it is a DNS name or an IP address of version 4, as an address takes it."""
    if _NUMBERS.fullmatch(text):
        return _is_ip(text)
    return len(text) <= 253 and all(_LABEL.fullmatch(label) for label in text.split("."))


@dataclass(frozen=True)
class _Check:
    legal: str
    holds: Callable[[Any], bool]


def _is_ip(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


def _is_name(value: Any) -> bool:
    return isinstance(value, str) and SITE_NAME.fullmatch(value) is not None


def _is_address(value: Any) -> bool:
    if not isinstance(value, str):
        return False
    host, _, port = value.rpartition(":")
    return is_host(host) and re.fullmatch(r"[0-9]{1,5}", port) is not None and 0 < int(port) < 2**16


def _are_names(value: Any) -> bool:
    return (
        isinstance(value, list)
        and len(value) <= MAX_NAMES
        and all(isinstance(name, str) and (is_host(name) or _is_ip(name)) for name in value)
    )


def _are_sites(value: Any) -> bool:
    if not isinstance(value, list) or not 0 < len(value) <= MAX_SITES or not all(_is_name(site) for site in value):
        return False
    return len({site.casefold() for site in value}) == len(value)


def _is_count(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 < value <= MAX_DAYS


_NAME_LEGAL = "1 to 64 letters, digits, dashes or underscores"
_COUNT = _Check(f"a whole number of days from 1 to {MAX_DAYS}", _is_count)
_TOP: Mapping[str, _Check] = {
    "name": _Check(_NAME_LEGAL, _is_name),
    "server": _Check("a mapping with address", lambda value: isinstance(value, dict)),
    "sites": _Check(f"a list of 1 to {MAX_SITES} different names, each {_NAME_LEGAL}", _are_sites),
    "valid_days": _Check(f"a mapping with any of {', '.join(_DAYS)}", lambda value: isinstance(value, dict)),
}
_SERVER: Mapping[str, _Check] = {
    "address": _Check("HOST:PORT, a DNS name or IPv4 address", _is_address),
    "names": _Check(f"a list of at most {MAX_NAMES} DNS names or IP addresses", _are_names),
}


def _problems(where: str, values: Mapping[Any, Any], checks: Mapping[str, _Check], required: set[str]) -> list[str]:
    found = [
        f"found unknown key {where}{_shown(key)}; expected any of {', '.join(checks)}; correct or remove it"
        for key in values
        if key not in checks
    ]
    for key, check in checks.items():
        if key not in values and key in required:
            found.append(f"found no {where}{key}; expected {check.legal}; add it")
        elif key in values and not check.holds(values[key]):
            found.append(f"{where}{key}: found {_shown(values[key])}; expected {check.legal}; correct it")
    return found


def _shown(value: Any) -> str:
    """A value in few words; nested YAML aliases can stand for gigabytes of text."""
    if isinstance(value, list):
        unfit = [entry for entry in value if isinstance(entry, str) and not _is_name(entry)]
        return f"a list with {unfit[0][:60]!r}" if unfit else f"a list of {len(value)} entries"
    if isinstance(value, (dict, tuple)):
        return "a mapping or tuple"
    return repr(value)[:60]


class _OneKeyLoader(yaml.SafeLoader):
    """YAML lets a key appear twice and keeps the last; here that is a mistake."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        keys = [str(key.value) for key, _ in node.value]
        if len(keys) != len(set(keys)):
            raise yaml.constructor.ConstructorError(None, None, "a key appears twice", node.start_mark)
        return super().construct_mapping(node, deep)


def _parse(file: Path) -> dict[Any, Any]:
    try:
        with file.open("rb") as handle:
            raw = handle.read(MAX_BYTES + 1)
        if len(raw) > MAX_BYTES:
            raise ConfigError(f"{FEDERATION_FILE}: found more than 1 MB; expected a few lines; is it the right file?")
        values = yaml.load(raw.decode("utf-8-sig"), Loader=_OneKeyLoader)
    except OSError:
        raise ConfigError(f"{FEDERATION_FILE}: found no readable file; expected one; see server/README.md") from None
    except UnicodeDecodeError:
        raise ConfigError(f"{FEDERATION_FILE}: found bytes that are not UTF-8; expected text; save it again") from None
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        mark = getattr(error, "problem_mark", None)
        line = f" line {mark.line + 1}" if mark is not None else ""
        reason = getattr(error, "problem", None) or "no valid YAML"
        raise ConfigError(f"{FEDERATION_FILE}{line}: found {reason}; expected 'key: value' lines; correct it") from None
    if not isinstance(values, dict):
        raise ConfigError(f"{FEDERATION_FILE}: found no 'key: value' lines; expected name, server and sites; add them")
    return values
