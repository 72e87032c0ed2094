"""What is read back is what was written, or it is passed over with a reason."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from server.records.checkpoints import ABOUT, ARRAYS, WEIGHTS, newest_valid, save_round

MOMENTS = {"moments/m.a.scale": np.array([0.5, -0.25], np.float32)}
STATE = {"run_id": "r", "weights_hash": "abc"}


def weights_of(round: int) -> dict[str, np.ndarray]:
    """Different weights every round, one of them without axes and one not contiguous."""
    rng = np.random.default_rng(round)
    matrix = rng.standard_normal((3, 4), dtype=np.float32).T
    return {"b.weight": matrix, "a.scale": np.array(round, np.float32)}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Checkpoints of rounds 9, 10 and 11."""
    for round in (9, 11, 10):
        save_round(tmp_path / "checkpoints", round, weights_of(round), STATE, MOMENTS)
    return tmp_path / "checkpoints"


def test_the_newest_is_read_back_bit_for_bit(folder: Path) -> None:
    found = newest_valid(folder)
    assert found is not None
    assert found.round == 11
    assert found.state == STATE
    assert {name: value.tobytes() for name, value in found.arrays.items()} == {
        name: value.tobytes() for name, value in MOMENTS.items()
    }
    assert set(found.weights) == {"a.scale", "b.weight"}
    for name, value in weights_of(11).items():
        assert found.weights[name].shape == value.shape
        assert found.weights[name].tobytes() == value.tobytes()


def test_there_is_none_before_the_first(tmp_path: Path) -> None:
    assert newest_valid(tmp_path / "absent") is None


def flip_a_bit(path: Path) -> None:
    """Bit rot in the last byte of the weights."""
    data = bytearray((path / WEIGHTS).read_bytes())
    data[-1] ^= 1
    (path / WEIGHTS).write_bytes(data)


def edit_the_round(path: Path) -> None:
    """Somebody makes a checkpoint look newer."""
    about = json.loads((path / ABOUT).read_text())
    (path / ABOUT).write_text(json.dumps(about | {"round": 99}))


DAMAGES: dict[str, Callable[[Path], object]] = {
    "bit": flip_a_bit,
    "cut weights": lambda path: (path / WEIGHTS).write_bytes((path / WEIGHTS).read_bytes()[:-10]),
    "empty weights": lambda path: (path / WEIGHTS).write_bytes(b""),
    "no weights": lambda path: (path / WEIGHTS).unlink(),
    "cut memory": lambda path: (path / ARRAYS).write_bytes((path / ARRAYS).read_bytes()[:-1]),
    "no memory": lambda path: (path / ARRAYS).unlink(),
    "no json": lambda path: (path / ABOUT).unlink(),
    "cut json": lambda path: (path / ABOUT).write_text((path / ABOUT).read_text()[:-20]),
    "other json": lambda path: (path / ABOUT).write_text("[1]"),
    "edited json": edit_the_round,
    "binary json": lambda path: (path / ABOUT).write_bytes(b"\xff\xfe\x00"),
}


@pytest.mark.parametrize("name", DAMAGES)
def test_a_damaged_checkpoint_is_passed_over_with_a_reason(folder: Path, name: str) -> None:
    DAMAGES[name](folder / "round-000011")
    reasons: list[str] = []
    found = newest_valid(folder, reasons.append)
    assert found is not None
    assert found.round == 10
    assert len(reasons) == 1
    assert reasons[0].startswith("checkpoint round-000011: found ")
    assert str(folder) not in reasons[0]


def test_nothing_valid_is_none_with_all_reasons(folder: Path) -> None:
    for path in folder.iterdir():
        flip_a_bit(path)
    reasons: list[str] = []
    assert newest_valid(folder, reasons.append) is None
    assert len(reasons) == 3


def test_a_round_played_again_replaces_its_checkpoint(folder: Path) -> None:
    save_round(folder, 11, weights_of(42), STATE | {"again": True}, {})
    found = newest_valid(folder)
    assert found is not None
    assert found.state["again"] is True
    assert found.weights["b.weight"].tobytes() == weights_of(42)["b.weight"].tobytes()
    assert sorted(path.name for path in folder.iterdir()) == ["round-000009", "round-000010", "round-000011"]


def test_a_save_that_fails_leaves_nothing_behind(folder: Path) -> None:
    with pytest.raises(ValueError, match="JSON"):
        save_round(folder, 12, weights_of(12), {"loss": float("nan")}, {})
    assert sorted(path.name for path in folder.iterdir()) == ["round-000009", "round-000010", "round-000011"]


def test_what_a_killed_save_left_is_swept_by_the_next(folder: Path) -> None:
    leftover = folder / ".round-000012.abc"
    leftover.mkdir()
    (leftover / WEIGHTS).write_bytes(b"half")
    assert newest_valid(folder).round == 11  # type: ignore[union-attr]
    save_round(folder, 12, weights_of(12), STATE, MOMENTS)
    assert not leftover.exists()
