"""A site's answers in the five phases of one attempt at a round's sum; `gmmas_core.secure_sum` says why five.

Training is over before the first answer, so the quick phases that follow wait for nobody's GPU, and an attempt that
fails costs no training and no privacy budget: the same finished update is masked anew, with fresh keys.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, replace
from typing import Any

from client.joining.peers import pinned, signer_of
from client.rounds.reply_store import policy_digest, stored_reply
from client.secure_round.attempt import Answer, Attempt, alone, digest_of
from client.secure_round.opened import agreed_before, require_same_sum
from client.site import Site
from gmmas_core.config import Config
from gmmas_core.peers import verifier_of
from gmmas_core.secure_round.binding import binding_of
from gmmas_core.secure_round.layout import Layout, index_of, layout_for, write_index
from gmmas_core.secure_round.own_weights import SumTerms, own_weights
from gmmas_core.secure_round.statement import Statement, about, read_statement, speakers
from gmmas_core.secure_round.vector import vector_of
from gmmas_core.secure_sum import Advert, Member
from gmmas_core.types import FederationError, RoundPlan, SiteUpdate, Task
from gmmas_core.update_encoding import Encoded
from gmmas_core.weights import Weights, weights_hash
from gmmas_core.wire import SecureMessage
from gmmas_core.wire.secure import ADVERTISE, CONFIRM, MASK, SHARE, UNMASK

SHELF = "secure"
"""Below the state folder: updates that may leave masked only, apart from the replies of plain rounds."""

Say = Callable[[Site, Attempt, Mapping[str, bytes]], Answer]


def advertise_question(plan: RoundPlan, terms: SumTerms) -> str:
    """By which the first question of an attempt is known again."""
    said = {key: value for key, value in asdict(plan).items() if key != "ledger_head"}
    return digest_of({"asked": json.dumps([said, asdict(terms)], sort_keys=True).encode()})


def advertise(
    site: Site,
    plan: RoundPlan,
    terms: SumTerms,
    config: Config,
    reference: Weights,
    update: SiteUpdate,
    encoded: Encoded,
) -> Answer:
    """Begin an attempt, once: every other one of the run, or at the same update, is forgotten.

    Args:
        site: its policy and identity.
        plan, terms: of the attempt.
        config: composed here.
        reference: the weights that were received.
        update, encoded: finished, as they might have left in a plain round.

    Raises:
        DataError: no pinned list of hospitals, or no key.
        FederationError, ConfigError: terms or numbers that no sum can hold.
    """
    attempt = Attempt(site.state, plan.run_id, plan.round, terms.attempt)
    question = advertise_question(plan, terms)
    with alone(site.state):
        given = attempt.stored(ADVERTISE, question)
        if given is None:
            given = _advertise(site, plan, terms, config, reference, update, encoded)
            attempt.forget_others(ADVERTISE, given.facts["update"])
            attempt.keep(ADVERTISE, question, given)
    return given


def _advertise(
    site: Site,
    plan: RoundPlan,
    terms: SumTerms,
    config: Config,
    reference: Weights,
    update: SiteUpdate,
    encoded: Encoded,
) -> Answer:
    """Fresh keys, what this site would speak for, and the names of its metrics."""
    pinned(site)
    index = index_of(update.metrics)
    layout = layout_for(reference, plan.tasks, index)
    weights = own_weights(config.strategy, terms, update.seen, update.uncertainty, update.metrics)
    binding = binding_of(plan, terms, layout)
    spoken = tuple(sorted(group for group, weight in weights.items() if weight))
    keys = [f"round {plan.run_id}/{plan.round}/{plan.weights_hash}"]
    keys += [f"update {weights_hash(encoded.arrays)}"] if spoken else []
    statement = Statement(
        binding=binding,
        min_sites=max(2, site.privacy.min_sites),
        groups=spoken,
        agreed=agreed_before(site.state, keys),
    ).to_bytes()
    member = Member(site.name, plan.run_id, plan.round, terms.attempt, signer_of(site))
    advert = member.advertise(about(statement))
    facts = {
        "plan": asdict(plan),
        "terms": asdict(terms),
        "max_weight": terms.max_weight(config.strategy),
        "drop_share": config.privacy.secure_sum.drop_share,
        "neighbours": config.privacy.secure_sum.neighbours,
        "weights": weights,
        "bounds": dict(layout.bounds),
        "metrics": index,
        "binding": binding,
        "update": weights_hash(encoded.arrays),
        "keys": keys,
        "strategy": asdict(config.strategy),
    }
    parts = {
        "advert": advert.to_bytes(),
        "statement": statement,
        "layout": write_index(index),
    }
    return Answer(parts=parts, member=member.to_bytes(), facts=facts)


def answer(site: Site, phase: str, question: SecureMessage) -> Answer:
    """Answer a phase after the first; asked the same again, with the same bytes.

    Raises:
        FederationError: a phase out of order, another question than before, or one that this site's policy or the
            protocol refuses.
    """
    attempt = Attempt(site.state, question.run_id, question.round, question.attempt)
    digest = digest_of(question.parts)
    with alone(site.state):
        given = attempt.stored(phase, digest)
        if given is None:
            given = _SAY[phase](site, attempt, question.parts)
            attempt.keep(phase, digest, given)
        if phase == UNMASK:
            attempt.close(phase)
    return given


def _share(site: Site, attempt: Attempt, parts: Mapping[str, bytes]) -> Answer:
    before = attempt.read(ADVERTISE)
    facts = before.facts
    adverts = {name: Advert.from_bytes(advert) for name, advert in _under(parts, "advert").items()}
    statements = _under(parts, "statement")
    if adverts.keys() != statements.keys() or len(adverts) > facts["terms"]["max_sites"]:
        raise FederationError("secure sum: found adverts without statements, or too many; expected both of each site")
    said = {}
    for name, statement in statements.items():
        if about(statement) != adverts[name].about:
            raise FederationError(f"secure sum: found another statement of {name} than it signed; expected its own")
        said[name] = read_statement(statement)
        if said[name].binding != facts["binding"]:
            raise FederationError(f"secure sum: found {name} with another plan or layout; expected the same as here")
    member = Member.from_bytes(before.member, signer_of(site))
    sealed = member.share(
        adverts,
        verifier_of(pinned(site).sites),
        site.privacy.min_sites,
        drop_share=facts["drop_share"],
        degree=facts["neighbours"],
    )
    spoken = {group: sorted(sites) for group, sites in speakers(said).items()}
    return Answer(
        parts={f"sealed.{name}": data for name, data in sealed.items()},
        member=member.to_bytes(),
        facts={
            **facts,
            "speakers": spoken,
            "least": {name: each.min_sites for name, each in said.items()},
            "agreed": sorted({each.agreed for each in said.values() if each.agreed}),
        },
    )


def _mask(site: Site, attempt: Attempt, parts: Mapping[str, bytes]) -> Answer:
    before = attempt.read(SHARE)
    facts = before.facts
    plan = _plan(facts)
    finished = stored_reply(site.state / SHELF, plan, policy_digest(site))
    if finished is None or weights_hash(finished[1].arrays) != facts["update"]:
        raise FederationError("secure sum: found no finished update of this round; expected it; begin a new attempt")
    update, encoded = finished
    weights = {
        group: weight if site.name in facts["speakers"].get(group, ()) else 0
        for group, weight in facts["weights"].items()
    }
    vector = vector_of(
        replace(update, weights=encoded.arrays),
        weights,
        _layout(facts, encoded, plan),
        max_weight=facts["max_weight"],
        max_sites=facts["terms"]["max_sites"],
    )
    member = Member.from_bytes(before.member, signer_of(site))
    masked = member.mask(vector, _under(parts, "sealed"), binding=bytes.fromhex(facts["binding"]))
    return Answer(parts={}, vector=masked, member=member.to_bytes(), facts=facts)


def _confirm(site: Site, attempt: Attempt, parts: Mapping[str, bytes]) -> Answer:
    before = attempt.read(MASK)
    survivors = frozenset(_under(parts, "survivor"))
    _require_company(site, before.facts, survivors)
    member = Member.from_bytes(before.member, signer_of(site))
    signature = member.confirm(survivors, site.privacy.min_sites)
    _require_one_sum(site, before.facts, survivors)
    return Answer(parts={"confirmation": signature}, member=member.to_bytes(), facts=before.facts)


def _unmask(site: Site, attempt: Attempt, parts: Mapping[str, bytes]) -> Answer:
    before = attempt.read(CONFIRM)
    survivors = frozenset(_under(parts, "survivor"))
    member = Member.from_bytes(before.member, signer_of(site))
    shares = member.unmask(
        survivors,
        site.privacy.min_sites,
        confirmations=_under(parts, "confirmation"),
        verify=verifier_of(pinned(site).sites),
    )
    # The member's state is not kept: with this answer the attempt is over.
    return Answer(
        parts={f"{kind.value}.{name}": share for name, (kind, share) in shares.items()}, member=b"\0", facts={}
    )


_SAY: Mapping[str, Say] = {SHARE: _share, MASK: _mask, CONFIRM: _confirm, UNMASK: _unmask}


def _require_company(site: Site, facts: Mapping[str, Any], survivors: frozenset[str]) -> None:
    """Neither the sum nor a group may be left with fewer sites than anybody in it speaks among.

    A site that finds too few left refuses to sign, but the others could unmask the sum with its vector in it: so each
    insists on what every other has stated, as on its own.
    """
    least = {**facts["least"], site.name: max(site.privacy.min_sites, facts["least"][site.name])}
    left = {"the sum": survivors} | {group: survivors & set(names) for group, names in facts["speakers"].items()}
    alone = [
        f"{len(there)} sites left for {what}; expected at least {least[name]} as {name} does"
        for what, there in left.items()
        for name in sorted(there)
        if least.get(name, 0) > len(there)
    ]
    if alone:
        raise FederationError(f"policy: found {alone[0]}; begin a new attempt")


def _require_one_sum(site: Site, facts: Mapping[str, Any], survivors: frozenset[str]) -> None:
    """What is signed for now is what this site and every other one shown here have signed for with these updates."""
    spoken = {group: sorted(survivors & set(names)) for group, names in facts["speakers"].items()}
    made_from = [
        facts["terms"]["max_cases"],
        facts["strategy"],
        {group: names for group, names in spoken.items() if names},
    ]
    digest = digest_of({"sum": json.dumps([sorted(survivors), *made_from], sort_keys=True).encode()})
    if any(agreed != digest for agreed in facts["agreed"]):
        raise FederationError(
            "policy: found a site that has signed for another sum of these updates; expected the same sites and "
            "weights: the difference of the two would show one site alone; ask them all, or take another seed"
        )
    require_same_sum(site.state, facts["keys"], digest)


def _under(parts: Mapping[str, bytes], prefix: str) -> dict[str, bytes]:
    start = f"{prefix}."
    return {name.removeprefix(start): part for name, part in parts.items() if name.startswith(start)}


def _plan(facts: Mapping[str, Any]) -> RoundPlan:
    return RoundPlan(**{**facts["plan"], "tasks": tuple(Task(task) for task in facts["plan"]["tasks"])})


def _layout(facts: Mapping[str, Any], encoded: Encoded, plan: RoundPlan) -> Layout:
    """The layout of `advertise`, without the weights that were received."""
    fresh = layout_for(encoded.arrays, plan.tasks, facts["metrics"])
    return replace(fresh, bounds=facts["bounds"])
