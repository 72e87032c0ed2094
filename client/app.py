"""The hospital's ClientApp: unpack -> policy -> local training or evaluation -> gate -> pack.

Flower sends the text of an exception to the coordinator, so none leaves this file: the hospital's own errors become a
short refusal, anything else a refusal without any text of its own, and the details stay in the site's log.
"""

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from flwr.app import Context, Message, RecordDict
from flwr.clientapp import ClientApp

from client.attendance import require_hours, require_member, require_present
from client.egress import gate_scores, gate_update
from client.local_data import LocalData, counts, open_local_data
from client.local_evaluation import evaluate_locally
from client.local_groups import put_local
from client.local_report import write_local_report
from client.local_training import train_alone, train_locally
from client.reply_store import store_reply, stored_reply
from client.round_state import keep_state, state_before
from client.site import Site, read_site
from client.site_log import log_failure
from client.witness import bear_witness, remember_coordinator
from gmmas_core import wire
from gmmas_core.calibration import read_calibration
from gmmas_core.config import Config, config_hash, load_config
from gmmas_core.model.gmmas import GMMAS, build_training_model
from gmmas_core.provenance import Fingerprint, core_fingerprint
from gmmas_core.software import installed
from gmmas_core.types import SEQUENCES, EvaluationPlan, FederationError, GmmasError, RoundPlan, SiteStatus
from gmmas_core.weights import load_weights, weights_hash, weights_of

LAB_SITES = "GMMAS_LAB_SITES"
"""Environment variable of the simulation only: the folder whose n-th site folder plays the n-th node."""

app = ClientApp()


@dataclass
class Desk:
    """What every request needs: the site, the configuration composed here, and the model built here."""

    site: Site
    config: Config
    model: GMMAS
    fingerprint: Fingerprint
    data: LocalData


@app.query()
def query(message: Message, context: Context) -> Message:
    """Who is there, with which code, configuration and how many cases."""

    def answer(site: Site) -> RecordDict:
        require_member(site)
        asking = wire.read_coordinator(message.content)
        own = installed()
        remember_coordinator(site.state, asking)
        desk = _open_desk(site, wire.read_overrides(message.content))
        splits, sequences, labels = counts(desk.data, desk.config.task_list)
        return wire.status_to_content(
            SiteStatus(
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
        )

    return _reply(message, context, answer)


@app.train()
def train(message: Message, context: Context) -> Message:
    """One round of local training; asked again, the stored reply goes out unchanged."""

    def answer(site: Site) -> RecordDict:
        plan = wire.read_round_plan(message.content)
        require_present(site)
        if site.allowed_stages is not None and plan.stage not in site.allowed_stages:
            raise FederationError(f"policy: found stage {plan.stage!r}; expected any of {sorted(site.allowed_stages)}")
        finished = stored_reply(site.state, plan)
        if finished is not None:
            bear_witness(site.state, plan)
            return wire.update_to_content(*finished)
        require_hours(site, datetime.now())
        desk = _open_desk(site, wire.read_overrides(message.content))
        weights = wire.read_weights(message.content)
        _check_identity(plan, desk, weights_hash(weights))
        bear_witness(site.state, plan)
        trained = train_locally(site, plan, desk.config, desk.model, weights, desk.data)
        shapes = {name: value.shape for name, value in weights.items()}
        gated = gate_update(trained.update, trained.encoded, site, shapes)
        # Before the reply: a site that dies in between plays the round again from the round before it.
        keep_state(site.state, plan.run_id, plan.round, trained.kept)
        store_reply(site.state, plan, gated, trained.encoded)
        return wire.update_to_content(gated, trained.encoded)

    return _reply(message, context, answer)


@app.evaluate()
def evaluate(message: Message, context: Context) -> Message:
    """Scores of the global model, or of what this site learns alone, on one split of this site."""

    def answer(site: Site) -> RecordDict:
        plan = wire.read_evaluation_plan(message.content)
        require_present(site)
        desk = _open_desk(site, wire.read_overrides(message.content))
        weights = wire.read_weights(message.content)
        _check_identity(plan, desk, weights_hash(weights))
        calibration = read_calibration(plan.calibration, desk.config.task_list)
        if plan.subject == "local_only":
            calibration = train_alone(site, plan, desk.config, desk.model, weights_of(desk.model), desk.data)
        else:
            load_weights(desk.model, weights)
            put_local(desk.model, state_before(site.state, plan.run_id, plan.round + 1).local, desk.config)
        scores, per_case = evaluate_locally(site, plan, desk.config, desk.model, desk.data, calibration)
        if plan.sequences == SEQUENCES:
            write_local_report(site, plan, desk.config, desk.model, desk.data, per_case, calibration)
        return wire.scores_to_content(gate_scores(scores, site))

    return _reply(message, context, answer)


def _reply(message: Message, context: Context, answer: Callable[[Site], RecordDict]) -> Message:
    """Answer, or refuse in words that carry nothing of the hospital's data."""
    site = None
    try:
        site = find_site(context)
        content = answer(site)
    except GmmasError as error:
        content = wire.refusal_to_content(str(error))
    except Exception as error:
        if site is not None:
            log_failure(site.state, error)
        content = wire.refusal_to_content(f"{type(error).__name__} at the site; its own log has the details")
    return Message(content, reply_to=message)


def find_site(context: Context) -> Site:
    """The site of this process: from the node's configuration, or by number in a simulation.

    Raises:
        DataError: no readable site.yaml.
        FederationError: the node was started without one.
    """
    path = context.node_config.get("site")
    if path is not None:
        return read_site(Path(str(path)))
    root, number = os.environ.get(LAB_SITES), context.node_config.get("partition-id")
    if root is None or number is None:
        raise FederationError("node: found no site; expected --node-config 'site=\"PATH/site.yaml\"'")
    site = read_site(sorted(Path(root).glob("*/site.yaml"))[int(number)])
    return replace(site, threads=1)  # simulated nodes share the machine's cores, one each


def _open_desk(site: Site, overrides: Sequence[str]) -> Desk:
    config = load_config(overrides)
    model = build_training_model(config)
    return Desk(site, config, model, core_fingerprint(model, config), open_local_data(site, config))


def _check_identity(plan: RoundPlan | EvaluationPlan, desk: Desk, received: str) -> None:
    """Refuse to work on another core, another configuration or other weights than the plan names."""
    if plan.core_fingerprint != desk.fingerprint.digest:
        raise FederationError("request: found another core fingerprint; expected this site's; install the same release")
    if plan.config_hash != config_hash(desk.config):
        raise FederationError("request: found another configuration; expected the one composed here")
    if plan.weights_hash != received:
        raise FederationError("request: found weights with another hash than the plan names; expected the same")
