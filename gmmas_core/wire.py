"""The nouns as Flower records, and back. The only core file that imports flwr.

Everything decoded here came from another organisation: every field is checked for presence and type before it becomes
one of our nouns. Arrays stay in numpy's own format without pickle. Wire keys are kebab-case: one sees what crosses.
"""

import dataclasses
import typing
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from flwr.app import (
    Array,
    ArrayRecord,
    ConfigRecord,
    ConfigRecordValues,
    MetricRecord,
    MetricRecordValues,
    RecordDict,
)
from numpy.typing import NDArray

from gmmas_core.npy_bytes import read_npy
from gmmas_core.packed_weights import pack, unpack
from gmmas_core.subsets import SUBSETS
from gmmas_core.types import (
    EvaluationPlan,
    FederationError,
    Metric,
    RoundPlan,
    SiteScores,
    SiteStatus,
    SiteUpdate,
    Sum,
    Task,
)
from gmmas_core.weights import Weights
from gmmas_core.wire_fields import MAX_NAMES, MAX_TEXT, read_integer, read_number, read_string, read_strings


def _kebab(name: str) -> str:
    return name.replace("_", "-")


def plan_to_content(plan: RoundPlan | EvaluationPlan, overrides: Sequence[str], weights: Weights) -> RecordDict:
    """A request to train or evaluate: the plan, the configuration's override strings and the global weights."""
    request = ConfigRecord({"overrides": list(overrides)})
    for item in dataclasses.fields(plan):
        value = getattr(plan, item.name)
        request[_kebab(item.name)] = [str(part) for part in value] if isinstance(value, tuple) else value
    return RecordDict({"request": request, "weights": weights_to_record(weights)})


def query_to_content(overrides: Sequence[str]) -> RecordDict:
    """A request for a site's status under a configuration."""
    return RecordDict({"request": ConfigRecord({"overrides": list(overrides)})})


def read_overrides(content: RecordDict) -> tuple[str, ...]:
    """The configuration's override strings of a request.

    Raises:
        FederationError: missing or not a list of strings.
    """
    return read_strings(_config(content, "request"), "overrides")


def read_round_plan(content: RecordDict) -> RoundPlan:
    """A checked RoundPlan, or FederationError."""
    values = _plan_fields(content, RoundPlan)
    try:
        values["tasks"] = tuple(Task(task) for task in values["tasks"])
    except ValueError:
        raise FederationError(f"request: found tasks {values['tasks']}; expected any of {list(Task)}") from None
    plan = RoundPlan(**values)
    if plan.round < 1 or plan.local_steps < 1 or not 0 < plan.lr < 1:
        raise FederationError(
            "request: found a round, step count or learning rate outside its range; expected >= 1, >= 1, (0, 1)"
        )
    return plan


def read_evaluation_plan(content: RecordDict) -> EvaluationPlan:
    """A checked EvaluationPlan, or FederationError."""
    plan = EvaluationPlan(**_plan_fields(content, EvaluationPlan))
    known = plan.split in ("train", "validation", "holdout") and plan.subject in ("global", "local_only")
    if not known or plan.sequences not in SUBSETS:
        raise FederationError("request: found another split, subject or subset of sequences; expected known ones")
    return plan


def _plan_fields(content: RecordDict, schema: type) -> dict[str, Any]:
    record = _config(content, "request")
    hints = typing.get_type_hints(schema)
    expected = {_kebab(item.name): item.name for item in dataclasses.fields(schema)}
    missing = sorted(set(expected) - set(record))
    if missing:
        raise FederationError(f"request: missing {missing}; the coordinator runs another version")
    values: dict[str, Any] = {}
    for key, name in expected.items():
        hint = hints[name]
        if hint is str:
            values[name] = read_string(record, key)
        elif hint is int:
            values[name] = read_integer(record[key], f"request {key}")
        elif hint is float:
            values[name] = read_number(record[key], f"request {key}")
        else:
            values[name] = read_strings(record, key)
    return values


