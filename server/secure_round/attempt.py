"""The questions of one attempt at a secure sum: who is asked, how long is waited, and who dropped when."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from flwr.app import MessageType, RecordDict

from gmmas_core import wire
from gmmas_core.secure_round.own_weights import SumTerms
from gmmas_core.types import FederationError, RoundPlan
from gmmas_core.wire.secure import ADVERTISE, MASK, SecureMessage
from server.membership.enlist import askable
from server.rounds.deadlines import Deadlines, deadlines, observe
from server.rounds.exchange import Collected
from server.rounds.quorum import ask
from server.run import Run

QUICK = 10
"""How many times the least deadline a phase without training may take while nobody knows how long it does take."""

Parts = Mapping[str, bytes]


@dataclass
class SecureAttempt:
    """One attempt, from its first question to the sum."""

    run: Run
    plan: RoundPlan
    nodes: Mapping[int, str]
    terms: SumTerms
    dropped: dict[str, dict[str, str]] = field(default_factory=dict)
    late: list[str] = field(default_factory=list)
    seconds: dict[str, float] = field(default_factory=dict)
    num_bytes: int = 0

    def ask(
        self,
        phase: str,
        sites: set[str],
        content: Callable[[str], RecordDict],
        on_answer: Callable[[str, SecureMessage, RecordDict], None],
        limits: Deadlines,
        enough: int,
    ) -> Collected:
        """One phase; who does not answer well is noted as dropped."""
        run, number = self.run, self.plan.round
        nodes = {node: site for node, site in (askable(run) or self.nodes).items() if site in sites}
        started = time.monotonic()

        def on_reply(site: str, reply: RecordDict) -> None:
            self.num_bytes += wire.content_bytes(reply)
            message = wire.read_secure_answer(reply)
            ours = (site, self.plan.run_id, number, self.terms.attempt)
            if (message.site, message.run_id, message.round, message.attempt) != ours:
                raise FederationError("reply: found an answer to another question; expected the one asked")
            on_answer(site, message, reply)
            if phase == MASK:
                told = {"duration_s": time.monotonic() - started, "bytes": wire.content_bytes(reply), "doubts": []}
                run.watch("site-counted", {"round": number, "site": site, **told})

        question = f"round {number}, attempt {self.terms.attempt}: {phase}"
        outcome = ask(run, number, content, f"{MessageType.TRAIN}.{phase}", question, on_reply, nodes, limits, enough)
        self.note(phase, outcome.left_out)
        self.note(phase, dict.fromkeys(sites - set(nodes.values()), "not online"))
        self.late += outcome.late
        if phase != ADVERTISE:
            times = run.memory.times.setdefault(f"secure sum: {phase}", {})
            for site, seconds in outcome.seconds.items():
                observe(times, site, seconds)
        return outcome

    def ask_quickly(
        self,
        phase: str,
        sites: set[str],
        parts: Callable[[str], Parts],
        on_answer: Callable[[str, SecureMessage, RecordDict], None],
        enough: int,
    ) -> None:
        """A phase in which nobody trains."""

        def content(site: str) -> RecordDict:
            return wire.secure_to_content(self.message(parts(site)))

        settings = self.run.config.federation
        times = self.run.memory.times.get(f"secure sum: {phase}", {})
        limits = deadlines(times, sites, settings)
        longest = QUICK * settings.least_deadline_s
        limits = Deadlines(min(limits.soft_s, longest), min(limits.hard_s, longest))
        self.ask(phase, sites, content, on_answer, limits, enough)

    def message(self, parts: Parts) -> SecureMessage:
        """A question of this attempt."""
        return SecureMessage(run_id=self.plan.run_id, round=self.plan.round, attempt=self.terms.attempt, parts=parts)

    def note(self, phase: str, reasons: Mapping[str, str]) -> None:
        """Sites that are out from this phase on."""
        if reasons:
            self.dropped.setdefault(phase, {}).update(reasons)

    @property
    def left_out(self) -> dict[str, str]:
        """Site -> phase and reason, the first one of each."""
        found: dict[str, str] = {}
        for phase, reasons in self.dropped.items():
            for site, reason in reasons.items():
                found.setdefault(site, f"{phase}: {reason}")
        return found
