"""The cells of a privacy study: what each is, what its process is told, and its result on disk.

A result is named by a hash of everything that decides it, as in `server.lab.study.cells`.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from gmmas_core.atomic import write_json
from gmmas_core.config import config_hash, load_config
from server.lab.study.cells import NOTICE
from server.lab.study.data import data_recipe
from server.lab.study.privacy.sizes import PrivacySize

FORMAT = 1
"""Raise it whenever a cell's content changes: older results are then computed again."""

UTILITY, SHADOW, INVERSION = "utility", "shadow", "inversion"
UNPROTECTED = "none"
WORST_CASE = "one-patient"
SCENARIOS: Mapping[str, str] = {
    WORST_CASE: "the exact gradient of one patient, no dropout: the worst case",
    "one-step": "what a hospital with one patient sends after one AdamW step",
    "round": "what a hospital sends after a whole round of many patients",
    "noise": "the gradient of one patient, clipped and noised as in a round under epsilon 8",
    "sum": "the sum of one gradient per hospital, as a secure sum shows it",
}
"""What of an update the attacker is given."""


@dataclass(frozen=True, kw_only=True)
class PrivacyCell:
    """What a worker needs to produce one result.

    Attributes:
        kind: UTILITY, SHADOW or INVERSION.
        arm: "epsilon-8" or "epsilon-none"; "shadow-8"; a name in SCENARIOS.
        seed: of the repeat: the run's, the model's number, or the patient's.
        epsilon: None for no protection.
        training: Hydra overrides.
        run: cells of one run share a process, and a run folder.
        key: names the result.
    """

    kind: str
    arm: str
    seed: int
    epsilon: float | None
    training: tuple[str, ...]
    run: str
    key: str

    def to_json(self) -> dict[str, Any]:
        """For a worker's job file."""
        return asdict(self)

    @staticmethod
    def from_json(values: Mapping[str, Any]) -> "PrivacyCell":
        """The inverse of `to_json`."""
        return PrivacyCell(**dict(values) | {"training": tuple(values["training"])})


def plan_privacy(size: PrivacySize, repeats: int, overrides: Sequence[str]) -> list[PrivacyCell]:
    """Every cell: federations by budget, then models on halves of a pool, then inversions.

    Raises:
        ConfigError: the configuration does not compose.
    """
    base = (f"experiment={size.experiment}", f"notice='{NOTICE}'", *overrides)
    cells = []
    for seed in range(repeats):
        for epsilon in (None, *sorted(size.epsilons, reverse=True)):
            cells.append(_cell(size, UTILITY, arm_of("epsilon", epsilon), seed, epsilon, (*base, f"seed={seed}")))
    for number in range(size.models):
        for epsilon in (None, size.shadow_epsilon):
            cells.append(_cell(size, SHADOW, arm_of("shadow", epsilon), number, epsilon, base))
    for patient in range(size.inverted):
        cells += [_cell(size, INVERSION, scenario, patient, None, base) for scenario in SCENARIOS]
    return cells


def arm_of(kind: str, epsilon: float | None) -> str:
    """Name of an arm: the kind and its budget."""
    return f"{kind}-{UNPROTECTED if epsilon is None else f'{epsilon:g}'}"


def _cell(
    size: PrivacySize, kind: str, arm: str, seed: int, epsilon: float | None, training: tuple[str, ...]
) -> PrivacyCell:
    about = asdict(size) | {"mode": "", "resamples": 0, "attack": "", "models": 0, "inverted": 0, "epsilons": ()}
    decides = [FORMAT, kind, arm, seed, epsilon, config_hash(load_config(training)), about, data_recipe(size.phantoms)]
    key = hashlib.sha256(json.dumps(decides, sort_keys=True).encode()).hexdigest()[:24]
    run = f"{kind}-{seed}-{key[:12]}" if kind != INVERSION else f"{kind}-{seed}"
    return PrivacyCell(kind=kind, arm=arm, seed=seed, epsilon=epsilon, training=training, run=run, key=key)


def write_cell(folder: Path, cell: PrivacyCell, result: Mapping[str, Any]) -> None:
    """Store a result in one step."""
    write_json(_path(folder, cell), {"format": FORMAT, "key": cell.key, "arm": cell.arm, "seed": cell.seed, **result})


def read_cell(folder: Path, cell: PrivacyCell) -> dict[str, Any] | None:
    """A finished result, or None when there is none that can be used."""
    try:
        result = json.loads(_path(folder, cell).read_text())
    except (OSError, ValueError, RecursionError):
        return None
    is_own = isinstance(result, dict) and (result.get("format"), result.get("key")) == (FORMAT, cell.key)
    return result if is_own else None


def _path(folder: Path, cell: PrivacyCell) -> Path:
    return folder / "cells" / f"{cell.key}.json"
