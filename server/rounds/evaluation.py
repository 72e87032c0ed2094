"""One round of evaluation: every site scores a model on its own cases and sends sums, counts and histograms."""

from typing import Any

from flwr.app import MessageType, RecordDict

from gmmas_core import wire
from gmmas_core.calibration import calibration_text
from gmmas_core.types import SEQUENCES, EvaluationPlan, FederationError
from gmmas_core.weights import weights_hash
from server.membership.enlist import askable, wait_for_sites
from server.records.ledger_entries import metrics_to_entry
from server.rounds.deadlines import Deadlines
from server.rounds.exchange import Collected
from server.rounds.quorum import RoundVoid, ask_with_quorum
from server.run import Run


def evaluate_everywhere(run: Run, *, split: str, subject: str, sequences: tuple[str, ...] = SEQUENCES) -> None:
    """Score the global weights, or what each site learns alone, on one split of every site, into the ledger.

    Args:
        run: the federation.
        split: "train", "validation" or "holdout".
        subject: "global" or "local_only".
        sequences: those the model may see, in SEQUENCES' order.

    Raises:
        RoundVoid: see `ask_scores`.
    """
    plan = EvaluationPlan(
        run_id=run.run_id,
        round=run.round,
        seed=run.config.seed,
        weights_hash=weights_hash(run.weights),
        split=split,
        subject=subject,
        config_hash=run.config_hash,
        core_fingerprint=run.fingerprint.digest,
        deadline_s=run.config.federation.deadline_s,
        sequences=sequences,
        calibration=calibration_text(run.calibration) if subject == "global" else "",
    )
    scored, outcome = ask_scores(run, plan)
    run.ledger.append(
        "evaluation",
        round=run.round,
        split=split,
        subject=subject,
        sequences=list(sequences),
        sites=scored,
        left_out=outcome.left_out,
    )
    run.watch("evaluation-finished", {"split": split, "subject": subject})


def ask_scores(run: Run, plan: EvaluationPlan) -> tuple[dict[str, Any], Collected]:
    """The ledger's entry of every site that scored, and how the question was answered.

    A void evaluation is repeated `federation.void_repeats` times; sites that have answered answer again.

    Raises:
        RoundVoid: fewer good replies than the quorum, or none from a mandatory site.
    """
    repeats = run.config.federation.void_repeats
    while True:
        wait_for_sites(run)
        try:
            return _score(run, plan)
        except RoundVoid as void:
            run.watch("round-void", {"round": run.round, "reason": str(void)})
            if repeats == 0:
                raise
            repeats -= 1


def _score(run: Run, plan: EvaluationPlan) -> tuple[dict[str, Any], Collected]:
    """One attempt: the ledger's entry of every site that scored, and how the question was answered."""
    nodes, longest = askable(run), run.config.federation.deadline_s
    scored: dict[str, Any] = {}
    asked = {"split": plan.split, "subject": plan.subject}
    run.watch("evaluation-started", {**asked, "sites": sorted(nodes.values())})

    def on_reply(site: str, content: RecordDict) -> None:
        scores = wire.read_scores(content)
        ours = (site, plan.run_id, plan.round, plan.split, plan.subject, plan.core_fingerprint)
        given = (scores.site, scores.run_id, scores.round, scores.split, scores.subject, scores.core_fingerprint)
        if ours != given:
            raise FederationError("reply: found scores for another question; expected the one asked")
        scored[site] = {"num_cases": scores.num_cases, "metrics": metrics_to_entry(scores.metrics)}
        run.watch("site-scored", {**asked, "site": site})

    outcome = ask_with_quorum(
        run,
        plan,
        MessageType.EVALUATE,
        question=f"evaluation of {plan.subject} on {plan.split}",
        on_reply=on_reply,
        nodes=nodes,
        deadlines=Deadlines(longest, longest),
    )
    return scored, outcome
