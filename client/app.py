"""The hospital's ClientApp: unpack -> policy -> local training or evaluation -> gate -> pack.

Flower sends the text of an exception to the coordinator, so none leaves this file: `client.rounds.reply` makes the
hospital's own errors a short refusal, anything else a refusal without any text of its own.
"""

from dataclasses import replace
from datetime import datetime
from pathlib import Path

from flwr.app import Context, Message, RecordDict
from flwr.clientapp import ClientApp

from client.data.local_data import counts
from client.egress import gate_scores, gate_status, gate_update, require_cohort, require_plain
from client.evaluation.report import write_local_report
from client.joining.peers import pinned
from client.node.attendance import require_hours, require_member, require_present, require_stages
from client.node.events import tell
from client.node.heartbeat import at_work
from client.node.resources import require_disk, take_gpu
from client.policy.limits import require_plan_within
from client.privacy.participation import remember_evaluation, remember_training
from client.privacy.protected_round import protect, require_never_trained, require_private_question
from client.rounds.desk import Desk, check_identity, open_desk
from client.rounds.local_evaluation import evaluate_locally
from client.rounds.local_groups import put_local
from client.rounds.local_training import train_alone, train_locally
from client.rounds.novelty import measure_distances
from client.rounds.reply import reply
from client.rounds.reply_store import policy_digest, store_reply, stored_reply
from client.rounds.state import keep_state, state_before
from client.rounds.watch import Watch
from client.rounds.witness import bear_witness, remember_coordinator
from client.secure_round.attempt import Answer, Attempt
from client.secure_round.phases import SHELF, advertise_question
from client.secure_round.phases import advertise as advertise_sum
from client.secure_round.phases import answer as answer_sum
from client.secure_round.policy import require_masked
from client.site import Site
from client.statistics.answer import tell_statistics
from client.withdrawal.departed import require_all_here, require_unmixed
from gmmas_core import wire
from gmmas_core.calibration import read_calibration
from gmmas_core.config import config_hash
from gmmas_core.schedule import schedule
from gmmas_core.software import installed
from gmmas_core.training.patient_features import first_studies
from gmmas_core.types import SEQUENCES, EvaluationPlan, RoundPlan, SiteScores, SiteStatus, SiteUpdate
from gmmas_core.update_encoding import Encoded
from gmmas_core.weights import Weights, load_weights, weights_hash, weights_of
from gmmas_core.wire.secure import ADVERTISE, CONFIRM, MASK, SHARE, SUM_TERMS, UNMASK, SecureMessage

app = ClientApp()


@app.query()
def query(message: Message, context: Context) -> Message:
    """Who is there, with which code, configuration and how many cases."""

    def answer(site: Site) -> RecordDict:
        require_member(site)
        asking = wire.read_coordinator(message.content)
        own = installed()
        remember_coordinator(site.state, asking)
        desk = open_desk(site, wire.read_overrides(message.content))
        splits, sequences, labels = counts(desk.data, desk.config.task_list)
        tell(site, "answered", reason="who this site is, and how many cases it has")
        status = SiteStatus(
            site=site.name,
            core_fingerprint=desk.fingerprint.digest,
            fingerprint_parts=desk.fingerprint.parts,
            config_hash=config_hash(desk.config),
            num_cases=splits,
            num_sequences=sequences,
            num_labels=labels,
            protocol=own.protocol,
            release=own.release,
            image=own.image,
        )
        return wire.status_to_content(gate_status(status, site, desk.config.task_list, desk.data.split("train")))

    return reply(message, context, answer)


@app.query("statistics")
def statistics(message: Message, context: Context) -> Message:
    """Counts of this site's patients, as far as its policy lets them out; at any hour, they cost no training time."""

    def answer(site: Site) -> RecordDict:
        watch = Watch(site)
        require_present(site)
        remember_coordinator(site.state, wire.read_coordinator(message.content))
        tell(site, "asked", reason="for statistics")
        with at_work(site.state, "counting", "", 0):
            told = tell_statistics(site, lambda *_: watch.look())
        watch.look()
        tell(site, "answered", reason="statistics of its patients")
        return wire.statistics_to_content(told)

    return reply(message, context, answer)


