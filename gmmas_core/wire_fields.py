"""Checked reading of single fields that came over the wire: present, of the right type, of a sane size."""

import sys
import typing
from collections.abc import Mapping
from typing import Any

from gmmas_core.types import FederationError

MAX_TEXT = 4096  # characters of any single string
MAX_NAMES = 4096  # entries of any record
MAX_FLOAT = sys.float_info.max  # a whole number beyond it has no float
SHOWN = 64  # characters of a name from outside that an error repeats


def read_string(record: Mapping[str, Any], key: str) -> str:
    """The string under a key, or FederationError."""
    value = record.get(key)
    if not isinstance(value, str) or len(value) > MAX_TEXT:
        raise FederationError(
            f"{key[:SHOWN]}: found {type(value).__name__}; expected a string of at most {MAX_TEXT} characters"
        )
    return value


def read_strings(record: Mapping[str, Any], key: str) -> tuple[str, ...]:
    """The list of strings under a key, or FederationError."""
    value = record.get(key)
    if not isinstance(value, list) or len(value) > MAX_NAMES:
        raise FederationError(f"{key}: found {type(value).__name__}; expected a list of strings")
    if not all(isinstance(item, str) and len(item) <= MAX_TEXT for item in value):
        raise FederationError(f"{key}: found an item that is no string; expected strings")
    return tuple(typing.cast("list[str]", value))


def read_integer(value: Any, where: str) -> int:
    """The value itself if it is a whole number (no bool), or FederationError."""
    if isinstance(value, bool) or not isinstance(value, int):
        raise FederationError(f"{where[:SHOWN]}: found {type(value).__name__}; expected a whole number")
    return value


def read_number(value: Any, where: str) -> float:
    """The value as a finite float, or FederationError."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not -MAX_FLOAT <= value <= MAX_FLOAT:
        raise FederationError(f"{where[:SHOWN]}: found no finite number; expected one")
    return float(value)
