"""What has left this hospital: the log of departures, verified and added up."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from client.egress import EGRESS
from gmmas_core.hash_chain import GENESIS, verify
from gmmas_core.types import DataError


@dataclass(frozen=True, kw_only=True)
class Departures:
    """What the log says.

    Attributes:
        entries: its lines, oldest first.
        head: hash of the last line, to be kept elsewhere.
        totals: one row per run and kind: "run", "what", "messages", "bytes".
        problem: what is wrong with the chain, "" for nothing; then there are no entries.
    """

    entries: Sequence[Mapping[str, Any]]
    head: str
    totals: Sequence[Mapping[str, Any]]
    problem: str


def departures(state: Path, expected_head: str = "") -> Departures:
    """Read and verify the log.

    Args:
        state: of the site.
        expected_head: a head that was kept elsewhere; it must still be the hash of a line.
    """
    try:
        chain = verify(state / EGRESS)
    except DataError as broken:
        return Departures(entries=(), head="", totals=(), problem=str(broken))
    problem = ""
    if expected_head and expected_head not in {GENESIS, *(entry["hash"] for entry in chain.entries)}:
        problem = (
            f"{EGRESS}: found no line with the head that was kept; expected it; lines were cut off the end or the file "
            "was replaced"
        )
    return Departures(entries=chain.entries, head=chain.head, totals=_totals(chain.entries), problem=problem)


def _totals(entries: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    messages: Counter[tuple[str, str]] = Counter()
    size: Counter[tuple[str, str]] = Counter()
    for entry in entries:
        row = str(entry.get("run", "")), str(entry.get("what", ""))
        messages[row] += 1
        size[row] += int(entry.get("bytes", 0))
    return [
        {"run": run, "what": what, "messages": messages[run, what], "bytes": size[run, what]}
        for run, what in sorted(messages)
    ]
