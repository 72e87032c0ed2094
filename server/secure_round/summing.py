"""One attempt at a round whose updates the coordinator never sees: five questions, and only their sum comes out.

    advertise   the plan and the weights; sites train, then show fresh keys and what they would speak for
    share       everybody's keys; sites answer with shares that are sealed for one another
    mask        the shares that are for a site; it answers with its vector under masks, which is added and dropped
    confirm     who is in the sum; sites sign it
    unmask      the signatures; sites give what takes the masks off the sum

A site may vanish in any of them. Before the fourth it is simply not in the sum; as many as `privacy.secure_sum`
allows may then be missing. Beyond, the attempt is void and the round is tried again with fresh keys; sites answer from
the update that they have already trained. Once signatures have been asked for, a second attempt is made with the same
sites and weights only: hospitals sign for no other sum of the same updates, because the difference of two sums is a
single update.
"""

import time
from collections.abc import Mapping
from typing import Any

from flwr.app import RecordDict

from gmmas_core import wire
from gmmas_core.secure_round.own_weights import SumTerms
from gmmas_core.secure_round.statement import speakers
from gmmas_core.secure_round.vector import Pooled, read_sum
from gmmas_core.secure_sum import Collector, RoundLost
from gmmas_core.types import FederationError, RoundPlan
from gmmas_core.wire.secure import ADVERTISE, CONFIRM, MASK, SHARE, SUM_TERMS, UNMASK, SecureMessage
from server.membership.enlist import askable
from server.rounds.deadlines import Deadlines
from server.rounds.exchange import Collected
from server.rounds.quorum import RoundVoid
from server.run import Run
from server.secure_round.attempt import Parts, SecureAttempt
from server.secure_round.cohort import Cohort, cohort_of
from server.secure_round.history import Opened, lost_before, next_attempt, opened_with
from server.secure_round.shares import read_shares
from server.secure_round.tally import SecureTally
from server.secure_round.verify import verifier_for


class LeftLonely(RoundLost):
    """Sites dropped after others had spoken beside them: too few speakers are left for some group."""


def sum_securely(
    run: Run, plan: RoundPlan, nodes: Mapping[int, str], limits: Deadlines
) -> tuple[SecureTally, Pooled, Collected]:
    """Play one attempt.

    Args:
        run: the federation.
        plan: of the round.
        nodes: node id -> site of those asked.
        limits: of the first phase, which trains.

    Returns:
        What the ledger and the memory need, the sum, and how the round was answered.

    Raises:
        RoundVoid: too few sites for the quorum, for a hospital's own least number, or to take the masks off, or a sum
            that no fit updates give; nothing has changed.
    """
    opened = opened_with(run.ledger, plan)
    nodes, absent = _without_lonely(run, plan, nodes) if opened is None else (_same_as_opened(run, plan, opened), {})
    cases = [run.enlisted[site].num_cases["train"] for site in nodes.values()]
    terms = SumTerms(
        attempt=next_attempt(run.ledger, plan.round),
        max_cases=max(1, *cases) if opened is None else opened.max_cases,
        max_sites=max(2, len(nodes)),
    )
    attempt = SecureAttempt(run, plan, nodes, terms)
    attempt.note("asked", absent)
    run.ledger.append("secure-attempt", round=plan.round, attempt=terms.attempt, asked=sorted(nodes.values()))
    started = time.monotonic()
    try:
        cohort = _advertise(attempt, limits)
        total, survivors = _sum(attempt, cohort, opened)
        size = {"max_weight": terms.max_weight(run.config.strategy), "max_sites": terms.max_sites}
        pooled = read_sum(total, len(survivors), run.weights, cohort.layout, **size)
        about = {
            "bytes": attempt.num_bytes,
            "duration_s": round(time.monotonic() - started, 3),
            "secure": {
                "attempt": terms.attempt,
                "sites": sorted(survivors),
                "dropped": attempt.dropped,
                "silent": [group for group, sites in cohort.speakers.items() if not sites],
            },
        }
        tally = SecureTally(run, plan, list(nodes.values()), pooled, about)
    except FederationError as error:
        lonely = sorted(attempt.left_out) if isinstance(error, LeftLonely) else []
        question = f"secure sum, attempt {terms.attempt}"
        run.ledger.append(
            "round-void", round=plan.round, question=question, left_out=attempt.left_out, without_them=lonely
        )
        reasons = "; ".join(f"{site}: {reason}" for site, reason in attempt.left_out.items())
        raise RoundVoid(f"round {plan.round}: {error}; left out: {reasons or '-'}") from None
    seconds = {site: attempt.seconds[site] for site in survivors if site in attempt.seconds}
    outcome = Collected(counted=sorted(seconds), left_out=attempt.left_out, seconds=seconds, late=attempt.late)
    return tally, pooled, outcome


def _same_as_opened(run: Run, plan: RoundPlan, opened: Opened) -> Mapping[int, str]:
    """The sites of a sum of these updates that may have been signed for before, wherever they are now.

    Raises:
        RoundVoid: one of them is not there.
    """
    homes = {site: node for node, site in askable(run).items()}
    missing = sorted(opened.sites - homes.keys())
    if missing:
        raise RoundVoid(
            f"round {plan.round}: found no {', '.join(missing)}; expected the sites of the sum that was asked to be "
            "signed for: hospitals refuse another sum of the same updates; wait for them, or take another seed"
        )
    return {homes[site]: site for site in sorted(opened.sites)}


