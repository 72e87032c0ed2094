"""Which language model may write, where it is, and how far it is trusted: by default none, and never beyond this
machine.

Only facts are sent, never an image, a name, a date or a file's name; still, what leaves this machine leaves the
hospital's reading room, so another host must be allowed by name and reached over TLS.
"""

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any
from urllib.parse import SplitResult, urlsplit

import yaml

from client.node.loopback import is_loopback
from gmmas_core.types import DataError

MAX_FILE_BYTES = 2**16
LONGEST_KEY = 4096
_MODEL = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:/@+-]{0,127}")
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,63}")


@dataclass(frozen=True, kw_only=True)
class WriterSettings:
    """One OpenAI-compatible endpoint.

    Attributes:
        endpoint: base address, e.g. "http://127.0.0.1:11434/v1"; "/chat/completions" is added.
        model: its name there.
        allow_remote: whether the address may be another machine's; then over https alone.
        allow_remote_questions: whether what users type may be sent there too; it may hold what identifies a person.
        key_variable: environment variable that holds the key; "" for none.
        key_file: file that holds the key; "" for none.
        timeout_s: for one answer as a whole.
        max_bytes: of one answer.
        seed: sent along; the same facts should give the same text.
    """

    endpoint: str
    model: str
    allow_remote: bool = False
    allow_remote_questions: bool = False
    key_variable: str = ""
    key_file: str = ""
    timeout_s: float = 60.0
    max_bytes: int = 2**18
    seed: int = 0

    @property
    def host(self) -> str:
        """Where the model runs, as the page names it."""
        return urlsplit(self.endpoint).netloc

    @property
    def is_remote(self) -> bool:
        """Whether it runs on another machine."""
        return not _is_here(urlsplit(self.endpoint).hostname or "")

    @property
    def name(self) -> str:
        """`written_by` of what it writes."""
        return f"{self.model} via {self.host}"


def read_writer(path: Path) -> WriterSettings:
    """Settings from a YAML file with the attributes of WriterSettings as keys.

    Raises:
        DataError: it cannot be read, or all that is wrong with it.
    """
    try:
        with path.open("rb") as file:
            content = yaml.safe_load(file.read(MAX_FILE_BYTES).decode())
    except OSError as error:
        raise DataError(f"writer: cannot be read ({error.strerror}); expected a YAML file; check its path") from None
    except (yaml.YAMLError, UnicodeDecodeError, RecursionError):
        raise DataError("writer: found no YAML; expected keys and values such as model: NAME; mend the file") from None
    if not isinstance(content, Mapping):
        raise DataError("writer: found no keys; expected at least endpoint and model; add them")
    return writer_settings({str(key): value for key, value in content.items()})


def writer_settings(values: Mapping[str, Any]) -> WriterSettings:
    """Settings from options or a file.

    Args:
        values: attributes of WriterSettings; those that are absent have their defaults.

    Raises:
        DataError: everything that is wrong, one line each.
    """
    known = {field.name: field.type for field in fields(WriterSettings)}
    problems = [
        f"writer.{key}: found an unknown key; expected one of {', '.join(known)}; check its spelling"
        for key in values
        if key not in known
    ]
    problems += [
        f"writer.{key}: found none; expected one; add it" for key in ("endpoint", "model") if key not in values
    ]
    for key, value in values.items():
        if key in _LEGAL and not _LEGAL[key][0](value):
            problems.append(f"writer.{key}: found {str(value)[:60]!r}; expected {_LEGAL[key][1]}; correct it")
    if not problems:
        problems = _together(values)
    if problems:
        raise DataError("\n".join(problems))
    return WriterSettings(**values)


def key_of(settings: WriterSettings) -> str:
    """The key, read anew each time; "" where none is configured.

    Raises:
        DataError: it is configured and not there, or is none; the message does not hold it.
    """
    if settings.key_variable:
        where, key = f"the variable {settings.key_variable}", os.environ.get(settings.key_variable, "")
    elif settings.key_file:
        where, key = "the key's file", _first_line(Path(settings.key_file))
    else:
        return ""
    if not re.fullmatch(r"[\x21-\x7e]+", key) or len(key) > LONGEST_KEY:
        raise DataError(f"writer: found no key in {where}; expected one line of visible characters; put it there")
    return key


def _first_line(path: Path) -> str:
    try:
        with path.open("r") as file:
            return file.read(LONGEST_KEY + 2).strip()
    except (OSError, UnicodeDecodeError):
        return ""


def _is_here(host: str) -> bool:
    """This machine by its address or as "localhost"; a name below it is a resolver's matter."""
    return is_loopback(host) and not host.endswith(".localhost")


def _is_address(value: Any) -> bool:
    parts = _split(value)
    if parts is None or parts.scheme not in ("http", "https") or not parts.hostname:
        return False
    return "@" not in parts.netloc and not parts.query and not parts.fragment and value.isprintable()


def _split(value: Any) -> SplitResult | None:
    try:
        parts = urlsplit(value) if isinstance(value, str) else None
        return None if parts is None or parts.port == 0 else parts
    except ValueError:
        return None


def _is_number(value: Any, low: float, high: float) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and low <= value <= high


def _is_whole(value: Any, low: int, high: int) -> bool:
    return isinstance(value, int) and _is_number(value, low, high)


_YES_OR_NO = (lambda value: isinstance(value, bool), "true or false")
_LEGAL: Mapping[str, tuple[Any, str]] = {
    "endpoint": (_is_address, "an address such as http://127.0.0.1:11434/v1, without a user, query or fragment"),
    "model": (lambda value: isinstance(value, str) and bool(_MODEL.fullmatch(value)), "a model's name"),
    "allow_remote": _YES_OR_NO,
    "allow_remote_questions": _YES_OR_NO,
    "key_variable": (
        lambda value: value == "" or (isinstance(value, str) and bool(_VARIABLE.fullmatch(value))),
        "the name of an environment variable",
    ),
    "key_file": (lambda value: isinstance(value, str), "the path of a file"),
    "timeout_s": (lambda value: _is_number(value, 0.1, 3600), "seconds from 0.1 to 3600"),
    "max_bytes": (lambda value: _is_whole(value, 1024, 2**24), "bytes from 1024 to 16777216"),
    "seed": (lambda value: _is_whole(value, 0, 2**31 - 1), "a whole number from 0 to 2147483647"),
}


def _together(values: Mapping[str, Any]) -> list[str]:
    """What is wrong between values that are each legal."""
    problems = []
    parts = urlsplit(values["endpoint"])
    if not _is_here(parts.hostname or ""):
        if not values.get("allow_remote", False):
            problems.append(
                "writer.endpoint: found another machine; expected this one, e.g. 127.0.0.1, since findings would leave "
                "the reading room; set allow_remote if that is permitted here"
            )
        if parts.scheme != "https":
            problems.append("writer.endpoint: found http to another machine; expected https; use the https address")
    if values.get("key_variable") and values.get("key_file"):
        problems.append("writer.key_file: found it beside key_variable; expected one of them; remove one")
    return problems
