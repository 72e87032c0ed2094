"""A run's curves as (key, value, step), for tools in which people compare runs."""

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple


class Scalar(NamedTuple):
    """One point of one curve."""

    key: str
    value: float
    step: int


def scalars(report: Mapping[str, Any]) -> Iterator[Scalar]:
    """Every per-round number of a report that is known.

    Args:
        report: from `server.report.numbers.build_report`.

    Yields:
        "schedule/lr", "round/duration_s", "validation/<measure>" (all sites together),
        "validation-by-site/<measure>/<site>", "train-loss.<part>/<site>" and
        "site-duration_s/<site>". The step is the round; of a validation it is the round before, because a round scores
        the model that it received.
    """
    for played in report["rounds"]:
        number = played["round"]
        found = {"schedule/lr": played["lr"], "round/duration_s": played["duration_s"]}
        before = {f"validation/{name}": value for name, value in played["pooled"].items()}
        for site, part in played["sites"].items():
            found |= {f"train-loss.{name}/{site}": value for name, value in part["train_loss"].items()}
            found[f"site-duration_s/{site}"] = part["duration_s"]
            before |= {f"validation-by-site/{name}/{site}": value for name, value in part["validation"].items()}
        yield from (Scalar(key, value, number) for key, value in found.items() if value is not None)
        yield from (Scalar(key, value, number - 1) for key, value in before.items() if value is not None)
