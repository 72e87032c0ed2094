"""The end of a run: last evaluations, the model folder, the report, and the verdict."""

from typing import Any

from gmmas_core.checkpoint import save_model
from gmmas_core.model.fusion import learned_weights
from gmmas_core.model.gmmas import released
from gmmas_core.subsets import SUBSETS
from gmmas_core.types import FederationError
from server.acceptance import CHECKS
from server.evaluation_round import evaluate_everywhere
from server.report import pooled_metrics, write_report
from server.run import Run
from server.tensorboard_events import write_events


def release(run: Run) -> dict[str, Any]:
    """Evaluate the final model on every holdout, publish the model folder and the report, and judge the run.

    Returns:
        The report.

    Raises:
        FederationError: the experiment's acceptance check failed; model and report are there all the same.
    """
    config = run.config
    evaluate_everywhere(run, split="holdout", subject="global")
    if config.acceptance.split != "holdout":
        evaluate_everywhere(run, split=config.acceptance.split, subject="global")
    if config.evaluation.local_only:
        evaluate_everywhere(run, split="holdout", subject="local_only")
    if config.evaluation.subsets:
        for subset in SUBSETS[:-1]:  # the last is all of them, scored above
            evaluate_everywhere(run, split="holdout", subject="global", sequences=subset)
    model = released(run.model, config)
    model_id = save_model(run.folder.model, model, config, _provenance(run), run.calibration)
    run.ledger.append("released", round=run.round, model_id=model_id, sequence_weights=learned_weights(run.weights))
    entries = list(run.ledger.entries())
    verdict = CHECKS[config.acceptance.check](lambda which, split: pooled_metrics(entries, which, split))
    run.ledger.append("judged", check=config.acceptance.check, passed=verdict.passed, statement=verdict.statement)
    report = write_report(run.folder)
    write_events(run.folder.events, report)
    run.watch("released", {"model": str(run.folder.model), "report": str(run.folder.report_html)})
    if not verdict.passed:
        raise FederationError(f"acceptance: {verdict.statement}; the model and the report were written")
    return report


def _provenance(run: Run) -> dict[str, Any]:
    return {
        "run_id": run.run_id,
        "rounds": run.round,
        "sites": sorted(status.site for status in run.sites.values()),
        "training_cases": {status.site: status.num_cases.get("train", 0) for status in run.sites.values()},
        "config_hash": run.config_hash,
        "core_fingerprint": run.fingerprint.digest,
        "strategy": run.config.strategy.name,
        "notice": run.config.notice,
    }
