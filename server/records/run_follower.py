"""Watching a run that another process plays: its folder is the only thing both sides share.

What happens comes from the progress file, which may lose lines; how the run ended comes from the ledger, which may not.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from gmmas_core.types import GmmasError
from server.records.progress_log import Event, JsonLines
from server.records.run_folder import RunFolder
from server.run import Watch

PROGRESS = ("round", "evaluation", "released", "judged")
"""Lines of the ledger that mean that the run has come further."""


@dataclass(frozen=True)
class Verdict:
    """How a run ended by its own account.

    Attributes:
        kind: "completed", "failed" or "paused".
        reason: for a person; empty when completed.
        is_final: False for a failure that is none of the project's own errors: something around the run broke.
    """

    kind: str
    reason: str
    is_final: bool


class RunFollower:
    """Tells a watcher what is new in a run folder, from where it stands now."""

    def __init__(self, folder: RunFolder, watch: Watch) -> None:
        self._ledger = JsonLines(folder.ledger, _keep)
        self._progress = JsonLines(folder.progress)
        self._watch = watch
        self._ledger.read()
        self._progress.read()
        self._begin = len(self._ledger.entries)
        self._told = len(self._progress.entries)

    def follow(self) -> None:
        """Read on and tell the watcher."""
        self._progress.read()
        if len(self._progress.entries) < self._told:  # its older half was dropped; what was told is not known
            self._told = len(self._progress.entries)
        for event in self._progress.entries[self._told :]:
            fields = {key: value for key, value in event.items() if key not in ("time", "kind")}
            self._watch(event["kind"], fields)
        self._told = len(self._progress.entries)
        self._ledger.read()

    def new_attempt(self) -> None:
        """Forget earlier verdicts: another attempt begins."""
        self._ledger.read()
        self._begin = len(self._ledger.entries)

    @property
    def verdict(self) -> Verdict | None:
        """Of this attempt, as far as it was read; None while there is none."""
        verdicts = [entry["verdict"] for entry in self._ledger.entries[self._begin :] if entry["verdict"] is not None]
        return verdicts[-1] if verdicts else None

    @property
    def last_verdict(self) -> Verdict | None:
        """Of the attempt that the ledger ends with; None when it ended without a word."""
        for entry in reversed(self._ledger.entries):
            if entry["verdict"] is not None or entry["kind"] == "resumed":
                return entry["verdict"]  # type: ignore[no-any-return]
        return None

    @property
    def progress(self) -> int:
        """How far the ledger has come; grows with every round and every evaluation."""
        return sum(entry["kind"] in PROGRESS for entry in self._ledger.entries)


def _keep(entry: Event) -> dict[str, Any]:
    return {"kind": entry["kind"], "verdict": _verdict(entry)}


def _verdict(entry: Event) -> Verdict | None:
    kind = entry["kind"]
    if kind == "judged":
        passed = bool(entry["passed"])
        return (
            Verdict("completed", "", True) if passed else Verdict("failed", f"acceptance: {entry['statement']}", True)
        )
    if kind == "paused":
        return Verdict("paused", str(entry["reason"]), True)
    if kind == "failed":
        error, _, text = str(entry["reason"]).partition(": ")
        own = error in {each.__name__ for each in _with_subclasses(GmmasError)}
        return Verdict("failed", text if own else str(entry["reason"]), own)
    return None


def _with_subclasses(error: type[Exception]) -> Iterator[type[Exception]]:
    yield error
    for each in error.__subclasses__():
        yield from _with_subclasses(each)
