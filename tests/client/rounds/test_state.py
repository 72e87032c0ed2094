"""A round begins from an earlier round's state only, whatever else lies on the disk."""

from pathlib import Path

import numpy as np
import pytest

from client.rounds.state import KEEP, RoundState, keep_state, state_before
from gmmas_core.types import FederationError


def state(value: float) -> RoundState:
    array = np.array([value], np.float32)
    return RoundState(local={"uncertainty.log_variance_idh": array}, residual={"encoder.a": -array})


def value_before(folder: Path, number: int) -> float | None:
    found = state_before(folder, "aa", number)
    return float(found.local["uncertainty.log_variance_idh"][0]) if found.local else None


def test_the_newest_earlier_round_counts(tmp_path: Path) -> None:
    for number in (1, 2, 4):
        keep_state(tmp_path, "aa", number, state(number))
    assert [value_before(tmp_path, number) for number in (1, 2, 3, 4, 5, 9)] == [None, 1, 2, 2, 4, 4]
    assert float(state_before(tmp_path, "aa", 3).residual["encoder.a"][0]) == -2
    assert not state_before(tmp_path, "bb", 9).local, "another run's"


def test_old_rounds_go_and_so_do_the_rounds_that_a_repeated_one_replaces(tmp_path: Path) -> None:
    for number in range(1, 7):
        keep_state(tmp_path, "aa", number, state(number))
    assert [path.stem for path in sorted(tmp_path.rglob("*.safetensors"))] == ["00004", "00005", "00006"]
    assert KEEP == 3
    keep_state(tmp_path, "aa", 5, state(50))
    assert value_before(tmp_path, 9) == 50
    keep_state(tmp_path, "aa", 2, state(20))
    assert [path.stem for path in sorted(tmp_path.rglob("*.safetensors"))] == ["00002"]


def test_a_damaged_state_is_passed_over(tmp_path: Path) -> None:
    for number in (1, 2):
        keep_state(tmp_path, "aa", number, state(number))
    (tmp_path / "rounds" / "aa" / "00002.safetensors").write_bytes(b"\x08\0\0\0\0\0\0\0{}")
    assert value_before(tmp_path, 3) == 1


def test_an_empty_state_is_a_state(tmp_path: Path) -> None:
    keep_state(tmp_path, "aa", 1, state(1))
    keep_state(tmp_path, "aa", 2, RoundState())
    assert value_before(tmp_path, 3) is None


@pytest.mark.parametrize("run_id", ["../up", "a/b", ""])
def test_a_name_from_the_wire_cannot_leave_the_folder(tmp_path: Path, run_id: str) -> None:
    with pytest.raises(FederationError, match="run id"):
        state_before(tmp_path, run_id, 1)
    with pytest.raises(FederationError, match="run id"):
        keep_state(tmp_path, run_id, 1, RoundState())
