"""A page that must not fail, how readable it is, and a real run of three phantom hospitals, played once."""

import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page

from gmmas_core.data.phantom import write_federation
from server.dashboard.web import serve
from server.lab.engines import in_process
from server.records.run_folder import RunFolder

OVERRIDES = (
    "experiment=smoke",
    "rounds=3",
    "data.spacing_mm=6",
    "data.validation_share=0.25",
    "model=smallest",
    "training.local_steps=2",
    "evaluation.overlap=0",
    "evaluation.bootstrap=20",
    "federation.poll_s=0.02",
)
"""A round takes about a second."""


CONTRAST = """() => {
  const linear = (value) => (value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4);
  const channel = (value) => linear(value / 255);
  const luminance = (rgb) => 0.2126 * channel(rgb[0]) + 0.7152 * channel(rgb[1]) + 0.0722 * channel(rgb[2]);
  const parse = (text) => text.match(/[\\d.]+/g).map(Number);
  const paper = (element) => {
    for (let at = element; at; at = at.parentElement) {
      const rgba = parse(getComputedStyle(at).backgroundColor);
      if (rgba.length < 4 || rgba[3] > 0) return rgba;
    }
    return [255, 255, 255];
  };
  const poor = [];
  for (const element of document.querySelectorAll("body *")) {
    const own = [...element.childNodes].some((node) => node.nodeType === 3 && node.data.trim());
    if (!own || !element.getClientRects().length) continue;
    const style = getComputedStyle(element);
    const ink = parse(element.ownerSVGElement ? style.fill : style.color);
    const [low, high] = [luminance(ink), luminance(paper(element))].sort((a, b) => a - b);
    const ratio = (high + 0.05) / (low + 0.05);
    if (ratio < 4.5) poor.push(`${element.tagName} ${element.className} ${ratio.toFixed(2)}`);
  }
  return poor;
}"""
"""Elements whose own text has less contrast than WCAG AA asks for, by its formula."""


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """A page that fails the test on any error of script, policy or network."""
    context = browser.new_context(viewport={"width": 1200, "height": 900})
    page = context.new_page()
    problems: list[str] = []
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.on("console", lambda message: problems.append(message.text) if message.type == "error" else None)
    page.on("dialog", lambda dialog: problems.append(f"dialog: {dialog.message}"))
    yield page
    context.close()
    assert not [problem for problem in problems if "ERR_CONNECTION" not in problem and "ERR_FAILED" not in problem]


@pytest.fixture
def poor_contrast() -> Callable[[Page], list[str]]:
    """Finds the elements of a page that are hard to read."""
    return lambda page: list(page.evaluate(CONTRAST))


@pytest.fixture(scope="session")
def finished_run(tmp_path_factory: pytest.TempPathFactory) -> RunFolder:
    """The folder of a run that was played to its end; read only."""
    folder = tmp_path_factory.mktemp("played")
    sites = sorted(write_federation(folder / "sites", sites=3, cases=8, size=32, seed=1))
    run = RunFolder(folder / "run")
    in_process(sites, OVERRIDES, run, lambda kind, fields: None)
    return run


@pytest.fixture
def served() -> Callable[[Path], str]:
    """Serves the dashboard of a run folder on a free port; returns its address."""

    def start(folder: Path) -> str:
        addresses: list[str] = []
        ready = threading.Event()

        def on_ready(address: str) -> None:
            addresses.append(address)
            ready.set()

        threading.Thread(target=serve, args=(RunFolder(folder), "127.0.0.1", 0, on_ready), daemon=True).start()
        assert ready.wait(60)
        return addresses[0]

    return start
