"""From a patient's studies to the cells in which the patient is counted, and from patients to tables."""

import math
from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence

from gmmas_core.statistics.form import (
    AGE_EDGES,
    BRIGHT_EDGES,
    FIELD_EDGES,
    FORM,
    PATTERNS,
    RAW_EDGES,
    TABLES,
    VOLUME_EDGES,
)
from gmmas_core.statistics.measure import Measured
from gmmas_core.types import SEQUENCES, UNKNOWN, Case, Task

Cells = Mapping[str, int]
"""Table -> place of the one cell in which a patient is counted; tables that do not cover the patient are absent."""


def cells_of(studies: Sequence[Case], measured: Measured) -> dict[str, int]:
    """Where one patient is counted.

    Args:
        studies: of this patient, in the order of the site's table; at least one.
        measured: of the first.
    """
    first = studies[0]
    cells = {
        "split": TABLES["split"].cells.index(first.split),
        "studies": min(len(studies), len(TABLES["studies"].cells)) - 1,
        "age": _bin(first.age, AGE_EDGES),
        "sex": TABLES["sex"].cells.index(first.sex or "unknown"),
        "field-strength": _bin(first.field_strength_t, FIELD_EDGES),
        "mask": 0 if first.mask is not None else 1,
        "sequences": PATTERNS.index(tuple(name for name in SEQUENCES if name in first.images)),
    }
    for task in Task:
        known = [case.labels[task] for case in studies if case.labels[task] != UNKNOWN]
        cells[f"label.{task}"] = known[0] if known else 2
    for region, volume_ml in measured.volume_ml.items():
        cells[f"volume.{region}"] = 0 if volume_ml == 0 else 1 + _bin(volume_ml, VOLUME_EDGES)
    cells |= {f"bright.{sequence}": _bin(value, BRIGHT_EDGES) for sequence, value in measured.bright.items()}
    return cells | {f"raw.{sequence}": _bin(value, RAW_EDGES) for sequence, value in measured.raw.items()}


def count(patients: Iterable[Cells]) -> dict[str, tuple[int, ...]]:
    """Patients per cell of every table."""
    counts = {table.name: [0] * len(table.cells) for table in FORM}
    for cells in patients:
        for name, place in cells.items():
            counts[name][place] += 1
    return {name: tuple(cells) for name, cells in counts.items()}


def _bin(value: float | None, edges: Sequence[float]) -> int:
    """Place of a value among its edges, an edge itself in the bin above; one past the last bin when unknown."""
    return len(edges) + 1 if value is None or math.isnan(value) else bisect_right(edges, value)
