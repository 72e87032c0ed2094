"""A site's own notes convict a ledger that was cut or rewritten, and no honest one."""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

from gmmas_core.types import DataError
from server.ledger import GENESIS, Ledger, heads, verify
from server.records.witness import Statement, hear

RUN = "run-1"


@pytest.fixture
def ledger(tmp_path: Path) -> Ledger:
    opened = Ledger(tmp_path / "run" / "ledger.jsonl")
    opened.append("begun", run_id=RUN)
    return opened


@pytest.fixture
def shown(ledger: Ledger) -> list[tuple[int, str]]:
    """(round, head) as sent with the plan of each of five rounds; the ledger's round lines follow."""
    sent = []
    for number in range(1, 6):
        sent.append((number, ledger.head))
        ledger.append("round", round=number)
    return sent


def witness(folder: Path, lines: Iterable[tuple[int, str]], run_id: str = RUN, tail: bytes = b"") -> Path:
    path = folder / "witness.jsonl"
    entries = [{"time": "t", "run_id": run_id, "round": number, "ledger_head": head} for number, head in lines]
    old = path.read_bytes() if path.exists() else b""
    path.write_bytes(old + b"".join(json.dumps(entry).encode() + b"\n" for entry in entries) + tail)
    return path


def judged(ledger: Ledger, path: Path) -> Statement:
    return hear(path, RUN, heads(ledger.path))


def rewrite(ledger: Ledger, start: int, **fields: Any) -> None:
    """A new, unbroken history from line `start` on."""
    lines = ledger.path.read_bytes().splitlines(keepends=True)
    ledger.path.write_bytes(b"".join(lines[: start - 1]))
    again = Ledger(ledger.path)
    for line in lines[start - 1 :]:
        entry = json.loads(line)
        again.append(entry["kind"], round=entry.get("round"), **fields)
    assert verify(ledger.path) == []


def test_an_honest_ledger_is_confirmed(ledger: Ledger, shown: list[tuple[int, str]], tmp_path: Path) -> None:
    assert judged(ledger, witness(tmp_path, shown)) == Statement(confirmed=5)


def test_the_empty_ledgers_head_is_known(ledger: Ledger, tmp_path: Path) -> None:
    assert judged(ledger, witness(tmp_path, [(1, GENESIS)])) == Statement(confirmed=1)


def test_lines_cut_off_the_end_are_found(ledger: Ledger, shown: list[tuple[int, str]], tmp_path: Path) -> None:
    lines = ledger.path.read_bytes().splitlines(keepends=True)
    ledger.path.write_bytes(b"".join(lines[:-3]))
    assert verify(ledger.path) == []
    found = judged(ledger, witness(tmp_path, shown))
    assert found.confirmed == 3
    assert len(found.problems) == 1
    assert "line 4 (round 4): the ledger does not hold this head (2 such lines)" in found.problems[0]
    assert "removed from its end" in found.problems[0]


def test_a_history_written_anew_is_found(ledger: Ledger, shown: list[tuple[int, str]], tmp_path: Path) -> None:
    rewrite(ledger, 3, weights_hash="another")
    found = judged(ledger, witness(tmp_path, shown))
    assert found.confirmed == 2
    assert "(3 such lines)" in found.problems[0]


def test_a_history_of_which_only_an_earlier_part_changed_is_found(
    ledger: Ledger, shown: list[tuple[int, str]], tmp_path: Path
) -> None:
    """As when the rewritten run went on and was witnessed again."""
    rewrite(ledger, 3)
    path = witness(tmp_path, [*shown, (6, ledger.head), (6, Ledger(ledger.path).head)])
    assert "its history was rewritten" in judged(ledger, path).problems[0]


def test_heads_shown_in_another_order_than_the_ledgers_are_found(
    ledger: Ledger, shown: list[tuple[int, str]], tmp_path: Path
) -> None:
    found = judged(ledger, witness(tmp_path, [shown[0], (2, shown[3][1]), (3, shown[1][1])]))
    assert found.confirmed == 3
    assert "line 3 (round 3): its head stands before that of line 2 (round 2)" in found.problems[0]


def test_what_an_honest_coordinator_may_do_convicts_nobody(
    ledger: Ledger, shown: list[tuple[int, str]], tmp_path: Path
) -> None:
    """Rounds asked twice, rounds repeated after a resume, and a request that came late."""
    resumed = ledger.append("resumed", round=3)
    path = witness(tmp_path, [*shown, shown[-1], (4, resumed), (5, ledger.append("round", round=4)), shown[3]])
    assert judged(ledger, path).problems == []


def test_a_torn_last_line_is_tolerated_and_said(ledger: Ledger, shown: list[tuple[int, str]], tmp_path: Path) -> None:
    for number, tail in enumerate((b'{"run_id": "run-1", "rou', b'{"run_id": "ru\0\0\0\n')):
        folder = tmp_path / str(number)
        folder.mkdir()
        found = judged(ledger, witness(folder, shown, tail=tail))
        assert (found.confirmed, found.problems) == (5, [])
        assert "last line is torn" in found.notes[0]


def test_an_unreadable_line_in_the_middle_is_a_problem(
    ledger: Ledger, shown: list[tuple[int, str]], tmp_path: Path
) -> None:
    witness(tmp_path, shown[:2], tail=b'{"round": 3}\n')
    found = judged(ledger, witness(tmp_path, shown[2:]))
    assert (found.confirmed, found.problems) == (5, ["line 3: not an entry of a witness"])


def test_lines_about_other_runs_are_said_and_not_compared(
    ledger: Ledger, shown: list[tuple[int, str]], tmp_path: Path
) -> None:
    witness(tmp_path, [(1, "f" * 64), (1, GENESIS)], run_id="run-0")
    found = judged(ledger, witness(tmp_path, shown))
    assert (found.confirmed, found.problems) == (5, [])
    assert found.notes == ["2 of its lines are about other runs and were not compared"]


def test_a_head_borrowed_from_another_run_is_found(
    ledger: Ledger, shown: list[tuple[int, str]], tmp_path: Path
) -> None:
    found = judged(ledger, witness(tmp_path, shown, run_id="run-0"))
    assert "the ledger holds a head that was shown for another run (5 such lines)" in found.problems[0]
    assert found.notes == ["it has no line about this run"]


def test_a_missing_witness_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"witness w\.jsonl"):
        hear(tmp_path / "w.jsonl", RUN, {})
