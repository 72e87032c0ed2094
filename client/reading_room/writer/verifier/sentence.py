"""A sentence as the rules see it."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from client.reading_room.writer.fact import Facts
from client.reading_room.writer.verifier.cited import Cited
from client.reading_room.writer.verifier.clauses import Clause, clauses_of
from client.reading_room.writer.verifier.items import FILLED, Item, items_of

Found = Iterator[tuple[str, str]]
"""Kinds of problems with the words concerned."""


@dataclass(frozen=True, kw_only=True)
class Read:
    """One text of a reply, read.

    Attributes:
        text: in plain characters.
        items: all meanings in order.
        clauses: the same in clauses.
        cited: its facts.
        case: all that this reader may be told.
    """

    text: str
    items: tuple[Item, ...]
    clauses: tuple[Clause, ...]
    cited: Cited
    case: Facts

    @property
    def repeats(self) -> bool:
        """Whether it says most of what one of its facts says."""
        return self.cited.repeats(self.clauses)

    def says(self, clause: Clause, item: Item) -> bool:
        """Whether the words of a cited fact hold this meaning, turned as in this clause."""
        return self.cited.says((item.concept, clause.is_negated))

    def quotes(self, clause: Clause, item: Item) -> bool:
        """The same of a sentence that says most of what that fact says; asked where a name alone would mislead."""
        return self.says(clause, item) and self.repeats


Rule = Callable[[Clause, Read], Found]


def read(text: str, cited: Cited, case: Facts) -> Read:
    """A text of plain characters."""
    items = items_of(text, case)
    return Read(text=text, items=items, clauses=clauses_of(items), cited=cited, case=case)


def filled(clause: Clause) -> tuple[Item, ...]:
    """Its placeholders."""
    return tuple(item for item in clause.items if item.concept == FILLED)
