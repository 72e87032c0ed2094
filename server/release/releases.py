"""Releases of a run: what hospitals get. Versions v1, v2, ... in `<run>/releases/`, signed, never written over.

`current` names the one in use; rolling back moves that name and deletes nothing. Every release and every move is a line
in the run's ledger, with the gates' state and, where a person released against them, that person's name and reason.
"""

import re
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from gmmas_core import atomic
from gmmas_core.checkpoint import CARD, save_model
from gmmas_core.config import Config, read_config
from gmmas_core.signing import key_fingerprint, sign_folder
from gmmas_core.types import DataError, FederationError
from server.distribution import distribution_of
from server.ledger import Ledger, entries_of
from server.records.run_folder import RunFolder
from server.records.run_lock import run_lock
from server.release.best_round import Entry, History, RoundScore, history_of, in_order, scores_of
from server.release.candidate import build_candidate, enlisted_sites, provenance_of, read_candidate
from server.release.card import release_card
from server.release.gates import PASSED, Gate, judge
from server.report.numbers import build_report

CURRENT = "current"
VERSION = re.compile(r"v([1-9][0-9]{0,5})")
_OVERRIDE = re.compile(r"\s*([^:]{3,100}?)\s*:\s*(.{10,1000}?)\s*", re.DOTALL)


@dataclass(frozen=True, kw_only=True)
class Choice:
    """The round that would be released, and what is known of it."""

    round: int
    gates: tuple[Gate, ...]
    scores: tuple[RoundScore, ...]

    @property
    def refused_by(self) -> tuple[Gate, ...]:
        """The gates that do not stand open."""
        return tuple(gate for gate in self.gates if gate.state != PASSED)


def choose(folder: RunFolder, number: int | None) -> Choice:
    """The best round on validation, or the one asked for, with its gates.

    Raises:
        FederationError: the folder holds no run, or the run no such round.
    """
    config, entries, history = _read(folder)
    scores = scores_of(history, config.task_list)
    if number is None:
        number = in_order(scores, history)[0]
    if number not in history.rounds:
        raise FederationError(f"round {number}: found no such round; expected 1 to {max(history.rounds)}")
    scored = history.newest("holdout", history.rounds[number]["weights_hash"])
    gates = judge(scored, enlisted_sites(entries), config.task_list, config.release)
    return Choice(round=number, gates=gates, scores=tuple(scores))


def publish(
    folder: RunFolder, key: Ed25519PrivateKey, *, number: int | None = None, override: str | None = None
) -> dict[str, Any]:
    """Release one round's model.

    Args:
        folder: of a finished or paused run that nobody plays at the moment.
        key: the coordinator's.
        number: the round; None for the best on validation.
        override: "Name: reason" of the person who releases although a gate is not open.

    Returns:
        The ledger's line, JSON-able: "version", "round", "model_id", "gates", "override", "key_fingerprint".

    Raises:
        FederationError: a gate that is not open and no override, or a run that is being played.
        DataError: the checkpoint is damaged or the folder cannot be written; nothing was released.
    """
    person = _person(override)
    _read(folder)
    with run_lock(folder.path):
        ledger = Ledger(folder.ledger)
        choice = choose(folder, number)
        if choice.refused_by and person is None:
            raise FederationError(_refusal(choice))
        version = f"v{max((place for place, _ in _numbered(folder)), default=0) + 1}"
        line = {
            "version": version,
            "round": choice.round,
            "gates": [asdict(gate) for gate in choice.gates],
            "override": person if choice.refused_by else None,
            "key_fingerprint": key_fingerprint(key.public_key()),
        }
        line["model_id"] = _write(folder, key, choice, line)
        ledger.append("version-released", **line)
        atomic.write_text(folder.releases / CURRENT, f"{version}\n")
        return line


def roll_back(folder: RunFolder, version: str) -> dict[str, Any]:
    """Make another version the current one; one that a crash kept out of the ledger is none, nobody answers for it.

    Raises:
        FederationError: no such version, or a run that is being played.
    """
    _read(folder)
    with run_lock(folder.path):
        known = [entry["version"] for entry in versions(folder) if entry["in_ledger"]]
        if version not in known:
            raise FederationError(f"release {version[:20]!r}: found no such version; expected any of {known}")
        line = {"version": version, "before": current(folder)}
        Ledger(folder.ledger).append("version-current", **line)
        atomic.write_text(folder.releases / CURRENT, f"{version}\n")
        return line