def weights_to_record(weights: Weights) -> ArrayRecord:
    """Parameters as a Flower record of one vector and its index; float32 only."""
    values, index = pack(weights)
    return ArrayRecord({"values": Array(values), "index": Array(index)})


def read_weights(content: RecordDict) -> dict[str, NDArray[np.float32]]:
    """The weights of a message as read-only views of its bytes, or FederationError; their fit is checked later."""
    record = content.get("weights")
    if not isinstance(record, ArrayRecord) or set(record) != {"values", "index"}:
        raise FederationError("message: found no weights; expected an array record 'weights' of 'values' and 'index'")
    try:
        return unpack(read_npy(record["values"].data), read_npy(record["index"].data))
    except (ValueError, TypeError, EOFError, OSError, MemoryError, RecursionError):
        raise FederationError("weights: found arrays that cannot be decoded; expected a vector and its index") from None


def update_to_content(update: SiteUpdate) -> RecordDict:
    """A site's reply to a RoundPlan."""
    counts: dict[str, MetricRecordValues] = {"num-cases": update.num_cases, "duration-s": float(update.duration_s)}
    counts |= {f"seen.{group}": count for group, count in update.seen.items()}
    counts |= {f"uncertainty.{task}": float(value) for task, value in update.uncertainty.items()}
    about: dict[str, ConfigRecordValues] = {
        "site": update.site,
        "run-id": update.run_id,
        "round": update.round,
        "fingerprint": update.core_fingerprint,
    }
    return RecordDict(
        {
            "reply": ConfigRecord(about),
            "counts": MetricRecord(counts),
            "metrics": _metrics_to_record(update.metrics),
            "weights": weights_to_record(update.weights),
        }
    )


def read_update(content: RecordDict) -> SiteUpdate:
    """A SiteUpdate with checked field types; whether it is fit to be counted is the screening's affair.

    Raises:
        FederationError: a refusal by the site, or a missing or ill-typed field.
    """
    about = _reply(content)
    counts = _metric_record(content, "counts")
    return SiteUpdate(
        site=read_string(about, "site"),
        run_id=read_string(about, "run-id"),
        round=read_integer(about.get("round"), "round"),
        core_fingerprint=read_string(about, "fingerprint"),
        weights=read_weights(content),
        num_cases=read_integer(counts.get("num-cases"), "num-cases"),
        duration_s=read_number(counts.get("duration-s"), "duration-s"),
        seen={key[5:]: read_integer(value, key) for key, value in counts.items() if key.startswith("seen.")},
        uncertainty={
            key[12:]: read_number(value, key) for key, value in counts.items() if key.startswith("uncertainty.")
        },
        metrics=_read_metrics(content),
    )


def scores_to_content(scores: SiteScores) -> RecordDict:
    """A site's reply to an EvaluationPlan."""
    about: dict[str, ConfigRecordValues] = {
        "site": scores.site,
        "run-id": scores.run_id,
        "round": scores.round,
        "split": scores.split,
        "subject": scores.subject,
        "fingerprint": scores.core_fingerprint,
    }
    counts = MetricRecord({"num-cases": scores.num_cases})
    return RecordDict({"reply": ConfigRecord(about), "counts": counts, "metrics": _metrics_to_record(scores.metrics)})


def read_scores(content: RecordDict) -> SiteScores:
    """Checked SiteScores.

    Raises:
        FederationError: a refusal by the site, or a missing or ill-typed field.
    """
    about = _reply(content)
    return SiteScores(
        site=read_string(about, "site"),
        run_id=read_string(about, "run-id"),
        round=read_integer(about.get("round"), "round"),
        split=read_string(about, "split"),
        subject=read_string(about, "subject"),
        num_cases=read_integer(_metric_record(content, "counts").get("num-cases"), "num-cases"),
        metrics=_read_metrics(content),
        core_fingerprint=read_string(about, "fingerprint"),
    )


