"""What a round costs beyond local training: the same small federation in every engine, timed from its own ledger.

Local training itself is not overhead, so what the machine needs for it is subtracted from each round's wall clock:
the slowest site where all work at once, the sum where they take turns. What remains is packing, sending, waiting for
polls, starting processes, aggregation and writing. Each engine runs in a process of its own.
"""

import heapq
import json
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from gmmas_core.data.phantom import write_federation
from gmmas_core.types import FederationError
from server.ledger import Ledger
from server.records.run_folder import RunFolder

SITES, CASES, SIZE = 3, 8, 40
SETTINGS = ("experiment=smoke", "training.local_steps=2", "training.batch_size=1")
_RUN = "from server.lab.cli import main; main()"


def bench_round(repeats: int, seed: int) -> list[dict[str, Any]]:
    """Play a federation of three phantom sites in every engine.

    Args:
        repeats: rounds that are measured, after a first one that is reported alone.
        seed: of phantoms and run.

    Returns:
        One row per engine, in seconds: `overhead` (median, `lowest` and `highest` of the measured rounds), `first`
        round's overhead, `round` wall clock and `training` subtracted from it (medians), `sites_at_once`.
    """
    at_once = {"in-process": 1, "flower": min(SITES, os.cpu_count() or 1), "processes": SITES}
    with tempfile.TemporaryDirectory() as scratch:
        sites = Path(scratch) / "sites"
        for folder in write_federation(sites, sites=SITES, cases=CASES, size=SIZE, seed=seed):
            with (folder / "site.yaml").open("a") as file:
                file.write("threads: 1\n")
        return [_row(engine, slots, repeats, seed, sites, Path(scratch)) for engine, slots in at_once.items()]


def _row(engine: str, slots: int, repeats: int, seed: int, sites: Path, scratch: Path) -> dict[str, Any]:
    folder = RunFolder(scratch / engine)
    overrides = [*SETTINGS, f"rounds={repeats + 1}", f"seed={seed}", f"data.root={sites}", "data.workers=1"]
    command = [sys.executable, "-c", _RUN, "simulate", *overrides, "--engine", engine, "--run-dir", str(folder.path)]
    done = subprocess.run(
        command, capture_output=True, text=True, check=False, env={**os.environ, "OMP_NUM_THREADS": "1"}
    )
    if done.returncode:
        raise FederationError(f"engine {engine}: found that its run failed; it said: {done.stderr.strip()[-400:]}")
    rounds = [entry for entry in Ledger(folder.ledger).entries() if entry["kind"] == "round"]
    training = [_training(entry, slots) for entry in rounds]
    overhead = [entry["duration_s"] - needed for entry, needed in zip(rounds, training, strict=True)]
    return {
        "engine": engine,
        "overhead": round(statistics.median(overhead[1:]), 3),
        "lowest": round(min(overhead[1:]), 3),
        "highest": round(max(overhead[1:]), 3),
        "first": round(overhead[0], 3),
        "round": round(statistics.median(entry["duration_s"] for entry in rounds[1:]), 3),
        "training": round(statistics.median(training[1:]), 3),
        "sites_at_once": slots,
    }


def _training(entry: dict[str, Any], slots: int) -> float:
    """Seconds until the last site is done when `slots` sites work at a time, in the order of their replies."""
    durations: Sequence[float] = [update["duration_s"] for update in entry["sites"].values()]
    free = [0.0] * slots
    for duration in durations:
        heapq.heapreplace(free, free[0] + duration)
    return max(free)


def main() -> None:
    """Print the rows as JSON: `python -m server.lab.bench.round`."""
    sys.stdout.write(json.dumps(bench_round(3, 0), indent=1) + "\n")


if __name__ == "__main__":
    main()
