"""The dashboard as a person meets it: in a browser, on the folder of a real run, while that folder grows."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from gmmas_core.types import DISCLAIMER
from server.dashboard.watching import RunWatcher
from server.records.run_folder import RunFolder

pytestmark = pytest.mark.slow


def lines_of(path: Path) -> list[str]:
    return path.read_text().splitlines(keepends=True)


def halfway(run: RunFolder, folder: Path, played: int) -> Callable[[], None]:
    """A copy of a run's folder as it was after so many rounds; the function returned lets the rest happen."""
    folder.mkdir()
    shutil.copy(run.config, folder)
    ledger, progress = lines_of(run.ledger), lines_of(run.progress)
    (at,) = (n for n, line in enumerate(ledger) if json.loads(line).get("round") == played and '"kind":"round"' in line)
    time = json.loads(ledger[at])["time"]
    early = [line for line in progress if json.loads(line)["time"] <= time]
    copy = RunFolder(folder)
    copy.ledger.write_text("".join(ledger[: at + 1]))
    copy.progress.write_text("".join(early))

    def go_on() -> None:
        for path, rest in ((copy.progress, progress[len(early) :]), (copy.ledger, ledger[at + 1 :])):
            with path.open("a") as file:
                file.writelines(rest)

    return go_on


def test_a_finished_run_is_shown_whole(finished_run: RunFolder, served: Callable[[Path], str], page: Page) -> None:
    requested: list[str] = []
    page.on("request", lambda request: requested.append(request.url))
    address = served(finished_run.path)
    page.goto(address)
    expect(page.get_by_role("note").first).to_have_text(DISCLAIMER)
    expect(page.locator(".pill")).to_have_text("finished")
    expect(page.get_by_role("region", name="Table of the sites").get_by_role("row")).to_have_count(4)
    expect(page.get_by_role("region", name="Table of the rounds").get_by_role("row")).to_have_count(4)
    expect(page.get_by_role("img", name="Dice, whole tumour on the validation cases")).to_be_visible()
    assert all(url.startswith(address) or url.startswith("data:") for url in requested)


def test_the_page_follows_the_run_without_a_reload(
    finished_run: RunFolder, served: Callable[[Path], str], page: Page, tmp_path: Path
) -> None:
    go_on = halfway(finished_run, tmp_path / "run", played=2)
    page.goto(served(tmp_path / "run"))
    expect(page.locator(".state")).to_contain_text("2 of 3 rounds played")
    page.evaluate("window.sameDocument = true")
    page.locator("summary", has_text="Each site's share").click()
    page.locator("summary", has_text="Each site's share").focus()
    go_on()
    expect(page.locator(".pill")).to_have_text("finished", timeout=10_000)
    expect(page.get_by_role("region", name="Table of the weights")).to_be_visible()
    assert page.evaluate("document.activeElement.textContent").startswith("Each site's share")
    assert page.evaluate("window.sameDocument")


def test_every_chart_has_words_and_a_table(finished_run: RunFolder, served: Callable[[Path], str], page: Page) -> None:
    page.goto(served(finished_run.path))
    figures = page.locator(".charts figure")
    assert figures.count() >= 3
    for number in range(figures.count()):
        figure = figures.nth(number)
        assert "first to last" in str(figure.get_by_role("img").get_attribute("aria-label"))
        figure.locator("summary").click()
        expect(figure.get_by_role("table")).to_be_visible()
        assert figure.get_by_role("row").count() > 1


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_can_be_read_in_both_schemes(
    finished_run: RunFolder,
    served: Callable[[Path], str],
    page: Page,
    tmp_path: Path,
    scheme: Any,
    poor_contrast: Callable[[Page], list[str]],
) -> None:
    halfway(finished_run, tmp_path / "run", played=2)
    with RunFolder(tmp_path / "run").ledger.open("a") as file:
        for kind in ("quarantined", "paused"):
            file.write(
                json.dumps({"time": "2999-01-01T00:00:00+00:00", "kind": kind, "site": "east", "reason": "x"}) + "\n"
            )
    page.emulate_media(color_scheme=scheme)
    page.goto(served(tmp_path / "run"))
    for summary in page.locator("summary").all():
        summary.click()
    assert poor_contrast(page) == []


def test_a_narrow_screen_scrolls_tables_and_not_the_page(
    finished_run: RunFolder, served: Callable[[Path], str], page: Page
) -> None:
    page.set_viewport_size({"width": 360, "height": 740})
    page.goto(served(finished_run.path))
    assert page.evaluate("document.documentElement.scrollWidth") <= 360


def test_a_hostile_site_runs_nothing(
    finished_run: RunFolder, served: Callable[[Path], str], page: Page, tmp_path: Path
) -> None:
    """The name reaches the page twice: when it is loaded and when its body is exchanged."""
    hostile = "<img src=x onerror=alert(1)><script>alert(2)</script>"
    go_on = halfway(finished_run, tmp_path / "run", played=2)
    for path in (tmp_path / "run" / "ledger.jsonl", tmp_path / "run" / "progress.jsonl"):
        path.write_text(path.read_text().replace('"east"', json.dumps(hostile)))
    page.goto(served(tmp_path / "run"))
    expect(page.get_by_role("rowheader", name=hostile).first).to_be_visible()
    go_on()
    expect(page.locator(".pill")).to_have_text("finished", timeout=10_000)
    expect(page.get_by_role("rowheader", name=hostile).first).to_be_visible()
    assert page.locator("main img, main script").count() == 0


def test_numbers_that_grow_old_say_so(finished_run: RunFolder, served: Callable[[Path], str], page: Page) -> None:
    page.goto(served(finished_run.path))
    page.route("**/body", lambda route: route.abort())
    expect(page.locator("#connection")).to_contain_text("No connection to the dashboard", timeout=10_000)
    page.unroute("**/body")
    expect(page.locator("#connection")).to_be_hidden(timeout=10_000)


def test_every_moment_of_a_real_run_can_be_shown(finished_run: RunFolder, tmp_path: Path) -> None:
    """Line by line in the order of their times: nothing unreadable, and the rounds only ever go up."""
    shutil.copy(finished_run.config, tmp_path)
    copy = RunFolder(tmp_path)
    happened = [(json.loads(line)["time"], copy.ledger, line) for line in lines_of(finished_run.ledger)]
    happened += [(json.loads(line)["time"], copy.progress, line) for line in lines_of(finished_run.progress)]
    watcher, played, states = RunWatcher(copy), 0, []
    for _, path, line in sorted(happened, key=lambda entry: entry[0]):
        with path.open("a") as file:
            file.write(line)
        status = watcher.status()
        assert status.unreadable_lines == 0
        assert status.rounds_played >= played
        played = status.rounds_played
        states.append(status.state)
    assert (played, states[0], states[-1]) == (3, "waiting", "finished")
    assert {"waiting", "training", "evaluating", "finished"} == set(states)
    assert status.alerts == ()
    assert sorted(site.name for site in status.sites) == ["east", "north", "south"]
