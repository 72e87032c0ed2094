"""The weights that a run offers for release: read from a checkpoint and held against what the ledger says of them."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gmmas_core.config import Config
from gmmas_core.model.gmmas import GMMAS, build_training_model, released
from gmmas_core.provenance import core_fingerprint
from gmmas_core.types import FederationError
from gmmas_core.weights import load_weights, weights_hash
from server.records.checkpoints import path_of, read_checkpoint
from server.records.run_folder import RunFolder
from server.release.best_round import Entry, History


@dataclass(frozen=True)
class Candidate:
    """One round's result with the calibration that was fitted on exactly these weights.

    Attributes:
        round: whose result.
        weights: parameter name -> array, the contrastive heads among them.
        weights_hash: of them.
        calibration: content of calibration.json; {} when none was fitted on these weights.
        calibrated_in: the round that fitted it.
    """

    round: int
    weights: Mapping[str, NDArray[np.float32]]
    weights_hash: str
    calibration: Mapping[str, Any]
    calibrated_in: int | None


def read_candidate(folder: RunFolder, history: History, number: int) -> Candidate:
    """Read one round's weights.

    Raises:
        FederationError: no such round, or a checkpoint with other weights than the ledger says.
        DataError: the checkpoint is missing or damaged.
    """
    if number not in history.rounds:
        raise FederationError(
            f"round {number}: found no such round in the ledger; expected 1 to {max(history.rounds, default=0)}"
        )
    checkpoint = read_checkpoint(path_of(folder.checkpoints, number))
    expected = history.rounds[number]["weights_hash"]
    if weights_hash(checkpoint.weights) != expected:
        raise FederationError(
            f"round {number}: found a checkpoint with other weights than the ledger says; expected those of hash "
            f"{expected[:16]}; restore the folder from a backup or take another round"
        )
    calibrated_in, calibration = history.calibration_of(expected)
    return Candidate(number, checkpoint.weights, expected, calibration, calibrated_in)


def build_candidate(candidate: Candidate, config: Config, fingerprint: str) -> GMMAS:
    """The network to be saved, without the heads that only training needs.

    Args:
        candidate: its weights.
        config: of the run.
        fingerprint: core fingerprint with which the run began.

    Raises:
        FederationError: this installation builds another network or reads a case otherwise than the run did.
    """
    model = build_training_model(config)
    if core_fingerprint(model, config).digest != fingerprint:
        raise FederationError(
            "release: found a run of another version of the core; expected the installed one; "
            "release it with the version that played it"
        )
    load_weights(model, dict(candidate.weights))
    return released(model, config)


def enlisted_sites(entries: Iterable[Entry]) -> dict[str, Entry]:
    """Site -> what it said of itself last: cases, sequences, labels."""
    sites: dict[str, Entry] = {}
    for entry in entries:
        if entry["kind"] == "enlisted":
            sites |= entry["sites"]
        elif entry["kind"] == "joined":
            sites[entry["site"]] = entry
    return dict(sorted(sites.items()))


def provenance_of(entries: Iterable[Entry], config: Config, candidate: Candidate, rounds_played: int) -> dict[str, Any]:
    """What provenance.json says of the training."""
    entries = list(entries)
    begun = next(entry for entry in entries if entry["kind"] == "begun")
    sites = enlisted_sites(entries)
    return {
        "run_id": begun["run_id"],
        "rounds": candidate.round,
        "rounds_played": rounds_played,
        "calibrated_in": candidate.calibrated_in,
        "sites": list(sites),
        "training_cases": {site: said["cases"].get("train", 0) for site, said in sites.items()},
        "config_hash": begun["config_hash"],
        "core_fingerprint": begun["fingerprint"],
        "strategy": config.strategy.name,
        "notice": config.notice,
    }
