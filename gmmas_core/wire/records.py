"""The parts that messages are made of: checked records, weights, metrics."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from flwr.app import Array, ArrayRecord, ConfigRecord, MetricRecord, MetricRecordValues, RecordDict
from numpy.typing import NDArray

from gmmas_core.npy_bytes import read_npy
from gmmas_core.packed_weights import pack, unpack
from gmmas_core.types import FederationError, Metric, Sum
from gmmas_core.update_encoding import DTYPES, WHOLE, Encoded, whole
from gmmas_core.weights import Weights
from gmmas_core.wire_fields import MAX_NAMES, SHOWN, read_integer, read_number


def weights_to_record(weights: Weights) -> ArrayRecord:
    """Parameters as a Flower record of one vector and its index; float32 only."""
    return encoded_to_record(whole(weights))


def read_weights(content: RecordDict) -> dict[str, NDArray[np.float32]]:
    """The weights of a message as read-only views of its bytes, or FederationError; their fit is checked later."""
    return dict(read_encoded(content, WHOLE).arrays)


def encoded_to_record(encoded: Encoded) -> ArrayRecord:
    """An update's parameters: as `weights_to_record` when they are whole, else with one scale per entry of the index.

    Raises:
        KeyError: an encoding that is none.
    """
    values, index = pack(encoded.arrays, DTYPES[encoded.encoding])
    record = ArrayRecord({"values": Array(values), "index": Array(index)})
    if encoded.encoding != WHOLE:
        scales = np.array([scale for _, scale in sorted(encoded.scales.items())], dtype="<f4")
        record["scales"] = Array(scales)
    return record


def read_encoded(content: RecordDict, encoding: str) -> Encoded:
    """The parameters of a message in an encoding, as read-only views of its bytes, or FederationError."""
    record = content.get("weights")
    parts = {"values", "index"} if encoding == WHOLE else {"values", "index", "scales"}
    if not isinstance(record, ArrayRecord) or set(record) != parts:
        raise FederationError(f"message: found no weights; expected an array record 'weights' of {sorted(parts)}")
    try:
        arrays = unpack(read_npy(record["values"].data), read_npy(record["index"].data), DTYPES[encoding])
        scales = {} if encoding == WHOLE else _read_scales(read_npy(record["scales"].data), list(arrays))
    except (ValueError, TypeError, EOFError, OSError, MemoryError, RecursionError):
        raise FederationError("weights: found arrays that cannot be decoded; expected a vector and its index") from None
    return Encoded(encoding=encoding, arrays=arrays, scales=scales)


def _read_scales(scales: NDArray[Any], names: list[str]) -> dict[str, float]:
    if scales.dtype != np.dtype("<f4") or scales.shape != (len(names),):
        raise ValueError("weights: found another form of scales; expected one float32 per entry")
    return dict(zip(names, scales.tolist(), strict=True))


def content_bytes(content: RecordDict) -> int:
    """Bytes that a message carries: arrays as they are serialised, names, texts, and 8 for every number."""
    total = 0
    for name, record in content.items():
        total += len(name)
        for key, value in record.items():
            total += len(key)
            total += len(value.data) if isinstance(value, Array) else _value_bytes(value)
    return total


def _value_bytes(value: object) -> int:
    if isinstance(value, list):
        return sum(_value_bytes(part) for part in value)
    return len(value) if isinstance(value, str | bytes) else 8


def metrics_to_record(metrics: Mapping[str, Metric]) -> MetricRecord:
    """Sums as "sum.<name>" of total and count, histograms as "histogram.<name>"."""
    record: dict[str, MetricRecordValues] = {}
    for key, metric in metrics.items():
        if isinstance(metric, Sum):
            record[f"sum.{key}"] = [float(metric.total), float(metric.count)]
        else:
            record[f"histogram.{key}"] = [int(count) for count in metric]
    return MetricRecord(record)


def read_metrics(content: RecordDict) -> dict[str, Metric]:
    """The metrics of a message, or FederationError."""
    metrics: dict[str, Metric] = {}
    for key, value in metric_record(content, "metrics").items():
        kind, _, name = key.partition(".")
        if not isinstance(value, list) or not name:
            raise FederationError(f"metric {key[:SHOWN]!r}: found {type(value).__name__}; expected a list")
        if kind == "sum" and len(value) == 2:
            total, count = (read_number(part, key) for part in value)
            if count < 0 or count != int(count):
                raise FederationError(f"metric {key[:SHOWN]!r}: found count {count}; expected a whole number >= 0")
            metrics[name] = Sum(total, int(count))
        elif kind == "histogram":
            counts = tuple(read_integer(part, key) for part in value)
            if any(count < 0 for count in counts):
                raise FederationError(f"metric {key[:SHOWN]!r}: found a negative count; expected counts >= 0")
            metrics[name] = counts
        else:
            raise FederationError(
                f"metric {key[:SHOWN]!r}: found an unknown form; expected 'sum.*' of two or 'histogram.*'"
            )
    return metrics


def config_record(content: RecordDict, key: str) -> ConfigRecord:
    """The config record under a key, or FederationError."""
    record = content.get(key)
    if not isinstance(record, ConfigRecord) or len(record) > MAX_NAMES:
        raise FederationError(f"message: found no {key!r}; expected a config record of that name")
    return record


def metric_record(content: RecordDict, key: str) -> MetricRecord:
    """The metric record under a key, or FederationError."""
    record = content.get(key)
    if not isinstance(record, MetricRecord) or len(record) > MAX_NAMES:
        raise FederationError(f"message: found no {key!r}; expected a metric record of that name")
    return record
