"""A chained log breaks under every change of a whole line, and survives a crash and a second writer."""

import os
import resource
import signal
from pathlib import Path

import pytest

from gmmas_core.hash_chain import GENESIS, append, verify
from gmmas_core.types import DataError


@pytest.fixture
def log(tmp_path: Path) -> Path:
    """Four lines, one of them longer than a block of reading."""
    path = tmp_path / "state" / "log.jsonl"
    for number in range(4):
        append(path, {"number": number, "text": "ä" * (5000 if number == 2 else 1)})
    return path


def test_each_line_holds_the_hash_of_the_one_before(log: Path) -> None:
    chain = verify(log)
    assert [entry["number"] for entry in chain.entries] == [0, 1, 2, 3]
    assert [entry["previous"] for entry in chain.entries] == [GENESIS, *(e["hash"] for e in chain.entries[:-1])]
    assert append(log, {"number": 4}) == verify(log).head != chain.head
    assert verify(log.with_name("none.jsonl")).head == GENESIS


@pytest.mark.parametrize("bad", ["edit", "remove", "swap", "insert", "blank", "spaces"])
def test_a_change_is_found_and_its_line_named(log: Path, bad: str) -> None:
    lines = log.read_bytes().splitlines(keepends=True)
    if bad == "edit":
        lines[1] = lines[1].replace(b'"number":1', b'"number":7')
    elif bad == "remove":
        del lines[1]
    elif bad == "swap":
        lines[1], lines[2] = lines[2], lines[1]
    elif bad == "insert":
        lines.insert(1, lines[0])
    elif bad == "blank":
        lines.insert(1, b"\n")
    else:
        lines[1] = lines[1].replace(b",", b", ", 1)
    log.write_bytes(b"".join(lines))
    with pytest.raises(DataError, match="line 2"):
        verify(log)


@pytest.mark.parametrize("cut", [1, 10])
def test_what_a_crash_left_of_a_line_does_not_count_and_is_cut_off(log: Path, cut: int) -> None:
    content = log.read_bytes()
    os.truncate(log, len(content) - cut)
    assert [entry["number"] for entry in verify(log).entries] == [0, 1, 2]
    append(log, {"number": 9})
    assert [entry["number"] for entry in verify(log).entries] == [0, 1, 2, 9]


def test_nothing_is_added_after_a_damaged_line_nor_what_is_no_plain_json(log: Path) -> None:
    for entry in ({"hash": "x"}, {"value": float("nan")}, {"value": object()}):
        with pytest.raises(DataError):
            append(log, entry)
    assert len(verify(log).entries) == 4
    log.write_bytes(log.read_bytes() + b"{}\n")
    before = log.read_bytes()
    with pytest.raises(DataError, match="damaged"):
        append(log, {"number": 4})
    assert log.read_bytes() == before


def test_a_full_disk_leaves_the_chain_as_it_was(log: Path) -> None:
    before = log.read_bytes()
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (len(before) + 20, limits[1]))
    try:
        with pytest.raises(DataError, match="cannot be written"):
            append(log, {"number": 4})
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        signal.signal(signal.SIGXFSZ, handler)
    assert log.read_bytes() == before


def test_two_writers_share_one_chain(log: Path) -> None:
    child = os.fork()
    if child == 0:
        try:
            for number in range(20):
                append(log, {"child": number})
        finally:
            os._exit(0)
    for number in range(20):
        append(log, {"parent": number})
    assert os.waitpid(child, 0)[1] == 0
    assert len(verify(log).entries) == 44
