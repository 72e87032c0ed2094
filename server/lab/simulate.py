"""`gmmas-lab simulate`: find or deal the hospitals, prepare their cases, and play a federation on this machine."""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import Progress

from client.data.local_data import open_local_data
from client.site import read_site
from gmmas_core.config import Config, load_config
from gmmas_core.data.cache import prepare_all
from gmmas_core.schedule import schedule
from gmmas_core.types import ConfigError, DataError
from server.lab.deal import deal_sites
from server.lab.engines import engine_of
from server.lab.partition import partition_sites, told
from server.records.run_folder import RunFolder
from server.rounds.progress import RoundProgress


def simulate(overrides: Sequence[str], run_dir: Path, engine: str) -> dict[str, Any]:
    """Play a whole federation of local site folders.

    Args:
        overrides: Hydra overrides; `data.root` names the folder of site folders, or of cases to deal.
        run_dir: of the run; an existing one is resumed.
        engine: "flower" or "in-process".

    Returns:
        The report.

    Raises:
        ConfigError, DataError, FederationError: as `run_federation`, and when no site is found or a case cannot be
            prepared.
    """
    config = load_config(overrides)
    play = engine_of(engine)
    sites = find_sites(config, run_dir)
    prepare_sites(sites, config)
    with RoundProgress(len(schedule(config))) as progress:
        return play(sites, overrides, RunFolder(run_dir), progress)


def find_sites(config: Config, run_dir: Path) -> list[Path]:
    """The site folders of a run: those below `data.root`, or those dealt from it.

    Raises:
        ConfigError: no `data.root`.
        DataError: it holds no site folder and no deal is configured.
    """
    if not config.data.root:
        raise ConfigError("data.root: found none; expected a folder; pass data.root=FOLDER")
    root = Path(config.data.root)
    if config.data.deal:
        return deal_sites(config.data.deal, root, run_dir / "sites")
    if config.data.partition:
        sites = partition_sites(config.data.partition, root, run_dir / "sites")
        Console(file=sys.stderr).print(told(run_dir / "sites"), soft_wrap=True)
        return sites
    sites = sorted(path.parent for path in root.glob("*/site.yaml"))
    if not sites:
        raise DataError(
            "data.root: found no site folder (*/site.yaml) in it; expected at least one; "
            "make some with: gmmas-site phantom FOLDER"
        )
    return sites


def prepare_sites(sites: Sequence[Path], config: Config) -> None:
    """Fill every site's cache of prepared cases, with a progress bar.

    Raises:
        DataError: every case that could not be prepared, at once.
    """
    failures: list[str] = []
    opened = [open_local_data(read_site(site / "site.yaml"), config) for site in sites]
    with Progress(console=Console(file=sys.stderr), disable=not sys.stderr.isatty()) as progress:
        bar = progress.add_task("preparing cases", total=sum(len(data.cases) for data in opened))
        for site, data in zip(sites, opened, strict=True):
            done = prepare_all(data.cases, data.cache, config.data.workers, lambda *_: progress.advance(bar))
            failures += [f"{site.name}: {error}" for _, error in done if error is not None]
    if failures:
        raise DataError("preparation: " + "; ".join(failures))
