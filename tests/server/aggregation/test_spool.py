"""Updates on disk come back bit for bit, whoever came first and whatever a site is called."""

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from gmmas_core.types import FederationError
from server.aggregation.spool import Spool

Weights = dict[str, NDArray[np.float32]]

REFERENCE: Weights = {
    "encoder.a": np.zeros((2, 3), np.float32),
    "uncertainty.log_variance_idh": np.zeros((), np.float32),
    "decoder.b": np.zeros(5, np.float32),
}


def update(seed: int) -> Weights:
    rng = np.random.default_rng(seed)
    return {name: np.asarray(rng.normal(size=array.shape), np.float32) for name, array in REFERENCE.items()}


@pytest.fixture
def spool(tmp_path: Path) -> Spool:
    return Spool(tmp_path / "spool", REFERENCE)


def test_reads_back_the_same_bytes_in_the_references_order(spool: Spool) -> None:
    spool.add("north", dict(reversed(update(1).items())))
    found = spool.read("north")
    assert list(found) == list(REFERENCE)
    assert {name: (a.shape, a.tobytes()) for name, a in found.items()} == {
        name: (a.shape, a.tobytes()) for name, a in update(1).items()
    }


def test_one_parameter_alone_is_the_same(spool: Spool) -> None:
    spool.add("north", update(1))
    for name, whole in spool.read("north").items():
        alone = spool.read_parameter("north", name)
        assert (alone.shape, alone.tobytes(), alone.flags.writeable) == (whole.shape, whole.tobytes(), False)
    with pytest.raises(FederationError, match="no update of south"):
        spool.read_parameter("south", "decoder.b")


def test_views_cannot_be_written_and_lie_on_disk(spool: Spool) -> None:
    spool.add("north", update(1))
    view = spool.read("north")["encoder.a"]
    assert not view.flags.writeable
    assert not view.flags.owndata
    assert isinstance(view.base, np.ndarray)


def test_sites_are_sorted_and_names_may_hold_anything(spool: Spool) -> None:
    names = ["zürich", "a/../b", "north", ".hidden", "50%"]
    for name in names:
        spool.add(name, update(len(name)))
    assert spool.sites == tuple(sorted(names))
    assert len(list(spool.folder.iterdir())) == len(names)
    for name in names:
        np.testing.assert_array_equal(spool.read(name)["decoder.b"], update(len(name))["decoder.b"])


def test_a_second_update_replaces_the_first(spool: Spool) -> None:
    spool.add("north", update(1))
    spool.add("north", update(2))
    assert spool.sites == ("north",)
    np.testing.assert_array_equal(spool.read("north")["encoder.a"], update(2)["encoder.a"])


def test_drop_and_clear(spool: Spool) -> None:
    for site in ("a", "b", "c"):
        spool.add(site, update(1))
    spool.drop("b")
    spool.drop("b")
    assert spool.sites == ("a", "c")
    (spool.folder / ".writing-left-by-a-killed-process").write_bytes(b"half")
    spool.clear()
    assert spool.sites == ()
    assert list(spool.folder.iterdir()) == []
    with pytest.raises(FederationError, match="no update of a"):
        spool.read("a")


def test_what_was_spooled_survives_a_new_object(spool: Spool) -> None:
    spool.add("north", update(1))
    assert Spool(spool.folder, REFERENCE).sites == ("north",)


@pytest.mark.parametrize(
    "wrong",
    [
        {"encoder.a": np.zeros((2, 3), np.float32)},
        update(1) | {"decoder.c": np.zeros(1, np.float32)},
        update(1) | {"decoder.b": np.zeros(5)},
        update(1) | {"decoder.b": np.zeros(6, np.float32)},
    ],
    ids=["missing", "unknown", "float64", "shape"],
)
def test_other_parameters_are_refused_and_leave_nothing(spool: Spool, wrong: Weights) -> None:
    with pytest.raises(FederationError, match="expected"):
        spool.add("north", wrong)
    assert list(spool.folder.iterdir()) == []


def test_a_full_disk_leaves_the_earlier_update(spool: Spool, monkeypatch: pytest.MonkeyPatch) -> None:
    spool.add("north", update(1))

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("server.aggregation.spool.os.replace", full)
    with pytest.raises(OSError, match="No space"):
        spool.add("north", update(2))
    np.testing.assert_array_equal(spool.read("north")["encoder.a"], update(1)["encoder.a"])
    assert len(list(spool.folder.iterdir())) == 1
