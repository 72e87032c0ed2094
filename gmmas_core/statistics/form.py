"""The form that every hospital fills in: the same tables with the same cells, whatever it has.

Every table deals patients into cells, each patient once at most, so that a patient changes one cell of a table by one
and no table is a sum of others. A patient with several studies is counted with the first in the site's table, and with
the first known of each label. Bin edges are fixed and public. Counts are integers: they can be added across hospitals.

A table `within` another covers only the patients in some cells of that one; its total is then the sum of those cells.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from gmmas_core.subsets import SUBSETS
from gmmas_core.types import CLASS_NAMES, REGIONS, SEQUENCES, FederationError, Task

VERSION = 1
"""Raise it whenever a table, a cell or an edge changes."""

HIDDEN = -1
"""A cell that is not told; no count is negative, so it cannot be mistaken for one."""

Counts = Mapping[str, tuple[int, ...]]
"""Table -> patients per cell, every table of the form present."""

AGE_EDGES = (18.0, 40.0, 50.0, 60.0, 70.0)  # years
FIELD_EDGES = (1.0, 2.0, 4.0)  # tesla
VOLUME_EDGES = (1.0, 5.0, 10.0, 25.0, 50.0, 100.0, 150.0)  # mL
BRIGHT_EDGES = (1.0, 1.25, 1.5, 1.75, 2.0, 2.5, 3.0)  # standard deviations
RAW_EDGES = (1.0, 10.0, 30.0, 100.0, 300.0, 1000.0, 3000.0, 10000.0)  # the scanner's own units


@dataclass(frozen=True, kw_only=True)
class Statistics:
    """What a hospital tells.

    Attributes:
        site: its name.
        floor: no cell of fewer patients is told; 1 hides nothing.
        epsilon: of the noise on all cells together; 0 for none.
        counts: patients per cell, HIDDEN where not told.
    """

    site: str
    floor: int
    epsilon: float
    counts: Counts


@dataclass(frozen=True, kw_only=True)
class Table:
    """One question to every patient.

    Attributes:
        name: on the wire.
        title: for people.
        cells: the answers, for people; of the cells that may be hidden beside a small one the last comes first.
        within: the table, and its cells, whose patients this one covers; None for all patients.
    """

    name: str
    title: str
    cells: tuple[str, ...]
    within: tuple[str, tuple[int, ...]] | None = None


def pattern_name(subset: Sequence[str]) -> str:
    """A subset of the sequences as a cell's name."""
    return "all four" if tuple(subset) == SEQUENCES else " + ".join(subset)


def between(edges: Sequence[float], unit: str) -> tuple[str, ...]:
    """Names of the bins below, between and from a list of edges on."""
    inner = [f"{low:g} to {high:g}{unit}" for low, high in pairwise(edges)]
    return (f"under {edges[0]:g}{unit}", *inner, f"{edges[-1]:g}{unit} or more")


PATTERNS = SUBSETS[::-1]
"""Which sequences a patient has; all four first, so that they are the last to be hidden."""


def _tables() -> tuple[Table, ...]:
    found = [
        Table(name="split", title="Patients per split", cells=("train", "validation", "holdout")),
        Table(name="studies", title="Studies per patient", cells=("1", "2", "3", "4 or more")),
        Table(
            name="age",
            title="Age, years",
            cells=("under 18", "18 to 39", "40 to 49", "50 to 59", "60 to 69", "70 or more", "unknown"),
        ),
        Table(name="sex", title="Sex", cells=("F", "M", "O", "unknown")),
        Table(
            name="field-strength",
            title="Field strength of the scanner",
            cells=("under 1 T", "1 to 2 T", "2 to 4 T", "4 T or more", "unknown"),
        ),
    ]
    for task in Task:
        names = tuple(name.replace("_", " ") for name in CLASS_NAMES[task])
        found.append(Table(name=f"label.{task}", title=f"Label {task}", cells=(*names, "unknown")))
    found.append(Table(name="mask", title="Reference mask", cells=("given", "none")))
    found.append(Table(name="sequences", title="Sequences", cells=tuple(map(pattern_name, PATTERNS))))
    for region in REGIONS:
        cells = ("none of it", *between(VOLUME_EDGES, " mL"))
        found.append(
            Table(name=f"volume.{region}", title=f"Volume of {region}, mL", cells=cells, within=("mask", (0,)))
        )
    for sequence in SEQUENCES:
        having = tuple(place for place, subset in enumerate(PATTERNS) if sequence in subset)
        bright, raw = between(BRIGHT_EDGES, ""), between(RAW_EDGES, "")
        titles = {f"bright.{sequence}": (f"{sequence}: 95th percentile of the z-scored brain", bright)}
        titles |= {f"raw.{sequence}": (f"{sequence}: median of the raw brain", raw)}
        for name, (title, cells) in titles.items():
            found.append(Table(name=name, title=title, cells=cells, within=("sequences", having)))
    return tuple(found)


FORM = _tables()
TABLES: Mapping[str, Table] = {table.name: table for table in FORM}
LENGTH = sum(len(table.cells) for table in FORM)


def to_vector(counts: Counts) -> NDArray[np.int64]:
    """All cells one after the other, in the order of FORM; shape (LENGTH,). Hidden cells have no place in a sum.

    Raises:
        FederationError: a hidden cell, or not the tables of the form.
    """
    require_form(counts)
    vector = np.array([count for table in FORM for count in counts[table.name]], dtype=np.int64)
    if (vector < 0).any():
        raise FederationError("statistics: found a hidden cell; expected counts, because only those can be added")
    return vector


def from_vector(vector: NDArray[np.int64]) -> dict[str, tuple[int, ...]]:
    """The tables of a vector, e.g. of a sum over hospitals.

    Raises:
        FederationError: another length or type.
    """
    if vector.dtype != np.int64 or vector.shape != (LENGTH,):
        raise FederationError(f"statistics: found another vector; expected {LENGTH} of int64")
    ends = np.cumsum([len(table.cells) for table in FORM])
    return {table.name: tuple(part.tolist()) for table, part in zip(FORM, np.split(vector, ends[:-1]))}


def require_form(counts: Counts) -> None:
    """Refuse other tables, or tables of other lengths, than this form's.

    Raises:
        FederationError: the other side has another form.
    """
    if {name: len(cells) for name, cells in counts.items()} != {table.name: len(table.cells) for table in FORM}:
        raise FederationError(
            f"statistics: found other tables; expected those of form {VERSION}; install the same release on both sides"
        )
