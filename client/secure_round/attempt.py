"""What a site keeps of one attempt at a secure sum: every answer under its question, and the secrets in between.

`<state>/secure/<run id>/<round>-<attempt>/<phase>.safetensors`, each written in one step before its answer leaves and
readable by its owner alone: the question's digest, the answer, and the member's state after it. Asked the same again, a
site sends the same bytes; asked something else for the same phase, it refuses, because two answers to one phase would
say what the sum hides. A node answers several messages at once, so each looks for its answer, makes it and keeps it
while no other does (`alone`). When a site has helped to unmask, everything but that last answer is deleted.
"""

import fcntl
import hashlib
import json
import os
import re
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open
from safetensors.numpy import load_file, save

from gmmas_core.atomic import write_bytes
from gmmas_core.types import FederationError

SUFFIX = ".safetensors"
LOCK = "lock"
_MEMBER, _VECTOR, _PART = "member", "vector", "part/"


@dataclass(frozen=True, kw_only=True, eq=False)
class Answer:
    """One phase, as it is kept.

    Attributes:
        parts: of the answer.
        vector: of the answer to "mask"; None in other phases.
        member: the member's state after it; secret.
        facts: JSON-able; what later phases need to know.
    """

    parts: Mapping[str, bytes]
    vector: NDArray[np.int64] | None = None
    member: bytes
    facts: Mapping[str, Any] = field(default_factory=dict)


class Attempt:
    """The files of one attempt."""

    def __init__(self, state: Path, run_id: str, round: int, attempt: int) -> None:
        """Name the folder; nothing is made.

        Raises:
            FederationError: a run id that is no plain name, or numbers out of range.
        """
        fit = 1 <= round < 10**9 and 0 <= attempt < 2**31
        if not re.fullmatch(r"[A-Za-z0-9]{1,128}", run_id) or not fit:
            raise FederationError("request: found an unusual run, round or attempt; expected those of a run")
        self._folder = state / "secure" / run_id / f"{round:05d}-{attempt}"

    def stored(self, phase: str, question: str) -> Answer | None:
        """The answer to this very question, if it was given before.

        Raises:
            FederationError: another question was answered in this phase.
        """
        path = self._path(phase)
        if not path.exists():
            return None
        with _readable(phase), safe_open(path, framework="numpy") as file:
            asked = (file.metadata() or {})["question"]
        if asked != question:
            raise FederationError(
                f"secure sum: found another question than was answered in the phase {phase}; expected the same; each "
                "phase of an attempt is answered once"
            )
        return self.read(phase)

    def read(self, phase: str) -> Answer:
        """What was answered in a phase.

        Raises:
            FederationError: nothing was, or the attempt is over.
        """
        path = self._path(phase)
        if not path.exists():
            raise FederationError(
                f"secure sum: found no {phase} of this attempt; expected it before; begin a new attempt"
            )
        with _readable(phase):
            arrays = load_file(path)
            with safe_open(path, framework="numpy") as file:
                facts = json.loads((file.metadata() or {})["facts"])
            parts = {key.removeprefix(_PART): arrays[key].tobytes() for key in arrays if key.startswith(_PART)}
            return Answer(parts=parts, vector=arrays.get(_VECTOR), member=arrays[_MEMBER].tobytes(), facts=facts)

    def keep(self, phase: str, question: str, answer: Answer) -> None:
        """Write an answer; it may leave when this returns."""
        arrays: dict[str, NDArray[Any]] = {_MEMBER: np.frombuffer(answer.member, np.uint8)}
        arrays |= {f"{_PART}{name}": np.frombuffer(part, np.uint8) for name, part in answer.parts.items()}
        if answer.vector is not None:
            arrays[_VECTOR] = answer.vector
        metadata = {"question": question, "facts": json.dumps(answer.facts)}
        write_bytes(self._path(phase), save(arrays, metadata=metadata))
        self._folder.chmod(0o700)

    def forget_others(self, phase: str, update: str) -> None:
        """Delete every other attempt of the run, and any run's at the same update.

        Nobody can be asked to sign for their sums any more, once this site has stated what it has signed for until now.

        Args:
            phase: the first one, whose facts name the update.
            update: as `facts` name it.
        """
        for folder in self._folder.parent.parent.glob("*/[0-9]*-[0-9]*"):
            if folder == self._folder:
                continue
            if folder.parent == self._folder.parent or _facts(folder / f"{phase}{SUFFIX}").get("update") == update:
                shutil.rmtree(folder, ignore_errors=True)

    def close(self, last: str) -> None:
        """Delete all but the last phase's answer."""
        for path in self._folder.glob(f"*{SUFFIX}"):
            if path != self._path(last):
                path.unlink(missing_ok=True)

    def _path(self, phase: str) -> Path:
        return self._folder / f"{phase}{SUFFIX}"


@contextmanager
def alone(state: Path) -> Iterator[None]:
    """One process at a time answers a secure sum's questions, whatever their run: two asked at once are two answers."""
    folder = state / "secure"
    folder.mkdir(parents=True, exist_ok=True)
    handle = os.open(folder / LOCK, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def digest_of(parts: Mapping[str, bytes]) -> str:
    """One digest of a question's parts, by which it is known again."""
    digest = hashlib.sha256()
    for name, part in sorted(parts.items()):
        for piece in (name.encode(), part):
            digest.update(len(piece).to_bytes(8, "big") + piece)
    return digest.hexdigest()


def _facts(path: Path) -> Mapping[str, Any]:
    """Of an answer that was kept; none where there is none, or a damaged one, with which nobody can go on."""
    try:
        with safe_open(path, framework="numpy") as file:
            facts: Mapping[str, Any] = json.loads((file.metadata() or {})["facts"])
            return facts
    except (OSError, SafetensorError, KeyError, ValueError):
        return {}


class _readable:
    """Damage becomes a refusal: without its state a site has no part in the attempt any more."""

    def __init__(self, phase: str) -> None:
        self._phase = phase

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> None:
        if isinstance(error, OSError | SafetensorError | KeyError | ValueError):
            raise FederationError(
                f"secure sum: found an unreadable {self._phase} of this attempt; expected it whole; begin a new attempt"
            ) from None
