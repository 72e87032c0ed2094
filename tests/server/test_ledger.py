"""The hash chain breaks under every tampering, and survives every crash."""

import json
import logging
import os
import resource
import signal
from collections.abc import Callable
from pathlib import Path

import pytest

from gmmas_core.types import FederationError
from server.ledger import GENESIS, Ledger, entries_of, heads, verify


@pytest.fixture
def ledger(tmp_path: Path) -> Ledger:
    """Five lines."""
    opened = Ledger(tmp_path / "run" / "ledger.jsonl")
    for number in range(1, 6):
        opened.append("round", round=number, sites={"north": {"num_cases": number}}, left_out={})
    return opened


def lines_of(ledger: Ledger) -> list[bytes]:
    """Lines with their newlines."""
    return ledger.path.read_bytes().splitlines(keepends=True)


def test_a_new_ledger_is_empty_and_whole(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path / "ledger.jsonl")
    assert ledger.head == GENESIS
    assert list(ledger.entries()) == []
    assert verify(ledger.path) == []


def test_each_line_holds_the_hash_of_the_one_before(ledger: Ledger) -> None:
    entries = list(ledger.entries())
    assert [entry["round"] for entry in entries] == [1, 2, 3, 4, 5]
    assert [entry["line"] for entry in entries] == [1, 2, 3, 4, 5]
    assert entries[0]["previous"] == GENESIS
    head = ledger.append("done")
    assert head == ledger.head != entries[-1]["previous"]
    assert verify(ledger.path, expected_head=head) == []


def test_reopening_continues_the_chain(ledger: Ledger) -> None:
    again = Ledger(ledger.path)
    assert again.head == ledger.head
    again.append("resumed", text="Züri\nline two\r\u2028")
    assert [entry["kind"] for entry in again.entries()] == ["round"] * 5 + ["resumed"]
    assert verify(again.path) == []
    assert Ledger(ledger.path).head == again.head


TAMPERINGS: dict[str, Callable[[list[bytes]], list[bytes]]] = {
    "edit": lambda lines: [lines[0], lines[1].replace(b'"num_cases":2', b'"num_cases":9'), *lines[2:]],
    "edit of the first": lambda lines: [lines[0].replace(b"north", b"south"), *lines[1:]],
    "deletion": lambda lines: [*lines[:2], *lines[3:]],
    "deletion of the first": lambda lines: lines[1:],
    "exchange": lambda lines: [lines[0], lines[2], lines[1], *lines[3:]],
    "repetition": lambda lines: [*lines, lines[-1]],
    "cut in the middle": lambda lines: [lines[0], lines[1][:20], *lines[2:]],
    "insertion": lambda lines: [*lines[:3], lines[2].replace(b"round", b"bound"), *lines[3:]],
    "foreign text": lambda lines: [*lines[:3], b"hello\n", *lines[3:]],
    "white space": lambda lines: [lines[0].replace(b"\n", b" \n"), *lines[1:]],
}


@pytest.mark.parametrize("name", TAMPERINGS)
def test_tampering_is_found_and_the_ledger_is_not_continued(ledger: Ledger, name: str) -> None:
    ledger.path.write_bytes(b"".join(TAMPERINGS[name](lines_of(ledger))))
    assert verify(ledger.path)
    content = ledger.path.read_bytes()
    with pytest.raises(FederationError, match="expected an unbroken chain"):
        Ledger(ledger.path)
    assert ledger.path.read_bytes() == content


def test_lines_cut_off_the_end_are_found_by_a_head_kept_elsewhere(ledger: Ledger) -> None:
    kept = ledger.head
    ledger.path.write_bytes(b"".join(lines_of(ledger)[:-1]))
    assert verify(ledger.path) == []
    assert "expected head is missing" in verify(ledger.path, expected_head=kept)[0]


