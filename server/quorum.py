"""Ask every enlisted site one question and insist on a quorum of good replies."""

from flwr.app import RecordDict

from gmmas_core import wire
from gmmas_core.types import EvaluationPlan, FederationError, RoundPlan
from server.rounds import Collected, OnReply, collect
from server.run import Run


def ask_with_quorum(
    run: Run, plan: RoundPlan | EvaluationPlan, message_type: str, *, question: str, on_reply: OnReply
) -> Collected:
    """Send a plan with the global weights to all sites and collect their replies.

    Args:
        run: the federation.
        plan: of this round; its deadline bounds the wait.
        message_type: Flower's, "train" or "evaluate".
        question: names the round in Flower's message group, in the ledger and in the error.
        on_reply: as in `rounds.collect`.

    Raises:
        FederationError: fewer good replies than `federation.quorum`; the ledger says who was left out and why.
    """
    settings = run.config.federation
    content: RecordDict = wire.plan_to_content(plan, run.overrides, run.weights)
    outcome = collect(
        run.grid,
        content,
        message_type,
        run.site_names,
        group=question,
        deadline_s=plan.deadline_s,
        poll_s=settings.poll_s,
        on_reply=on_reply,
    )
    if len(outcome.counted) < settings.quorum:
        run.ledger.append("round-void", round=plan.round, question=question, left_out=outcome.left_out)
        reasons = "; ".join(f"{site}: {reason}" for site, reason in outcome.left_out.items())
        raise FederationError(
            f"{question}: found {len(outcome.counted)} good replies; expected the quorum of {settings.quorum}; "
            f"left out: {reasons or '-'}"
        )
    return outcome
