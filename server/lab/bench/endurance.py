"""`gmmas-lab bench endurance`: does a long run grow? Many rounds of the tiny network, memory and disk watched.

The real federation runs in a process of its own, so that nothing but it is measured. Every ten rounds garbage is
collected, spare memory is given back to the system and the process's memory read; the slope is a least-squares line
through the readings of the last four fifths, because caches fill in the first rounds.
"""

import json
import os
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import psutil
from scipy import stats

from gmmas_core.data.phantom import write_federation
from gmmas_core.types import ConfigError
from server.lab.bench.measuring import in_own_process, settle_memory
from server.lab.engines import in_process
from server.lab.simulate import prepare_sites
from server.records.run_folder import RunFolder

SITES, CASES, VOXELS = 2, 6, 24
EVERY = 10
WARM_UP = 0.2
LEAST_ROUNDS = 2
OVERRIDES = (
    "experiment=smoke",
    "data.workers=1",
    "data.spacing_mm=8.0",
    "training.local_steps=1",
    "training.batch_size=1",
    "model=smallest",
    "evaluation.bootstrap=0",
    "evaluation.max_validation_cases=1",
    "evaluation.subsets=false",
    "federation.min_sites=2",
    "federation.poll_s=0.001",
)
"""The smallest network and data that walk the whole path."""


class Reading(NamedTuple):
    """Memory and disk after a round."""

    round: int
    rss_mb: float
    disk_mb: float


class Slope(NamedTuple):
    """Growth per 100 rounds with its 95 % interval; the interval is None below three readings."""

    per_100: float
    interval: tuple[float, float] | None


def bench_endurance(rounds: int, seed: int, every: int = EVERY) -> list[dict[str, Any]]:
    """Play many rounds and fit what grows.

    Args:
        rounds: of the run, at least 2.
        seed: of the run.
        every: rounds between two readings.

    Returns:
        One row for the memory of the process and one for the disk of the run, in MB per 100 rounds; then the readings.

    Raises:
        ConfigError: too few rounds.
        GmmasError: the run failed.
    """
    if rounds < LEAST_ROUNDS or every < 1:
        raise ConfigError(f"--rounds: found {rounds}; expected at least {LEAST_ROUNDS}")
    found = in_own_process("server.lab.bench.endurance", rounds, seed, every, environment={"OMP_NUM_THREADS": "1"})
    readings = [Reading(*values) for values in found["readings"]]
    fitted = [reading for reading in readings if reading.round > WARM_UP * rounds]
    rows = []
    for what, values in (
        ("memory", [reading.rss_mb for reading in fitted]),
        ("disk", [reading.disk_mb for reading in fitted]),
    ):
        slope = slope_of([reading.round for reading in fitted], values)
        rows.append(
            {
                "what": what,
                "rounds": rounds,
                "mb_per_100_rounds": round(slope.per_100, 3),
                "low": None if slope.interval is None else round(slope.interval[0], 3),
                "high": None if slope.interval is None else round(slope.interval[1], 3),
                "mb": round(values[-1], 1),
            }
        )
    seconds = {"what": "seconds per round", "rounds": rounds, "seconds": round(found["seconds"] / rounds, 3)}
    shown = [{"what": "reading", "rounds": at.round, "mb": round(at.rss_mb, 1)} for at in readings]
    return [*rows, seconds, *shown]


def slope_of(rounds: Sequence[int], values_mb: Sequence[float]) -> Slope:
    """Least-squares slope with its 95 % interval (Student's t with n - 2 degrees of freedom)."""
    if len(values_mb) < 2:
        return Slope(0.0, None)
    fit = stats.linregress(rounds, values_mb)
    if len(values_mb) < 3:
        return Slope(100 * float(fit.slope), None)
    reach = float(stats.t.ppf(0.975, len(values_mb) - 2) * fit.stderr)
    return Slope(100 * float(fit.slope), (100 * (float(fit.slope) - reach), 100 * (float(fit.slope) + reach)))


def play(rounds: int, seed: int, every: int, folder: Path) -> dict[str, Any]:
    """The run itself, in this process.

    Returns:
        "readings" and the "seconds" of all rounds together.
    """
    from time import monotonic

    from gmmas_core.config import load_config

    sites = write_federation(folder / "sites", sites=SITES, cases=CASES, size=VOXELS, seed=seed)
    overrides = [*OVERRIDES, f"rounds={rounds}", f"seed={seed}", *_curriculum(rounds)]
    prepare_sites(sites, load_config(overrides))
    readings: list[Reading] = []
    process, started = psutil.Process(), monotonic()
    taken = [0.0]

    def watch(kind: str, fields: Mapping[str, Any]) -> None:
        if kind == "round-finished" and (fields["round"] % every == 0 or fields["round"] == rounds):
            settle_memory()
            readings.append(Reading(fields["round"], process.memory_info().rss / 2**20, disk_mb(folder)))
            taken[0] = monotonic() - started

    in_process(sites, overrides, RunFolder(folder / "run"), watch)
    return {"readings": readings, "seconds": taken[0]}


def _curriculum(rounds: int) -> list[str]:
    return [f"curriculum.stages=[{{stage:supervised,rounds:{rounds},lr_scale:1.0}}]"]


def disk_mb(folder: Path) -> float:
    """Bytes of every file below a folder, MiB; links are not followed."""
    total = 0
    for home, _, files in os.walk(folder):
        for name in files:
            try:
                total += os.lstat(os.path.join(home, name)).st_size
            except FileNotFoundError:  # a temporary file that has just been renamed
                continue
    return total / 2**20


def main(rounds: int, seed: int, every: int) -> None:
    """`python -m server.lab.bench.endurance ROUNDS SEED EVERY`: the last line of output is the result."""
    with tempfile.TemporaryDirectory(prefix="gmmas-endurance-") as folder:
        found = play(rounds, seed, every, Path(folder))
    sys.stdout.write(json.dumps(found) + "\n")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
