"""The hospital's own record of what the coordinator's ledger ended with whenever it asked for a round.

A coordinator that later shows another history is found out by any one hospital: `gmmas-coordinator audit verify
--witness` compares this file with the ledger. One line per accepted request, on disk before training begins. It also
names what either side ran: a core and a configuration, which are the same on both because the site compares them
before it accepts, and each side's own release and image, of which the coordinator's are those it last gave when it
asked who is there.
"""

import json
import os
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path

from gmmas_core.atomic import write_json
from gmmas_core.software import Software, installed
from gmmas_core.types import RoundPlan

FILE = "witness.jsonl"
COORDINATOR = "coordinator.json"


def remember_coordinator(state: Path, software: Software) -> None:
    """Note what the coordinator that asked who is there runs: each message is answered by a process of its own.

    Raises:
        OSError: the disk is full or the state folder cannot be written.
    """
    write_json(state / COORDINATOR, asdict(software))


def bear_witness(state: Path, plan: RoundPlan) -> None:
    """Append one line; a line that an interrupted write left unfinished is cut off first.

    Raises:
        OSError: the disk is full or the state folder cannot be written.
        ConfigError: see `software.installed`.
    """
    own = installed()
    line = {
        "time": datetime.now(UTC).isoformat(timespec="seconds"),
        "run_id": plan.run_id,
        "round": plan.round,
        "ledger_head": plan.ledger_head,
        "core_fingerprint": plan.core_fingerprint,
        "config_hash": plan.config_hash,
        "site": {"release": own.release, "image": own.image},
        "coordinator": _coordinator(state),
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


def _coordinator(state: Path) -> dict[str, str]:
    """Its release and image; empty when it has not said them to this state folder, or the note is damaged."""
    try:
        noted = json.loads((state / COORDINATOR).read_bytes())
        return {key: str(noted[key]) for key in ("release", "image")}
    except (OSError, ValueError, TypeError, KeyError):
        return {"release": "", "image": ""}
