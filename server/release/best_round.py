"""Which round's weights are the best? Judged on validation cases alone; the holdouts never choose.

A reply to round r scores the weights that were sent, which are the result of round r - 1. The result of the last round
is scored by an evaluation on the validation split. Rounds are compared only where the same sites scored the same number
of cases: a round must not win because the hospital that it serves badly was away. Of secure sums only the sums are
known: those are compared where as many cases were scored in all, and whose they were nobody can check. Where a run has
calibrated some of its results, only those are compared.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import reduce
from typing import Any

from gmmas_core.metrics.evaluation import add, value_of
from gmmas_core.types import REGIONS, SEQUENCES, Metric, Sum, Task
from server.records.ledger_entries import metrics_from_entry
from server.rounds.gathered import POOLED

Entry = Mapping[str, Any]


@dataclass(frozen=True)
class History:
    """What counts in a ledger: a round that was played again replaces itself and all that was built on it.

    Attributes:
        rounds: round -> its line.
        evaluations: of the global model with all sequences, oldest first, of rounds that still count.
    """

    rounds: Mapping[int, Entry]
    evaluations: Sequence[Entry]

    @property
    def is_pooled(self) -> bool:
        """Whether rounds were summed securely: then sites can be compared with rounds only all together."""
        return any(POOLED in entry["sites"] for entry in self.rounds.values())

    def newest(self, split: str, weights_hash: str) -> Entry | None:
        """The newest evaluation of these weights on a split."""
        for entry in reversed(self.evaluations):
            if entry["split"] == split and self.hash_after(entry["round"]) == weights_hash:
                return entry
        return None

    def hash_after(self, number: int) -> str | None:
        """Hash of a round's result; None for round 0, which is before the first."""
        return self.rounds[number]["weights_hash"] if number in self.rounds else None

    def calibration_of(self, weights_hash: str) -> tuple[int | None, Mapping[str, Any]]:
        """The newest calibration that was fitted on exactly these weights, and its round; (None, {}) without one."""
        for number in sorted(self.rounds, reverse=True):
            entry = self.rounds[number]
            if entry["stage"] == "calibrate" and entry["weights_hash"] == weights_hash:
                return number, entry.get("calibration") or {}
        return None, {}


@dataclass(frozen=True, kw_only=True)
class RoundScore:
    """How one round's result did on the validation cases.

    Attributes:
        round: whose result it is.
        score: mean pooled Dice of the regions plus mean AUROC of the tasks, of what could be scored; None for neither.
        dice, auroc: its two parts.
        cases: validation cases behind it.
        calibrated_in: round whose temperatures were fitted on these weights; None when not calibrated.
        set_aside: why it is not compared; "" when it is.
    """

    round: int
    score: float | None
    dice: float | None
    auroc: float | None
    cases: int
    calibrated_in: int | None
    set_aside: str


def history_of(entries: Iterable[Entry]) -> History:
    """The part of a ledger that counts."""
    rounds: dict[int, Entry] = {}
    evaluations: list[Entry] = []
    for entry in entries:
        if entry["kind"] == "round":
            number = entry["round"]
            rounds = {key: value for key, value in rounds.items() if key < number} | {number: entry}
            evaluations = [evaluation for evaluation in evaluations if evaluation["round"] < number]
        elif _is_whole_evaluation(entry):
            evaluations.append(entry)
    return History(rounds, evaluations)


def _is_whole_evaluation(entry: Entry) -> bool:
    """Of the global model, with all the sequences that the cases have."""
    is_global = entry["kind"] == "evaluation" and entry["subject"] == "global"
    return is_global and tuple(entry.get("sequences", SEQUENCES)) == SEQUENCES


