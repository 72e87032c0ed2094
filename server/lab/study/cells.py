"""One cell of a study: an arm's part with one seed. What it is called, what it runs, and its result on disk.

The name of a result is a hash of everything that decides it, so a changed setting never meets an old result; a file
that is damaged or of another format counts as absent.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from gmmas_core.atomic import write_json
from gmmas_core.config import Config, config_hash, load_config
from server.lab.study.arms import ONLY, POOLED, WITHOUT, Arm, Part, curriculum_overrides, parts_of
from server.lab.study.data import Variant

FORMAT = 1
"""Raise it whenever a cell's content or its scoring changes: older results are then computed again."""

NOTICE = "Phantoms: computer-generated images of nobody."
_NEEDED = ("format", "key", "arm", "seed", "cases", "temperature", "train_s", "score_s")


@dataclass(frozen=True, kw_only=True)
class Ground:
    """What all arms of a study stand on.

    Attributes:
        experiment: name in configs/experiment/ that every arm starts from.
        sites: names of the hospitals.
        subset_cases: test cases read from all subsets of the sequences.
        recipe: what the phantoms follow from.
    """

    experiment: str
    sites: tuple[str, ...]
    subset_cases: int
    recipe: Mapping[str, object]


@dataclass(frozen=True, kw_only=True)
class Cell:
    """What a worker needs to produce one result.

    Attributes:
        arm, group, seed: of the arm's part.
        variant: training data.
        training, reading: Hydra overrides for the run, and for reading test cases after it.
        test_site: whose test cases are read; "" for all.
        subset_cases: test cases read from all subsets of the sequences.
        run: name of the run's folder; cells that differ only in reading share it.
        key: names the result.
    """

    arm: str
    group: str
    seed: int
    variant: Variant
    training: tuple[str, ...]
    reading: tuple[str, ...]
    test_site: str
    subset_cases: int
    run: str
    key: str

    def to_json(self) -> dict[str, Any]:
        """For a worker's job file."""
        return asdict(self)

    @staticmethod
    def from_json(values: Mapping[str, Any]) -> "Cell":
        """The inverse of `to_json`."""
        plain = dict(values) | {"variant": Variant(**values["variant"])}
        return Cell(**plain | {key: tuple(values[key]) for key in ("training", "reading")})


def plan_cells(ground: Ground, arms: Sequence[Arm], repeats: int, overrides: Sequence[str]) -> list[Cell]:
    """Every cell of a study, arm by arm within a seed, so that an unfinished study holds whole comparisons.

    Raises:
        ConfigError: an arm's configuration does not compose.
    """
    base = [f"experiment={ground.experiment}", f"notice='{NOTICE}'", *overrides]
    settings = load_config(base)
    return [
        _cell(ground, arm, part, seed, base, settings)
        for seed in range(repeats)
        for arm in arms
        for part in parts_of(arm, ground.sites)
    ]


def _cell(ground: Ground, arm: Arm, part: Part, seed: int, base: Sequence[str], settings: Config) -> Cell:
    variant = Variant(part.group, arm.labelled, arm.masks)
    curriculum = curriculum_overrides(arm, settings.rounds)
    training = (*base, *curriculum, *_size_overrides(part, ground, settings), *arm.overrides, f"seed={seed}")
    run_hash = _digest(FORMAT, config_hash(load_config(training)), ground.recipe, asdict(variant))
    reading_hash = config_hash(load_config([*training, *arm.reading]))
    key = _digest(run_hash, reading_hash, arm.name, part.test_site, ground.subset_cases)
    return Cell(
        arm=arm.name,
        group=part.group,
        seed=seed,
        variant=variant,
        training=training,
        reading=arm.reading,
        test_site=part.test_site,
        subset_cases=ground.subset_cases,
        run=f"{variant.name}-seed{seed}-{run_hash[:12]}",
        key=key[:24],
    )


def _size_overrides(part: Part, ground: Ground, settings: Config) -> list[str]:
    """How many sites there are, and as many steps for pooled cases as all hospitals take together."""
    sites = 1 if part.group == POOLED or part.group.startswith(ONLY) else len(ground.sites)
    sites -= part.group.startswith(WITHOUT)
    steps = settings.training.local_steps * (len(ground.sites) if part.group == POOLED else 1)
    return [f"federation.min_sites={sites}", f"federation.quorum={sites}", f"training.local_steps={steps}"]


def _digest(*parts: object) -> str:
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


def cell_path(folder: Path, cell: Cell) -> Path:
    """Where a cell's result lies in the folder of its study."""
    return folder / "cells" / f"{cell.key}.json"


def write_result(folder: Path, cell: Cell, result: Mapping[str, Any]) -> None:
    """Store a result in one step."""
    identity = {"format": FORMAT, "key": cell.key, "arm": cell.arm, "group": cell.group, "seed": cell.seed}
    write_json(cell_path(folder, cell), identity | dict(result))


def read_result(folder: Path, cell: Cell) -> dict[str, Any] | None:
    """A finished result, or None when there is none that can be used."""
    try:
        result = json.loads(cell_path(folder, cell).read_text())
    except (OSError, ValueError, RecursionError):
        return None
    whole = isinstance(result, dict) and all(name in result for name in _NEEDED)
    return result if whole and (result["format"], result["key"]) == (FORMAT, cell.key) and result["cases"] else None
