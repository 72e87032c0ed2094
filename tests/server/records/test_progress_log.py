"""Progress is written whatever the disk says, stays bounded, and is read whole however torn it is."""

import json
from pathlib import Path

import pytest

from server.records.progress_log import JsonLines, ProgressLog


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "progress.jsonl"


def test_an_event_is_read_back_with_its_time(path: Path) -> None:
    ProgressLog(path)("site-asked", {"round": 3, "site": "north", "sends": 1})
    reader = JsonLines(path)
    assert reader.read()
    (event,) = reader.entries
    assert event.pop("time").endswith("+00:00")
    assert event == {"kind": "site-asked", "round": 3, "site": "north", "sends": 1}
    assert not reader.read()


def test_a_torn_last_line_is_left_until_it_is_whole(path: Path) -> None:
    ProgressLog(path)("waiting", {"online": 1})
    whole = path.read_bytes()
    path.write_bytes(whole + b'{"time":"2026","ki')
    reader = JsonLines(path)
    reader.read()
    assert len(reader.entries) == 1
    path.write_bytes(whole + b'{"time":"2026","kind":"waiting","online":2}\n')
    reader.read()
    assert [event["online"] for event in reader.entries] == [1, 2]


def test_a_writer_that_starts_after_a_crash_spoils_no_line(path: Path) -> None:
    path.write_bytes(b'{"time":"2026","kind":"wai')
    ProgressLog(path)("waiting", {"online": 2})
    reader = JsonLines(path)
    reader.read()
    assert [event["online"] for event in reader.entries] == [2]
    assert reader.unreadable == 1


@pytest.mark.parametrize(
    "line", [b"[1]", b"no json", b'{"kind":"x"}', b'{"time":1,"kind":"x"}', b"\xff\xfe", b"[" * 9999]
)
def test_a_line_that_is_no_event_is_counted_and_passed_over(path: Path, line: bytes) -> None:
    path.write_bytes(line + b'\n{"time":"2026","kind":"waiting"}\n')
    reader = JsonLines(path)
    reader.read()
    assert (len(reader.entries), reader.unreadable) == (1, 1)


def test_numbers_without_a_json_word_become_null(path: Path) -> None:
    ProgressLog(path)("round-started", {"lr": float("nan"), "sites": ("a",), "where": Path("x")})
    event = json.loads(path.read_text(), parse_constant=lambda word: pytest.fail(word))
    assert (event["lr"], event["sites"], event["where"]) == (None, ["a"], "x")


def test_the_file_stays_bounded_and_keeps_the_newest(path: Path) -> None:
    log = ProgressLog(path, max_bytes=2000)
    reader = JsonLines(path)
    for number in range(200):
        log("waiting", {"online": number})
        reader.read()
    assert path.stat().st_size < 2200
    online = [event["online"] for event in reader.entries]
    assert online == list(range(online[0], 200))
    assert reader.unreadable == 0
    assert [entry.name for entry in path.parent.iterdir()] == [path.name]


def test_a_disk_that_cannot_be_written_ends_nothing(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    ProgressLog(tmp_path / "file" / "progress.jsonl")("waiting", {"online": 1})
    ProgressLog(Path("/dev/full"))("waiting", {"online": 1})


def test_a_value_that_contains_itself_ends_nothing(path: Path) -> None:
    loop: list[object] = []
    loop.append(loop)
    ProgressLog(path)("waiting", {"online": loop})
    ProgressLog(path)("waiting", {"online": 1})
    reader = JsonLines(path)
    reader.read()
    assert [event["online"] for event in reader.entries] == [1]


def test_a_shortened_and_regrown_file_is_read_again(path: Path) -> None:
    """A ledger's torn tail is cut off and written over: the reader must not skip what stands there now."""
    first = b'{"time":"2026","kind":"a"}\n'
    path.write_bytes(first + b"garbage of a torn page\n")
    reader = JsonLines(path)
    reader.read()
    with path.open("rb+") as file:
        file.truncate(len(first))
        file.seek(len(first))
        file.write(b'{"time":"2027","kind":"torn-line"}\n{"time":"2028","kind":"b"}\n')
    assert reader.read()
    assert [event["kind"] for event in reader.entries] == ["a", "torn-line", "b"]
    assert reader.unreadable == 0


def test_only_what_is_asked_for_is_kept(path: Path) -> None:
    reader = JsonLines(path, keep=lambda event: event["kind"])
    assert not reader.read()
    assert reader.entries == []
    ProgressLog(path)("waiting", {"online": 1})
    reader.read()
    assert reader.entries == ["waiting"]
