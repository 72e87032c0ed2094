"""Discrete Laplace noise, exact: whole numbers only, no float whose last bits could give the count away.

Each table gets an equal share of epsilon. One patient more or less changes one cell of each table by one (see `form`),
so a table with noise of scale len(FORM) / epsilon is (epsilon / len(FORM))-differentially private and all of them
together epsilon. Replacing one patient by another counts twice.

Source: Ghosh, Roughgarden, Sundararajan 2012, Universally Utility-Maximizing Privacy Mechanisms
(doi:10.1137/09076828X); sampling by Canonne, Kamath, Steinke 2020, The Discrete Gaussian for Differential Privacy,
algorithms 1 and 2 (arXiv:2004.00010).
"""

from collections.abc import Callable
from fractions import Fraction

from gmmas_core.statistics.form import FORM, Counts

SENSITIVITY = len(FORM)
"""Largest sum of changes over all cells of all tables when one patient is added or leaves."""

Below = Callable[[int], int]
"""Uniform whole number from 0 to below its argument, from entropy that nobody can repeat."""


def scale_for(epsilon: float) -> Fraction:
    """Scale of the noise on every cell, exactly.

    Args:
        epsilon: above 0, for all tables together.
    """
    return Fraction(SENSITIVITY) / Fraction(epsilon)


def noised(counts: Counts, epsilon: float, below: Below) -> dict[str, tuple[int, ...]]:
    """Every cell with its own noise; may be negative."""
    scale = scale_for(epsilon)
    return {name: tuple(cell + discrete_laplace(scale, below) for cell in cells) for name, cells in counts.items()}


def discrete_laplace(scale: Fraction, below: Below) -> int:
    """A whole number k with probability proportional to exp(-|k| / scale).

    Args:
        scale: above 0.
        below: entropy.
    """
    top, bottom = scale.numerator, scale.denominator
    while True:
        start = below(top)
        if not _happens(Fraction(start, top), below):
            continue
        turns = 0
        while _happens(Fraction(1), below):
            turns += 1
        size, is_negative = (start + top * turns) // bottom, below(2) == 1
        if size or not is_negative:
            return -size if is_negative else size


def _happens(exponent: Fraction, below: Below) -> bool:
    """True with probability exp(-exponent), for an exponent from 0 to 1."""
    turn = 1
    while below(turn * exponent.denominator) < exponent.numerator:
        turn += 1
    return turn % 2 == 1
