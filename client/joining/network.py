"""Can this machine reach the federation's server as its node would, and if not, at which step does it end?

The steps are the node's own: look the name up, connect (through a proxy where the environment names one), TLS against
the enrolment's authority, one request to /health. Each step that fails says who can mend it; later ones are not asked.
The node's key is not used: whether the server accepts it, only the running node can know.
"""

import base64
import http.client
import socket
import ssl
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import SplitResult, unquote, urlsplit
from urllib.request import getproxies, proxy_bypass

from client.joining.clock import clock_line
from client.joining.enrolment import SOON_DAYS
from client.node.loopback import is_loopback
from gmmas_core.preflight import Line, not_asked

TIMEOUT_S = 10.0
STEPS = ("name", "port", "TLS", "server certificate", "clock", "health")
_WRONG_CHAIN = {7, 18, 19, 20, 21}  # another key of the same name, self-signed (in chain), no issuer, no chain
_NOT_YET, _EXPIRED = 9, 10
_OTHER_NAME = {62, 64}
_INSPECTED = (
    "ask the network's administrators whether a device opens TLS on the way: it must let this address pass unopened; "
    "if none does, ask the coordinator whether the server's authority has changed"
)


@dataclass(frozen=True)
class Server:
    """Where the node would connect, and how.

    Attributes:
        host, port: of the server.
        authority: file of the certificate that signed the server's.
        proxy: HTTP proxy on the way, or None.
    """

    host: str
    port: int
    authority: Path
    proxy: SplitResult | None = None

    def __str__(self) -> str:
        return f"{self.host}:{self.port}"


class _Ended(Exception):
    """A step after which nothing more can be asked."""

    def __init__(self, line: Line) -> None:
        super().__init__(line.name)
        self.line = line


def ask_server(server: Server) -> list[Line]:
    """Everything that can be known about the way to the server without the node's key.

    Args:
        server: without a proxy; the environment's is looked up here.

    Returns:
        A line for the proxy and one for each of STEPS.
    """
    lines: list[Line] = []
    try:
        for line in _steps(server):
            lines.append(line)
    except _Ended as end:
        lines.append(end.line)
    asked = {line.name for line in lines}
    return lines + not_asked((step for step in STEPS if step not in asked), f"{lines[-1].name} comes first")


def _steps(server: Server) -> Iterator[Line]:
    proxy, line = _proxy(server)
    yield line
    server = replace(server, proxy=proxy)
    yield _resolved(server)
    raw = _connected(server)
    with raw:
        yield Line(name="port", verdict="pass", found=f"{server} answers{' through the proxy' if proxy else ''}")
        tls = _secured(raw, server)
        with tls:
            yield Line(name="TLS", verdict="pass", found=f"{tls.version()}, signed by the enrolment's authority")
            yield _server_certificate(tls)
            yield from _answered(tls, server)


def _proxy(server: Server) -> tuple[SplitResult | None, Line]:
    """The proxy that the node's HTTP library would take, by the same environment variables."""
    found = getproxies()
    names = [name for name in ("https", "http", "all") if found.get(name)]
    if not names:
        return None, Line(name="proxy", verdict="pass", found="no proxy in the environment")
    told = ", ".join(f"{name.upper()}_PROXY" for name in names)
    if any(found[name].lower().startswith("socks") for name in names):
        action = "expected an HTTP proxy or none: the node cannot start with this; unset it for the node"
        raise _Ended(Line(name="proxy", verdict="fail", found=f"found a SOCKS proxy in {told}", action=action))
    address = found.get("https") or found.get("all")
    if address is None or is_loopback(server.host) or proxy_bypass(server.host):
        return None, Line(name="proxy", verdict="pass", found=f"{told} is set and does not concern {server.host}")
    proxy = urlsplit(address if "://" in address else f"http://{address}")
    port_known = False
    with suppress(ValueError):
        port_known = proxy.port is not None
    if proxy.scheme != "http" or not proxy.hostname or not port_known:
        action = "expected http://HOST:PORT, the only kind that is tried here; watch what the node says at its start"
        raise _Ended(Line(name="proxy", verdict="warn", found=f"found another kind of proxy in {told}", action=action))
    action = f"the node goes through it: it must allow CONNECT to {server} and leave TLS unopened; else set NO_PROXY"
    return proxy, Line(name="proxy", verdict="warn", found=f"found {told}; expected none", action=action)


def _resolved(server: Server) -> Line:
    host = server.host if server.proxy is None else str(server.proxy.hostname)
    whose = "" if server.proxy is None else " (the proxy's; it looks the server up itself)"
    try:
        found = {str(entry[4][0]) for entry in socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)}
    except (OSError, UnicodeError):
        action = "expected an address; ask the network's administrators, or the coordinator whether the name is right"
        raise _Ended(
            Line(name="name", verdict="fail", found=f"found no address of {host}{whose}", action=action)
        ) from None
    return Line(name="name", verdict="pass", found=f"{host}{whose} is {', '.join(sorted(found))}")


