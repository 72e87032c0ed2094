"""A round's replies: each is screened when it arrives and added or put aside; at the end they become one."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from flwr.app import RecordDict
from numpy.typing import NDArray

from gmmas_core import wire
from gmmas_core.model.parameter_groups import group_of
from gmmas_core.types import FederationError, RoundPlan, SiteUpdate
from server.aggregation.exact_mean import Accumulator
from server.aggregation.spool import Spool
from server.aggregation.weighted_mean import MAX_WEIGHT, to_integers, weighted_mean
from server.client_level.noise import Noise
from server.client_level.round import clipped_sum
from server.records.ledger_entries import metrics_to_entry
from server.rounds.exchange import Collected
from server.rounds.quorum import RoundVoid, require_quorum
from server.run import Run
from server.screening.cohort import far_sites
from server.screening.memory import ScreenMemory
from server.screening.plain_share import hold_to_plain_share
from server.screening.suspicion import suspect
from server.screening.updates import screen
from server.strategy import strategy_of
from server.strategy.strategy import Loudness
from server.strategy.voice import Voice

Floats = NDArray[np.float32]


class Tally:
    """What one attempt at a round gathers.

    A strategy that streams has its updates added as they arrive and dropped; for the others they wait on disk, because
    a weight that is capped at the sites' median is known only when all have spoken. Under client-level privacy every
    update is clipped, and no site is judged by what others sent: noise hides a site's change, not such a judgement.

    Attributes:
        asked: sites that were asked.
        offended: site -> why what it sent is not counted.
        paces: counted site -> pace of its update.
        entries: site -> its line in the ledger's entry of the round; the weights are there after `combine`.
    """

    def __init__(self, run: Run, plan: RoundPlan, asked: Sequence[str]) -> None:
        self.run, self.plan, self.asked = run, plan, tuple(asked)
        self.strategy = strategy_of(run.config.strategy.name)
        self.offended: dict[str, str] = {}
        self.entries: dict[str, dict[str, Any]] = {}
        self.paces: dict[str, float] = {}
        self._voices: dict[str, Voice] = {}
        self._loudness: Loudness = {}
        cases = [run.enlisted[site].num_cases["train"] for site in asked]
        self._sum = Accumulator(run.weights, max_weight=max(1, *cases), max_sites=max(1, len(asked)))
        self.noisy = clipped_sum(run, plan, self.asked)
        self._spool = Spool(run.folder.spool, run.weights)
        self._spool.clear()

    @property
    def voices(self) -> list[Voice]:
        """Those counted, by name: nothing may depend on who came first."""
        return [self._voices[site] for site in sorted(self._voices)]

    @property
    def spoken_groups(self) -> set[str]:
        """Parameter groups for which at least one site has spoken, or could have: noise moves those too."""
        if self.noisy is not None:
            return set(self.noisy.speakers)
        return {group for weights in self._loudness.values() for group, weight in weights.items() if weight > 0}

    @property
    def remarks(self) -> Mapping[str, Any]:
        """Nothing beyond what every round's line says."""
        return {}

    def count(self, site: str, content: RecordDict) -> None:
        """Screen one reply and keep it.

        Raises:
            GmmasError: it is not fit to be counted; nothing has changed.
        """
        try:
            self._count(site, content)
        except FederationError as reason:
            if not wire.is_refusal(content):
                self.offended[site] = str(reason)
            raise

    def _count(self, site: str, content: RecordDict) -> None:
        run, screening = self.run, self.run.config.screening
        update = wire.read_update(content, run.weights, encoding=run.config.exchange.encoding)
        screen(
            update,
            run.weights,
            self.plan,
            bounds=self._sum.bounds,
            fingerprint=run.fingerprint.digest,
            enlisted=run.enlisted[site],
            config=screening,
        )
        memory = run.memory.screen if self.noisy is None else ScreenMemory()
        suspicion = suspect(update, run.weights, run.memory.last_step, memory, screening, self.plan)
        voice = _voice(update, suspicion.norms, suspicion.doubts)
        if self.noisy is not None:
            self._loudness[site] = self.noisy.add(update)
        elif self.strategy.streams:
            weights = self.strategy.weigh([voice], run.config.strategy, run.memory.strategy)[site]
            whole = {group: int(weight) for group, weight in weights.items()}
            self._sum.add(update.weights, {key: whole[group_of(key)] for key in update.weights})
            self._loudness[site] = weights
        else:
            self._spool.add(site, update.weights)
        self._voices[site] = voice
        self.paces[site] = suspicion.pace
        self.entries[site] = _entry(update, voice, suspicion.norm, wire.content_bytes(content))
        run.watch(
            "site-counted",
            {
                "round": self.plan.round,
                "site": site,
                "duration_s": update.duration_s,
                "bytes": self.entries[site]["bytes"],
                "doubts": list(voice.doubts),
            },
        )

    def combine(self, outcome: Collected, question: str) -> dict[str, Floats]:
        """The round's mean (or what the strategy makes of its updates); sites too far from the others are left out.

        Raises:
            RoundVoid: too few are left, for the quorum or for the strategy.
        """
        if self.noisy is not None:
            self._note_weights(self._loudness)
            return self.noisy.result(Noise())
        if self.strategy.streams:
            self._note_weights(self._loudness)
            return self._sum.result()
        self._leave_out_far_ones(outcome)
        require_quorum(self.run, self.plan.round, question, outcome)
        config, voices = self.run.config.strategy, self.voices
        loudness = self.strategy.weigh(voices, config, self.run.memory.strategy)
        doubtful = {voice.site for voice in voices if voice.doubts}
        self._loudness = hold_to_plain_share(loudness, self._plain(), doubtful)
        self._note_weights(to_integers(self._loudness, MAX_WEIGHT))
        combine = self.strategy.combine or weighted_mean
        try:
            return combine(self._spool, self._loudness, self.run.weights, config)
        except FederationError as reason:  # e.g. fewer sites than the strategy needs
            number, left_out = self.plan.round, outcome.left_out
            self.run.ledger.append("round-void", round=number, question=question, left_out=left_out)
            raise RoundVoid(f"{question}: {reason}") from None

    def close(self) -> None:
        """Give the disk space back."""
        self._spool.clear()

    def _leave_out_far_ones(self, outcome: Collected) -> None:
        far = far_sites(self._spool, self._plain(), self.run.weights, self.run.config.screening)
        for site, reason in far.doubts.items():
            voice = self._voices[site]
            self._voices[site] = Voice(**{**vars(voice), "doubts": (*voice.doubts, reason)})
            self.entries[site]["doubts"].append(reason)
        for site, reason in far.left_out.items():
            self._spool.drop(site)
            del self._voices[site], self.entries[site], self.paces[site]
            outcome.counted.remove(site)
            outcome.left_out[site] = self.offended[site] = reason
            self.run.watch("site-left-out", {"round": self.plan.round, "site": site, "reason": reason})

    def _plain(self) -> Loudness:
        return strategy_of("masked_fedavg").weigh(self.voices, self.run.config.strategy, {})

    def _note_weights(self, whole: Mapping[str, Mapping[str, float]]) -> None:
        for site, weights in whole.items():
            self.entries[site]["weights"] = {group: int(weight) for group, weight in weights.items()}


def _voice(update: SiteUpdate, norms: dict[str, float], doubts: tuple[str, ...]) -> Voice:
    return Voice(
        site=update.site,
        num_cases=update.num_cases,
        seen=update.seen,
        uncertainty=update.uncertainty,
        metrics=update.metrics,
        norms=norms,
        doubts=doubts,
    )


def _entry(update: SiteUpdate, voice: Voice, norm: float, num_bytes: int) -> dict[str, Any]:
    return {
        "num_cases": update.num_cases,
        "uncertainty": dict(update.uncertainty),
        "duration_s": update.duration_s,
        "norm": norm,
        "doubts": list(voice.doubts),
        "bytes": num_bytes,
        "metrics": metrics_to_entry(update.metrics),
    }
