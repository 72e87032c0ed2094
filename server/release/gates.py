"""What a model must have shown on the hospitals' holdouts before it is released; what nobody measured refuses too."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from typing import Any

import numpy as np

from gmmas_core.config import ReleaseConfig
from gmmas_core.metrics.bootstrap import FEWEST
from gmmas_core.metrics.calibration_error import Reliability, ece
from gmmas_core.metrics.evaluation import add, summarise, value_of
from gmmas_core.metrics.merging import reliability_table
from gmmas_core.types import Metric, Task
from server.records.ledger_entries import metrics_from_entry

Entry = Mapping[str, Any]
PASSED, FAILED, UNKNOWN = "passed", "failed", "unknown"
RESAMPLES = 1000


@dataclass(frozen=True, kw_only=True)
class Gate:
    """One condition.

    Attributes:
        name: "worst-site-dice", "ece.<task>" or "holdout-cases".
        state: PASSED, FAILED or UNKNOWN.
        value, interval: the number judged and its 95 % interval; None where there is none.
        limit: what it is held against.
        n: cases behind the number.
        statement: all of this in a sentence.
    """

    name: str
    state: str
    value: float | None
    interval: list[float] | None
    limit: float
    n: int
    statement: str


def judge(
    evaluation: Entry | None, enlisted: Mapping[str, Entry], tasks: Sequence[Task], config: ReleaseConfig
) -> tuple[Gate, ...]:
    """All gates of one model.

    Args:
        evaluation: the ledger's line about this model on the holdouts; None when there is none.
        enlisted: site -> what it said of itself, see `candidate.enlisted_sites`.
        tasks: image-level questions of the model.
        config: the limits.
    """
    sites = {
        site: metrics_from_entry(part["metrics"])
        for site, part in sorted((evaluation or {"sites": {}})["sites"].items())
    }
    absent = sorted(site for site in set(enlisted) - set(sites) if enlisted[site]["cases"].get("holdout", 0))
    pooled = reduce(add, sites.values()) if sites else {}
    return (
        _cases(pooled, config),
        _worst_site(sites, absent, tasks, config),
        *(_calibration(pooled, task, config) for task in tasks),
    )


def _cases(pooled: Mapping[str, Metric], config: ReleaseConfig) -> Gate:
    n = summarise(pooled, (), resamples=0)["cases"]["n"] if pooled else 0
    state = UNKNOWN if not pooled else PASSED if n >= config.min_cases else FAILED
    text = f"{n} holdout cases; expected at least {config.min_cases}" if pooled else _NEVER
    return Gate(
        name="holdout-cases", state=state, value=float(n), interval=None, limit=config.min_cases, n=n, statement=text
    )


_NEVER = "these weights were never scored on the holdouts; play the run to its end, or release the round that was"


def _worst_site(
    sites: Mapping[str, Mapping[str, Metric]], absent: Sequence[str], tasks: Sequence[Task], config: ReleaseConfig
) -> Gate:
    """A site that has holdout cases and did not answer might be the worst: then nobody knows."""
    known = {site: dice for site, metrics in sites.items() if (dice := value_of(metrics, "dice.wt")) is not None}
    silent = sorted(set(sites) - set(known))
    remarks = f"; without a number of its own: {', '.join(silent)}" if silent else ""
    limit = config.worst_site_dice
    if not known:
        text = f"no site's whole-tumour Dice is known{remarks}" if sites else _NEVER
        return Gate(name="worst-site-dice", state=UNKNOWN, value=None, interval=None, limit=limit, n=0, statement=text)
    site = min(known, key=lambda name: (known[name], name))
    entry = summarise(sites[site], tasks)["segmentation"]["wt"]
    interval = entry["dice"]["interval"]
    state = FAILED if known[site] < limit else UNKNOWN if absent else PASSED
    missing = f"; did not answer: {', '.join(absent)}" if absent else ""
    text = (
        f"whole-tumour Dice at the worst site, {site}: {known[site]:.3f}{_ends(interval)}, n = {entry['n']}; "
        f"expected at least {limit:g}{missing}{remarks}"
    )
    return Gate(
        name="worst-site-dice",
        state=state,
        value=known[site],
        interval=interval,
        limit=limit,
        n=entry["n"],
        statement=text,
    )


def _calibration(pooled: Mapping[str, Metric], task: Task, config: ReleaseConfig) -> Gate:
    name, limit = f"ece.{task.value}", config.max_ece
    table = reliability_table(pooled, task) if pooled else None
    n = int(table.count_R.sum()) if table is not None else 0
    value = ece(table) if table is not None and n else None
    interval = _ece_interval(table) if table is not None and n >= FEWEST else None
    if value is None:
        text = f"calibration error of {task.value}: no labelled holdout case" if pooled else _NEVER
        return Gate(name=name, state=UNKNOWN, value=None, interval=None, limit=limit, n=0, statement=text)
    few = n < config.min_cases
    text = (
        f"calibration error (ECE) of {task.value}, pooled: {value:.3f}{_ends(interval)}, n = {n}; "
        f"expected at most {limit:g}"
    )
    if few:
        text += f"; fewer than {config.min_cases} labelled cases decide nothing"
    state = UNKNOWN if few else PASSED if value <= limit else FAILED
    return Gate(name=name, state=state, value=value, interval=interval, limit=limit, n=n, statement=text)


def _ece_interval(table: Reliability) -> list[float]:
    """95 % percentiles under resampling of the cases behind merged bins; resamples err upwards, as the ECE itself."""
    rng = np.random.default_rng(0)
    total = int(table.count_R.sum())
    share_R = np.divide(table.positives_R, table.count_R, out=np.zeros(len(table.count_R)), where=table.count_R > 0)
    said_R = np.divide(table.probability_R, table.count_R, out=np.zeros(len(table.count_R)), where=table.count_R > 0)
    count_DR = rng.multinomial(total, table.count_R / total, size=RESAMPLES)
    positives_DR = rng.binomial(count_DR, share_R)
    drawn_D = np.abs(positives_DR - said_R * count_DR).sum(-1) / total
    low, high = np.percentile(drawn_D, (2.5, 97.5))
    return [float(low), float(high)]


def _ends(interval: Sequence[float] | None) -> str:
    return f" (95 % {interval[0]:.3f} to {interval[1]:.3f})" if interval else " (no interval)"
