"""Statistics before training: what is counted, what is hidden, and that nobody can solve for what is hidden."""

import itertools
import math
import secrets
from collections import Counter, defaultdict
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gmmas_core.statistics.form import FORM, HIDDEN, LENGTH, TABLES, from_vector, to_vector
from gmmas_core.statistics.measure import Measured, measure
from gmmas_core.statistics.noise import SENSITIVITY, discrete_laplace, noised, scale_for
from gmmas_core.statistics.patient import cells_of, count
from gmmas_core.statistics.suppress import hide_small, suppress, suppress_table
from gmmas_core.types import UNKNOWN, Case, FederationError, Task


def study(
    number: int, *, split: str = "train", age: float | None = None, idh: int = UNKNOWN, mask: bool = True
) -> Case:
    images = {name: Path(name) for name in ("t1c", "flair")}
    labels = dict.fromkeys(Task, UNKNOWN) | {Task.IDH: idh}
    return Case(
        case_id=f"c{number}",
        patient_id=f"p{number // 2}",
        site="north",
        images=images,
        mask=Path("mask"),
        labels=labels,
        label_source={},
        split="train",
        age=age,
        sex="F",
        field_strength_t=3.0,
    )


def test_one_patient_is_counted_once_in_every_table_that_covers_it() -> None:
    first, second = study(0, age=39.9), study(1, age=70.0, idh=1)
    measured = Measured(volume_ml={"wt": 25.0, "tc": 0.99, "et": 0.0}, bright={"t1c": 2.6}, raw={"t1c": 512.0})

    counts = count([cells_of([first, second], measured)])

    # The first study stands for the patient; its unknown label is taken from the second.
    def cell(name: str) -> str:
        (place,) = np.flatnonzero(counts[name])
        assert counts[name][place] == 1
        return TABLES[name].cells[place]

    assert cell("split") == "train"
    assert cell("studies") == "2"
    assert cell("age") == "18 to 39"
    assert cell("sex") == "F"
    assert cell("field-strength") == "2 to 4 T"
    assert (cell("label.idh"), cell("label.mgmt")) == ("mutant", "unknown")
    assert cell("sequences") == "t1c + flair"
    assert (cell("volume.wt"), cell("volume.tc"), cell("volume.et")) == ("25 to 50 mL", "under 1 mL", "none of it")
    assert (cell("bright.t1c"), cell("raw.t1c")) == ("2.5 to 3", "300 to 1000")
    assert not any(counts["bright.t2"])
    assert max(sum(cells) for cells in counts.values()) == 1


def test_what_is_measured_is_in_millilitres_and_over_the_voxels_of_the_brain(tmp_path: Path) -> None:
    image, mask = np.zeros((10, 10, 10), dtype=np.float32), np.zeros((10, 10, 10), dtype=np.uint8)
    image[:, :, 0] = np.arange(1, 101).reshape(10, 10)  # the brain is 1 to 100, the rest is background
    mask[:5, 0, 0], mask[5:, 0, 0] = 2, 4  # edema, and enhancing tumour as BraTS 2021 writes it
    affine = np.diag([10.0, 10.0, 2.0, 1.0])  # 0.2 mL a voxel
    for name, data in (("t1c", image), ("mask", mask)):
        nib.save(nib.Nifti1Image(data, affine), tmp_path / f"{name}.nii")  # type: ignore[attr-defined]
    case = replace(study(0, age=50), images={"t1c": tmp_path / "t1c.nii"}, mask=tmp_path / "mask.nii")

    found = measure(case, "brats2021")

    assert found.volume_ml == pytest.approx({"wt": 2.0, "tc": 1.0, "et": 1.0})
    assert found.raw == {"t1c": 50.5}
    # 95th percentile of 1..100 is 95.05; their mean 50.5 and deviation sqrt((100^2 - 1) / 12).
    assert found.bright["t1c"] == pytest.approx((95.05 - 50.5) / math.sqrt(9999 / 12))


def test_a_vector_holds_every_cell_and_adds_up_but_never_a_hidden_one() -> None:
    one = from_vector(np.arange(LENGTH, dtype=np.int64))
    both = from_vector(to_vector(one) + to_vector(one))
    assert both["split"] == (0, 2, 4)
    assert both[FORM[-1].name][-1] == 2 * (LENGTH - 1)
    with pytest.raises(FederationError, match="hidden cell"):
        to_vector({**one, "split": (HIDDEN, HIDDEN, 7)})
    with pytest.raises(FederationError, match="another vector"):
        from_vector(np.zeros(LENGTH - 1, dtype=np.int64))


