"""Watching a run that another process plays: its ledger is the only thing both sides share."""

import json
from pathlib import Path
from typing import Any

from server.run import Watch


class LedgerFollower:
    """Tells a watcher what is new in a ledger, from where it stands now: earlier lines belong to an earlier attempt.

    The ledger is written once per round, so a watcher learns of a round when it is over.
    """

    def __init__(self, ledger: Path, watch: Watch) -> None:
        self._ledger = ledger
        self._watch = watch
        self._position = ledger.stat().st_size if ledger.exists() else 0
        self.has_ended = False
        self.failure: str | None = None

    def follow(self) -> None:
        """Read on; a line without its end is left for the next time."""
        if not self._ledger.exists():
            return
        with self._ledger.open("rb") as file:
            file.seek(self._position)
            for line in file:
                if not line.endswith(b"\n"):
                    return
                self._position += len(line)
                self._tell(json.loads(line))

    def _tell(self, entry: dict[str, Any]) -> None:
        kind = entry["kind"]
        if kind == "failed":
            self.has_ended = True
            self.failure = str(entry["reason"]).partition(": ")[2] or str(entry["reason"])
        elif kind == "judged":
            self.has_ended = True
        elif kind == "enlisted":
            self._watch("enlisted", {"sites": entry["sites"], "left_out": entry["left_out"]})
        elif kind == "resumed":
            self._watch("resumed", {"round": entry["round"]})
        elif kind == "round":
            self._tell_round(entry)
        elif kind == "evaluation":
            self._watch("evaluation-finished", {"split": entry["split"], "subject": entry["subject"]})

    def _tell_round(self, entry: dict[str, Any]) -> None:
        number = entry["round"]
        self._watch("round-started", {key: entry[key] for key in ("round", "stage", "lr")} | {"sites": entry["sites"]})
        for site, update in entry["sites"].items():
            self._watch("site-counted", {"round": number, "site": site, "duration_s": update["duration_s"]})
        self._watch(
            "round-finished",
            {"round": number, "duration_s": entry["duration_s"], "left_out": entry["left_out"]},
        )
