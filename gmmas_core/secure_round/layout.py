"""Where everything lies in the vector that is summed, which must be the same at every site.

In this order: every parameter by name, as weighted fixed-point terms; the weight per parameter group; the number of
training cases; per question the log-variance times the weight of the question's own group; per metric by name the total
and the count of a sum, or the counts of a histogram. Totals and log-variances are multiples of 2^-20. The coordinator
thus learns sums of all of them. Weights of a group that too few speak for are silenced, metrics are not: those about a
label that one site alone has are that site's own.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from gmmas_core.fixed_point import bound_of
from gmmas_core.model.log_variances import SEGMENTATION
from gmmas_core.model.parameter_groups import GROUPS
from gmmas_core.types import FederationError, Metric, Sum, Task
from gmmas_core.weights import Weights

MAX_METRICS = 4096
MAX_BINS = 10_000
MAX_NAME = 128
MAX_INDEX_BYTES = 2**20


@dataclass(frozen=True, kw_only=True)
class Layout:
    """The parts of the vector, and the bounds that its fixed point is made for.

    Attributes:
        shapes: parameter -> shape, by name.
        bounds: parameter -> `fixed_point.bound_of` the weights that were sent.
        groups: parameter groups.
        questions: "segmentation" and the tasks.
        metrics: metric -> bins of a histogram, 0 for a sum; by name.
    """

    shapes: Mapping[str, tuple[int, ...]]
    bounds: Mapping[str, float]
    groups: tuple[str, ...]
    questions: tuple[str, ...]
    metrics: Mapping[str, int]

    @cached_property
    def num_values(self) -> int:
        """Elements of all parameters."""
        sizes = []
        for shape in self.shapes.values():
            size = 1
            for edge in shape:
                size *= edge
            sizes.append(size)
        return sum(sizes)

    @cached_property
    def size(self) -> int:
        """Elements of the vector."""
        of_metrics = sum(bins or 2 for bins in self.metrics.values())
        return self.num_values + len(self.groups) + 1 + len(self.questions) + of_metrics

    @cached_property
    def digest(self) -> str:
        """Over all of it; what sites must agree on."""
        parts = [
            [[name, list(shape), self.bounds[name]] for name, shape in self.shapes.items()],
            list(self.groups),
            list(self.questions),
            list(self.metrics.items()),
        ]
        return hashlib.sha256(json.dumps(parts).encode()).hexdigest()


def layout_for(reference: Weights, tasks: tuple[Task, ...], metrics: Mapping[str, int]) -> Layout:
    """The layout of a round that starts from these weights.

    Args:
        reference: the weights that were sent.
        tasks: of the round.
        metrics: as `index_of` or `read_index` gives them.
    """
    names = sorted(reference)
    return Layout(
        shapes={name: tuple(reference[name].shape) for name in names},
        bounds={name: bound_of(name, reference[name]) for name in names},
        groups=GROUPS(tasks),
        questions=(SEGMENTATION, *(task.value for task in tasks)),
        metrics=metrics,
    )


def index_of(metrics: Mapping[str, Metric]) -> dict[str, int]:
    """Metric -> bins, 0 for a sum; by name."""
    return {name: 0 if isinstance(metric, Sum) else len(metric) for name, metric in sorted(metrics.items())}


def write_index(index: Mapping[str, int]) -> bytes:
    """An index as it travels: names and lengths, never a number that was measured."""
    return json.dumps(list(index.items()), separators=(",", ":")).encode()


def read_index(data: bytes) -> dict[str, int]:
    """An index from outside.

    Raises:
        FederationError: no list of names and lengths in order, or too long a one.
    """
    try:
        entries: Any = json.loads(data) if len(data) <= MAX_INDEX_BYTES else None
    except (ValueError, RecursionError):
        entries = None
    if not isinstance(entries, list) or len(entries) > MAX_METRICS or not all(map(_is_entry, entries)):
        raise FederationError("secure sum: found no index of metrics; expected names and lengths")
    index: dict[str, int] = dict(entries)
    if list(index) != sorted(index) or len(index) != len(entries):
        raise FederationError("secure sum: found an index out of order; expected each name once, by name")
    return index


def _is_entry(entry: Any) -> bool:
    match entry:
        case [str(name), int(bins)] if not isinstance(bins, bool):
            return 0 < len(name) <= MAX_NAME and name.isprintable() and 0 <= bins <= MAX_BINS
        case _:
            return False
