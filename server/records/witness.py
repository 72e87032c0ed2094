"""A ledger against the heads that hospitals wrote down: what a chain cannot show about itself.

A chain of hashes proves that its lines belong together, not that they are the lines of back then: its keeper can cut
the end off or write the whole history anew. Every RoundPlan carries the head of the moment, and each site appends it to
its own `witness.jsonl`. A head that a site was shown and that the ledger no longer holds cannot be explained honestly:
the coordinator's line is on disk before its head is sent.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from gmmas_core.types import DataError

MAX_BYTES = 2**26


class Sighting(NamedTuple):
    """A head as a site was shown it."""

    line: int  # of the witness's file
    run_id: str
    round: int
    head: str


@dataclass
class Statement:
    """What one witness says about a ledger.

    Attributes:
        confirmed: heads of this run that the ledger holds.
        problems: contradictions.
        notes: what is no contradiction but should be known.
    """

    confirmed: int = 0
    problems: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def hear(path: Path, run_id: str, line_of_head: Mapping[str, int]) -> Statement:
    """Compare a site's witness file with a ledger.

    Args:
        path: of the site's witness.jsonl, or of a copy.
        run_id: of the ledger's run.
        line_of_head: `server.ledger.heads` of the ledger.

    Returns:
        Problems: heads that the ledger does not hold (lines removed, or history rewritten), heads of this ledger that
        were shown for another run, heads shown in another order than the ledger's, and unreadable lines. Notes: lines
        about other runs, and a torn last line.

    Raises:
        DataError: no such file, or a far too large one.
    """
    statement = Statement()
    sightings = _read(path, statement)
    ours = [sighting for sighting in sightings if sighting.run_id == run_id]
    others = [sighting for sighting in sightings if sighting.run_id != run_id]
    _check_present(ours, line_of_head, statement)
    _check_order([sighting for sighting in ours if sighting.head in line_of_head], line_of_head, statement)
    _check_others(others, line_of_head, statement)
    if not ours:
        statement.notes.append("it has no line about this run")
    return statement


def _check_present(ours: list[Sighting], line_of_head: Mapping[str, int], statement: Statement) -> None:
    present = [sighting for sighting in ours if sighting.head in line_of_head]
    missing = [sighting for sighting in ours if sighting.head not in line_of_head]
    statement.confirmed = len(present)
    if not missing:
        return
    is_cut = not present or missing[0].line > present[-1].line
    statement.problems.append(
        f"line {missing[0].line} (round {missing[0].round}): the ledger does not hold this head "
        f"({len(missing)} such lines); "
        + ("lines were removed from its end, or rewritten from there on" if is_cut else "its history was rewritten")
    )


def _check_order(present: list[Sighting], line_of_head: Mapping[str, int], statement: Statement) -> None:
    """A later round was shown a later head. A resumed run may repeat rounds, so lower rounds may follow; a request
    that was delivered late carries an older head, but an older round too."""
    newest: Sighting | None = None
    for sighting in present:
        if newest is None or line_of_head[sighting.head] >= line_of_head[newest.head]:
            newest = sighting
        elif sighting.round > newest.round:
            statement.problems.append(
                f"line {sighting.line} (round {sighting.round}): its head stands before that of line {newest.line} "
                f"(round {newest.round}) in the ledger; expected after it; the history was rewritten"
            )
            return


def _check_others(others: list[Sighting], line_of_head: Mapping[str, int], statement: Statement) -> None:
    borrowed = [s for s in others if line_of_head.get(s.head, 0) > 0]  # line 0: every ledger begins with the same head
    if borrowed:
        statement.problems.append(
            f"line {borrowed[0].line}: the ledger holds a head that was shown for another run "
            f"({len(borrowed)} such lines); expected heads of one run only"
        )
    if len(others) > len(borrowed):
        statement.notes.append(f"{len(others) - len(borrowed)} of its lines are about other runs and were not compared")


def _read(path: Path, statement: Statement) -> list[Sighting]:
    try:
        if not path.is_file() or path.stat().st_size > MAX_BYTES:
            raise DataError(f"witness {path.name}: found no file of a plausible size; expected a site's witness.jsonl")
        content = path.read_bytes()
    except OSError as error:
        raise DataError(f"witness {path.name}: found that it cannot be read ({error.strerror})") from None
    sightings = []
    lines = content.split(b"\n")
    if lines[-1]:
        statement.notes.append("its last line is torn (no end of line) and was not compared")
    for number, line in enumerate(lines[:-1], start=1):
        sighting = _parse(number, line)
        if sighting is not None:
            sightings.append(sighting)
        elif number == len(lines) - 1:
            statement.notes.append("its last line is torn (no whole entry) and was not compared")
        else:
            statement.problems.append(f"line {number}: not an entry of a witness")
    return sightings


def _parse(number: int, line: bytes) -> Sighting | None:
    try:
        entry: Any = json.loads(line)
    except (ValueError, RecursionError):
        return None
    match entry:
        case {"run_id": str(run_id), "round": int(round), "ledger_head": str(head)} if not isinstance(round, bool):
            return Sighting(number, run_id, round, head)
        case _:
            return None
