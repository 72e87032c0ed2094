"""`gmmas-lab stats`: ask local site folders for their statistics, through the same apps as a federation."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from client.app import app as client_app
from server.lab.in_process_grid import InProcessGrid
from server.rounds.link import Watch
from server.statistics.question import Question, ask, write_question
from server.statistics.report import write_statistics

LONGEST_S = 24 * 3600.0


def ask_sites(sites: Sequence[Path], folder: Path, watch: Watch) -> dict[str, Any]:
    """Ask every site folder in this process, one after the other.

    Args:
        sites: site folders.
        folder: for the answers and the report.
        watch: told of every event.

    Returns:
        The content of statistics.json.
    """
    grid = InProcessGrid(client_app, [{"site": str(site.resolve() / "site.yaml")} for site in sites])
    write_question(folder, Question(wait_s=LONGEST_S, deadline_s=LONGEST_S, min_sites=len(sites), poll_s=0.02))
    return write_statistics(folder, ask(grid, folder, watch))
