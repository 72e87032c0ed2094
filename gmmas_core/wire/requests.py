"""What the coordinator asks, as Flower records and back: plans to train and to evaluate."""

import dataclasses
import typing
from collections.abc import Sequence
from typing import Any

from flwr.app import ConfigRecord, RecordDict

from gmmas_core.subsets import SUBSETS
from gmmas_core.types import EvaluationPlan, FederationError, RoundPlan, Task
from gmmas_core.weights import Weights
from gmmas_core.wire.records import config_record, weights_to_record
from gmmas_core.wire_fields import read_integer, read_number, read_string, read_strings

DISTANCES = "distances"
"""Subject of an evaluation that reads nothing with a model."""


def _kebab(name: str) -> str:
    return name.replace("_", "-")


def plan_to_content(plan: RoundPlan | EvaluationPlan, overrides: Sequence[str], weights: Weights) -> RecordDict:
    """A request to train or evaluate: the plan, the configuration's override strings and the global weights."""
    request = ConfigRecord({"overrides": list(overrides)})
    for item in dataclasses.fields(plan):
        value = getattr(plan, item.name)
        request[_kebab(item.name)] = [str(part) for part in value] if isinstance(value, tuple) else value
    return RecordDict({"request": request, "weights": weights_to_record(weights)})


def read_overrides(content: RecordDict) -> tuple[str, ...]:
    """The configuration's override strings of a request.

    Raises:
        FederationError: missing or not a list of strings.
    """
    return read_strings(config_record(content, "request"), "overrides")


def require_only(content: RecordDict, *, records: Sequence[str], keys: Sequence[str]) -> None:
    """Refuse a request that holds more than this release knows: what nobody reads here has no business here.

    Args:
        content: of the message.
        records: that it may hold.
        keys: of its record "request".

    Raises:
        FederationError: says how many are unknown; their names could be anything.
    """
    unknown = [len(set(content) - set(records)), len(set(config_record(content, "request")) - set(keys))]
    if any(unknown):
        raise FederationError(
            f"request: found {unknown[0]} records and {unknown[1]} fields that this release does not know; expected "
            "none; the coordinator runs another version"
        )


def read_round_plan(content: RecordDict, *, beside: Sequence[str] = ()) -> RoundPlan:
    """A checked RoundPlan, or FederationError; `beside` names records that the message may hold besides its own."""
    values = _plan_fields(content, RoundPlan, beside)
    try:
        values["tasks"] = tuple(Task(task) for task in values["tasks"])
    except ValueError:
        raise FederationError(f"request: found an unknown task; expected any of {list(Task)}") from None
    plan = RoundPlan(**values)
    if plan.round < 1 or plan.local_steps < 1 or not 0 < plan.lr < 1:
        raise FederationError(
            "request: found a round, step count or learning rate outside its range; expected >= 1, >= 1, (0, 1)"
        )
    return plan


def read_evaluation_plan(content: RecordDict) -> EvaluationPlan:
    """A checked EvaluationPlan, or FederationError."""
    plan = EvaluationPlan(**_plan_fields(content, EvaluationPlan))
    known = plan.split in ("train", "validation", "holdout") and plan.subject in ("global", "local_only", DISTANCES)
    if not known or plan.sequences not in SUBSETS:
        raise FederationError("request: found another split, subject or subset of sequences; expected known ones")
    if plan.subject == DISTANCES and plan.split != "validation":
        raise FederationError("request: found distances asked of another split; expected those of validation patients")
    return plan


def _plan_fields(content: RecordDict, schema: type, beside: Sequence[str] = ()) -> dict[str, Any]:
    record = config_record(content, "request")
    hints = typing.get_type_hints(schema)
    expected = {_kebab(item.name): item.name for item in dataclasses.fields(schema)}
    missing = sorted(set(expected) - set(record))
    if missing:
        raise FederationError(f"request: missing {missing}; the coordinator runs another version")
    require_only(content, records=("request", "weights", *beside), keys=("overrides", *expected))
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
