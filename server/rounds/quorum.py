"""Ask sites one question and insist on a quorum of good replies, with every mandatory site among them."""

from collections.abc import Mapping
from typing import Any

from flwr.app import RecordDict

from gmmas_core import wire
from gmmas_core.types import EvaluationPlan, FederationError, RoundPlan
from server.membership.enlist import askable, refresh_sites
from server.rounds.deadlines import Deadlines
from server.rounds.exchange import Collected, Content, OnReply, collect
from server.run import Run


class RoundVoid(FederationError):
    """Too few good replies, or none from a mandatory site: nothing has changed, the question may be asked again."""


def ask_with_quorum(
    run: Run,
    plan: RoundPlan | EvaluationPlan,
    message_type: str,
    *,
    question: str,
    on_reply: OnReply,
    nodes: Mapping[int, str],
    deadlines: Deadlines,
) -> Collected:
    """Send a plan with the global weights to sites and collect their replies.

    Args:
        run: the federation; `run.unanswered` learns which replies may still come.
        plan: of this round.
        message_type: Flower's, "train" or "evaluate".
        question: names the round in Flower's message group, in the ledger and in the error.
        on_reply: as in `rounds.collect`.
        nodes: node id -> site of those asked.
        deadlines: as in `rounds.collect`.

    Raises:
        RoundVoid: see `require_quorum`.
    """
    content: RecordDict = wire.plan_to_content(plan, run.overrides, run.weights)
    outcome = ask(run, plan.round, content, message_type, question, on_reply, nodes, deadlines)
    require_quorum(run, plan.round, question, outcome)
    return outcome


def ask(
    run: Run,
    number: int,
    content: Content,
    message_type: str,
    question: str,
    on_reply: OnReply,
    nodes: Mapping[int, str],
    deadlines: Deadlines,
    enough: int | None = None,
) -> Collected:
    """Ask sites one question, wherever they are by now, whatever comes of it.

    Args:
        run: the federation; `run.unanswered` learns which replies may still come.
        number: of the round.
        content, message_type, on_reply, nodes, deadlines: as in `rounds.collect`.
        question: names it in Flower's message group.
        enough: good replies that close it at the soft deadline; None for the quorum.
    """
    settings = run.config.federation

    def watch(kind: str, fields: Mapping[str, Any]) -> None:
        run.watch(kind, {"round": number, **fields})

    def refresh() -> Mapping[int, str]:
        refresh_sites(run)
        return askable(run)

    outcome = collect(
        run.grid,
        content,
        message_type,
        nodes,
        group=question,
        deadlines=deadlines,
        quorum=settings.quorum if enough is None else enough,
        mandatory=settings.mandatory,
        poll_s=settings.poll_s,
        on_reply=on_reply,
        watch=watch,
        refresh=refresh,
    )
    run.unanswered.update(outcome.unanswered)
    return outcome


def require_quorum(run: Run, number: int, question: str, outcome: Collected) -> None:
    """Pass when enough sites are counted, every mandatory one among them.

    Raises:
        RoundVoid: fewer than `federation.quorum`, or without a site in `federation.mandatory`; the ledger says who was
            left out and why.
    """
    settings = run.config.federation
    missing = sorted(set(settings.mandatory) - set(outcome.counted))
    if len(outcome.counted) >= settings.quorum and not missing:
        return
    run.ledger.append("round-void", round=number, question=question, left_out=outcome.left_out)
    without = f" without the mandatory {', '.join(missing)}" if missing else ""
    reasons = "; ".join(f"{site}: {reason}" for site, reason in outcome.left_out.items())
    raise RoundVoid(
        f"{question}: found {len(outcome.counted)} good replies{without}; expected the quorum of {settings.quorum}"
        f"{' with every mandatory site' if settings.mandatory else ''}; left out: {reasons or '-'}"
    )
