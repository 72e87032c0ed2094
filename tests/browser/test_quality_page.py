"""The page of a site's cases as a person meets it: a file, opened without a server."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import Page, expect

from client.checks.case import CaseReport
from client.quality_page.mosaic import draw_mosaic
from client.quality_page.page import rows_of, write_page
from client.quality_page.stored import Examined, keep
from gmmas_core.data.grid import Volume
from gmmas_core.data.problems import Problem
from gmmas_core.quality import THRESHOLDS, Check, Verdict
from gmmas_core.types import DISCLAIMER

pytestmark = pytest.mark.slow


@pytest.fixture
def address(tmp_path: Path) -> str:
    """A page of twelve cases: ten in order, one that fails one check and warns of another, one without files."""
    mosaic = draw_mosaic({"t1": Volume(np.ones((20, 24, 20)), np.eye(4))}, None, None)
    flags = {1: Verdict.FAIL, 10: Verdict.PASS}
    examined = []
    for number in range(11):
        checks = [
            Check(id="age", verdict=flags.get(number, Verdict.PASS), found="12 years", expected="18", action="look"),
            Check(
                id="noise", verdict=Verdict.WARN if number == 1 else Verdict.PASS, found="x", expected="y", action="z"
            ),
        ]
        one = Examined(case_id=f"sub-{number}", patient_id="p", report=CaseReport(), checks=tuple(checks))
        examined.append(keep(one, tmp_path / "state" / one.case_id, "key", mosaic))
    lost = Problem(case_id="sub-lost", found="no such folder", expected="a folder", action="add it")
    write_page(tmp_path / "q.html", "north", rows_of(examined, [lost], {}), [], THRESHOLDS, moved=False)
    return (tmp_path / "q.html").as_uri()


def test_sort_filter_and_pictures(address: str, page: Page, poor_contrast: Callable[[Page], list[str]]) -> None:
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto(address)
    expect(page.get_by_text(DISCLAIMER).first).to_be_visible()
    expect(page.locator("#cases tbody th").first).to_have_text("sub-1")
    expect(page.locator("#shown")).to_have_text("12 of 12 cases shown")
    page.get_by_role("button", name="Case", exact=True).click()
    expect(page.locator("#cases tbody th").nth(2)).to_have_text("sub-2")  # 10 comes after 9, not after 1
    expect(page.locator("section.case h3").nth(2)).to_contain_text("sub-2")
    page.get_by_role("button", name="Case", exact=True).click()
    expect(page.locator("#cases thead th").first).to_have_attribute("aria-sort", "descending")
    expect(page.locator("#cases tbody th").first).to_have_text("sub-lost")

    page.get_by_label("Verdict").select_option("fail")
    expect(page.locator("#shown")).to_have_text("2 of 12 cases shown")
    expect(page.locator("section.case:visible")).to_have_count(2)
    page.get_by_label("Verdict").select_option("")
    page.get_by_role("button", name="age").click()
    expect(page.locator("#cases tbody tr:visible")).to_have_count(1)
    expect(page.locator("section.case:visible")).to_contain_text("found 12 years; expected 18; look")
    page.get_by_label("Flagged by").select_option("")
    page.get_by_label("Words").fill("LOST")
    expect(page.locator("section.case:visible")).to_contain_text("found no such folder")
    page.get_by_label("Words").fill("")

    pictures = page.locator("section.case img")
    assert pictures.count() == 11
    pictures.last.scroll_into_view_if_needed()
    page.wait_for_function("[...document.images].at(-1).complete && [...document.images].at(-1).naturalWidth > 0")
    assert all(url.startswith("file:") for url in asked)
    for summary in page.locator("summary").all():
        summary.click()
    assert poor_contrast(page) == []
    unnamed = "[...document.querySelectorAll('img:not([alt]), select, input')].filter((e) => e.alt === '' && !e.labels)"
    assert page.evaluate(f"{unnamed}.length") == 0
