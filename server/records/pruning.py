"""Which checkpoints are worth their disk: what a run stands up from, and what it may release."""

import json
import shutil
from collections.abc import Collection, Sequence
from pathlib import Path

from gmmas_core.types import Task
from server.ledger import Ledger
from server.records.checkpoints import ABOUT, checkpoints_of, path_of
from server.release.best_round import history_of, in_order, scores_of

NEWEST = 3
"""Kept whatever they score: a run stands up from the newest, or from an older one when that is damaged."""


def prune(folder: Path, ledger: Ledger, tasks: Sequence[Task], keep_best: int) -> None:
    """Delete checkpoints once many more are there than are kept; ranking all rounds every time would cost more.

    Kept are the newest three, the one before each of them with other weights (the last step is computed from it, see
    `server.run`), those first in line for release, and those with the highest scores whoever gave them: while a site is
    away, rounds that it has scored are set aside, and they must not be gone when it is back.

    Args:
        folder: of all checkpoints.
        ledger: of the run, the newest round in it.
        tasks: that count in a round's score.
        keep_best: so many of each of the last two kinds.

    Raises:
        OSError: one cannot be deleted.
    """
    there = checkpoints_of(folder)
    if len(there) <= 2 * (2 * NEWEST + keep_best):
        return
    history = history_of(ledger.entries())
    scores = [score for score in scores_of(history, tasks) if score.round in there]
    first = [number for number in in_order(scores, history) if number in there]
    highest = sorted(scores, key=lambda score: (score.score or 0.0, score.round), reverse=True)
    kept = {*first[:keep_best], *(score.round for score in highest[:keep_best]), *_to_resume(folder, there)}
    for number in there:
        if number not in kept:
            _delete(path_of(folder, number))


def _to_resume(folder: Path, there: Sequence[int]) -> Collection[int]:
    """The newest three and, for each, the newest older one with other weights."""
    hashes = {number: _weights_hash(path_of(folder, number)) for number in there}
    newest = there[-NEWEST:]
    older = [
        next((n for n in reversed(there) if n < number and hashes[n] != hashes[number]), None) for number in newest
    ]
    return {*newest, *(number for number in older if number is not None)}


def _weights_hash(path: Path) -> str | None:
    """As the checkpoint says; None for one that cannot be read, which equals no other's for long: it is old soon."""
    try:
        return str(json.loads((path / ABOUT).read_bytes())["state"]["weights_hash"])
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _delete(path: Path) -> None:
    """Out of sight first: a crash in the middle leaves a name that the next checkpoint clears away."""
    hidden = path.with_name(f".{path.name}")
    path.rename(hidden)
    shutil.rmtree(hidden)