@pytest.mark.parametrize(
    ("cells", "told"),
    [
        ((40, 0, 20), (40, 0, 20)),  # zeros are about nobody
        ((40, 2, 20), (40, -1, -1)),
        ((40, 20, 2), (40, -1, -1)),
        ((2, 1, 1), (-1, -1, -1)),
        ((4, 4, 30), (-1, -1, -1)),  # with the 30 told, 8 together would show both 4s
        ((1, 5, 5), (-1, -1, -1)),
        ((12, 0, 0), (12, 0, 0)),
    ],
)
def test_small_cells_are_hidden_and_others_with_them(cells: tuple[int, ...], told: tuple[int, ...]) -> None:
    assert suppress_table(cells, 5) == told


@pytest.mark.parametrize(("floor", "cells", "most"), [(3, 3, 14), (3, 4, 11), (4, 3, 18), (5, 2, 25)])
def test_no_hidden_cell_can_be_solved_by_who_knows_the_total_and_the_rules(floor: int, cells: int, most: int) -> None:
    for total in range(floor, most + 1):
        possible = defaultdict(list)
        for part in itertools.product(range(total + 1), repeat=cells - 1):
            if sum(part) <= total:
                table = (*part, total - sum(part))
                possible[suppress_table(table, floor)].append(table)
        for told, tables in possible.items():
            for place in (place for place, cell in enumerate(told) if cell == HIDDEN):
                values = {table[place] for table in tables}
                assert len(values) > 1, (told, tables)
                small = {value for value in values if 0 < value < floor}
                # Beside told cells a small one keeps every value it could have.
                assert set(told) == {HIDDEN} or not small or small == set(range(1, floor)), (told, tables)


def matrix_of(told: dict[str, tuple[int, ...]]) -> tuple[np.ndarray, list[tuple[str, int]]]:
    """Every linear equation that a reader has, over the hidden cells of all tables."""
    hidden = [(name, place) for name, cells in told.items() for place, cell in enumerate(cells) if cell == HIDDEN]
    column = {cell: number for number, cell in enumerate(hidden)}
    rows = []
    for table in FORM:
        row = np.zeros(len(hidden))
        row[[column[cell] for cell in hidden if cell[0] == table.name]] = 1
        if table.within is not None:
            parent, places = table.within
            for place in places:
                if (parent, place) in column:
                    row[column[parent, place]] -= 1
        rows.append(row)  # its sum is known: that of all patients, or of the cells it is within
    return np.array(rows), hidden


@st.composite
def hospitals(draw: st.DrawFn) -> dict[str, tuple[int, ...]]:
    """Counts that can be: every table deals all patients, or those of the cells it is within."""
    total = draw(st.integers(0, 60))
    counts: dict[str, tuple[int, ...]] = {}
    for table in FORM:
        left = total if table.within is None else sum(counts[table.within[0]][place] for place in table.within[1])
        cells = [0] * len(table.cells)
        places = draw(st.lists(st.integers(0, len(cells) - 1), min_size=1, max_size=4))
        for place in places[:-1]:
            taken = draw(st.integers(0, left))
            cells[place] += taken
            left -= taken
        cells[places[-1]] += left
        counts[table.name] = tuple(cells)
    return counts


@given(hospitals(), st.integers(2, 8))
@settings(max_examples=60, deadline=None)
def test_no_hidden_cell_follows_from_the_sums_of_all_tables_together(
    counts: dict[str, tuple[int, ...]], floor: int
) -> None:
    told = suppress(counts, floor)
    assert not any(0 < cell < floor for cells in told.values() for cell in cells)
    assert all(cell in (HIDDEN, true) for table in FORM for cell, true in zip(told[table.name], counts[table.name]))
    matrix, hidden = matrix_of(told)
    rank = np.linalg.matrix_rank(matrix) if hidden else 0
    for number in range(len(hidden)):
        unit = np.zeros(len(hidden))
        unit[number] = 1
        # A cell is solved when its own unit vector is a combination of the equations.
        assert np.linalg.matrix_rank(np.vstack([matrix, unit])) == rank + 1


def test_the_noise_is_discrete_laplace_of_the_promised_scale() -> None:
    assert scale_for(2.0) == Fraction(SENSITIVITY, 2)
    assert len(FORM) == SENSITIVITY
    draws = Counter(discrete_laplace(Fraction(3, 2), secrets.randbelow) for _ in range(4000))
    ratio = math.exp(-2 / 3)
    expected = {k: 4000 * (1 - ratio) / (1 + ratio) * ratio ** abs(k) for k in range(-6, 7)}
    distance = sum((draws[k] - n) ** 2 / n for k, n in expected.items())
    assert distance < 50  # chi-square with 12 degrees of freedom: once in a million


def test_noised_counts_are_hidden_below_the_floor_and_never_negative() -> None:
    assert hide_small((-3, 4, 5, 60), 5) == (HIDDEN, HIDDEN, 5, 60)
    assert hide_small((-3, 0, 2), 1) == (0, 0, 2)
    flat = {table.name: (0,) * len(table.cells) for table in FORM}
    noisy = noised(flat, 1.0, secrets.randbelow)
    assert len({cell for cells in noisy.values() for cell in cells}) > 10
