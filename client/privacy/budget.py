"""What this data set's patients have paid so far, and whether a further noisy round may begin.

Epsilon is a property of the data set, not of a run: every round that was ever begun on this state folder with
record-level privacy is composed anew with the one that asks. A round is paid for before it trains; one that then
crashes has been paid for, and trained anew it is paid for again, with fresh noise. A stored reply sent again is the
same bytes and costs nothing. All numbers that decide are the site's own (`privacy` in site.yaml and its ledger); what
comes from the coordinator (steps, batch size, curriculum) can only make the budget end sooner.

Epsilon is about the patients of the training split and what training makes of them. Exact, and not part of it: counts
of cases, sequences and labels, scores of models on validation and holdout patients, calibration, and rounds that were
trained before the site asked for privacy, which are counted here as `unprotected`.
"""

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any

from client.node.heartbeat import plain_run
from client.privacy.budget_ledger import Entry, add, entries_of, locked
from client.site import Site
from gmmas_core.privacy.accounting import Steps, epsilon_of, noise_for
from gmmas_core.training.protection import Spent
from gmmas_core.types import FederationError, RoundPlan

RESERVED, UNPROTECTED = "reserved", "unprotected"
TOLERANCE = 1e-9
"""Of a sum of floats that was meant to reach the budget exactly."""


@dataclass(frozen=True, kw_only=True)
class SpentSoFar:
    """What this data set has paid.

    Attributes:
        epsilon: over all protected rounds, at `delta`; None when the ledger is empty and no budget is set.
        delta: of site.yaml.
        accountant: which bound `epsilon` is, see gmmas_core.privacy.accounting.
        budget: of site.yaml; None for no record-level privacy.
        rounds, steps, runs: protected ones that were begun.
        unprotected_rounds: rounds of gradient steps without any protection: no epsilon holds for what left in them.
        last: UTC time of the newest line, "" for none.
    """

    epsilon: float
    delta: float
    accountant: str
    budget: float | None
    rounds: int
    steps: int
    runs: int
    unprotected_rounds: int
    last: str

    def to_json(self) -> dict[str, Any]:
        """Plain values."""
        return asdict(self)


def spent_epsilon(site: Site) -> SpentSoFar:
    """What was spent until now.

    Raises:
        FederationError: the ledger does not verify.
    """
    entries = entries_of(site.state)
    paid = [entry for entry in entries if entry["kind"] == RESERVED]
    bound = epsilon_of(_history(paid), site.privacy.delta)
    return SpentSoFar(
        epsilon=bound.epsilon,
        delta=site.privacy.delta,
        accountant=bound.accountant,
        budget=site.privacy.epsilon,
        rounds=len(paid),
        steps=sum(int(entry["steps"]) for entry in paid),
        runs=len({entry["run_id"] for entry in paid}),
        unprotected_rounds=sum(entry["kind"] == UNPROTECTED for entry in entries),
        last=str(entries[-1]["time"]) if entries else "",
    )


def budget_lines(site: Site) -> list[str]:
    """The same in words, for a person.

    Raises:
        FederationError: the ledger does not verify.
    """
    spent = spent_epsilon(site)
    budget = "no budget is set (privacy.epsilon)" if spent.budget is None else f"of a budget of {spent.budget:g}"
    lines = []
    if spent.unprotected_rounds:
        lines.append(
            f"{spent.unprotected_rounds} rounds were trained without protection: no epsilon holds for what left in them"
        )
    if not spent.rounds:
        return [*lines, f"record-level privacy: no protected round yet; {budget}"]
    return [
        *lines,
        f"record-level privacy: epsilon {spent.epsilon:.3f} at delta {spent.delta:g} spent, {budget}; {spent.rounds} "
        f"rounds of {spent.runs} runs, {spent.steps} noisy steps ({spent.accountant} accountant)",
        "it holds for one patient of the training split; two records of one person, or two relatives, pay twofold",
    ]


def reserve(site: Site, plan: RoundPlan, spent: Spent, patients: int) -> None:
    """Pay for a round before it trains; on disk when this returns.

    Args:
        site: its budget, delta and ledger.
        plan: names the round.
        spent: what the round will cost.
        patients: of the site's training split.

    Raises:
        FederationError: "policy: ...", when the budget of the data set or of the run would be exceeded, delta is too
            large for so few patients, or the ledger does not verify; nothing was written.
    """
    require_delta(site, patients)
    with locked(site.state):
        entries = entries_of(site.state)
        after = _within(site, plan, entries, spent)
        add(
            site.state,
            {
                **_about(plan, RESERVED),
                **asdict(spent),
                "patients": patients,
                "delta": site.privacy.delta,
                "epsilon_after": after,
            },
        )