@app.train()
def train(message: Message, context: Context) -> Message:
    """One round of local training; asked again, the stored reply goes out unchanged."""

    def answer(site: Site) -> RecordDict:
        watch, plan = Watch(site), wire.read_round_plan(message.content)
        tell(site, "asked", run_id=plan.run_id, round=plan.round, reason=f"to train: {plan.stage}")
        require_present(site)
        require_stages(site, [plan.stage])
        require_plan_within(site.limits, plan)
        desk = open_desk(site, wire.read_overrides(message.content))
        require_plain(site, desk.config)
        finished = stored_reply(site.state, plan, policy_digest(site))
        if finished is not None:
            bear_witness(site.state, plan)
            tell(site, "resent", run_id=plan.run_id, round=plan.round)
            return wire.update_to_content(*finished)
        require_hours(site, datetime.now())
        weights = wire.read_weights(message.content)
        check_identity(plan, desk, weights_hash(weights))
        return wire.update_to_content(*_trained(site, watch, plan, desk, weights, site.state))

    return reply(message, context, answer)


@app.train(ADVERTISE)
def advertise(message: Message, context: Context) -> Message:
    """One round of local training of which nothing leaves yet: fresh keys for a secure sum, if there is an update."""

    def answer(site: Site) -> RecordDict:
        watch, plan = Watch(site), wire.read_round_plan(message.content, beside=[SUM_TERMS])
        terms = wire.read_sum_terms(message.content)
        tell(site, "asked", run_id=plan.run_id, round=plan.round, reason=f"to train for a secure sum: {plan.stage}")
        require_present(site)
        require_stages(site, [plan.stage])
        require_plan_within(site.limits, plan)
        desk = open_desk(site, wire.read_overrides(message.content))
        require_masked(site, desk.config)
        attempt = Attempt(site.state, plan.run_id, plan.round, terms.attempt)
        given = attempt.stored(ADVERTISE, advertise_question(plan, terms))
        if given is None:
            pinned(site)
            weights = wire.read_weights(message.content)
            check_identity(plan, desk, weights_hash(weights))
            finished = stored_reply(site.state / SHELF, plan, policy_digest(site))
            if finished is None:
                require_hours(site, datetime.now())
                finished = _trained(site, watch, plan, desk, weights, site.state / SHELF)
            given = advertise_sum(site, plan, terms, desk.config, weights, *finished)
        bear_witness(site.state, plan)
        return _secure(
            site, SecureMessage(run_id=plan.run_id, round=plan.round, attempt=terms.attempt, parts={}), given
        )

    return reply(message, context, answer)


@app.train(SHARE)
def share(message: Message, context: Context) -> Message:
    """Sealed shares of this site's secrets for the others, after checking who they are."""
    return _answer_phase(message, context, SHARE)


@app.train(MASK)
def mask(message: Message, context: Context) -> Message:
    """The update as whole numbers under masks."""
    return _answer_phase(message, context, MASK)


@app.train(CONFIRM)
def confirm(message: Message, context: Context) -> Message:
    """A signature of who is left."""
    return _answer_phase(message, context, CONFIRM)


@app.train(UNMASK)
def unmask(message: Message, context: Context) -> Message:
    """Shares that take the masks off the sum, and off nothing else."""
    return _answer_phase(message, context, UNMASK)


def _answer_phase(message: Message, context: Context, phase: str) -> Message:
    def answer(site: Site) -> RecordDict:
        question = wire.read_secure_question(message.content)
        require_present(site)
        given = answer_sum(site, phase, question)
        tell(site, "summed", run_id=question.run_id, round=question.round, reason=f"secure sum: {phase}")
        return _secure(site, question, given)

    return reply(message, context, answer)


def _secure(site: Site, question: SecureMessage, given: Answer) -> RecordDict:
    return wire.secure_to_content(replace(question, site=site.name, parts=given.parts), given.vector)


