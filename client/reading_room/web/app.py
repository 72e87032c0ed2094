"""The application: which addresses there are, and what happens with an error in any of them."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib import resources

from fastapi import FastAPI, HTTPException, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, RedirectResponse, Response
from fastapi.staticfiles import StaticFiles
from starlette.exceptions import HTTPException as StarletteHTTPException

from client.reading_room.access.throttle import Throttle
from client.reading_room.room import Room
from client.reading_room.uploads.desk import UploadDesk
from client.reading_room.uploads.intake import sweep
from client.reading_room.uploads.presence import serving
from client.reading_room.web import (
    administration,
    agreement,
    case,
    corrections,
    decisions,
    exports,
    images,
    pages,
    reports,
    sign_in,
    studies,
    templates,
    uploads,
)
from client.reading_room.web.headers import Guard
from gmmas_core.types import DISCLAIMER, DataError

PARTS = (
    sign_in,
    pages,
    case,
    studies,
    uploads,
    decisions,
    agreement,
    administration,
    exports,
    reports,
    images,
    corrections,
)
"""Every file of addresses."""

LOCAL_NAMES = ("localhost", "127.0.0.1", "::1")

TRIES, REFILL_S = 5, 30.0
"""Passwords that may be tried at once for one name, and seconds until one more."""


def build_app(room: Room, hosts: tuple[str, ...] = LOCAL_NAMES) -> FastAPI:
    """The reading room of a hospital as an ASGI application.

    Args:
        room: its folder and model.
        hosts: names under which browsers reach it.
    """

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        with serving(room.folder, lambda: _sweep(room)):
            yield
            app.state.desk.close()

    app = FastAPI(
        title="GMMAS-Fed reading room",
        description=DISCLAIMER,
        version="1",
        docs_url=None,  # its page takes scripts from elsewhere
        redoc_url=None,
        openapi_url="/api/openapi.json",
        lifespan=lifespan,
    )
    app.state.room = room
    app.state.desk = UploadDesk(room.studies)
    app.state.tries = Throttle(TRIES, REFILL_S)
    for part in PARTS:
        app.include_router(part.router)
    static = resources.files("client.reading_room") / "static"
    app.mount("/static", StaticFiles(directory=str(static)), name="static")
    app.add_exception_handler(DataError, _refused)
    app.add_exception_handler(StarletteHTTPException, _http_error)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_middleware(Guard, hosts=hosts)
    return app


def _sweep(room: Room) -> None:
    with room.database() as connection:
        sweep(connection, room.studies)


async def _refused(request: Request, error: Exception) -> Response:
    return _answer(request, 422, str(error))


async def _invalid(request: Request, error: Exception) -> Response:
    """FastAPI's own answer would repeat what was sent."""
    assert isinstance(error, RequestValidationError)
    where = sorted({".".join(map(str, problem["loc"][1:])) or str(problem["loc"][0]) for problem in error.errors()})
    return _answer(request, 422, f"request: found a bad value of {', '.join(where)}; expected it as documented")


async def _http_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException | StarletteHTTPException)
    if error.status_code == 401 and not _wants_json(request):
        return RedirectResponse("/sign-in", status_code=303)
    return _answer(request, error.status_code, str(error.detail), error.headers)


def _answer(request: Request, status: int, text: str, headers: object = None) -> Response:
    kept = dict(headers) if isinstance(headers, dict) else None
    if _wants_json(request):
        return JSONResponse({"error": text, "notice": DISCLAIMER}, status_code=status, headers=kept)
    page = templates.page("problem.html", request, status=status, problems=text.splitlines())
    return Response(page, status_code=status, media_type="text/html", headers=kept)


def _wants_json(request: Request) -> bool:
    return request.url.path.startswith(("/api/", "/static/"))
