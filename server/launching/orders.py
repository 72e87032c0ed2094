"""What a person asks of a running coordinator: one small file per order, because only the coordinator may write.

A command places an order; the coordinator takes it between two rounds: it writes a line into the ledger, which is when
the order counts, and only then removes the file. A crash between the two leaves both, and the line tells that the file
has had its day. Without a running coordinator the order waits for the next resume. The files come from outside, so each
is checked, and one that is no order is set aside under another name instead of ending a run.
"""

import json
import logging
import os
import re
import time
from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

from gmmas_core.atomic import sync_folder, write_json
from gmmas_core.types import FederationError
from server.ledger import Ledger
from server.records.run_folder import RunFolder

FIELDS: Mapping[str, tuple[str, ...]] = {
    "readmit": ("site",),
    "quarantine": ("site", "reason"),
    "pause": (),
    "stop": (),
}
"""Kind of order -> what it says beside."""

MAX_BYTES = 2**14
MAX_REASON = 500  # characters
SET_ASIDE = ".no-order"  # appended to the name of a file that is no order

_ID = re.compile(r"[0-9]{20}-[0-9a-f]{8}\.json")
"""Name of an order's file, and the order's identity in the ledger."""

_SITE = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}")

log = logging.getLogger(__name__)


def place_order(run_folder: RunFolder, kind: str, **fields: str) -> Path:
    """Leave an order for the coordinator of a run.

    Args:
        run_folder: of the run.
        kind: key of FIELDS.
        fields: what this kind says.

    Returns:
        The order's file.

    Raises:
        FederationError: no such kind, or fields that it does not have.
    """
    order = {"kind": kind, "placed_at": datetime.now(UTC).isoformat(timespec="seconds"), **fields}
    problem = _problem_of(order)
    if problem:
        raise FederationError(f"order: found {problem}")
    # Wall-clock time orders the files of several people's commands; the suffix keeps two at the same instant apart.
    path = run_folder.orders / f"{time.time_ns():020d}-{uuid4().hex[:8]}.json"
    write_json(path, order)
    sync_folder(run_folder.path)  # the first order makes the folder of all orders
    return path


def take_orders(run_folder: RunFolder, ledger: Ledger) -> list[dict[str, Any]]:
    """Take every order that waits, oldest first; each is handed out once, whatever crashes when.

    Args:
        run_folder: of the run.
        ledger: of the run; it gets a line "order" with "id" and "order" for each, on disk before the file goes.

    Returns:
        Orders as {"kind", "placed_at", ...}. Files that are no order are renamed and logged.

    Raises:
        FederationError: a line that cannot be written; this order and those after it wait on.
    """
    waiting = sorted(run_folder.orders.glob("*.json"))
    known = {entry.get("id") for entry in ledger.entries() if entry["kind"] == "order"} if waiting else set()
    taken = []
    for path in waiting:
        order = _read(path)
        if isinstance(order, str):
            log.warning("orders: found %s; it is set aside; place the order again", order)
            with suppress(OSError):  # it is found again before the next round
                os.replace(path, path.with_name(path.name + SET_ASIDE))
            continue
        if path.name not in known:
            ledger.append("order", id=path.name, order=order)
            taken.append(order)
        with suppress(OSError):  # whoever placed it took it back, or it stays and its line is known
            path.unlink()
    return taken


def _read(path: Path) -> dict[str, Any] | str:
    """The order in a file, or why there is none."""
    try:
        if not _ID.fullmatch(path.name):
            return "a file whose name no command gave it"
        if path.is_symlink() or not path.is_file() or path.stat().st_size > MAX_BYTES:
            return "something that is no small file"
        order = json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError):
        return "a file that is no JSON"
    if not isinstance(order, dict):
        return "a file that is no mapping"
    return _problem_of(order) or order


def _problem_of(order: Mapping[str, Any]) -> str | None:
    """What is wrong with an order, without repeating what a stranger may have written into it."""
    kind = order.get("kind")
    if not isinstance(kind, str) or kind not in FIELDS:
        return f"an unknown kind; expected any of {', '.join(FIELDS)}"
    if set(order) != {"kind", "placed_at", *FIELDS[kind]}:
        return f"other fields for {kind}; expected {', '.join(FIELDS[kind]) or 'none'}"
    if not all(isinstance(value, str) and value.isprintable() and len(value) <= MAX_REASON for value in order.values()):
        return f"a field that is no short text; expected at most {MAX_REASON} printable characters"
    if "site" in order and not _SITE.fullmatch(order["site"]):
        return "an impossible site name; expected 1 to 64 letters, digits, dashes or underscores"
    if "reason" in order and not order["reason"].strip():
        return "no reason; expected one"
    return None
