"""The facts that a sentence says it rests on, and what they allow."""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property, lru_cache

from client.reading_room.writer.fact import Fact, Facts, Kind, Value
from client.reading_room.writer.verifier.clauses import Clause, clauses_of
from client.reading_room.writer.verifier.items import NAME, NEUTRAL_WORD, UNKNOWN, items_of

TOLD_IN_WORDS = frozenset(
    {
        *(Kind.STATEMENT, Kind.FLAG, Kind.REASON, Kind.TEST, Kind.CHECK, Kind.NOT_ASSESSABLE, Kind.VERDICT),
        *(Kind.WITHOUT, Kind.MISMATCH, Kind.MARGIN, Kind.CORRECTED, Kind.DECISION, Kind.GRADE, Kind.PASSES),
        *(Kind.CHANGE, Kind.TYPE_RANGE, Kind.TASK_RANGE, Kind.VOLUME_RANGE, Kind.HISTOLOGY_RANGE, Kind.LENGTH),
    }
)
"""Kinds of which the words themselves may be used, where no rule speaks of them."""

WHOLE_SENTENCES = TOLD_IN_WORDS | {
    *(Kind.SIDE, Kind.CROSSING, Kind.REGION, Kind.TUMOUR, Kind.SEQUENCE_USED, Kind.SEQUENCE_MISSING, Kind.PATHOLOGY),
    *(Kind.TASK, Kind.LABEL, Kind.DIAGNOSIS),
}
"""Kinds whose own words may stand alone, as a placeholder and nothing else."""

_ENOUGH = 0.6

Meaning = tuple[str, bool]
"""A concept, or the word itself where it is unknown, and whether its clause is negated."""


@dataclass(frozen=True)
class Cited:
    """Facts of one sentence.

    Attributes:
        facts: those that it names.
        case: all that this reader may be told.
    """

    facts: tuple[Fact, ...]
    case: Facts

    def any(self, *kinds: Kind, **payload: Value) -> bool:
        """Whether a fact of some kinds has these values."""
        return any(fact.kind in kinds and _matches(fact, payload) for fact in self.facts)

    def of(self, *kinds: Kind) -> tuple[Fact, ...]:
        """The facts of some kinds."""
        return tuple(fact for fact in self.facts if fact.kind in kinds)

    @cached_property
    def said(self) -> frozenset[Meaning]:
        """What the words of these facts say, each with its polarity."""
        return frozenset().union(*(spoken(fact) for fact in self.facts if fact.kind in TOLD_IN_WORDS))

    def says(self, meaning: Meaning) -> bool:
        """Whether the words of a fact hold this, turned the same way."""
        return meaning in self.said

    def repeats(self, clauses: Iterable[Clause]) -> bool:
        """Whether a sentence says most of what the words of one fact say, and so may name what is named there."""
        here = frozenset(meaning for clause in clauses for meaning in meanings_of(clause))
        return any(_overlap(spoken(fact), here) >= _ENOUGH for fact in self.facts if fact.kind in TOLD_IN_WORDS)


def _matches(fact: Fact, payload: dict[str, Value]) -> bool:
    return all(fact.value.get(key) == value for key, value in payload.items())


def _overlap(fact: frozenset[Meaning], sentence: frozenset[Meaning]) -> float:
    return len(fact & sentence) / len(fact) if fact else 0.0


def spoken(fact: Fact) -> frozenset[Meaning]:
    """What the words of a fact say."""
    return _meanings(fact.text)


@lru_cache(maxsize=4096)
def _meanings(text: str) -> frozenset[Meaning]:
    items = items_of(text, Facts(language="en", items=()))
    return frozenset(meaning for clause in clauses_of(items) for meaning in meanings_of(clause))


def meanings_of(clause: Clause) -> frozenset[Meaning]:
    """Every meaning of a clause that is not neutral."""
    return frozenset(
        (item.words if item.concept in (UNKNOWN, NAME) else item.concept, clause.is_negated)
        for item in clause.items
        if item.concept != NEUTRAL_WORD
    )
