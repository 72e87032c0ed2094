"""Connections to this machine and its own SuperLink, past any proxy.

Hospitals and universities set http_proxy and https_proxy for everybody; Python and Flower's own httpx obey them for
127.0.0.1 too, where no proxy can help: the SuperLink would be looked for on the proxy's machine.
"""

import ipaddress
import ssl
import urllib.request
from collections.abc import Mapping
from contextlib import AbstractContextManager
from http.client import HTTPException, HTTPResponse
from typing import cast

THIS_MACHINE = ("localhost", "127.0.0.1")


def open_directly(
    request: urllib.request.Request, *, timeout: float, context: ssl.SSLContext | None = None
) -> AbstractContextManager[HTTPResponse]:
    """`urllib.request.urlopen` that knows no proxy.

    Raises:
        OSError: no answer, one that says no (`urllib.error.HTTPError`), or one that is no HTTP.
    """
    handlers = [urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=context)]
    opener = urllib.request.build_opener(*handlers)
    try:
        return cast("AbstractContextManager[HTTPResponse]", opener.open(request, timeout=timeout))
    except HTTPException:
        raise OSError("an answer that is no HTTP") from None


def is_loopback(host: str) -> bool:
    """Whether an address is reachable from this machine only."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def past_proxies(environment: Mapping[str, str], *hosts: str) -> dict[str, str]:
    """no_proxy for child processes: what it says already, this machine, and further hosts.

    Both spellings, because readers differ in which they look at first. "*", no proxy at all, must stay alone: Python
    does not know it in a list.
    """
    said = environment.get("no_proxy") or environment.get("NO_PROXY") or ""
    names = [name.strip() for name in said.split(",") if name.strip()]
    text = "*" if "*" in names else ",".join(dict.fromkeys([*names, *THIS_MACHINE, *hosts]))
    return {"no_proxy": text, "NO_PROXY": text}
