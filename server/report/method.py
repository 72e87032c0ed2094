"""Numbers of the method in a run's report: pseudo-labels, subsets of sequences, what each sequence is worth."""

from collections.abc import Mapping, Sequence
from functools import reduce
from typing import Any

from gmmas_core.metrics.evaluation import add, value_of
from gmmas_core.metrics.summary import counts_of
from gmmas_core.reporting.sequence_parts import drop_one_changes
from gmmas_core.subsets import SUBSETS
from gmmas_core.types import CLASS_NAMES, REGIONS, SEQUENCES, Metric, Sum, Task
from server.records.ledger_entries import metrics_from_entry

Entry = Mapping[str, Any]


def pseudo_labels(rounds: Sequence[Entry], tasks: Sequence[Task]) -> dict[str, Any] | None:
    """Counts per site and class of the newest pseudo-labelling round; None when there was none.

    Returns:
        site -> task or "segmentation" -> {"asked", "accepted" (class -> number), "audited", "audit", "skipped"};
        "audit" is the accuracy (Dice for segmentation) on labelled validation cases, None when nothing was audited.
    """
    if not rounds:
        return None
    return {
        site: {name: _pseudo(metrics_from_entry(part["metrics"]), name) for name in (*tasks, "segmentation")}
        for site, part in rounds[-1]["sites"].items()
    }


def _pseudo(metrics: Mapping[str, Metric], name: str) -> dict[str, Any]:
    classes = dict(enumerate(CLASS_NAMES[Task(name)])) if name in list(Task) else {}
    keys = {label: f"pseudo-accepted.{name}.{value}" for value, label in classes.items()} or {
        "masks": f"pseudo-accepted.{name}"
    }
    accepted = {label: _sum(metrics, key) for label, key in keys.items()}
    audit = _sum(metrics, f"pseudo-audit.{name}")
    return {
        "asked": max(value.count for value in accepted.values()),
        "accepted": {label: round(value.total) for label, value in accepted.items()},
        "audited": audit.count,
        "audit": audit.mean if audit.count else None,
        "skipped": bool(_sum(metrics, f"pseudo-gated.{name}").total),
    }


def subset_rows(entries: Sequence[Entry], tasks: Sequence[Task]) -> list[dict[str, Any]]:
    """The global model on the holdouts with every subset of the sequences, in the order of SUBSETS.

    Returns:
        One row per subset that was scored: "sequences", "n" (cases that have them), and per name ("dice.wt",
        "auroc.idh") "values" (None where there is none), "counts" (cases behind it) and "not_assessable" (cases in
        which the model may not judge); empty when the run did not ask for it.
    """
    newest = {
        sequences_of(entry): entry
        for entry in entries
        if entry["kind"] == "evaluation" and (entry["subject"], entry["split"]) == ("global", "holdout")
    }
    if len(newest) < len(SUBSETS):
        return []
    names = [f"dice.{region}" for region in REGIONS] + [f"auroc.{task}" for task in tasks]
    rows = []
    for subset in SUBSETS:
        pooled = _pool(newest[subset])
        rows.append(
            {
                "sequences": list(subset),
                "n": _sum(pooled, "cases").count,
                "values": {name: value_of(pooled, name) for name in names},
                "counts": {name: _count(pooled, name) for name in names},
                "not_assessable": {
                    name: round(_sum(pooled, f"not-assessable.{name.partition('.')[2]}").total) for name in names
                },
            }
        )
    return rows


def significance(entries: Sequence[Entry], tasks: Sequence[Task]) -> dict[str, Any] | None:
    """What each sequence is worth; None when the run did not ask for it.

    Returns:
        "learned": branch -> sequence -> share; "drop_one": sequence -> output -> {"change", "n"}, the mean absolute
        change of P(class 1), or 1 - Dice between the segmentations with and without the sequence.
    """
    released = [entry for entry in entries if entry["kind"] == "released" and "sequence_weights" in entry]
    scored = [
        entry
        for entry in entries
        if entry["kind"] == "evaluation"
        and (entry["subject"], entry["split"]) == ("global", "holdout")
        and sequences_of(entry) == SEQUENCES
    ]
    if not released or not scored:
        return None
    changes = drop_one_changes(_pool(scored[-1]), tasks)
    return {"learned": released[-1]["sequence_weights"], "drop_one": changes} if changes else None


def sequences_of(entry: Entry) -> tuple[str, ...]:
    """What the model was allowed to see in an evaluation; older ledgers do not say, it was everything."""
    return tuple(entry.get("sequences", SEQUENCES))


def _count(pooled: Mapping[str, Metric], name: str) -> int:
    measure, _, what = name.partition(".")
    if measure == "auroc":
        return int(sum(part.sum() for part in counts_of(pooled, f"score.{what}")))
    return _sum(pooled, name).count


def _pool(entry: Entry) -> dict[str, Metric]:
    return reduce(add, (metrics_from_entry(part["metrics"]) for part in entry["sites"].values()))


def _sum(metrics: Mapping[str, Metric], key: str) -> Sum:
    value = metrics.get(key)
    return value if isinstance(value, Sum) else Sum(0.0, 0)
