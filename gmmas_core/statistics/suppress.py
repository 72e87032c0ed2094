"""Which cells of a table may be told: none of fewer patients than the floor, and none from which one could be solved.

What a reader is taken to know: the table's total (it follows from other tables), every told cell, that a hidden cell is
not 0 unless the whole table is hidden, and these rules. A small cell alone would be total minus the rest, and two that
are as large as they can be would show in their sum, so larger ones are hidden with them. Which ones depends on nothing
but their place: were it the smallest, its size would narrow the hidden ones down. A test enumerates every table that a
reader could suppose: beside told cells, a small cell may always be anything from 1 to below the floor.

Zeros are told, they are about nobody; all patients in one cell are told too, which says of every one of them what the
cell says. Not covered: facts from elsewhere (other messages of the site, knowing who was a patient there), and the
inequalities between tables of nested things (no tumour core is larger than its tumour). Noise covers those.

Source: complementary suppression as in statistical disclosure control, e.g. Hundepool et al. 2012, Statistical
Disclosure Control, chapter 4 (doi:10.1002/9781118348239).
"""

from collections.abc import Sequence

from gmmas_core.statistics.form import FORM, HIDDEN, Counts

LEAST_FLOOR = 3
"""Below it a hidden cell that is not 0 could only be 1. A floor of 1 hides nothing and stays."""


def effective_floor(floor: int) -> int:
    """The floor that a table is told by, for a site's cohort floor."""
    return floor if floor <= 1 else max(floor, LEAST_FLOOR)


def suppress(counts: Counts, floor: int) -> dict[str, tuple[int, ...]]:
    """All tables of the form as they may be told.

    Args:
        counts: patients per cell.
        floor: of the site, at least 1.

    Returns:
        The same tables, with HIDDEN where a cell is not told. A table `within` others is told only where the cells
        that make its total are, because its total tells their sum.
    """
    told: dict[str, tuple[int, ...]] = {}
    for table in FORM:
        cells = counts[table.name]
        if table.within is not None:
            parent, places = table.within
            if any(told[parent][place] == HIDDEN for place in places):
                told[table.name] = (HIDDEN,) * len(cells)
                continue
        told[table.name] = suppress_table(cells, floor)
    return told


def suppress_table(cells: Sequence[int], floor: int) -> tuple[int, ...]:
    """One table as it may be told.

    Beside the small cells, others are hidden from the last on: one at least, and so many that the hidden cells' sum
    would allow every small one any value below the floor. Where that cannot be reached nothing is told at all.

    Args:
        cells: patients per cell.
        floor: of the site, at least 1.
    """
    floor = effective_floor(floor)
    small = [place for place, count in enumerate(cells) if 0 < count < floor]
    if not small:
        return tuple(cells)
    others = [place for place, count in enumerate(cells) if count >= floor]
    beside: list[int] = []
    total = sum(cells[place] for place in small)
    # The bound is one above what the largest small cell, all others at their least, and the hidden others at the floor
    # add up to: so the look before the last could have ended as it did with any of these values.
    while not beside or total < len(small) + floor - 1 + floor * len(beside):
        if not others:
            return (HIDDEN,) * len(cells)
        beside.append(others.pop())
        total += cells[beside[-1]]
    return tuple(HIDDEN if place in (*small, *beside) else count for place, count in enumerate(cells))


def hide_small(cells: Sequence[int], floor: int) -> tuple[int, ...]:
    """Noised counts as they are told: never negative, and none below the floor.

    Nothing else need be hidden: what the noise protects it protects in sums and differences too, and this looks at
    nothing but noised numbers.
    """
    return tuple(HIDDEN if count < floor and floor > 1 else max(count, 0) for count in cells)