def test_an_edit_of_the_last_line_is_found_by_a_head_kept_elsewhere(ledger: Ledger) -> None:
    kept = ledger.head
    lines = lines_of(ledger)
    ledger.path.write_bytes(b"".join([*lines[:-1], lines[-1].replace(b"north", b"south")]))
    assert verify(ledger.path, expected_head=kept)


@pytest.mark.parametrize("lost", ["newline", "half", "all but one byte", "pages"])
def test_a_torn_last_line_is_moved_aside_and_said(ledger: Ledger, lost: str, caplog: pytest.LogCaptureFixture) -> None:
    *whole, last = lines_of(ledger)
    torn = {
        "newline": last[:-1],
        "half": last[: len(last) // 2],
        "all but one byte": last[:1],
        "pages": b"\0" * (len(last) - 5) + last[-5:],
    }[lost]
    ledger.path.write_bytes(b"".join(whole) + torn)
    assert verify(ledger.path)
    with caplog.at_level(logging.WARNING):
        again = Ledger(ledger.path)
    assert "torn last line" in caplog.text
    assert verify(again.path) == []
    *kept, note = again.entries()
    assert [entry["round"] for entry in kept] == [1, 2, 3, 4]
    assert note["kind"] == "torn-line"
    assert (ledger.path.parent / note["moved_to"]).read_bytes() == torn
    assert Ledger(ledger.path).head == again.head


@pytest.mark.parametrize("fields", [{"loss": float("nan")}, {"x": {1, 2}}, {"x": b"raw"}])
def test_fields_that_are_no_json_are_refused(ledger: Ledger, fields: dict[str, object]) -> None:
    before = ledger.path.read_bytes()
    with pytest.raises(FederationError, match="no JSON"):
        ledger.append("round", **fields)
    assert ledger.path.read_bytes() == before


def test_reserved_fields_are_refused(ledger: Ledger) -> None:
    with pytest.raises(FederationError, match="previous"):
        ledger.append("round", previous="x")


def test_a_full_disk_leaves_the_ledger_as_it_was(ledger: Ledger) -> None:
    """A file-size limit stands in for the full disk; the write stops part-way through the line."""
    before = ledger.path.read_bytes()
    limit = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (len(before) + 30, limit[1]))
    try:
        with pytest.raises(FederationError, match="cannot be written"):
            ledger.append("round", round=6)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limit)
        signal.signal(signal.SIGXFSZ, handler)
    assert ledger.path.read_bytes() == before
    ledger.append("round", round=6)
    assert verify(ledger.path) == []


def test_lines_survive_the_death_of_the_process(tmp_path: Path) -> None:
    path = tmp_path / "ledger.jsonl"
    child = os.fork()
    if child == 0:
        Ledger(path).append("round", round=1)
        os.kill(os.getpid(), signal.SIGKILL)
    os.waitpid(child, 0)
    assert [json.loads(line)["round"] for line in path.read_text().splitlines()] == [1]
    assert verify(path) == []


def test_every_head_is_known_by_its_line(ledger: Ledger) -> None:
    known = heads(ledger.path)
    assert list(known.values()) == [0, 1, 2, 3, 4, 5]
    assert known[GENESIS] == 0
    assert known[ledger.head] == 5
    assert [known[entry["previous"]] for entry in ledger.entries()] == [0, 1, 2, 3, 4]


def test_a_line_without_its_end_is_neither_head_nor_entry(ledger: Ledger) -> None:
    ledger.path.write_bytes(ledger.path.read_bytes()[:-1])
    assert list(heads(ledger.path).values()) == [0, 1, 2, 3, 4]
    assert [entry["round"] for entry in entries_of(ledger.path)] == [1, 2, 3, 4]


def test_damaged_lines_are_passed_over(ledger: Ledger) -> None:
    ledger.path.write_bytes(b"".join(TAMPERINGS["foreign text"](lines_of(ledger))))
    assert [entry["round"] for entry in entries_of(ledger.path)] == [1, 2, 3, 4, 5]
