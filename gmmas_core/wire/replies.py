"""What a site answers, as Flower records and back: updates, scores, or a refusal."""

from flwr.app import ConfigRecord, ConfigRecordValues, MetricRecord, MetricRecordValues, RecordDict

from gmmas_core.types import FederationError, SiteScores, SiteUpdate
from gmmas_core.update_encoding import WHOLE, Encoded, decode, whole
from gmmas_core.weights import Weights
from gmmas_core.wire.records import (
    config_record,
    encoded_to_record,
    metric_record,
    metrics_to_record,
    read_encoded,
    read_metrics,
)
from gmmas_core.wire_fields import MAX_TEXT, read_integer, read_number, read_string


def update_to_content(update: SiteUpdate, encoded: Encoded | None = None) -> RecordDict:
    """A site's reply to a RoundPlan.

    Args:
        update: everything but the parameters, if these are given as `encoded`.
        encoded: the parameters as they travel; None sends the update's own weights whole.
    """
    encoded = whole(update.weights) if encoded is None else encoded
    counts: dict[str, MetricRecordValues] = {"num-cases": update.num_cases, "duration-s": float(update.duration_s)}
    counts |= {f"seen.{group}": count for group, count in update.seen.items()}
    counts |= {f"uncertainty.{task}": float(value) for task, value in update.uncertainty.items()}
    about: dict[str, ConfigRecordValues] = {
        "site": update.site,
        "run-id": update.run_id,
        "round": update.round,
        "fingerprint": update.core_fingerprint,
        "encoding": encoded.encoding,
    }
    return RecordDict(
        {
            "reply": ConfigRecord(about),
            "counts": MetricRecord(counts),
            "metrics": metrics_to_record(update.metrics),
            "weights": encoded_to_record(encoded),
        }
    )


def read_update(content: RecordDict, reference: Weights | None = None, *, encoding: str = WHOLE) -> SiteUpdate:
    """A SiteUpdate with checked field types; whether it is fit to be counted is the screening's affair.

    Args:
        content: of the site's message.
        reference: the weights that the site was sent; changes are added to them.
        encoding: the run's own; another one is refused.

    Raises:
        FederationError: a refusal by the site, a missing or ill-typed field, another encoding than the run's, or an
            encoded update that does not fit the reference.
    """
    about = reply_record(content)
    if read_string(about, "encoding") != encoding:
        raise FederationError(f"update: found another encoding than this run's; expected {encoding}")
    counts = metric_record(content, "counts")
    return SiteUpdate(
        site=read_string(about, "site"),
        run_id=read_string(about, "run-id"),
        round=read_integer(about.get("round"), "round"),
        core_fingerprint=read_string(about, "fingerprint"),
        weights=decode(read_encoded(content, encoding), reference or {}),
        num_cases=read_integer(counts.get("num-cases"), "num-cases"),
        duration_s=read_number(counts.get("duration-s"), "duration-s"),
        seen={key[5:]: read_integer(value, key) for key, value in counts.items() if key.startswith("seen.")},
        uncertainty={
            key[12:]: read_number(value, key) for key, value in counts.items() if key.startswith("uncertainty.")
        },
        metrics=read_metrics(content),
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
    return RecordDict({"reply": ConfigRecord(about), "counts": counts, "metrics": metrics_to_record(scores.metrics)})


def read_scores(content: RecordDict) -> SiteScores:
    """Checked SiteScores.

    Raises:
        FederationError: a refusal by the site, or a missing or ill-typed field.
    """
    about = reply_record(content)
    return SiteScores(
        site=read_string(about, "site"),
        run_id=read_string(about, "run-id"),
        round=read_integer(about.get("round"), "round"),
        split=read_string(about, "split"),
        subject=read_string(about, "subject"),
        num_cases=read_integer(metric_record(content, "counts").get("num-cases"), "num-cases"),
        metrics=read_metrics(content),
        core_fingerprint=read_string(about, "fingerprint"),
    )


def refusal_to_content(reason: str) -> RecordDict:
    """A site says no, in a short sentence that carries nothing of its data."""
    return RecordDict({"refusal": ConfigRecord({"reason": reason[:MAX_TEXT]})})


def is_refusal(content: RecordDict) -> bool:
    """Whether the site says no, which is its right, instead of answering."""
    return "refusal" in content


def reply_record(content: RecordDict) -> ConfigRecord:
    """The config record that every answer carries, or FederationError with a refusing site's own words."""
    if is_refusal(content):
        raise FederationError(f"refused: {read_string(config_record(content, 'refusal'), 'reason')[:500]}")
    return config_record(content, "reply")
