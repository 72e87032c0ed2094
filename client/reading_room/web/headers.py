"""What every answer carries, and which requests are turned away before any page sees them."""

from collections.abc import Iterable
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from gmmas_core.types import DISCLAIMER

POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' blob: data:",
        "font-src 'self' data:",
        "connect-src 'self' data:",
        "worker-src 'self' blob:",
        "form-action 'self'",
        "frame-ancestors 'none'",
        "base-uri 'none'",
    )
)
"""Content security policy: nothing from outside, no script in a page's own text. `data:` is for the viewer's font."""

FIXED = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",  # "no-referrer" would make a browser hide the origin of our own forms
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=()",
    "X-Research-Use-Only": DISCLAIMER,
}

_SAFE = ("GET", "HEAD", "OPTIONS")


class Guard:
    """Headers on every answer; other hosts' names and other sites' forms are refused.

    A foreign name in `Host` is how a web page elsewhere reaches a server on this machine (DNS rebinding); a foreign
    `Origin` is how it makes a signed-in browser send something (CSRF).
    """

    def __init__(self, app: ASGIApp, hosts: Iterable[str]) -> None:
        """Around an application.

        Args:
            app: that answers.
            hosts: names under which browsers may reach it, without ports.
        """
        self._app, self._hosts = app, frozenset(hosts)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in FIXED.items():
                    headers[name] = value
                headers.setdefault("Cache-Control", "no-store")
            await send(message)

        refusal = self._refusal(scope["method"], Headers(scope=scope))
        app = self._app if refusal is None else PlainTextResponse(f"{refusal}\n{DISCLAIMER}\n", status_code=403)
        await app(scope, receive, send_with_headers)

    def _refusal(self, method: str, headers: Headers) -> str | None:
        if _name(headers.get("host", "")) not in self._hosts:
            return "host: found another name than this room's; expected the address that it printed; open that one"
        if method in _SAFE:
            return None
        origin = headers.get("origin")
        foreign = headers.get("sec-fetch-site", "same-origin") not in ("same-origin", "none")
        if foreign or (origin is not None and origin.partition("://")[2] != headers.get("host")):
            return "request: found one from another page; expected one of this room's; go back and try again"
        return None


def _name(host: str) -> str:
    """The name in a Host header, without the port; "" where it is none."""
    try:
        return "" if set(host) & set("@/\\?#") else (urlsplit(f"//{host}").hostname or "").lower()
    except ValueError:
        return ""
