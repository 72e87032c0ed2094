"""One of three real hospitals sends poison: it alone is left out, and the others' round is what it is without it.

One honest round is played once; every poison is sent in the second round of a copy of that run. The sites answer it
from their reply stores, so a round costs no training.
"""

import json
import math
import shutil
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest
from flwr.app import Array, ArrayRecord, Message, MessageType, RecordDict

from client.app import app as client_app
from client.rounds.desk import LAB_SITES
from gmmas_core import wire
from gmmas_core.config import Config, load_config
from gmmas_core.weights import weights_hash
from server.app import run_federation
from server.lab.in_process_grid import FIRST_NODE, InProcessGrid
from server.launching.orders import place_order
from server.ledger import entries_of, verify
from server.records.checkpoints import Checkpoint, newest_valid
from server.records.run_folder import RunFolder
from server.report.numbers import build_report

POISONED, NODE = "north", FIRST_NODE + 1
STEM = "fusion.stem.weight_t2"
SETTINGS = ("rounds=4", "screening.warm_up=3", "screening.quarantine_after=2", "screening.direction_soft=0.0")

Poison = Callable[[RecordDict, Checkpoint], RecordDict]
"""A reply as it left the site, and the global weights it received -> what arrives."""


class PoisonedGrid(InProcessGrid):
    """One node's training replies are altered on their way."""

    poison: Callable[[RecordDict], RecordDict] | None = None

    def pull_messages(self, message_ids: Iterable[str]) -> Iterable[Message]:
        for reply in super().pull_messages(message_ids):
            is_training = reply.metadata.message_type == MessageType.TRAIN
            if self.poison and is_training and reply.metadata.src_node_id == NODE:
                reply.content = self.poison(reply.content)
            yield reply


class Stop(Exception):
    """The rounds of a test are played; nothing is released."""


class Outcome(NamedTuple):
    """What a run has left behind."""

    last: dict[str, Any]  # the ledger's newest round
    report: dict[str, Any]
    weights: str  # hash
    kinds: list[str]  # of the ledger's lines


Play = Callable[[RunFolder, int, Poison | None], Outcome]


@pytest.fixture(scope="module")
def play(sites: list[Path], overrides: Sequence[str]) -> Play:
    """Play a run up to a round, from where its folder stands; every part composes the one configuration once."""
    config = load_config([*overrides, *SETTINGS])

    def composed(given: Sequence[str]) -> Config:
        assert list(given) == [*overrides, *SETTINGS]
        return config

    def run(folder: RunFolder, rounds: int, poison: Poison | None) -> Outcome:
        received = newest_valid(folder.checkpoints)
        grid = PoisonedGrid(client_app, [{"partition-id": number} for number in range(len(sites))])
        if poison is not None and received is not None:
            grid.poison = lambda content: poison(content, received)

        def stop(kind: str, fields: Any) -> None:
            if kind == "round-finished" and fields["round"] == rounds:
                raise Stop

        with pytest.MonkeyPatch.context() as patch:
            patch.setenv(LAB_SITES, str(sites[0].parent))
            patch.setattr("client.rounds.desk.load_config", composed)
            patch.setattr("server.app.load_config", composed)
            with pytest.raises(Stop):
                run_federation(grid, [*overrides, *SETTINGS], folder, stop)
        assert verify(folder.ledger) == []
        entries = list(entries_of(folder.ledger))
        checkpoint = newest_valid(folder.checkpoints)
        assert checkpoint is not None
        return Outcome(
            last=[entry for entry in entries if entry["kind"] == "round"][-1],
            report=build_report(entries, config),
            weights=weights_hash(checkpoint.weights),
            kinds=[entry["kind"] for entry in entries],
        )

    return run


@pytest.fixture(scope="module")
def begun(play: Play, tmp_path_factory: pytest.TempPathFactory) -> RunFolder:
    """A run after one honest round."""
    folder = RunFolder(tmp_path_factory.mktemp("poison") / "begun")
    play(folder, 1, None)
    return folder


@pytest.fixture(scope="module")
def second(
    play: Play, begun: RunFolder, tmp_path_factory: pytest.TempPathFactory
) -> Callable[[Poison | None], Outcome]:
    """Play the second round of a copy of the run."""

    def run(poison: Poison | None) -> Outcome:
        folder = RunFolder(tmp_path_factory.mktemp("copy") / "run")
        shutil.copytree(begun.path, folder.path)
        return play(folder, 2, poison)

    return run


@pytest.fixture(scope="module")
def without(second: Callable[[Poison | None], Outcome]) -> Outcome:
    """The second round when the site itself says no."""
    return second(lambda content, received: wire.refusal_to_content("policy: not today"))


def in_weights(change: Callable[[dict[str, Any], Checkpoint], dict[str, Any]]) -> Poison:
    """Alter a copy of the decoded arrays."""

    def poison(content: RecordDict, received: Checkpoint) -> RecordDict:
        arrays = {name: np.array(value) for name, value in wire.read_weights(content).items()}
        content["weights"] = wire.weights_to_record(change(arrays, received))
        return content

    return poison


def with_value(value: float) -> Poison:
    """One number of one stem is replaced."""

    def change(arrays: dict[str, Any], received: Checkpoint) -> dict[str, Any]:
        arrays[STEM].reshape(-1)[0] = value
        return arrays

    return in_weights(change)


def times(factor: float) -> Poison:
    """The whole step is so many times what it was."""
    return in_weights(
        lambda arrays, received: {
            name: (received.weights[name] + np.float32(factor) * (value - received.weights[name])).astype(np.float32)
            for name, value in arrays.items()
        }
    )


