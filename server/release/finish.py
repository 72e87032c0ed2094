"""The end of a run: the best round's weights, their last evaluations, the candidate's folder, the report, the verdict.

The folder `<run>/model` is a candidate. What hospitals get is a signed release made of it: `server.release.releases`.
"""

from collections.abc import Sequence
from dataclasses import asdict, replace
from typing import Any

from gmmas_core.checkpoint import save_model
from gmmas_core.model.fusion import learned_weights
from gmmas_core.subsets import SUBSETS
from gmmas_core.types import DataError, FederationError
from gmmas_core.weights import load_weights
from server.distribution import ask_distances, distribution_of
from server.records.tensorboard_events import write_events
from server.release.acceptance import CHECKS
from server.release.best_round import RoundScore, history_of, in_order, scores_of
from server.release.candidate import Candidate, build_candidate, enlisted_sites, provenance_of, read_candidate
from server.report.numbers import pooled_metrics, write_report
from server.rounds.evaluation import evaluate_everywhere
from server.run import Run


def release(run: Run) -> dict[str, Any]:
    """Choose the best round, evaluate it on every holdout, publish candidate and report, and judge the run.

    The last round's result is scored on the validation cases first, once, because no later round did it; then the best
    round by `best_round` is the candidate, and everything after that is about the candidate.

    Returns:
        The report.

    Raises:
        FederationError: the experiment's acceptance check failed; candidate and report are there all the same.
    """
    config = run.config
    if _last_is_unscored(run):
        evaluate_everywhere(run, split="validation", subject="global")
    candidate, scores = _choose(run)
    load_weights(run.model, dict(candidate.weights))
    chosen = replace(
        run, weights=dict(candidate.weights), round=candidate.round, calibration=dict(candidate.calibration)
    )
    _evaluate(chosen)
    ask_distances(chosen)
    model = build_candidate(candidate, config, run.fingerprint.digest)
    entries = list(run.ledger.entries())
    provenance = provenance_of(entries, config, candidate, run.round)
    distribution = distribution_of(run.ledger.entries(), config)
    model_id = save_model(run.folder.model, model, config, provenance, candidate.calibration, distribution)
    _write_down(run, candidate, scores, model_id)
    verdict = CHECKS[config.acceptance.check](lambda which, split: pooled_metrics(entries, which, split))
    run.ledger.append("judged", check=config.acceptance.check, passed=verdict.passed, statement=verdict.statement)
    report = write_report(run.folder)
    write_events(run.folder.events, report)
    run.watch("released", {"model": str(run.folder.model), "report": str(run.folder.report_html)})
    if not verdict.passed:
        raise FederationError(f"acceptance: {verdict.statement}; the model and the report were written")
    return report


def _last_is_unscored(run: Run) -> bool:
    """Whether asking for the last round's score can change the choice.

    Not with a single round, not when no site has validation cases, and not when an earlier round had the same weights:
    a calibrating stage changes none, and its own replies have scored them.
    """
    entries = list(run.ledger.entries())
    history = history_of(entries)
    last = history.hash_after(run.round)
    seen_before = any(history.hash_after(number) == last for number in history.rounds if number < run.round)
    has_cases = any(said["cases"].get("validation", 0) for said in enlisted_sites(entries).values())
    scored = any((e["split"], e["round"]) == ("validation", run.round) for e in history.evaluations)
    return len(history.rounds) > 1 and has_cases and not seen_before and not scored


def _choose(run: Run) -> tuple[Candidate, Sequence[RoundScore]]:
    """The best round whose checkpoint still reads; a damaged one is passed over and told."""
    history = history_of(run.ledger.entries())
    scores = scores_of(history, run.config.task_list)
    reasons = []
    for number in in_order(scores, history):
        try:
            return read_candidate(run.folder, history, number), scores
        except (DataError, FederationError) as error:
            reasons.append(str(error))
            run.watch("candidate-skipped", {"round": number, "reason": str(error)})
    raise FederationError(f"release: found no round with readable weights; expected one; {'; '.join(reasons) or '-'}")


def _evaluate(run: Run) -> None:
    settings = run.config.evaluation
    evaluate_everywhere(run, split="holdout", subject="global")
    if run.config.acceptance.split != "holdout":
        evaluate_everywhere(run, split=run.config.acceptance.split, subject="global")
    if settings.local_only:
        evaluate_everywhere(run, split="holdout", subject="local_only")
    if settings.subsets:
        for subset in SUBSETS[:-1]:  # the last is all of them, scored above
            evaluate_everywhere(run, split="holdout", subject="global", sequences=subset)


def _write_down(run: Run, candidate: Candidate, scores: Sequence[RoundScore], model_id: str) -> None:
    run.ledger.append(
        "released",
        round=candidate.round,
        rounds_played=run.round,
        calibrated_in=candidate.calibrated_in,
        model_id=model_id,
        sequence_weights=learned_weights(candidate.weights),
        validation=[asdict(score) for score in scores],
    )
