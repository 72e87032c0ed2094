"""The room on a port, and pages of it in a real browser."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager

import pytest
import uvicorn
from playwright.sync_api import Browser, Page

from client.reading_room.room import Room
from client.reading_room.web.app import build_app

PASSWORD = "four words make it strong"
PATIENCE_S = 60.0


@contextmanager
def _serving() -> Iterator[Callable[[Room], str]]:
    with ExitStack() as stack:

        def start(room: Room) -> str:
            server = uvicorn.Server(uvicorn.Config(build_app(room), host="127.0.0.1", port=0, log_level="warning"))
            thread = threading.Thread(target=server.run, daemon=True)
            thread.start()
            stack.callback(thread.join, PATIENCE_S)
            stack.callback(setattr, server, "should_exit", True)
            end = time.monotonic() + PATIENCE_S
            while not server.started:
                assert time.monotonic() < end, "the room did not open"
                time.sleep(0.02)
            return f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"

        yield start


@pytest.fixture
def served() -> Iterator[Callable[[Room], str]]:
    """Serves a room on a free port; returns its address."""
    with _serving() as start:
        yield start


def _sign_in(page: Page, role: str) -> None:
    page.goto("/sign-in")
    page.fill("[name=name]", role)
    page.fill("[name=password]", PASSWORD)
    page.click("main button")
    page.wait_for_url("**/")


@pytest.fixture
def blind_page(browser: Browser, chromium: str, served: Callable[[Room], str]) -> Iterator[Callable[[Room], Page]]:
    """`blind_page(room)` is a viewer's page in a browser that can draw nothing."""
    with ExitStack() as stack:

        def open_page(room: Room) -> Page:
            flags = ["--no-sandbox", "--disable-3d-apis"]
            blind = browser.browser_type.launch(executable_path=chromium, args=flags)
            stack.callback(blind.close)
            page = blind.new_page(base_url=served(room))
            _sign_in(page, "viewer")
            return page

        yield open_page


@contextmanager
def _visiting(browser: Browser) -> Iterator[Callable[..., Page]]:
    problems: list[str] = []
    with _serving() as served, ExitStack() as stack:

        def sign_in(room: Room, role: str = "clinician") -> Page:
            context = browser.new_context(viewport={"width": 1100, "height": 800}, base_url=served(room))
            stack.callback(context.close)
            page = context.new_page()
            page.set_default_timeout(PATIENCE_S * 1000)
            page.on("pageerror", lambda error: problems.append(str(error)))
            page.on("console", lambda message: problems.append(message.text) if message.type == "error" else None)
            _sign_in(page, role)
            return page

        yield sign_in
    assert not [problem for problem in problems if "status of 422" not in problem]


@pytest.fixture
def visit(browser: Browser) -> Iterator[Callable[..., Page]]:
    """`visit(room, role)` is a signed-in page on the room's worklist; any error of script or policy fails the test."""
    with _visiting(browser) as sign_in:
        yield sign_in


@pytest.fixture(scope="module")
def visit_once(browser: Browser) -> Iterator[Callable[..., Page]]:
    """As `visit`, for pages that several tests look at."""
    with _visiting(browser) as sign_in:
        yield sign_in
