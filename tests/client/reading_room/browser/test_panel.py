"""The panel in a real browser: label, pathology, signature, release, contribution, and all the way back."""

from collections.abc import Callable
from typing import Literal

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from client.reading_room.room import Room

pytestmark = pytest.mark.slow

ReadStudy = Callable[..., tuple[Room, str]]
Visit = Callable[..., Page]


@pytest.fixture
def visit_panel(visit: Visit) -> Visit:
    """As `visit`, without the pictures, which have tests of their own: drawn in software they cost seconds a page."""

    def sign_in(room: Room, role: str = "clinician") -> Page:
        page = visit(room, role)
        page.route("**/case_viewer.js*", lambda route: route.fulfill(content_type="text/javascript", body=""))
        return page

    return sign_in


def answer(page: Page, button: str, value: str = "yes") -> None:
    """Press a button and answer the question that it asks."""
    page.locator(button).click()
    dialog = page.locator("dialog#confirm")
    expect(dialog).to_be_visible()
    if value == "no":
        dialog.locator("button[value=no]").click()
        expect(dialog).to_be_hidden()
        return
    with page.expect_navigation():
        dialog.locator("button[value=yes]").click()


def test_a_study_is_decided_and_opened_again(read_study: ReadStudy, visit_panel: Visit) -> None:
    room, study = read_study()
    page = visit_panel(room)
    page.goto(f"/studies/{study}")
    page.locator("#labels summary").click()
    page.select_option("#label-idh", "1")
    page.fill("#labels-note", "<b>rim</b>")
    with page.expect_navigation():
        page.locator("#labels button.primary").click()
    expect(page.locator(".corrected")).to_contain_text("Read by the clinician: IDH: mutant")
    expect(page.locator(".corrected .note-text")).to_have_text("<b>rim</b>")
    page.locator("#pathology summary").click()
    page.select_option("#marker-idh", "mutant")
    page.select_option("#marker-codel", "codeleted")
    with page.expect_navigation():
        page.locator("#pathology button.primary").click()
    expect(page.locator("#layers dd").first).to_contain_text("Oligodendroglioma, IDH-mutant and 1p/19q-codeleted")

    seen = page.locator("#sign input[name=checks_seen]")
    if seen.count():
        seen.check()
    answer(page, "#sign button.primary", "no")
    expect(page.locator("#decide")).to_contain_text("Nobody has decided on revision 2 yet.")
    answer(page, "#sign button.primary")
    expect(page.locator("#decide .decided")).to_contain_text("Signed by clinician, revision 2")
    answer(page, "[data-act=release]")
    expect(page.locator("#decide")).to_contain_text("report released by clinician")
    answer(page, "#contribution button")
    expect(page.locator("#contribution")).to_contain_text("IDH mutant (pathology)")
    answer(page, "#withdraw button.quiet")
    expect(page.locator("#decide")).to_contain_text("Nobody has decided")
    expect(page.locator("#contribution")).to_have_count(0)

    page.locator("[data-open=reject]").click()
    page.fill("#reject-note", "motion")
    with page.expect_navigation():
        page.locator("#reject button.primary").click()
    expect(page.locator("#decide .decided")).to_contain_text("Rejected by clinician")


def test_a_refusal_is_told_beside_its_form(read_study: ReadStudy, visit_panel: Visit) -> None:
    room, study = read_study()
    page = visit_panel(room)
    page.goto(f"/studies/{study}")
    page.locator("#labels summary").click()
    page.select_option("#label-idh", "0")
    page.select_option("#label-codel_1p19q", "1")
    page.locator("#labels button.primary").click()
    expect(page.locator("#labels .problem")).to_contain_text("codeletion only with a mutation")
    page.select_option("#label-codel_1p19q", "")
    with page.expect_navigation():
        page.locator("#labels button.primary").click()
    expect(page.locator(".corrected")).to_contain_text("IDH: wildtype")


def test_pages_fit_every_screen(read_study: ReadStudy, visit: Visit) -> None:
    room, study = read_study("t1c")
    page = visit(room)
    for address in (f"/studies/{study}", "/agreement", "/account"):
        page.goto(address)
        open_all(page)
        for width, height in ((1366, 900), (820, 1180), (390, 844)):
            page.set_viewport_size({"width": width, "height": height})
            assert page.evaluate("document.documentElement.scrollWidth") <= width, (address, width)


def test_pages_can_be_used_by_everybody(read_study: ReadStudy, visit_panel: Visit) -> None:
    room, study = read_study("t1c")
    page = visit_panel(room)
    schemes: tuple[Literal["light", "dark"], ...] = ("light", "dark")
    for address in (f"/studies/{study}", "/agreement", "/account"):
        page.goto(address)
        open_all(page)
        for scheme in schemes:
            page.emulate_media(color_scheme=scheme)
            # The viewer has tests of its own.
            found = Axe().run(page, context={"exclude": [[".case-viewer"]]}).response["violations"]
            grave = [each["nodes"][0]["html"] for each in found if each["impact"] in ("serious", "critical")]
            assert not grave, (address, scheme)


def open_all(page: Page) -> None:
    page.evaluate("document.querySelectorAll('details').forEach((each) => { each.open = true })")


def test_an_administrator_makes_and_closes_an_account(read_study: ReadStudy, visit: Visit) -> None:
    room, _ = read_study()
    page = visit(room, "admin")
    page.goto("/accounts")
    page.fill("#new-name", "Bad Name")
    page.fill("#new-password", "several words for once")
    page.locator("#add-account button.primary").click()
    expect(page.locator("#add-account .problem")).to_contain_text("user name")
    page.fill("#new-name", "berta")
    with page.expect_navigation():
        page.locator("#add-account button.primary").click()
    row = page.locator("[data-account=berta]")
    row.locator("select").select_option("technician")
    expect(page.locator("#toast")).to_contain_text("berta is now technician")
    row.locator("[data-disable]").click()
    with page.expect_navigation():
        page.locator("dialog#close button.primary").click()
    expect(page.locator("[data-account=berta]")).to_contain_text("closed on")
    page.goto("/audit")
    expect(page.locator(".verified")).to_contain_text("The chain is whole")
    expect(page.locator("table.audit")).to_contain_text("disabled user")
