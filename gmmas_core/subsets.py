"""The 15 non-empty subsets of the four sequences: four singles, six pairs, four triples, all four.

That is the order of the published tables by size; within a size it is that of SEQUENCES, and every number over subsets
stands beside the names of its own.
"""

from itertools import combinations

from gmmas_core.types import SEQUENCES

SUBSETS: tuple[tuple[str, ...], ...] = tuple(
    subset for size in range(1, len(SEQUENCES) + 1) for subset in combinations(SEQUENCES, size)
)
"""Each in SEQUENCES' order; the last holds all four."""
