"""Progress of a federation on a terminal: one bar for the rounds, one for the sites of the round. Silent elsewhere."""

import sys
from collections.abc import Mapping
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

SAID = {
    "waiting": "waiting for sites: {online} online",
    "submitted": "handed to the SuperLink (Flower run {flower_run})",
    "lost": "the run was interrupted: {reason}; going on from the last round",
    "superlink-lost": "no answer from the SuperLink at {address}; waiting for it",
    "superlink-back": "the SuperLink at {address} answers again",
    "site-joined": "{site} joined",
    "site-left": "{site} is offline",
    "round-void": "round {round} is void and is repeated",
    "site-refused": "{node} does not fit: {reason}",
    "superlink-unreachable": "no answer from the SuperLink ({reason}); waiting",
}
"""Events that are a line above the bars."""


class RoundProgress:
    """Renders the events that a run tells its watcher."""

    def __init__(self, rounds: int) -> None:
        self._rounds = rounds
        self._progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            TextColumn("{task.completed}/{task.total}"),
            TimeElapsedColumn(),
            TimeRemainingColumn(),
            console=Console(file=sys.stderr),
            disable=not sys.stderr.isatty(),
        )
        self._total = self._progress.add_task("rounds", total=rounds)
        self._sites = self._progress.add_task("sites", total=None)
        self._last_said = ""

    def __enter__(self) -> "RoundProgress":
        self._progress.start()
        return self

    def __exit__(self, *reason: object) -> None:
        self._progress.stop()

    def __call__(self, kind: str, fields: Mapping[str, Any]) -> None:
        """Draw one event."""
        if kind == "resumed":
            self._progress.update(self._total, completed=fields["round"])
        elif kind == "round-started":
            self._show_sites(f"round {fields['round']}", len(fields["sites"]))
        elif kind == "evaluation-started":
            self._show_sites(f"{fields['subject']} on {fields['split']}", len(fields["sites"]))
        elif kind in ("site-counted", "site-scored"):
            self._progress.advance(self._sites)
        elif kind == "round-finished":
            self._progress.update(self._total, completed=fields["round"])
            for site, reason in fields["left_out"].items():
                self._say(f"round {fields['round']}: {site} left out: {reason}")
        elif kind in SAID:
            self._say(SAID[kind].format_map(fields))

    def _say(self, line: str) -> None:
        """One line above the bars, unless it is the one said last."""
        if line != self._last_said and sys.stderr.isatty():
            self._progress.console.print(line)
        self._last_said = line

    def _show_sites(self, what: str, total: int) -> None:
        self._progress.update(self._sites, description=what, completed=0, total=total)
