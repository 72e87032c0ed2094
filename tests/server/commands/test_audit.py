"""`audit verify` on real run folders: ledgers, checkpoints and witnesses, intact and spoilt."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import typer
from typer.testing import CliRunner

from gmmas_core.types import FederationError
from gmmas_core.weights import weights_hash
from server.commands.audit import register, sentence
from server.ledger import Ledger
from server.records.audit import Findings
from server.records.checkpoints import save_round
from server.records.run_folder import RunFolder

app = typer.Typer()
register(app)
app.command("other")(lambda: None)  # as in the real command line, `audit` is one of several


def weights(value: float) -> dict[str, Any]:
    return {"encoder.conv.weight": np.full(3, value, np.float32)}


def play(folder: RunFolder, ledger: Ledger, number: int, value: float | None = None) -> None:
    """A round's line and its checkpoint; `value` is what the checkpoint holds instead."""
    ledger.append("round", round=number, weights_hash=weights_hash(weights(number)))
    saved = weights(number if value is None else value)
    save_round(folder.checkpoints, number, saved, {"weights_hash": weights_hash(saved)}, {})


@pytest.fixture
def folder(tmp_path: Path) -> RunFolder:
    """Two finished rounds, and a witness that saw the head before each."""
    folder = RunFolder(tmp_path / "run")
    ledger = Ledger(folder.ledger)
    ledger.append("begun", run_id="run-1")
    lines = []
    for number in (1, 2):
        lines.append({"time": "t", "run_id": "run-1", "round": number, "ledger_head": ledger.head})
        play(folder, ledger, number)
    (tmp_path / "north" / ".gmmas").mkdir(parents=True)
    path = tmp_path / "north" / ".gmmas" / "witness.jsonl"
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return folder


def audit(folder: RunFolder, *options: str) -> tuple[int, str]:
    done = CliRunner().invoke(app, ["audit", "verify", str(folder.path), *options])
    if done.exception is not None and not isinstance(done.exception, SystemExit):
        raise done.exception
    return done.exit_code, done.output


def witness(folder: RunFolder) -> tuple[str, str]:
    return "--witness", str(folder.path.parent / "north" / ".gmmas" / "witness.jsonl")


def test_an_intact_run(folder: RunFolder) -> None:
    code, text = audit(folder, *witness(folder))
    assert (code, text) == (0, "intact: the ledger has 3 lines; 2 notes of 1 witness confirm it\n")
    code, text = audit(folder, *witness(folder), "--json")
    assert json.loads(text) == {"intact": True, "lines": 3, "confirmed": 2, "problems": [], "notes": []}


@pytest.mark.parametrize(
    ("lines", "confirmed", "witnesses", "says"),
    [
        (1, 1, 1, "the ledger has 1 line; 1 note of 1 witness confirms it"),
        (2, 1, 2, "the ledger has 2 lines; 1 note of 2 witnesses confirms it"),
        (0, 0, 1, "the ledger has 0 lines; nothing that 1 witness wrote down confirms it"),
    ],
)
def test_numbers_are_said_as_people_say_them(lines: int, confirmed: int, witnesses: int, says: str) -> None:
    assert sentence(Findings(lines=lines, confirmed=confirmed), witnesses) == f"intact: {says}"
    assert sentence(Findings(lines, confirmed, ["cut"]), witnesses) == f"not intact: {says}"


def test_an_edited_line(folder: RunFolder) -> None:
    folder.ledger.write_bytes(folder.ledger.read_bytes().replace(b'"round":1', b'"round":7'))
    code, text = audit(folder)
    assert code == 1
    assert "problem: ledger line 3: does not follow the line before it" in text
    assert "not intact" in text


def test_a_ledger_cut_short_with_its_checkpoint_is_known_by_its_witness_alone(folder: RunFolder) -> None:
    folder.ledger.write_bytes(b"".join(folder.ledger.read_bytes().splitlines(keepends=True)[:1]))
    for path in folder.checkpoints.iterdir():
        path.rename(path.with_name(f"old-{path.name}"))
    assert audit(folder)[0] == 0
    code, text = audit(folder, *witness(folder))
    assert code == 1
    assert "problem: witness north/witness.jsonl line 2 (round 2): the ledger does not hold this head" in text


def test_a_checkpoint_that_is_not_what_the_ledger_says(folder: RunFolder) -> None:
    play(folder, Ledger(folder.ledger), 3, value=9.0)
    code, text = audit(folder, "--json")
    assert code == 1
    (problem,) = json.loads(text)["problems"]
    assert problem.startswith("checkpoint round-000003: its weights have another hash")


def test_a_checkpoint_of_a_round_the_ledger_does_not_know(folder: RunFolder) -> None:
    save_round(folder.checkpoints, 3, weights(3), {"weights_hash": weights_hash(weights(3))}, {})
    assert audit(folder)[0] == 1


def test_the_last_word_on_a_round_counts(folder: RunFolder) -> None:
    """A crash between line and checkpoint repeats the round; its first line then has no checkpoint."""
    ledger = Ledger(folder.ledger)
    ledger.append("round", round=3, weights_hash="lost")
    code, text = audit(folder)
    assert code == 0
    assert "note: the ledger's last round is 3, the newest checkpoint is of round 2" in text
    ledger.append("resumed", round=2)
    play(folder, ledger, 3)
    assert audit(folder) == (0, "intact: the ledger has 6 lines; no witness was heard\n")


def test_a_damaged_checkpoint_is_said(folder: RunFolder) -> None:
    (folder.checkpoints / "round-000002" / "weights.safetensors").write_bytes(b"x")
    code, text = audit(folder)
    assert code == 0
    assert "note: checkpoint round-000002: found weights.safetensors altered or cut short" in text


def test_no_run_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(FederationError, match=r"no ledger\.jsonl"):
        audit(RunFolder(tmp_path))


def test_a_missing_witness_is_a_problem(folder: RunFolder) -> None:
    code, text = audit(folder, "--witness", str(folder.path / "nothing.jsonl"))
    assert code == 1
    assert "witness nothing.jsonl: found no file" in text
