"""The nouns of the dashboard: what is known of a run at one moment. What nobody knows is None."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from gmmas_core.types import DISCLAIMER

STATES = ("unknown", "waiting", "training", "evaluating", "paused", "stalled", "failed", "finished")
ENDED = ("failed", "finished")
"""States after which nothing more is to be expected unless a person resumes the run."""

UNHEARD = ("expected", "registered")
"""States of sites of which nothing was heard since the run was begun or resumed."""

SITE_STATES = (
    *UNHEARD,
    "ready",
    "asked",
    "training",
    "replied",
    "late",
    "left out",
    "not asked",
    "evaluating",
    "scored",
    "offline",
    "quarantined",
    "unknown",
)
"""expected: mandatory or known from before, not seen since the run was begun or resumed; registered: its
key is approved, not seen either; ready: configured alike and enlisted; asked: chosen
for the round, its request is on the way; unknown: was at work when the run fell silent or ended."""

SEVERITIES = ("note", "warning", "serious")


@dataclass(frozen=True, kw_only=True)
class Point:
    """One number on a curve.

    Attributes:
        trained: rounds of training that the scored model has behind it.
        value: e.g. a Dice or an AUROC.
        cases: validation cases behind it.
    """

    trained: int
    value: float
    cases: int


@dataclass(frozen=True, kw_only=True)
class Curve:
    """One measure over the rounds: every site by itself, and all their cases as one cohort; oldest first."""

    sites: Mapping[str, tuple[Point, ...]]
    pooled: tuple[Point, ...]


@dataclass(frozen=True, kw_only=True)
class RoundRow:
    """One played round, as the ledger tells it.

    Attributes:
        phases: e.g. "collect_s" -> seconds.
        sent, received: bytes of weights; None where the ledger does not say.
    """

    round: int
    stage: str
    ended: str
    duration_s: float | None
    phases: Mapping[str, float]
    counted: tuple[str, ...]
    left_out: Mapping[str, str]
    late: tuple[str, ...]
    sent: int | None
    received: int | None


@dataclass(frozen=True, kw_only=True)
class SiteRow:
    """One hospital now.

    Attributes:
        state: one of SITE_STATES.
        reason: why it was left out or quarantined; "" otherwise.
        sends: how often it was asked in this round.
        cases: split -> number, as the site enlisted.
        rounds_counted, rounds_left_out: over the rounds in the ledger.
        durations_s: (round, seconds of local training), oldest first.
        received_bytes: of its last counted update.
        shares: parameter group -> its share of the last round's mean, 0 to 1; None for a group nobody spoke for; {}
            unless it was counted in that round.
        doubts: what looked odd in the last update that was not left out at once.
    """

    name: str
    state: str
    reason: str
    sends: int
    cases: Mapping[str, int] | None
    rounds_counted: int
    rounds_left_out: int
    durations_s: tuple[tuple[int, float], ...]
    received_bytes: int | None
    shares: Mapping[str, float | None]
    doubts: tuple[str, ...]

    @property
    def last_duration_s(self) -> float | None:
        """Seconds of its last local training."""
        return self.durations_s[-1][1] if self.durations_s else None


@dataclass(frozen=True, kw_only=True)
class Estimate:
    """When the rounds may be over.

    Attributes:
        round_s: median seconds of the rounds played.
        remaining_s, end: until the last round; the evaluations after it are not in it.
        stages_unplayed: stages ahead whose time was taken from other stages.
    """

    round_s: float
    rounds_left: int
    remaining_s: float
    end: str
    stages_unplayed: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Alert:
    """Something that a person should look at; `severity` is one of SEVERITIES."""

    time: str
    severity: str
    kind: str
    round: int | None
    site: str | None
    text: str


@dataclass(frozen=True, kw_only=True)
class RunStatus:
    """A run at one moment.

    Attributes:
        state: one of STATES; detail: why, in words, or "".
        stage, playing: of the round being played; None between rounds.
        rounds_played: rounds that the global model has behind it.
        rounds_total: None where the configuration cannot be read.
        last_event, silent_s: when something was last heard of the run, and how long ago.
        curves: measure ("dice.wt", "auroc.idh") -> the received model on the validation cases.
        sent, received: bytes of all rounds in the ledger; None where none says.
        storage_bytes, free_bytes: of the run folder, and left on its disk.
        unreadable_lines: of ledger and progress.
    """

    taken: str
    name: str | None
    notice: str
    run_id: str | None
    state: str
    detail: str
    stage: str | None
    playing: int | None
    rounds_played: int
    rounds_total: int | None
    begun: str | None
    last_event: str | None
    silent_s: float | None
    sites: tuple[SiteRow, ...]
    rounds: tuple[RoundRow, ...]
    curves: Mapping[str, Curve]
    sent: int | None
    received: int | None
    storage_bytes: int
    free_bytes: int | None
    estimate: Estimate | None
    alerts: tuple[Alert, ...]
    unreadable_lines: int

    def to_json(self) -> dict[str, Any]:
        """Plain values."""
        return {"disclaimer": DISCLAIMER, **asdict(self)}