def current(folder: RunFolder) -> str | None:
    """The version that `current` names."""
    file = folder.releases / CURRENT
    text = file.read_text().strip() if file.is_file() else ""
    return text if VERSION.fullmatch(text) else None


def versions(folder: RunFolder) -> list[dict[str, Any]]:
    """All releases, oldest first: what the ledger says of each, "current", and whether the ledger knows it at all."""
    _, entries, _ = _read(folder)
    lines = {entry["version"]: entry for entry in entries if entry["kind"] == "version-released"}
    found = []
    for _, name in _numbered(folder):
        line = lines.get(name, {})
        facts = {key: line.get(key) for key in ("time", "round", "model_id", "override", "gates")}
        found.append({"version": name, "current": name == current(folder), "in_ledger": bool(line), **facts})
    return found


def _read(folder: RunFolder) -> tuple[Config, list[Entry], History]:
    if not folder.ledger.is_file():
        raise FederationError("run: found no ledger.jsonl; expected the folder of a run")
    entries: list[Entry] = list(entries_of(folder.ledger))
    history = history_of(entries)
    if not history.rounds:
        raise FederationError("run: found no finished round; expected at least one; play the run first")
    return read_config(folder.config), entries, history


def _write(folder: RunFolder, key: Ed25519PrivateKey, choice: Choice, line: Mapping[str, Any]) -> str:
    """The release's folder, whole or not at all; the model's identity."""
    config, entries, history = _read(folder)
    begun = next(entry for entry in entries if entry["kind"] == "begun")
    candidate = read_candidate(folder, history, choice.round)
    model = build_candidate(candidate, config, begun["fingerprint"])
    provenance = provenance_of(entries, config, candidate, max(history.rounds))
    final = folder.releases / line["version"]
    folder.releases.mkdir(parents=True, exist_ok=True)
    _sweep(folder)
    temporary = Path(tempfile.mkdtemp(dir=folder.releases, prefix=f".{final.name}."))
    try:
        content = temporary / final.name
        distribution = distribution_of(entries, config)
        model_id = save_model(content, model, config, provenance, candidate.calibration, distribution)
        scored = history.newest("holdout", candidate.weights_hash)
        report = build_report([*_without_other_models(entries), *([scored] if scored else [])], config)
        card = release_card(
            (content / CARD).read_text(), report, config, choice.scores, {**line, "model_id": model_id}, candidate
        )
        (content / CARD).write_text(card)
        about = {"version": line["version"], "model_id": model_id, "run_id": begun["run_id"], "round": choice.round}
        sign_folder(content, key, about)
        atomic.publish_folder(content, final)
    except OSError as error:
        raise DataError(
            f"release: cannot be written ({error.strerror}); expected a writable folder; nothing was released"
        ) from None
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
    return model_id


def _sweep(folder: RunFolder) -> None:
    """Remove what crashes left half written."""
    for leftover in folder.releases.glob(".v*"):
        shutil.rmtree(leftover, ignore_errors=True)
    for leftover in folder.releases.glob(f".{CURRENT}.*"):
        leftover.unlink(missing_ok=True)


def _without_other_models(entries: Sequence[Entry]) -> list[Entry]:
    """The ledger less evaluations of the global model, so that the card cannot quote another round's numbers."""
    return [entry for entry in entries if entry["kind"] != "evaluation" or entry["subject"] != "global"]


def _numbered(folder: RunFolder) -> list[tuple[int, str]]:
    found = folder.releases.iterdir() if folder.releases.is_dir() else ()
    matches = [VERSION.fullmatch(path.name) for path in found if path.is_dir()]
    return sorted((int(match.group(1)), match.group(0)) for match in matches if match)


def _person(override: str | None) -> dict[str, str] | None:
    if override is None:
        return None
    match = _OVERRIDE.fullmatch(override)
    if match is None:
        raise FederationError(
            'override: found no name and reason; expected "NAME: REASON" of the person who answers for the release, '
            "with a reason of at least 10 characters"
        )
    return {"name": match.group(1), "reason": match.group(2)}


def _refusal(choice: Choice) -> str:
    lines = [f"release: found {len(choice.refused_by)} gates of round {choice.round} that are not open; expected none"]
    lines += [f"  {gate.name}: {gate.state}: {gate.statement}" for gate in choice.gates]
    return "\n".join([*lines, '  train further, or let a named person answer for it: --override "NAME: REASON"'])
