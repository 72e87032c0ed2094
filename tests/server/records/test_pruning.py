"""What is deleted is never what a run resumes from or may release."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from gmmas_core.types import Task
from server.ledger import Ledger
from server.records.checkpoints import checkpoints_of, newest_valid, path_of, save_round
from server.records.pruning import prune
from server.release.best_round import history_of, in_order, scores_of

TASKS = (Task.IDH,)
Make = Callable[..., dict[str, Any]]
BEST = 2
DICE = [0.1, 0.9, 0.2, 0.8, *(0.3 for _ in range(16))]  # of the weights that were sent: results of rounds 0, 1, ...


def weights_of(number: int) -> dict[str, np.ndarray]:
    return {"w": np.array([number], np.float32)}


def play(folder: Path, played_round: Make, sites: Sequence[Sequence[str]], same: int = 0) -> Ledger:
    """One round per entry of `sites` with its line and checkpoint; the last `same` rounds change no weights."""
    ledger = Ledger(folder / "ledger.jsonl")
    for number, present in enumerate(sites, start=1):
        hashed = f"{min(number, len(sites) - same):064x}"
        entry = played_round(number, dict.fromkeys(present, (9, 5, DICE[number - 1])), weights_hash=hashed)
        ledger.append("round", **{key: value for key, value in entry.items() if key != "kind"})
        save_round(folder / "checkpoints", number, weights_of(number), {"weights_hash": hashed}, {})
    return ledger


def test_few_are_all_kept(tmp_path: Path, played_round: Make) -> None:
    ledger = play(tmp_path, played_round, [["north"]] * 16)
    prune(tmp_path / "checkpoints", ledger, TASKS, BEST)
    assert checkpoints_of(tmp_path / "checkpoints") == [*range(1, 17)]


def test_the_best_and_the_newest_stay_and_choose_as_before(tmp_path: Path, played_round: Make) -> None:
    ledger = play(tmp_path, played_round, [["north"]] * 18)
    history = history_of(ledger.entries())
    before = in_order(scores_of(history, TASKS), history)
    prune(tmp_path / "checkpoints", ledger, TASKS, BEST)
    kept = checkpoints_of(tmp_path / "checkpoints")
    assert kept == [1, 3, 15, 16, 17, 18]  # 1 and 3 score 0.9 and 0.8; 15 has other weights than 16
    assert before[0] in kept
    newest = newest_valid(tmp_path / "checkpoints")
    assert newest is not None
    assert newest.round == 18


def test_the_last_step_can_still_be_computed_after_rounds_that_train_nothing(
    tmp_path: Path, played_round: Make
) -> None:
    ledger = play(tmp_path, played_round, [["north"]] * 18, same=6)
    prune(tmp_path / "checkpoints", ledger, TASKS, BEST)
    assert {11, 16, 17, 18} <= {*checkpoints_of(tmp_path / "checkpoints")}  # 12 to 18 have one hash


def test_a_site_that_is_away_costs_no_good_round(tmp_path: Path, played_round: Make) -> None:
    ledger = play(tmp_path, played_round, [["north", "east"]] * 17 + [["north"]])
    prune(tmp_path / "checkpoints", ledger, TASKS, BEST)
    assert {1, 3} <= {*checkpoints_of(tmp_path / "checkpoints")}


@pytest.mark.parametrize("damaged", [16, 18])
def test_a_damaged_one_stops_nothing(tmp_path: Path, played_round: Make, damaged: int) -> None:
    ledger = play(tmp_path, played_round, [["north"]] * 18)
    (path_of(tmp_path / "checkpoints", damaged) / "checkpoint.json").write_text("{")
    prune(tmp_path / "checkpoints", ledger, TASKS, BEST)
    assert {1, 3, 16, 17, 18} <= {*checkpoints_of(tmp_path / "checkpoints")}


def test_a_crash_in_the_middle_leaves_a_name_that_the_next_checkpoint_clears(
    tmp_path: Path, played_round: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    ledger = play(tmp_path, played_round, [["north"]] * 18)
    folder = tmp_path / "checkpoints"

    def no_power(path: Path) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("server.records.pruning.shutil.rmtree", no_power)
        with pytest.raises(KeyboardInterrupt):
            prune(folder, ledger, TASKS, BEST)
    assert [path.name for path in folder.glob(".*")] == [".round-000002"]
    save_round(folder, 19, weights_of(19), {"weights_hash": "x"}, {})
    assert not list(folder.glob(".*"))
    prune(folder, ledger, TASKS, BEST)
    assert 2 not in checkpoints_of(folder)
