"""Everything that can be verified about a finished or running run: its chain, its witnesses, its newest weights."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from gmmas_core.types import DataError, FederationError
from gmmas_core.weights import weights_hash
from server.ledger import entries_of, heads, verify
from server.records.checkpoints import Checkpoint, newest_valid
from server.records.run_folder import RunFolder
from server.records.witness import hear


@dataclass
class Findings:
    """What an audit found.

    Attributes:
        lines: of the ledger.
        confirmed: heads that witnesses were shown and that the ledger holds.
        problems: what is wrong; empty for an intact run.
        notes: what is not wrong but should be known.
    """

    lines: int = 0
    confirmed: int = 0
    problems: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def audit_run(folder: RunFolder, witnesses: Sequence[Path]) -> Findings:
    """Verify a run; nothing is written.

    Args:
        folder: of the run, or a copy of it.
        witnesses: sites' witness.jsonl.

    Raises:
        FederationError: no ledger.
    """
    if not folder.ledger.is_file():
        raise FederationError("run: found no ledger.jsonl; expected the folder of a run")
    line_of_head = heads(folder.ledger)
    findings = Findings(lines=len(line_of_head) - 1)
    findings.problems += [f"ledger {problem}" for problem in verify(folder.ledger)]
    entries = list(entries_of(folder.ledger))
    begun = next((entry for entry in entries if entry["kind"] == "begun"), None)
    for path in witnesses:
        _hear(path, "" if begun is None else str(begun.get("run_id")), line_of_head, findings)
    _check_weights(folder, entries, findings)
    return findings


def _hear(path: Path, run_id: str, line_of_head: dict[str, int], findings: Findings) -> None:
    name = _name_of(path)
    try:
        statement = hear(path, run_id, line_of_head)
    except DataError as error:
        findings.problems.append(str(error))
        return
    findings.confirmed += statement.confirmed
    findings.problems += [f"witness {name} {problem}" for problem in statement.problems]
    findings.notes += [f"witness {name}: {note}" for note in statement.notes]


def _name_of(path: Path) -> str:
    """A witness by its own folder's name, the site's rather than that of its state folder."""
    folders = [part.name for part in path.absolute().parents if part.name and not part.name.startswith(".")]
    return f"{folders[0]}/{path.name}" if folders else path.name


def _check_weights(folder: RunFolder, entries: Sequence[dict[str, Any]], findings: Findings) -> None:
    """The newest checkpoint against the ledger's last word on its round.

    The ledger's line comes before the checkpoint, so a checkpoint may be one round behind, never ahead.
    """
    checkpoint = newest_valid(folder.checkpoints, findings.notes.append)
    hash_of = {entry.get("round"): entry.get("weights_hash") for entry in entries if entry["kind"] == "round"}
    last = max((number for number in hash_of if isinstance(number, int)), default=0)
    if checkpoint is None:
        findings.notes.append("found no valid checkpoint; the weights were not compared")
    elif checkpoint.round == 0 and not hash_of:
        findings.notes.append("no round was finished; the weights were not compared")
    elif not _agrees(checkpoint, hash_of.get(checkpoint.round)):
        findings.problems.append(
            f"checkpoint {checkpoint.path.name}: its weights have another hash than the ledger's round "
            f"{checkpoint.round} says; expected the same"
        )
    elif checkpoint.round < last:
        findings.notes.append(
            f"the ledger's last round is {last}, the newest checkpoint is of round {checkpoint.round}; "
            "a crash lies between, or the round is being finished; a resume repeats it"
        )


def _agrees(checkpoint: Checkpoint, written: str | None) -> bool:
    return weights_hash(checkpoint.weights) == written == checkpoint.state.get("weights_hash")
