"""Sets of answers that held the truth in nine of ten of this hospital's own earlier cases, class by class.

Split conformal prediction, class-conditional: a case's score is 1 minus the probability that the model gave to what
pathology found; a class belongs to the set of a new case where 1 minus its probability does not exceed the quantile of
that class's scores. It promises coverage only where the new case is like the earlier ones (exchangeable), and nothing
below FEWEST cases of a class.

Source: Vovk 2012 (Mondrian conformal predictors), as in Angelopoulos & Bates 2023, section 4.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction

ALPHA = Fraction(1, 10)
FEWEST = 9
"""Cases of a class below which its quantile at ALPHA does not exist: ceil(1 / ALPHA) - 1."""


@dataclass(frozen=True, kw_only=True)
class AnswerSet:
    """A conformal set.

    Attributes:
        classes: in it, in the order they were asked; may be empty or hold all.
        counts: class -> earlier cases that its quantile rests on.
    """

    classes: tuple[str, ...]
    counts: Mapping[str, int]


@dataclass(frozen=True)
class NoSet:
    """There is none: the classes with fewer than FEWEST earlier cases, and how many they have."""

    few: Mapping[str, int]


def conformal_set(
    probability: Mapping[str, float], earlier: Sequence[tuple[Mapping[str, float], str]]
) -> AnswerSet | NoSet:
    """The set of one case.

    Args:
        probability: class -> probability of the new case; they sum to one.
        earlier: of other patients, each the model's probabilities and the class that pathology found.
    """
    scores = {name: sorted(1.0 - said[true] for said, true in earlier if true == name) for name in probability}
    counts = {name: len(values) for name, values in scores.items()}
    few = {name: count for name, count in counts.items() if count < FEWEST}
    if few:
        return NoSet(few)
    inside = tuple(name for name, values in scores.items() if 1.0 - probability[name] <= quantile(values))
    return AnswerSet(classes=inside, counts=counts)


def quantile(sorted_scores: Sequence[float]) -> float:
    """The ceil((n + 1)(1 - ALPHA))-th smallest of at least FEWEST scores."""
    rank = -(-(len(sorted_scores) + 1) * (ALPHA.denominator - ALPHA.numerator) // ALPHA.denominator)
    return sorted_scores[rank - 1]
