"""The hospital's own record of what the coordinator's ledger ended with whenever it asked for a round.

A coordinator that later shows another history is found out by any one hospital: `gmmas-coordinator audit verify
--witness` compares this file with the ledger. One line per accepted request, on disk before training begins.
"""

import json
import os
from datetime import UTC, datetime
from pathlib import Path

from gmmas_core.types import RoundPlan

FILE = "witness.jsonl"


def bear_witness(state: Path, plan: RoundPlan) -> None:
    """Append one line; a line that an interrupted write left unfinished is cut off first.

    Raises:
        OSError: the disk is full or the state folder cannot be written.
    """
    line = {
        "time": datetime.now(UTC).isoformat(timespec="seconds"),
        "run_id": plan.run_id,
        "round": plan.round,
        "ledger_head": plan.ledger_head,
    }
    state.mkdir(parents=True, exist_ok=True)
    with (state / FILE).open("a+b") as file:
        file.seek(0)
        torn = len(file.read().rpartition(b"\n")[2])
        if torn:
            file.truncate(file.tell() - torn)
        file.write(json.dumps(line).encode() + b"\n")
        file.flush()
        os.fsync(file.fileno())
