"""What a drill is, what it found, and whether that is what was to be expected."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeVar

import psutil

from gmmas_core.types import FederationError

if TYPE_CHECKING:
    from server.lab.drills.stage import Stage

PATIENCE_S = 300.0
"""How long any one thing is waited for: what takes seconds on an idle machine takes minutes on a busy one."""

Found = TypeVar("Found")


@dataclass
class Findings:
    """What was seen, in order, and whether each of it is as it should be."""

    seen: list[tuple[str, bool]] = field(default_factory=list)

    def that(self, words: str, is_so: bool) -> None:
        """Note something that was seen; `is_so` says whether it should be so."""
        self.seen.append((words, is_so))

    @property
    def hold(self) -> bool:
        """Whether something was seen, and all of it as it should be."""
        return bool(self.seen) and all(is_so for _, is_so in self.seen)

    def words(self) -> str:
        """All of it, what should not be so in capitals before it."""
        return "; ".join(words if is_so else f"NOT AS EXPECTED: {words}" for words, is_so in self.seen)


@dataclass(frozen=True, kw_only=True)
class Drill:
    """One failure, played.

    Attributes:
        name: as typed on the command line and named in deploy/RUNBOOK.md.
        disturbance: what is done to the federation.
        expected: what should follow.
        play: does it, and notes what it sees.
        restores: whether it leaves the federation as it found it, so that another drill may go on with it.
        programs: needed beside those of every drill.
    """

    name: str
    disturbance: str
    expected: str
    play: Callable[["Stage", Findings], None]
    restores: bool = False
    programs: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """How a drill went."""

    drill: Drill
    observed: str
    holds: bool
    seconds: float

    def to_json(self) -> dict[str, Any]:
        """One row of the table."""
        return {
            "drill": self.drill.name,
            "disturbance": self.drill.disturbance,
            "expected": self.drill.expected,
            "observed": self.observed,
            "verdict": "holds" if self.holds else "FAILS",
            "seconds": round(self.seconds, 1),
        }


def wait_for(look: Callable[[], Found | None], what: str, pause_s: float = 0.1) -> Found:
    """What `look` finds, as soon as it finds something; a process that vanishes meanwhile is looked for again.

    Raises:
        FederationError: nothing within PATIENCE_S.
    """
    deadline = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline:
        try:
            if found := look():
                return found
        except (psutil.Error, ProcessLookupError):
            pass
        time.sleep(pause_s)
    raise FederationError(f"drill: found no {what} within {PATIENCE_S:g} s; expected it; look at the drill's logs")