def _trained(
    site: Site, watch: Watch, plan: RoundPlan, desk: Desk, weights: Weights, shelf: Path
) -> tuple[SiteUpdate, Encoded]:
    """One round of local training, through the gate and onto a shelf of finished replies."""
    require_unmixed(site, plan)
    require_cohort(len(desk.data.split("train")), site)
    require_never_trained(site, desk.data.split("validation"))
    require_disk(site)
    take_gpu(site, desk.config)
    protection = protect(site, plan, desk.config, desk.data)  # paid before a step is taken
    bear_witness(site.state, plan)
    with at_work(site.state, "training", plan.run_id, plan.round):
        data = watch.over(desk.data)
        watch.over_model(desk.model)
        trained = train_locally(site, plan, desk.config, desk.model, weights, data, watch.step, protection)
    shapes = {name: value.shape for name, value in weights.items()}
    watch.look()
    require_all_here(site, desk.data.cases)
    parts = desk.data.split("train"), desk.data.split("validation")
    remember_training(site, plan, *parts)
    gated = gate_update(trained.update, trained.encoded, site, shapes, desk.config.task_list, *parts)
    # Before the reply: a site that dies in between plays the round again from the round before it.
    keep_state(site.state, plan.run_id, plan.round, trained.kept)
    store_reply(shelf, plan, policy_digest(site), gated, trained.encoded)
    tell(site, "trained", run_id=plan.run_id, round=plan.round, reason=f"{gated.duration_s:.0f} s")
    return gated, trained.encoded


@app.evaluate()
def evaluate(message: Message, context: Context) -> Message:
    """Scores of the global model, or of what this site learns alone, on one split of this site."""

    def answer(site: Site) -> RecordDict:
        watch, plan = Watch(site), wire.read_evaluation_plan(message.content)
        asked = f"{plan.subject} on {plan.split}"
        tell(site, "asked", run_id=plan.run_id, round=plan.round, reason=f"to evaluate: {asked}")
        require_present(site)
        require_plan_within(site.limits, plan)
        desk = open_desk(site, wire.read_overrides(message.content))
        weights = wire.read_weights(message.content)
        check_identity(plan, desk, weights_hash(weights))
        require_private_question(site, plan, desk.config)
        require_never_trained(site, desk.data.split(plan.split))
        require_disk(site)
        if plan.subject == wire.DISTANCES:
            return wire.scores_to_content(_distances(site, watch, plan, desk))
        take_gpu(site, desk.config)
        calibration = read_calibration(plan.calibration, desk.config.task_list)
        with at_work(site.state, "evaluating", plan.run_id, plan.round):
            data = watch.over(desk.data)
            watch.over_model(desk.model)
            if plan.subject == "local_only":
                require_stages(site, [slot.stage for slot in schedule(desk.config)])
                weights = weights_of(desk.model)
                calibration = train_alone(site, plan, desk.config, desk.model, weights, data, None, watch.step)
            else:
                load_weights(desk.model, weights)
                put_local(desk.model, state_before(site.state, plan.run_id, plan.round + 1).local, desk.config)
            scores, per_case = evaluate_locally(site, plan, desk.config, desk.model, data, calibration)
            if plan.sequences == SEQUENCES:
                write_local_report(site, plan, desk.config, desk.model, data, per_case, calibration)
        watch.look()
        require_all_here(site, desk.data.cases)
        own = desk.data.split("train") if plan.subject == "local_only" else ()
        asked_about = desk.data.split(plan.split)
        remember_evaluation(site, plan, asked_about, own)
        tell(site, "evaluated", run_id=plan.run_id, round=plan.round, reason=asked)
        return wire.scores_to_content(gate_scores(scores, site, desk.config.task_list, asked_about))

    return reply(message, context, answer)


def _distances(site: Site, watch: Watch, plan: EvaluationPlan, desk: Desk) -> SiteScores:
    """How far the validation patients lie from the training patients of all, through the gate."""
    with at_work(site.state, "evaluating", plan.run_id, plan.round):
        data = watch.over(desk.data)
        scores = measure_distances(site, plan, desk.config, data)
    watch.look()
    require_all_here(site, desk.data.cases)
    remember_evaluation(site, plan, desk.data.split(plan.split), ())
    tell(site, "evaluated", run_id=plan.run_id, round=plan.round, reason=f"{plan.subject} on {plan.split}")
    return gate_scores(scores, site, desk.config.task_list, first_studies(desk.data.split(plan.split)))
