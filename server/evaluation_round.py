"""One round of evaluation: every site scores a model on its own cases and sends sums, counts and histograms."""

from typing import Any

from flwr.app import MessageType, RecordDict

from gmmas_core import wire
from gmmas_core.calibration import calibration_text
from gmmas_core.types import SEQUENCES, EvaluationPlan, FederationError
from gmmas_core.weights import weights_hash
from server.ledger_entries import metrics_to_entry
from server.quorum import ask_with_quorum
from server.run import Run


def evaluate_everywhere(run: Run, *, split: str, subject: str, sequences: tuple[str, ...] = SEQUENCES) -> None:
    """Score the global weights, or what each site learns alone, on one split of every site, into the ledger.

    Args:
        run: the federation.
        split: "train", "validation" or "holdout".
        subject: "global" or "local_only".
        sequences: those the model may see, in SEQUENCES' order.

    Raises:
        FederationError: fewer good replies than the quorum.
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
    scored: dict[str, Any] = {}
    run.watch("evaluation-started", {"split": split, "subject": subject, "sites": list(run.site_names.values())})

    def on_reply(site: str, content: RecordDict) -> None:
        scores = wire.read_scores(content)
        asked = (site, run.run_id, run.round, split, subject, run.fingerprint.digest)
        given = (scores.site, scores.run_id, scores.round, scores.split, scores.subject, scores.core_fingerprint)
        if asked != given:
            raise FederationError("reply: found scores for another question; expected the one asked")
        scored[site] = {"num_cases": scores.num_cases, "metrics": metrics_to_entry(scores.metrics)}
        run.watch("site-scored", {"split": split, "subject": subject, "site": site})

    outcome = ask_with_quorum(
        run, plan, MessageType.EVALUATE, question=f"evaluation of {subject} on {split}", on_reply=on_reply
    )
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
