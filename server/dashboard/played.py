"""A played round's ledger line, reduced to what is shown: a line of a large federation is megabytes of histograms."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import reduce
from typing import Any

from gmmas_core.metrics.evaluation import add, value_of
from gmmas_core.types import REGIONS, FederationError, Metric, Sum, Task
from server.dashboard.status import Point, RoundRow
from server.records.ledger_entries import metrics_from_entry
from server.rounds.gathered import POOLED

Event = Mapping[str, Any]

DICE = tuple(f"dice.{region}" for region in REGIONS)
SIDES = ("positive", "negative")
SCORES = tuple(f"score.{task}.{side}" for task in Task for side in SIDES)
"""Wire names (`gmmas_core.metrics.merging`) of what the curves show: Dice, and the histograms behind an AUROC."""


@dataclass(frozen=True, kw_only=True)
class PlayedSite:
    """One site's part in a round that counted it."""

    duration_s: float | None
    received_bytes: int | None
    doubts: tuple[str, ...]
    shares: Mapping[str, float | None]


@dataclass(frozen=True, kw_only=True)
class Played:
    """One round: its row, its sites, and the points that it adds to the curves: site -> measure -> point."""

    row: RoundRow
    sites: Mapping[str, PlayedSite]
    points: Mapping[str, Mapping[str, Point]]
    pooled: Mapping[str, Point]


def reduced(entry: Event) -> dict[str, Any]:
    """A ledger line without its metrics; a round's line carries a `Played` under "played" instead."""
    if entry["kind"] == "round":
        return {"time": entry["time"], "kind": "round", "round": entry["round"], "played": played(entry)}
    if entry["kind"] == "evaluation":
        return {**entry, "sites": sorted(entry["sites"])}
    return dict(entry)


def played(entry: Event) -> Played:
    """What is shown of a "round" line; older ledgers say less, which stays unknown."""
    sites = entry["sites"]
    moved, secure = entry.get("bytes", {}), entry.get("secure")
    row = RoundRow(
        round=entry["round"],
        stage=entry["stage"],
        ended=entry["time"],
        duration_s=entry.get("duration_s"),
        phases=entry.get("phases", {}),
        counted=tuple(sorted(secure["sites"] if secure else sites)),
        left_out=entry["left_out"],
        late=tuple(entry.get("late", ())),
        sent=moved.get("sent"),
        received=moved.get("received"),
    )
    shares = _shares({site: part.get("weights", {}) for site, part in sites.items()})
    parts = {
        site: PlayedSite(
            duration_s=part.get("duration_s"),
            received_bytes=part.get("bytes"),
            doubts=tuple(part.get("doubts", ())),
            shares=shares[site],
        )
        for site, part in sites.items()
        if site != POOLED
    }
    # A round scores the model that it received, which the rounds before have trained.
    trained = entry["round"] - 1
    metrics = {site: _drawn(part["metrics"]) for site, part in sites.items() if "metrics" in part}
    return Played(
        row=row,
        sites=parts,
        points={site: _points(trained, values) for site, values in metrics.items() if site != POOLED},
        pooled=_points(trained, _pool(metrics.values())),
    )


def _shares(weights: Mapping[str, Mapping[str, float]]) -> dict[str, dict[str, float | None]]:
    """Each site's part of a group's mean; None where nobody spoke."""
    groups = dict.fromkeys(group for by_group in weights.values() for group in by_group)
    totals = {group: sum(by_group.get(group, 0) for by_group in weights.values()) for group in groups}
    return {
        site: {group: by_group.get(group, 0) / totals[group] if totals[group] > 0 else None for group in groups}
        for site, by_group in weights.items()
    }


def _drawn(entry: Mapping[str, Any]) -> dict[str, Metric]:
    """The few metrics of a site that curves are made of; adding all of them would take seconds in a long ledger."""
    names = {*DICE, *SCORES}
    return metrics_from_entry(
        {kind: {name: value for name, value in found.items() if name in names} for kind, found in entry.items()}
    )


def _points(trained: int, metrics: Mapping[str, Metric]) -> dict[str, Point]:
    """Measure -> point, where there is a number."""
    values = {measure: (value_of(metrics, measure), cases) for measure, cases in _measures(metrics).items()}
    return {
        measure: Point(trained=trained, value=value, cases=cases)
        for measure, (value, cases) in values.items()
        if value is not None
    }


def _pool(metrics: Iterable[Mapping[str, Metric]]) -> Mapping[str, Metric]:
    """Nothing where the sites' metrics cannot be added; each site alone can still be shown."""
    try:
        return reduce(add, metrics)
    except (FederationError, TypeError):  # other keys than the others; no site at all
        return {}


def _measures(metrics: Mapping[str, Metric]) -> dict[str, int]:
    """Measures that can be told from these metrics, each with the cases behind it."""
    found = {}
    for name in DICE:
        scored = metrics.get(name)
        if isinstance(scored, Sum):
            found[name] = scored.count
    for task in Task:
        counts = [metrics.get(f"score.{task}.{side}") for side in SIDES]
        if all(isinstance(side, tuple) for side in counts):
            found[f"auroc.{task}"] = sum(sum(side) for side in counts if isinstance(side, tuple))
    return found
