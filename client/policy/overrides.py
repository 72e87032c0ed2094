"""What override strings a hospital takes from a coordinator: plain values of known keys, and nothing else.

The strings are judged before Hydra sees them, because Hydra and OmegaConf do more with a string than set a value:
they unescape it, call functions in it, add and delete keys, choose among several values, and look into the machine's
environment. Whatever could start any of that is no part of a plain value. A refusal names the key and the rule; the
value, which might come from anywhere, is not repeated.
"""

import re
from collections.abc import Iterator, Sequence

from gmmas_core.config import config_groups, config_keys
from gmmas_core.types import FederationError

MAX_OVERRIDES = 100
MAX_LENGTH = 2000
"""Characters of one override; the longest useful one is a curriculum's list of stages."""

MAX_TOTAL = 20_000
MAX_DEPTH = 4
"""Lists and mappings inside one another."""

LAB_ONLY = ("data.root", "data.deal", "data.partition")
"""Where data lies and how it is dealt is the lab's own affair; a hospital's folder is in its site.yaml."""

FREE_TEXT = "notice"
"""Shown to people and nothing else, so it may hold more signs than other values."""

_KEY = re.compile(r"[a-z][a-z0-9_]{0,63}(\.[a-z][a-z0-9_]{0,63}){0,4}")
_PLAIN = re.compile(r"""[A-Za-z0-9_.,:+\-\[\]{}'" ]*""")
_FREE = re.compile(r"""[^$\\`{}]*""")


def require_plain(overrides: Sequence[str]) -> None:
    """Refuse override strings that are not plain.

    Args:
        overrides: as they came over the wire.

    Raises:
        FederationError: too many or too long, an unknown key or group, one that is the lab's, or a value that is more
            than a number, a word, a list or a mapping of these.
    """
    if len(overrides) > MAX_OVERRIDES or sum(map(len, overrides)) > MAX_TOTAL:
        raise FederationError(
            f"policy: found {len(overrides)} overrides; expected at most {MAX_OVERRIDES}, and {MAX_TOTAL} characters"
        )
    groups, keys = config_groups(), set(config_keys())
    for place, override in enumerate(overrides, start=1):
        key, sign, value = override.partition("=")
        if not sign or _KEY.fullmatch(key) is None:
            raise FederationError(
                f"policy: found override {place} with another form; expected KEY=VALUE without +, ~ or @ before it"
            )
        if len(override) > MAX_LENGTH:
            raise FederationError(f"policy: found override {key} too long; expected at most {MAX_LENGTH} characters")
        if key in groups:
            _require_option(key, value, groups[key])
        elif key in LAB_ONLY:
            raise FederationError(f"policy: found override {key}; expected none: a hospital's data is its own affair")
        elif key in keys:
            _require_plain_value(key, value)
        else:
            raise FederationError(f"policy: found override {key}; expected a key of the configuration")


def without_lab_keys(overrides: Sequence[str]) -> tuple[str, ...]:
    """Overrides without those that only the lab reads; the configurations' hashes do not depend on them."""
    return tuple(text for text in overrides if text.partition("=")[0] not in LAB_ONLY)


def _require_option(group: str, value: str, options: Sequence[str]) -> None:
    if value not in options:
        raise FederationError(f"policy: found another choice of {group}; expected any of {', '.join(options)}")


def _require_plain_value(key: str, value: str) -> None:
    form = _FREE if key == FREE_TEXT else _PLAIN
    if form.fullmatch(value) is None or not value.isprintable():
        raise FederationError(
            f"policy: found override {key} with signs that are no part of a plain value; expected a number, a word, or "
            "a list of these: no interpolation, path or call"
        )
    if max(_depths(value), default=0) > MAX_DEPTH:
        raise FederationError(f"policy: found override {key} nested too deeply; expected at most {MAX_DEPTH} levels")


def _depths(value: str) -> Iterator[int]:
    depth = 0
    for sign in value:
        depth += (sign in "[{") - (sign in "]}")
        yield depth
