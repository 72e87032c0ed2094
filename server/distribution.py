"""What the training sites' images look like: the Gaussian of a calibrating round, and how far held-out patients lie.

Everything is in the ledger: the sums of features in the line of the newest calibrating round, those of distances in a
line of their own. A site whose sums no patients can have is left out and named there; the rest of what it sent is
judged elsewhere. Sums that are possible and wrong are not found: one site can widen the Gaussian so far that nothing is
unusual any more, as it can spoil a mean of weights.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import reduce
from typing import Any

from gmmas_core.config import Config
from gmmas_core.metrics.evaluation import add
from gmmas_core.novelty import held_out, sums
from gmmas_core.novelty.gaussian import fit
from gmmas_core.novelty.stored import Distribution, to_content, to_pieces
from gmmas_core.types import EvaluationPlan, Metric
from gmmas_core.weights import weights_hash
from gmmas_core.wire import DISTANCES
from server.records.ledger_entries import metrics_from_entry
from server.release.best_round import Entry, history_of
from server.rounds.evaluation import ask_scores
from server.rounds.quorum import RoundVoid
from server.run import Run


@dataclass(frozen=True, kw_only=True)
class Fitted:
    """Attributes:
    distribution: without limits.
    round: the calibrating round.
    refused: site -> why its sums were left out.
    """

    distribution: Distribution
    round: int
    refused: Mapping[str, str]

    @property
    def sha256(self) -> str:
        """Of its content."""
        return hashlib.sha256(json.dumps(to_content(self.distribution), sort_keys=True).encode()).hexdigest()


def ask_distances(run: Run) -> None:
    """Ask every site how far its validation patients lie from the training patients of all, into the ledger.

    Nothing is asked where too few patients were summed up. Too few answers are no reason to stop: the model folder then
    knows the Gaussian and no limits, and says of no case whether it is unusual.
    """
    fitted = fitted_of(run.ledger.entries(), run.config)
    if fitted is None:
        return
    plan = EvaluationPlan(
        run_id=run.run_id,
        round=run.round,
        seed=run.config.seed,
        weights_hash=weights_hash(run.weights),
        split="validation",
        subject=DISTANCES,
        config_hash=run.config_hash,
        core_fingerprint=run.fingerprint.digest,
        deadline_s=run.config.federation.deadline_s,
        distribution=to_pieces(to_content(fitted.distribution)),
    )
    try:
        scored, outcome = ask_scores(run, plan)
    except RoundVoid:
        return
    unfit = unfit_distances(scored, {site: run.enlisted[site].num_cases["validation"] for site in scored})
    run.ledger.append(
        "distances",
        round=fitted.round,
        sha256=fitted.sha256,
        sites={site: part for site, part in scored.items() if site not in unfit},
        refused={**fitted.refused, **unfit},
        left_out=outcome.left_out,
    )


def fitted_of(entries: Iterable[Entry], config: Config) -> Fitted | None:
    """The Gaussian of the newest calibrating round that counts; None without one or with too few patients."""
    rounds = history_of(entries).rounds
    for number in sorted(rounds, reverse=True):
        if rounds[number]["stage"] == "calibrate":
            told = {site: _own(part) for site, part in rounds[number]["sites"].items()}
            most = {site: int(part["num_cases"]) for site, part in rounds[number]["sites"].items()}
            refused = {site: why for site, own in told.items() if (why := sums.impossible(own, most[site]))}
            good = [_only(own, sums.no_patients()) for site, own in told.items() if site not in refused]
            gaussian = fit(reduce(add, good)) if good else None
            if gaussian is None:
                return None
            distribution = Distribution(gaussian=gaussian, spacing_mm=config.data.spacing_mm)
            return Fitted(distribution=distribution, round=number, refused=refused)
    return None


def distribution_of(entries: Iterable[Entry], config: Config) -> dict[str, Any]:
    """Content of distribution.json by a run's ledger; {} without a Gaussian."""
    entries = list(entries)
    fitted = fitted_of(entries, config)
    if fitted is None:
        return {}
    digest = fitted.sha256
    answers = [entry for entry in entries if entry["kind"] == "distances" and entry["sha256"] == digest]
    limits = _limits(answers[-1]) if answers else {}
    return to_content(replace(fitted.distribution, limits=limits))


def unfit_distances(scored: Mapping[str, Entry], cases: Mapping[str, int]) -> dict[str, str]:
    """Sites whose distances no patients can have, or not so few, and why.

    Args:
        scored: site -> what it answered, as in the ledger.
        cases: site -> validation cases with which it joined; what it says now of their number decides nothing.
    """
    why = {site: held_out.impossible(_own(part), cases[site]) for site, part in scored.items()}
    return {site: reason for site, reason in why.items() if reason}


def _limits(entry: Entry) -> dict[str, held_out.Limits]:
    told = [_only(_own(part), held_out.no_distances()) for part in entry["sites"].values()]
    return held_out.limits_of(reduce(add, told)) if told else {}


def _own(part: Mapping[str, Any]) -> dict[str, Metric]:
    """What a site told of images, of all its metrics."""
    told = metrics_from_entry(part["metrics"])
    return {key: metric for key, metric in told.items() if key.startswith(sums.PREFIX)}


def _only(metrics: Mapping[str, Metric], names: Iterable[str]) -> dict[str, Metric]:
    return {name: metrics[name] for name in names}
