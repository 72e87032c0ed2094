"""Connections of this machine to itself never go through a proxy: the node and its worker talk on 127.0.0.1."""

import ipaddress
from collections.abc import Mapping

DIRECT = ("127.0.0.1", "localhost", "::1")
NAMES = ("no_proxy", "NO_PROXY")
"""Programs read either; where both are set, most read the first."""


def is_loopback(host: str) -> bool:
    """Whether a host is this machine itself, by its name or address."""
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host.lower() == "localhost" or host.lower().endswith(".localhost")


def without_proxy_to_itself(environment: Mapping[str, str]) -> dict[str, str]:
    """An environment whose proxy exceptions name this machine; what they named before stays."""
    named = [entry.strip() for name in NAMES for entry in environment.get(name, "").split(",") if entry.strip()]
    exceptions = ",".join(dict.fromkeys([*named, *DIRECT]))
    return {**environment, **dict.fromkeys(NAMES, exceptions)}