def scores_of(history: History, tasks: Sequence[Task]) -> list[RoundScore]:
    """Every round's score, first round first.

    The sites and numbers of cases that all are held to are those that scored the newest weights.
    """
    scored = {number: _scored_by(history, number) for number in sorted(history.rounds)}
    newest = next((sites for sites in reversed(scored.values()) if _cases(sites)), {})
    scores = [_score(history, number, sites, _cases(newest), tasks) for number, sites in scored.items()]
    if not any(score.calibrated_in is not None and not score.set_aside for score in scores):
        return scores
    return [_only_if_calibrated(score) for score in scores]


def _only_if_calibrated(score: RoundScore) -> RoundScore:
    """A run that calibrates ends in calibrated probabilities; a better outline does not make up for their lack."""
    if score.calibrated_in is not None or score.set_aside:
        return score
    return replace(score, set_aside="not calibrated, which other rounds of this run are")


def in_order(scores: Sequence[RoundScore], history: History) -> list[int]:
    """Rounds from the best to the worst; of equals the later first; those that cannot be compared last, newest first.

    Rounds with the same weights (a calibrating stage changes none) are one choice, named by the last of them.
    """
    compared = [score for score in scores if not score.set_aside]
    ranked = sorted(compared, key=lambda score: (score.score or 0.0, score.round), reverse=True)
    rest = sorted((score.round for score in scores if score.set_aside), reverse=True)
    last_with = {history.hash_after(number): number for number in sorted(history.rounds)}
    named = [last_with[history.hash_after(number)] for number in (*(score.round for score in ranked), *rest)]
    return list(dict.fromkeys(named))


def _scored_by(history: History, number: int) -> dict[str, dict[str, Metric]]:
    """Site -> validation metrics of a round's result; {} when nobody has scored it."""
    if number + 1 in history.rounds:
        entry: Entry | None = history.rounds[number + 1]
    else:
        evaluations = (e for e in history.evaluations if (e["split"], e["round"]) == ("validation", number))
        entry = next(reversed(list(evaluations)), None)
    found = {site: metrics_from_entry(part["metrics"]) for site, part in entry["sites"].items()} if entry else {}
    return {POOLED: reduce(add, found.values())} if found and history.is_pooled else found


def _cases(sites: Mapping[str, Mapping[str, Metric]]) -> dict[str, int]:
    """Site -> validation cases it has told about."""
    counts = {site: metrics.get("cases") for site, metrics in sites.items()}
    return {site: value.count for site, value in counts.items() if isinstance(value, Sum) and value.count}


def _score(
    history: History,
    number: int,
    sites: Mapping[str, Mapping[str, Metric]],
    expected: Mapping[str, int],
    tasks: Sequence[Task],
) -> RoundScore:
    found = _cases(sites)
    differing = sorted(site for site, count in expected.items() if found.get(site) != count)
    if not found:
        reason = "not scored on validation cases"
    elif differing:
        reason = f"scored by other sites or on other cases than the newest round ({', '.join(differing)})"
    else:
        reason = ""
    kept = sorted(found if reason else expected)
    pooled = reduce(add, [_of_validation(sites[site], tasks) for site in kept]) if kept else {}
    dice = _mean([value_of(pooled, f"dice.{region}") for region in REGIONS]) if kept else None
    auroc = _mean([value_of(pooled, f"auroc.{task}") for task in tasks]) if kept else None
    parts = [part for part in (dice, auroc) if part is not None]
    if kept and not parts and not reason:
        reason = "no validation case with a mask or label"
    return RoundScore(
        round=number,
        score=sum(parts) if parts else None,
        dice=dice,
        auroc=auroc,
        cases=sum(found[site] for site in kept),
        calibrated_in=history.calibration_of(history.rounds[number]["weights_hash"])[0],
        set_aside=reason,
    )


def _of_validation(metrics: Mapping[str, Metric], tasks: Sequence[Task]) -> dict[str, Metric]:
    """What a score needs; a training reply holds losses and signals beside it, an evaluation holds others."""
    names = [f"dice.{region}" for region in REGIONS]
    names += [f"score.{task}.{kind}" for task in tasks for kind in ("positive", "negative")]
    return {name: metrics[name] for name in names}


def _mean(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return sum(known) / len(known) if known else None