def status_to_content(status: SiteStatus) -> RecordDict:
    """A site's answer to a query."""
    parts: dict[str, ConfigRecordValues] = {f"part.{name}": digest for name, digest in status.fingerprint_parts.items()}
    about: dict[str, ConfigRecordValues] = {
        "site": status.site,
        "fingerprint": status.core_fingerprint,
        "config-hash": status.config_hash,
        **parts,
    }
    counts: dict[str, MetricRecordValues] = {f"cases.{name}": count for name, count in status.num_cases.items()}
    counts |= {f"sequences.{name}": count for name, count in status.num_sequences.items()}
    counts |= {f"labels.{name}": count for name, count in status.num_labels.items()}
    return RecordDict({"reply": ConfigRecord(about), "counts": MetricRecord(counts)})


def read_status(content: RecordDict) -> SiteStatus:
    """A checked SiteStatus.

    Raises:
        FederationError: a refusal by the site, or a missing or ill-typed field.
    """
    about = _reply(content)
    counts = _metric_record(content, "counts")

    def under(prefix: str) -> dict[str, int]:
        return {key[len(prefix) :]: read_integer(value, key) for key, value in counts.items() if key.startswith(prefix)}

    return SiteStatus(
        site=read_string(about, "site"),
        core_fingerprint=read_string(about, "fingerprint"),
        fingerprint_parts={key[5:]: read_string(about, key) for key in about if key.startswith("part.")},
        config_hash=read_string(about, "config-hash"),
        num_cases=under("cases."),
        num_sequences=under("sequences."),
        num_labels=under("labels."),
    )


def refusal_to_content(reason: str) -> RecordDict:
    """A site says no, in a short sentence that carries nothing of its data."""
    return RecordDict({"refusal": ConfigRecord({"reason": reason[:MAX_TEXT]})})


def _reply(content: RecordDict) -> ConfigRecord:
    if "refusal" in content:
        raise FederationError(f"refused: {read_string(_config(content, 'refusal'), 'reason')[:500]}")
    return _config(content, "reply")


def _metrics_to_record(metrics: Mapping[str, Metric]) -> MetricRecord:
    record: dict[str, MetricRecordValues] = {}
    for key, metric in metrics.items():
        if isinstance(metric, Sum):
            record[f"sum.{key}"] = [float(metric.total), float(metric.count)]
        else:
            record[f"histogram.{key}"] = [int(count) for count in metric]
    return MetricRecord(record)


def _read_metrics(content: RecordDict) -> dict[str, Metric]:
    metrics: dict[str, Metric] = {}
    for key, value in _metric_record(content, "metrics").items():
        kind, _, name = key.partition(".")
        if not isinstance(value, list) or not name:
            raise FederationError(f"metric {key!r}: found {type(value).__name__}; expected a list")
        if kind == "sum" and len(value) == 2:
            total, count = (read_number(part, key) for part in value)
            if count < 0 or count != int(count):
                raise FederationError(f"metric {key!r}: found count {count}; expected a whole number >= 0")
            metrics[name] = Sum(total, int(count))
        elif kind == "histogram":
            counts = tuple(read_integer(part, key) for part in value)
            if any(count < 0 for count in counts):
                raise FederationError(f"metric {key!r}: found a negative count; expected counts >= 0")
            metrics[name] = counts
        else:
            raise FederationError(f"metric {key!r}: found an unknown form; expected 'sum.*' of two or 'histogram.*'")
    return metrics


def _config(content: RecordDict, key: str) -> ConfigRecord:
    record = content.get(key)
    if not isinstance(record, ConfigRecord) or len(record) > MAX_NAMES:
        raise FederationError(f"message: found no {key!r}; expected a config record of that name")
    return record


def _metric_record(content: RecordDict, key: str) -> MetricRecord:
    record = content.get(key)
    if not isinstance(record, MetricRecord) or len(record) > MAX_NAMES:
        raise FederationError(f"message: found no {key!r}; expected a metric record of that name")
    return record
