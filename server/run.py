"""What a federation carries from round to round, and how it begins or stands up again in its folder."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

import numpy as np
from flwr.serverapp import Grid
from numpy.typing import NDArray

from gmmas_core.config import Config, config_hash, save_config
from gmmas_core.model.gmmas import GMMAS, build_training_model
from gmmas_core.provenance import Fingerprint, core_fingerprint
from gmmas_core.types import FederationError, SiteStatus
from gmmas_core.weights import load_weights, weights_of
from server.checkpoints import newest_valid
from server.ledger import Ledger
from server.run_folder import RunFolder

Watch = Callable[[str, Mapping[str, Any]], None]
"""Told of everything that happens, by kind and fields: a progress bar, a log, or nothing."""


@dataclass
class Run:
    """One federation while it lasts; rounds change `weights`, `round` and, in a calibrating stage, `calibration`."""

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
    round: int = 0
    calibration: Mapping[str, Any] = field(default_factory=dict)
    sites: Mapping[int, SiteStatus] = field(default_factory=dict)

    @property
    def site_names(self) -> dict[int, str]:
        """Node id -> site name."""
        return {node: status.site for node, status in self.sites.items()}


def open_run(grid: Grid, config: Config, overrides: Sequence[str], folder: RunFolder, watch: Watch) -> Run:
    """Start a run in an empty folder, or stand where the folder's newest valid checkpoint stands.

    Raises:
        FederationError: the folder holds a run begun with another configuration or release.
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
    )


def _resume(run: Run, begun: Mapping[str, Any]) -> None:
    run.run_id = str(begun["run_id"])
    if begun["config_hash"] != run.config_hash or begun["fingerprint"] != run.fingerprint.digest:
        raise FederationError(
            "run folder: found a run begun with another configuration or release; expected the same; "
            "continue with the same settings or choose another folder"
        )
    checkpoint = newest_valid(run.folder.checkpoints)
    if checkpoint is not None:
        load_weights(run.model, checkpoint.weights)
        run.weights = weights_of(run.model)
        run.round = checkpoint.round
        run.calibration = checkpoint.state.get("calibration", {})
    run.ledger.append("resumed", round=run.round)
    run.watch("resumed", {"round": run.round})
