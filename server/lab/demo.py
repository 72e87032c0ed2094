"""`gmmas-lab demo`: from nothing to a report, on phantoms, in minutes."""

import shutil
import sys
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import Progress

from gmmas_core.data.phantom import write_federation
from gmmas_core.types import DataError
from server.lab.simulate import simulate

SITES, CASES, SIZE, SEED = 3, 20, 48, 0


def demo(out: Path) -> dict[str, Any]:
    """Three phantom hospitals, a federated run through Flower's Simulation Engine, and its report.

    Args:
        out: replaced if an earlier demo made it; refused if it holds anything else.

    Returns:
        The report.

    Raises:
        DataError: `out` holds something that no demo wrote.
        FederationError: the global model did not beat the untrained one on the holdouts.
    """
    sites, run = out / "sites", out / "run"
    if out.exists():
        foreign = sorted({path.name for path in out.iterdir()} - {"sites", "run"})
        if foreign:
            raise DataError(f"--out: found a folder with {foreign[:3]}; expected an empty one or an earlier demo's")
        shutil.rmtree(out)
    with Progress(console=Console(file=sys.stderr), disable=not sys.stderr.isatty()) as progress:
        bar = progress.add_task("making phantom hospitals", total=SITES * CASES)
        write_federation(
            sites, sites=SITES, cases=CASES, size=SIZE, seed=SEED, on_progress=lambda *_: progress.advance(bar)
        )
    return simulate(["experiment=demo", f"data.root={sites.resolve()}"], run, "flower")