def in_record(record: str, key: str, value: Any) -> Poison:
    """One field is replaced, past the check of types in Flower's records: a hostile site need not run it."""

    def poison(content: RecordDict, received: Checkpoint) -> RecordDict:
        content[record].__dict__["_data"][key] = value
        return content

    return poison


def in_other_precision(content: RecordDict, received: Checkpoint) -> RecordDict:
    values = content["weights"]["values"].numpy().astype(np.float64)
    content["weights"] = ArrayRecord({"values": Array(values), "index": content["weights"]["index"]})
    return content


def without_a_key(arrays: dict[str, Any], received: Checkpoint) -> dict[str, Any]:
    return {name: value for name, value in arrays.items() if name != STEM}


POISONS: dict[str, tuple[Poison, str]] = {
    "NaN": (with_value(math.nan), "NaN or infinity in stem.t2"),
    "infinity": (with_value(-math.inf), "NaN or infinity in stem.t2"),
    "huge value": (with_value(1e20), "beyond the bound of this round in stem.t2"),
    "huge step": (times(30), "norm: found a step more than 10 times the usual one"),
    "other shape": (in_weights(lambda arrays, _: arrays | {STEM: arrays[STEM][:1]}), "another shape or dtype"),
    "other precision": (in_other_precision, "found arrays that cannot be decoded"),
    "missing key": (in_weights(without_a_key), f"weights: found missing {STEM}"),
    "extra key": (in_weights(lambda arrays, _: arrays | {"backdoor": np.zeros(3, "f4")}), "found unknown backdoor"),
    "no weights": (lambda content, _: RecordDict({k: v for k, v in content.items() if k != "weights"}), "no weights"),
    "negative cases": (in_record("counts", "num-cases", -5), "num_cases"),
    "NaN cases": (in_record("counts", "num-cases", math.nan), "num-cases: found float"),
    "a billion cases": (in_record("counts", "num-cases", 10**9), "num_cases: found an unfit count"),
    "true cases": (in_record("counts", "num-cases", True), "num-cases: found bool"),
    "more seen than cases": (in_record("counts", "seen.trunk", 10**9), "seen: found unfit counts for trunk"),
    "negative seen": (in_record("counts", "seen.decoder", -1), "seen: found unfit counts for decoder"),
    "absurd uncertainty": (in_record("counts", "uncertainty.idh", -1e6), "uncertainty: found unfit values for idh"),
    "impossible signal": (
        in_record("metrics", "sum.signal.epistemic.idh", [1e9, 1.0]),
        "metrics: found impossible values for signal.epistemic.idh",
    ),
    "other round": (in_record("reply", "round", 1), "another run or round"),
    "other site": (in_record("reply", "site", "south"), "not the site that was asked"),
    "other code": (in_record("reply", "fingerprint", "f00d"), "another core fingerprint"),
    "nothing": (lambda content, _: RecordDict(), "found no 'reply'"),
}


@pytest.mark.parametrize("name", POISONS)
def test_only_the_poisoned_site_is_left_out(
    name: str, second: Callable[[Poison | None], Outcome], without: Outcome
) -> None:
    poison, reason = POISONS[name]
    found = second(poison)
    assert sorted(found.last["sites"]) == ["east", "south"]
    assert list(found.last["left_out"]) == [POISONED]
    assert reason in found.last["left_out"][POISONED]
    assert found.weights == without.weights
    shown = json.dumps(found.report["rounds"][-1])
    assert json.dumps(found.last["left_out"][POISONED])[1:-1] in shown
    assert not any(number in shown for number in ("1e+20", "1000000000", "1000000.0", "NaN,"))


def test_the_honest_round_counts_everyone(second: Callable[[Poison | None], Outcome], without: Outcome) -> None:
    """Else the tests above would compare a round with itself."""
    honest = second(None)
    assert sorted(honest.last["sites"]) == ["east", "north", "south"]
    assert honest.last["left_out"] == {}
    assert honest.weights != without.weights
    assert [entry["doubts"] for entry in honest.last["sites"].values()] == [[], [], []]


@pytest.mark.parametrize(
    ("factor", "doubt"), [(5, "norm: its step is more than 3 times"), (-1, "direction: it goes against")]
)
def test_an_odd_step_is_counted_with_a_doubt(
    factor: float, doubt: str, second: Callable[[Poison | None], Outcome]
) -> None:
    found = second(times(factor))
    assert found.last["left_out"] == {}
    doubts = {site: entry["doubts"] for site, entry in found.last["sites"].items()}
    assert doubts["east"] == doubts["south"] == []
    assert len(doubts[POISONED]) == 1
    assert doubt in doubts[POISONED][0]
    assert [row["site"] for row in found.report["incidents"] if doubt in row["what"]] == [POISONED]


@pytest.mark.slow
def test_a_site_that_offends_again_is_asked_no_more_until_it_is_readmitted(
    play: Play, begun: RunFolder, tmp_path: Path
) -> None:
    first, again = RunFolder(tmp_path / "first"), RunFolder(tmp_path / "again")
    shutil.copytree(begun.path, first.path)
    found = play(first, 3, with_value(math.nan))
    assert found.kinds.count("quarantined") == 1
    assert [row["site"] for row in found.report["incidents"] if "no longer asked" in row["what"]] == [POISONED]
    shutil.copytree(first.path, again.path)
    assert play(first, 4, None).last["asked"] == ["east", "south"]
    place_order(again, "readmit", site=POISONED)
    assert sorted(play(again, 4, None).last["sites"]) == ["east", "north", "south"]