def _without_lonely(run: Run, plan: RoundPlan, nodes: Mapping[int, str]) -> tuple[Mapping[int, str], Mapping[str, str]]:
    """Those to ask, and those that are not because they left others too lonely in the attempt before.

    Without them from the start, groups that too few could speak for are silent, and the attempt need not be void.
    """
    absent = lost_before(run.ledger, plan.round)
    rest = {node: site for node, site in nodes.items() if site not in absent}
    return rest, dict.fromkeys(absent & set(nodes.values()), "dropped in the attempt before, and was not asked again")


def _advertise(attempt: SecureAttempt, limits: Deadlines) -> Cohort:
    """Those who trained the same thing and whose keys are their own."""
    run, plan = attempt.run, attempt.plan
    request = wire.plan_to_content(plan, run.overrides, run.weights)
    request[SUM_TERMS] = wire.terms_to_record(attempt.terms)
    answers: dict[str, SecureMessage] = {}

    def on_answer(site: str, message: SecureMessage, reply: RecordDict) -> None:
        answers[site] = message

    quorum = run.config.federation.quorum
    outcome = attempt.ask(
        ADVERTISE, set(attempt.nodes.values()), lambda site: request, on_answer, limits, max(2, quorum)
    )
    attempt.seconds = outcome.seconds
    cohort, unfit = cohort_of(run, plan, attempt.terms, answers)
    attempt.note(ADVERTISE, unfit)
    return cohort


def _sum(attempt: SecureAttempt, cohort: Cohort, opened: Opened | None) -> tuple[Any, frozenset[str]]:
    """The four quick phases; the sum's vector and whose it is."""
    run, plan, terms = attempt.run, attempt.plan, attempt.terms
    secure = run.config.privacy.secure_sum
    collector = Collector(
        plan.run_id,
        plan.round,
        terms.attempt,
        size=cohort.layout.size,
        binding=bytes.fromhex(cohort.binding),
        min_sites=max(2, run.config.federation.quorum),
        drop_share=secure.drop_share,
        degree=secure.neighbours,
    )
    verify = verifier_for(run)
    adverts = collector.adverts(cohort.adverts, verify)
    attempt.note(ADVERTISE, collector.refused)
    cohort.speakers = speakers({site: cohort.statements[site] for site in adverts})
    enough = collector.roster.terms.quorum

    routed = collector.shares(_sealed(attempt, cohort, set(adverts), enough))
    attempt.ask_quickly(
        MASK,
        set(routed),
        lambda site: {f"sealed.{sender}": data for sender, data in routed[site].items()},
        lambda site, _, reply: collector.add(site, wire.read_masked(reply, cohort.layout.size)),
        enough,
    )
    survivors = collector.survivors()
    if opened is not None and survivors != opened.sites:
        raise RoundLost(
            f"found no {', '.join(sorted(opened.sites - survivors))} in the sum; expected the same sites as in the one "
            "that was asked to be signed for"
        )
    _require_company(attempt, cohort, survivors)
    named = {f"survivor.{site}": b"\1" for site in survivors}
    run.ledger.append(
        "secure-opening",
        round=plan.round,
        attempt=terms.attempt,
        weights_hash=plan.weights_hash,
        sites=sorted(survivors),
        max_cases=terms.max_cases,
    )
    confirmed = collector.confirmations(_signed(attempt, survivors, named, enough), verify)
    attempt.note(CONFIRM, {site: why for site, why in collector.refused.items() if site in survivors})
    proof = named | {f"confirmation.{site}": signature for site, signature in confirmed.items()}
    shares: dict[str, Any] = {}

    def on_shares(site: str, said: SecureMessage, reply: RecordDict) -> None:
        shares[site] = read_shares(said)

    attempt.ask_quickly(UNMASK, set(confirmed), lambda site: proof, on_shares, enough)
    return collector.finish(shares), survivors


def _sealed(attempt: SecureAttempt, cohort: Cohort, sites: set[str], enough: int) -> dict[str, dict[str, bytes]]:
    """Sender -> recipient -> sealed shares."""
    everybody = {name: part for site in sites for name, part in cohort.shown[site].items()}
    sealed: dict[str, dict[str, bytes]] = {}

    def on_answer(site: str, said: SecureMessage, reply: RecordDict) -> None:
        sealed[site] = said.under("sealed")

    attempt.ask_quickly(SHARE, sites, lambda site: everybody, on_answer, enough)
    return sealed


def _signed(attempt: SecureAttempt, survivors: frozenset[str], named: Parts, enough: int) -> dict[str, bytes]:
    """Survivor -> its signature of who is left."""
    signed: dict[str, bytes] = {}

    def on_answer(site: str, said: SecureMessage, reply: RecordDict) -> None:
        signed[site] = said.parts.get("confirmation", b"")

    attempt.ask_quickly(CONFIRM, set(survivors), lambda site: named, on_answer, enough)
    return signed


def _require_company(attempt: SecureAttempt, cohort: Cohort, survivors: frozenset[str]) -> None:
    """Quorum, mandatory sites, and what the hospitals will insist on: nobody left too lonely in any group.

    Raises:
        RoundLost: one of these does not hold; LeftLonely for the last.
    """
    settings = attempt.run.config.federation
    missing = sorted(set(settings.mandatory) - survivors)
    if len(survivors) < settings.quorum or missing:
        raise RoundLost(
            f"found {len(survivors)} sites in the sum; expected the quorum of {settings.quorum}"
            f"{' and the mandatory ' + ', '.join(missing) if missing else ''}"
        )
    spoken = {group: sites & survivors for group, sites in cohort.speakers.items()}
    for what, left in {"the sum": survivors, **spoken}.items():
        if any(cohort.statements[site].min_sites > len(left) for site in left):
            raise LeftLonely(f"found {len(left)} sites left for {what}; expected as many as each of them demands")
