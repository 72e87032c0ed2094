"""The page over HTTP: read only, on this machine unless told otherwise, nothing loaded from elsewhere."""

import hashlib
import socket
import threading
from collections.abc import Awaitable, Callable
from typing import Any

import uvicorn
from fastapi import FastAPI, Request, Response
from fastapi.responses import HTMLResponse, JSONResponse, PlainTextResponse

from gmmas_core.software import installed
from gmmas_core.types import DISCLAIMER, FederationError
from server.dashboard.metrics import metrics_text
from server.dashboard.page import SECURITY_HEADERS, render_body, render_page
from server.dashboard.watching import RunWatcher
from server.records.run_folder import RunFolder
from server.serving.direct import is_loopback

LOCAL_NAMES = ("localhost", "127.0.0.1", "::1")


def build_app(folder: RunFolder, host: str = "127.0.0.1") -> FastAPI:
    """The dashboard of a run.

    Args:
        folder: of the run; it is read at every request.
        host: address it will listen on. On a loopback address only requests for this machine's own names are answered,
            so that a page from elsewhere cannot reach it through a name that it controls.

    Raises:
        ConfigError: GMMAS_IMAGE is no name.
    """
    app = FastAPI(title="GMMAS-Fed", docs_url=None, redoc_url=None, openapi_url=None)
    watcher, lock = RunWatcher(folder), threading.Lock()
    software = installed()

    def status() -> Any:
        with lock:
            return watcher.status()

    @app.middleware("http")
    async def guard(request: Request, answer: Callable[[Request], Awaitable[Response]]) -> Response:
        if is_loopback(host) and request.url.hostname not in LOCAL_NAMES:
            response: Response = PlainTextResponse("unknown host", status_code=400)
        else:
            response = await answer(request)
        response.headers.update(SECURITY_HEADERS)
        return response

    @app.api_route("/", methods=["GET", "HEAD"])
    def page() -> HTMLResponse:
        return HTMLResponse(render_page(status()))

    @app.get("/body")
    def body(request: Request) -> Response:
        html = render_body(status())
        tag = f'"{hashlib.sha256(html.encode()).hexdigest()[:32]}"'
        if request.headers.get("If-None-Match") == tag:
            return Response(status_code=304, headers={"ETag": tag})
        return HTMLResponse(html, headers={"ETag": tag})

    @app.get("/status.json")
    def status_json() -> JSONResponse:
        return JSONResponse(status().to_json())

    @app.get("/metrics")
    def metrics() -> PlainTextResponse:
        return PlainTextResponse(metrics_text(status(), software), media_type="text/plain; version=0.0.4")

    @app.get("/health")
    def health() -> JSONResponse:
        """Of the dashboard: whether there is a run to show; the run's own state is beside it."""
        found = folder.ledger.is_file()
        content = {"status": "ok" if found else "no run", "run": status().state, "disclaimer": DISCLAIMER}
        return JSONResponse(content, status_code=200 if found else 503)

    return app


def serve(folder: RunFolder, host: str, port: int, on_ready: Callable[[str], None]) -> None:
    """Serve until Ctrl-C.

    Args:
        folder: of the run.
        host: name or address to listen on.
        port: 0 takes any that is free.
        on_ready: told the page's address once requests are accepted.

    Raises:
        FederationError: the address cannot be listened on.
    """
    listener = _listen(host, port)
    shown = f"[{host}]" if ":" in host else host
    on_ready(f"http://{shown}:{listener.getsockname()[1]}/")
    config = uvicorn.Config(build_app(folder, host), log_level="warning", access_log=False, server_header=False)
    uvicorn.Server(config).run(sockets=[listener])


def _listen(host: str, port: int) -> socket.socket:
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
        return socket.create_server((host, port), family=family)
    except (OSError, OverflowError) as error:
        reason = error.strerror if isinstance(error, OSError) else "no such port"
        raise FederationError(
            f"dashboard: found that {host} port {port} cannot be listened on ({reason}); "
            "expected a free port of this machine; choose another with --host and --port"
        ) from None
