"""The site's record of every noisy round: `STATE/privacy_budget.jsonl`, a hash chain, and its newest head beside it.

A line is on disk before the round it tells of begins, so a crash costs budget and never gives any back. The head lies
once more in `STATE/privacy_budget.head`: a ledger that was shortened, edited or taken away no longer has it, and then
nothing is trained until a person has found out why. A ledger with more lines than the head knows is a crash between the
two writes; it holds more spending, not less, and is taken.

What this cannot notice: both files taken away or set back together. Whoever can do that at the hospital can also train
without it; a backup of the state folder must not be put back without the lines written since.
"""

import fcntl
import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from gmmas_core.atomic import write_json
from gmmas_core.hash_chain import GENESIS, append, verify
from gmmas_core.types import DataError, FederationError

FILE, HEAD, LOCK = "privacy_budget.jsonl", "privacy_budget.head", "privacy_budget.lock"

Entry = Mapping[str, Any]


@contextmanager
def locked(state: Path) -> Iterator[None]:
    """One process at a time reads what is left and takes from it."""
    state.mkdir(parents=True, exist_ok=True)
    handle = os.open(state / LOCK, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def entries_of(state: Path) -> tuple[Entry, ...]:
    """All lines, oldest first, after both files have been checked.

    Raises:
        FederationError: the ledger is damaged, shortened or missing; the message names the first fault.
    """
    try:
        chain = verify(state / FILE)
        known = _known_head(state)
    except DataError as error:
        raise _unusable(str(error)) from error
    if known is None:
        if chain.entries:
            raise _unusable(f"no {HEAD} beside the ledger")
        return ()
    hashes = [GENESIS, *(str(entry["hash"]) for entry in chain.entries)]
    lines, head = known
    if lines >= len(hashes) or hashes[lines] != head:
        raise _unusable(f"a ledger that is not the one {HEAD} was written for (shortened, exchanged or taken away)")
    return chain.entries


def add(state: Path, entry: Entry) -> None:
    """Append one line and note the new head; both are on disk when this returns. Call it under `locked`.

    Raises:
        FederationError: see `entries_of`, or the disk takes no line.
    """
    known = len(entries_of(state))
    try:
        if not (state / HEAD).exists():
            write_json(state / HEAD, {"lines": 0, "head": GENESIS})  # first: a lone ledger then is a damaged one
        head = append(state / FILE, entry)
        write_json(state / HEAD, {"lines": known + 1, "head": head})
    except (DataError, OSError) as error:
        raise _unusable("that it cannot be written") from error


def _known_head(state: Path) -> tuple[int, str] | None:
    try:
        noted = json.loads((state / HEAD).read_bytes())
        return int(noted["lines"]), str(noted["head"])
    except FileNotFoundError:
        return None
    except (OSError, ValueError, TypeError, KeyError):
        raise DataError(f"{HEAD}: found it damaged") from None


def _unusable(found: str) -> FederationError:
    return FederationError(
        f"policy: found this site's privacy ledger unusable ({found}); expected it whole; nothing is trained with "
        "record-level privacy until the site has restored it"
    )