def _connected(server: Server) -> socket.socket:
    """A TCP connection to the server, through the proxy where there is one."""
    proxy = server.proxy
    if proxy is None:
        connection = http.client.HTTPConnection(server.host, server.port, timeout=TIMEOUT_S)
    else:
        connection = http.client.HTTPConnection(str(proxy.hostname), proxy.port, timeout=TIMEOUT_S)
        connection.set_tunnel(server.host, server.port, _proxy_credentials(proxy))
    try:
        connection.connect()
    except (OSError, http.client.HTTPException) as error:
        if isinstance(error, TimeoutError):
            told = f"found no answer within {TIMEOUT_S:g} s"
        elif isinstance(error, ConnectionRefusedError):
            told = "found the connection refused"
        elif proxy is not None and str(error).startswith("Tunnel connection failed"):
            told = f"found that the proxy refused ({str(error).rpartition(': ')[2][:60]})"
        else:
            told = f"found no connection ({getattr(error, 'strerror', None) or type(error).__name__})"
        action = (
            f"expected TCP to {server} to be open; ask the network's administrators to let this machine out to it, and "
            "the coordinator whether the server runs"
        )
        raise _Ended(Line(name="port", verdict="fail", found=told, action=action)) from None
    return connection.sock


def _proxy_credentials(proxy: SplitResult) -> dict[str, str]:
    if proxy.username is None:
        return {}
    said = f"{unquote(proxy.username)}:{unquote(proxy.password or '')}"
    return {"Proxy-Authorization": f"Basic {base64.b64encode(said.encode()).decode()}"}


def _secured(raw: socket.socket, server: Server) -> ssl.SSLSocket:
    """TLS as the node's HTTP library sets it up: this authority and no other."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    try:
        context.load_verify_locations(cafile=server.authority)
        return context.wrap_socket(raw, server_hostname=server.host)
    except ssl.SSLCertVerificationError as error:
        found, action = _refused_certificate(error.verify_code, server)
    except TimeoutError:
        found, action = f"found no answer within {TIMEOUT_S:g} s", "expected a TLS server there; ask the coordinator"
    except (OSError, ValueError):
        found, action = "found no TLS", f"expected a TLS server at {server}; ask the coordinator about the address"
    raise _Ended(Line(name="TLS", verdict="fail", found=found, action=action)) from None


def _refused_certificate(code: int, server: Server) -> tuple[str, str]:
    now = datetime.now(UTC)
    clock = f"check this machine's clock, which says {now:%Y-%m-%d %H:%M} UTC; if it is right, "
    if code == _EXPIRED:
        return "found an expired certificate", f"{clock}ask the coordinator to renew the server's certificate"
    if code == _NOT_YET:
        return "found a certificate that does not hold yet", f"{clock}ask the coordinator to check the server's"
    if code in _OTHER_NAME:
        action = "ask the coordinator to add this name to the server's certificate, or for an invitation with its name"
        return f"found a certificate for another name than {server.host}", action
    if code in _WRONG_CHAIN:
        return "found a certificate that the enrolment's authority has not signed", _INSPECTED
    return f"found a certificate that does not hold (reason {code})", _INSPECTED


def _server_certificate(tls: ssl.SSLSocket) -> Line:
    until = ssl.cert_time_to_seconds(str((tls.getpeercert() or {})["notAfter"]))
    days = int((until - time.time()) // 86400)
    if days >= SOON_DAYS:
        return Line(name="server certificate", verdict="pass", found=f"holds for {days} days")
    action = f"expected {SOON_DAYS} or more; ask the coordinator to renew the server's certificate"
    return Line(name="server certificate", verdict="warn", found=f"found that it ends in {days} days", action=action)


def _answered(tls: ssl.SSLSocket, server: Server) -> Iterator[Line]:
    """Clock and health, from one request; any answer tells the time."""
    connection = http.client.HTTPConnection(server.host, server.port, timeout=TIMEOUT_S)
    connection.sock = tls
    before = time.time()
    try:
        connection.request("GET", "/health", headers={"Connection": "close"})
        answer = connection.getresponse()
    except (OSError, http.client.HTTPException):
        action = "expected an HTTP server; ask the coordinator whether the server runs"
        raise _Ended(Line(name="health", verdict="fail", found="found no answer to /health", action=action)) from None
    yield clock_line(answer.getheader("Date"), before, time.time())
    yield _health(answer.status)


def _health(status: int) -> Line:
    if status == 200:
        return Line(name="health", verdict="pass", found="the server says that it is well")
    found = f"found HTTP {status} from /health"
    if status in (401, 403, 404):
        action = "expected 200; something else than the federation's server answers there: tell the coordinator"
    else:
        action = "expected 200; the server is there and not well: tell the coordinator"
    return Line(name="health", verdict="fail", found=found, action=action)
