"""How long somebody waits for a stored study: from the click on the worklist to pictures, in Chromium.

The study is that of `bench_reading_room`; it was read by the smallest network, because the page does not depend on
which. Every repeat is a browser of its own, which has kept nothing and draws in software.
"""

import json
import shutil
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import uvicorn

from client.reading_room.access.accounts import add_user
from client.reading_room.reading.worker import Worker
from client.reading_room.room import Room
from client.reading_room.store.database import transaction
from client.reading_room.web.app import build_app
from gmmas_core.types import ConfigError
from server.lab.bench.reading_room import save_room, upload

GRAPHICS = ("--no-sandbox", "--use-gl=angle", "--use-angle=swiftshader", "--enable-unsafe-swiftshader")
USER, PASSWORD = "bench", "of no use elsewhere"
SETTINGS = ("experiment=smoke", "model=smallest", "data.spacing_mm=6", "evaluation.overlap=0")
PASSES = 5
LONGEST_MS = 300_000

FIRST, ALL = "first picture of a stored study", "all pictures of a stored study"
_IS_FIRST = "() => { const i = document.querySelector('.v-first'); return i && i.complete && i.naturalWidth > 0 }"


def _measure(repeats: int, seed: int) -> dict[str, object]:
    from playwright.sync_api import sync_playwright

    chromium = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if chromium is None:
        raise ConfigError("bench reading-room: found no Chromium; expected one; Debian: apt-get install chromium")
    with tempfile.TemporaryDirectory() as temporary, sync_playwright() as playwright:
        room = _read_room(Path(temporary), seed)
        with _served(room) as address:
            times = []
            for _ in range(repeats):
                browser = playwright.chromium.launch(executable_path=chromium, args=list(GRAPHICS))
                page = browser.new_page(base_url=address, viewport={"width": 1366, "height": 900})
                page.set_default_timeout(LONGEST_MS)
                page.goto("/sign-in")
                page.fill("[name=name]", USER)
                page.fill("[name=password]", PASSWORD)
                page.click("main button")
                page.wait_for_selector("tbody th a")
                times.append(_open(page.click, page.wait_for_function, page.wait_for_selector))
                browser.close()
    first, everything = (min(values) for values in zip(*times, strict=True))
    return {"rows": [{"way": FIRST, "seconds": round(first, 3)}, {"way": ALL, "seconds": round(everything, 3)}]}


def _open(
    click: Callable[..., object], wait_for_function: Callable[..., object], wait_for_selector: Callable[..., object]
) -> tuple[float, float]:
    began = time.perf_counter()
    click("tbody th a", no_wait_after=True)
    wait_for_function(_IS_FIRST)
    first = time.perf_counter() - began
    wait_for_selector('#viewer[data-state="ready"]')
    return first, time.perf_counter() - began


def _read_room(folder: Path, seed: int) -> Room:
    room = save_room(folder, SETTINGS, seed, PASSES)
    with room.database() as connection, transaction(connection):
        add_user(connection, USER, "viewer", PASSWORD, by="system")
    upload(room, folder, seed)()
    Worker(room, patience_s=float("inf")).read_next()
    return room


@contextmanager
def _served(room: Room) -> Iterator[str]:
    server = uvicorn.Server(uvicorn.Config(build_app(room), host="127.0.0.1", port=0, log_level="warning"))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    server.should_exit = True
    thread.join()


if __name__ == "__main__":
    sys.stdout.write(json.dumps(_measure(*(int(value) for value in sys.argv[1:]))) + "\n")
