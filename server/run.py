"""What a federation carries from round to round, and how it begins or stands up again in its folder."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import uuid4

import numpy as np
from flwr.serverapp import Grid
from numpy.typing import NDArray

from gmmas_core.config import Config, config_hash, save_config
from gmmas_core.model.gmmas import GMMAS, build_training_model
from gmmas_core.provenance import Fingerprint, core_fingerprint
from gmmas_core.software import Software, installed
from gmmas_core.types import DataError, FederationError, SiteStatus
from gmmas_core.weights import load_weights, weights_hash, weights_of
from server.ledger import Ledger
from server.membership.roll import Roll
from server.records.checkpoints import Checkpoint, newest_valid, path_of, read_checkpoint
from server.records.run_folder import RunFolder
from server.screening.memory import ScreenMemory

Watch = Callable[[str, Mapping[str, Any]], None]
"""Told of everything that happens, by kind and fields: a progress bar, a log, or nothing."""


class RunPaused(FederationError):
    """The run stands still, with nothing lost, until a person resumes it; the message says why."""


@dataclass
class Memory:
    """What the coordinator remembers from round to round beside the weights.

    All but `last_step`, which is found again from the checkpoints, is part of every checkpoint.

    Attributes:
        screen: norms, offences, quarantine.
        times: stage -> site -> seconds from question to reply in its last rounds of that stage, newest last.
        strategy: the strategy's own, JSON-able.
        moments: the server optimizer's arrays.
        clip_norm: the next round's, of client-level privacy; None before the first.
        last_step: parameter -> global weights after the last training round minus before; {} before the first.
    """

    screen: ScreenMemory = field(default_factory=ScreenMemory)
    times: dict[str, dict[str, list[float]]] = field(default_factory=dict)
    strategy: Mapping[str, Any] = field(default_factory=dict)
    moments: dict[str, NDArray[np.float32]] = field(default_factory=dict)
    clip_norm: float | None = None
    last_step: dict[str, NDArray[np.float32]] = field(default_factory=dict)


@dataclass
class Run:
    """One federation while it lasts; rounds change `weights`, `round`, `memory` and, after calibration, `calibration`.

    `enlisted` holds every site that ever fitted, by name; `nodes` those online now, by Flower's node id; `unanswered`
    the sites, by message id, whose replies to closed rounds may still come. `federation` is the folder that says which
    key belongs to which hospital; None where nodes have no keys.
    """

    grid: Grid
    config: Config
    overrides: Sequence[str]
    folder: RunFolder
    ledger: Ledger
    watch: Watch
    run_id: str
    config_hash: str
    model: GMMAS
    fingerprint: Fingerprint
    weights: dict[str, NDArray[np.float32]]
    software: Software = field(default_factory=installed)
    round: int = 0
    calibration: Mapping[str, Any] = field(default_factory=dict)
    memory: Memory = field(default_factory=Memory)
    enlisted: dict[str, SiteStatus] = field(default_factory=dict)
    nodes: dict[int, str] = field(default_factory=dict)
    unanswered: dict[str, str] = field(default_factory=dict)
    roll: Roll = field(default_factory=Roll)
    federation: Path | None = None


def open_run(
    grid: Grid,
    config: Config,
    overrides: Sequence[str],
    folder: RunFolder,
    watch: Watch,
    federation: Path | None = None,
) -> Run:
    """Start a run in an empty folder, or stand where the folder's newest valid checkpoint stands.

    Raises:
        ConfigError: GMMAS_IMAGE is no name.
        FederationError: the folder holds a run begun with another configuration or core.
    """
    model = build_training_model(config)
    run = Run(
        grid=grid,
        config=config,
        overrides=overrides,
        folder=folder,
        ledger=Ledger(folder.ledger),
        watch=watch,
        run_id=uuid4().hex,
        config_hash=config_hash(config),
        model=model,
        fingerprint=core_fingerprint(model, config),
        weights=weights_of(model),
        federation=federation,
    )
    begun = next((entry for entry in run.ledger.entries() if entry["kind"] == "begun"), None)
    if begun is None:
        _begin(run)
    else:
        _resume(run, begun)
    return run


def _begin(run: Run) -> None:
    save_config(run.config, run.folder.config)
    run.ledger.append(
        "begun",
        run_id=run.run_id,
        name=run.config.name,
        seed=run.config.seed,
        config_hash=run.config_hash,
        fingerprint=run.fingerprint.digest,
        release=run.software.release,
        image=run.software.image,
    )


def _resume(run: Run, begun: Mapping[str, Any]) -> None:
    run.run_id = str(begun["run_id"])
    parts = {
        "configuration": (begun["config_hash"], run.config_hash),
        "core": (begun["fingerprint"], run.fingerprint.digest),
    }
    differing = [name for name, (before, now) in parts.items() if before != now]
    if differing:
        raise FederationError(
            f"run folder: found a run begun with another {' and '.join(differing)} (release "
            f"{begun.get('release', 'not named')}); expected the same as here (release {run.software.release}); "
            "continue with the same settings and that release, or choose another folder"
        )
    checkpoint, initial = newest_valid(run.folder.checkpoints), run.weights
    if checkpoint is not None:
        load_weights(run.model, checkpoint.weights)
        run.weights = weights_of(run.model)
        run.round = checkpoint.round
        run.calibration = checkpoint.state["calibration"]
        run.memory = _memory(checkpoint)
        run.memory.last_step = _last_step(initial, checkpoint)
    run.ledger.append("resumed", round=run.round)
    run.watch("resumed", {"round": run.round})


def checkpoint_state(run: Run) -> tuple[dict[str, Any], dict[str, NDArray[np.float32]]]:
    """What a checkpoint holds beside the weights: plain values, and arrays."""
    memory = run.memory
    state = {
        "weights_hash": weights_hash(run.weights),
        "run_id": run.run_id,
        "calibration": run.calibration,
        "screen": memory.screen.to_json(),
        "times": memory.times,
        "strategy": memory.strategy,
        "clip_norm": memory.clip_norm,
    }
    return state, memory.moments


def _memory(checkpoint: Checkpoint) -> Memory:
    return Memory(
        screen=ScreenMemory.from_json(checkpoint.state["screen"]),
        times=checkpoint.state["times"],
        strategy=checkpoint.state["strategy"],
        clip_norm=checkpoint.state.get("clip_norm"),  # absent where an older release wrote it
        moments={name: np.array(value) for name, value in checkpoint.arrays.items()},
    )


def _last_step(initial: Mapping[str, NDArray[np.float32]], newest: Checkpoint) -> dict[str, NDArray[np.float32]]:
    """From the newest other weights to the newest: computed, because stored it would double every checkpoint.

    Rounds that train nothing have the weights of the round before. Where older checkpoints are gone or damaged the step
    is longer than the last round's; only its direction is ever looked at.
    """
    for number in range(newest.round - 1, 0, -1):
        try:
            older = read_checkpoint(path_of(newest.path.parent, number))
        except DataError:
            continue
        if older.state["weights_hash"] != newest.state["weights_hash"]:
            return {name: value - older.weights[name] for name, value in newest.weights.items()}
    return {name: value - initial[name] for name, value in newest.weights.items()}