def note_unprotected(site: Site, plan: RoundPlan) -> None:
    """Remember that gradients of this round leave without protection: a later epsilon does not hold for them.

    Raises:
        FederationError: the ledger does not verify, or cannot be written.
    """
    with locked(site.state):
        add(site.state, {**_about(plan, UNPROTECTED), "steps": plan.local_steps})


def noise_of_run(site: Site, plan: RoundPlan, rate: float, steps: int) -> float:
    """The noise multiplier of a run's rounds: of site.yaml, else what this run began with, else the least that fits.

    Args:
        site: its policy and ledger.
        plan: names the run.
        rate: probability of a patient in a step.
        steps: noisy steps that the run still has, this round's included.

    Raises:
        FederationError: "policy: ...", when no noise keeps the steps within what is left.
    """
    policy = site.privacy
    if policy.noise_multiplier is not None:
        return policy.noise_multiplier
    entries = entries_of(site.state)
    begun = [entry for entry in _paid(entries) if entry["run_id"] == plain_run(plan.run_id)]
    if begun:
        return float(begun[0]["noise_multiplier"])
    limits = [(policy.epsilon or 0.0, _history(_paid(entries)))]
    if policy.target_epsilon is not None:
        limits.append((policy.target_epsilon, []))
    try:
        return max(noise_for(target, policy.delta, rate, steps, history) for target, history in limits)
    except FederationError as error:
        raise _used_up(site, math.inf) from error


def require_delta(site: Site, patients: int) -> None:
    """Refuse a delta that would allow one patient in so many to be given away whole.

    Raises:
        FederationError: it is 1 / patients or more.
    """
    if site.privacy.delta * patients >= 1:
        raise FederationError(
            f"policy: found privacy.delta {site.privacy.delta:g} for {patients} training patients; expected below 1 "
            "per patient; the site has to lower it in site.yaml"
        )


def _within(site: Site, plan: RoundPlan, entries: Sequence[Entry], spent: Spent) -> float:
    """Epsilon of the data set after the round, if it and the run's own stay within the policy."""
    policy, new = site.privacy, Steps(spent.noise_multiplier, spent.sample_rate, spent.steps)
    paid = _paid(entries)
    after = epsilon_of([*_history(paid), new], policy.delta).epsilon
    if policy.epsilon is None or after > policy.epsilon + TOLERANCE:
        raise _used_up(site, after)
    own = [entry for entry in paid if entry["run_id"] == plain_run(plan.run_id)]
    if policy.target_epsilon is not None and policy.noise_multiplier is None:
        of_run = epsilon_of([*_history(own), new], policy.delta).epsilon
        if of_run > policy.target_epsilon + TOLERANCE:
            raise FederationError(
                "policy: found that this round would spend more than this site grants one run "
                "(privacy.target_epsilon); expected less; this site stops taking part in this run"
            )
    return after


def _used_up(site: Site, after: float) -> FederationError:
    """No number in it: how much is spent leaves only where the site says so."""
    told = f" (epsilon {after:.3f} of {site.privacy.epsilon:g})" if site.privacy.tell_epsilon and after < 1e6 else ""
    return FederationError(
        f"policy: found that this round would exceed this data set's privacy budget{told}; expected some left; this "
        "site stops taking part in gradient stages: its budget is used up"
    )


def _paid(entries: Sequence[Entry]) -> list[Entry]:
    return [entry for entry in entries if entry["kind"] == RESERVED]


def _history(paid: Sequence[Entry]) -> list[Steps]:
    return [Steps(float(entry["noise_multiplier"]), float(entry["sample_rate"]), int(entry["steps"])) for entry in paid]


def _about(plan: RoundPlan, kind: str) -> dict[str, Any]:
    return {
        "time": datetime.now(UTC).isoformat(timespec="seconds"),
        "kind": kind,
        "run_id": plain_run(plan.run_id),
        "round": plan.round,
        "stage": plan.stage,
    }
