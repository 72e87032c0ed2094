"""What each side ran, as the ledger tells it, newer word first, and nothing made up for older ledgers."""

from typing import Any

from gmmas_core.config import Config
from server.report.html import render_html
from server.report.numbers import build_report
from server.report.software import software_rows

Entry = dict[str, Any]


def side(release: str, image: str) -> Entry:
    return {"release": release, "image": image, "fingerprint": "f" * 64, "config_hash": "c" * 64}


def test_each_side_is_shown_as_it_last_said() -> None:
    entries: list[Entry] = [
        {"kind": "begun", **side("1.0", "")},
        {"kind": "enlisted", "coordinator": side("1.1", "server"), "sites": {"north": side("1.0", "")}},
        {"kind": "joined", "site": "east", **side("1.1", "site:1.1")},
        {"kind": "joined", "site": "north", **side("1.1", "site:1.1")},
    ]
    assert software_rows(entries[:1]) == [{"who": "coordinator"} | side("1.0", "")]
    rows = [("coordinator", "server"), ("east", "site:1.1"), ("north", "site:1.1")]
    assert software_rows(entries) == [{"who": who} | side("1.1", image) for who, image in rows]
    assert software_rows([]) == []


def test_the_page_shows_it_and_names_what_was_not_said(ledger_entries: list[Entry], tiny_config: Config) -> None:
    enlisted = ledger_entries[1] | {"coordinator": side("1.1", "<b>server</b>@sha256:aa")}
    page = render_html(build_report([ledger_entries[0], enlisted], tiny_config))
    table = page.partition("Which software each side ran")[2].partition("</table>")[0]
    assert "&lt;b&gt;server&lt;/b&gt;@sha256:aa" in table
    assert "<code>ffffffffffff</code>" in table
    assert table.count("none named") == 3  # the hospitals of an older ledger
