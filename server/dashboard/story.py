"""What is known while a run is told event by event: the run's state, each site's, and what went wrong."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from server.dashboard.played import Played
from server.dashboard.status import Alert

Event = Mapping[str, Any]

AT_WORK = ("asked", "training", "evaluating")


@dataclass
class Site:
    """What the events have said of one site so far."""

    state: str = "expected"
    reason: str = ""
    sends: int = 0
    doubts: tuple[str, ...] = ()
    cases: Mapping[str, int] | None = None


@dataclass
class Story:
    """What the events have said of the run so far.

    Attributes:
        attempt: how often the run was begun or resumed.
        is_asking: whether a question of the run is out at the sites.
        hard_s: after how many seconds the question being asked is given up; None where nobody said.
        played: round -> its newest ledger line; rounds that a resumed run plays again are gone.
        moved: (sent, received) bytes of every round line, also of those played again.
    """

    rounds_total: int | None
    state: str = "unknown"
    detail: str = ""
    attempt: int = 0
    run_id: str | None = None
    name: str | None = None
    begun: str | None = None
    last_event: str | None = None
    stage: str | None = None
    playing: int | None = None
    rounds_played: int = 0
    hard_s: float | None = None
    round_began: str | None = None
    sites: dict[str, Site] = field(default_factory=dict)
    played: dict[int, Played] = field(default_factory=dict)
    moved: list[tuple[int | None, int | None]] = field(default_factory=list)
    alerts: dict[tuple[object, ...], Alert] = field(default_factory=dict)
    is_asking: bool = False

    def site(self, name: str) -> Site:
        """A site by name, known or new."""
        return self.sites.setdefault(name, Site())

    def put(self, names: Iterable[str], state: str) -> None:
        """Sites into a state; one in quarantine stays there."""
        for name in names:
            site = self.site(name)
            if site.state != "quarantined":
                site.state, site.reason = state, ""

    def alert(self, event: Event, severity: str, text: str, *, site: str | None = None, about: object = "") -> None:
        """Note an alert once, although ledger and progress both tell of it."""
        number = event.get("round", self.playing)
        key = (self.attempt, event["kind"] if site is None else about, number, site, text if site else "")
        alert = Alert(
            time=event["time"],
            severity=severity,
            kind=event["kind"],
            round=number,
            site=site,
            text=text,
        )
        self.alerts.setdefault(key, alert)

    def leave_out(self, event: Event, reasons: Mapping[str, str], about: str) -> None:
        """Sites that a question went on without."""
        for name, reason in reasons.items():
            if self.site(name).state not in ("quarantined", "late"):
                self.put([name], "left out")
                self.site(name).reason = reason
            self.alert(event, "warning", f"left out: {reason}", site=name, about=about)

    def stand(self, state: str, detail: str = "", *, is_asking: bool = False) -> None:
        """The run's state; when nothing is asked, nobody is known to work."""
        self.state, self.detail, self.is_asking = state, detail, is_asking
        self.playing = self.stage = self.hard_s = self.round_began = None
        if not is_asking:
            self.put([name for name, site in self.sites.items() if site.state in AT_WORK], "unknown")
