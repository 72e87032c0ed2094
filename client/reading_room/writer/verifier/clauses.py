"""A text cut into clauses, each affirmed or negated as a whole.

A negation holds for its whole clause. That is coarser than grammar and errs to the safe side: a clause that says one
thing with and another without "not" does not pass, and its writer has to use two.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from client.reading_room.writer.verifier.items import BREAK, NEUTRAL_WORD, Item
from client.reading_room.writer.verifier.neutral_en import VERBS

_ENDS = (".", ";", "?")
_OPENERS = frozenset({"but", "because", "although", "though", "while", "whereas", "since", "so", "if", "which"})
_SUBJECTS = frozenset({"it", "they", "this", "these", "that"})
_ARTICLES = frozenset({"a", "an", "the", "any"})


@dataclass(frozen=True, slots=True)
class Clause:
    """Items between two ends.

    Attributes:
        items: without marks and without the words that `negations` counts.
        negations: words that turn the clause round; "neither ... nor" is one.
    """

    items: tuple[Item, ...]
    negations: int

    @property
    def is_negated(self) -> bool:
        """One negation turns the clause round."""
        return self.negations == 1

    def has(self, *concepts: str) -> bool:
        """Whether any of some concepts, or of some categories, is there."""
        return any(item.concept in concepts or item.category in concepts for item in self.items)

    def of(self, category: str) -> tuple[Item, ...]:
        """Items of one category."""
        return tuple(item for item in self.items if item.category == category)

    def says(self, *words: str) -> bool:
        """Whether any of some words stands here."""
        return any(word in item.words.split() for item in self.items for word in words)


def clauses_of(items: Sequence[Item]) -> tuple[Clause, ...]:
    """Every clause in order."""
    return tuple(_clause(part) for whole in _joined(_parts(items)) for part in _parted(whole))


def _parts(items: Sequence[Item]) -> Iterator[tuple[list[Item], bool]]:
    """Pieces between marks and joining words; each with whether it begins a clause for certain."""
    part: list[Item] = []
    is_new = True
    for position, item in enumerate(items):
        if item.concept == BREAK:
            yield part, is_new
            part, is_new = [], item.words in _ENDS
        elif item.concept == NEUTRAL_WORD and (
            item.words in _OPENERS or _joins(item, items[position + 1 : position + 3])
        ):
            yield part, is_new
            part, is_new = [item], True
        else:
            part.append(item)
    yield part, is_new


def _joins(item: Item, following: Sequence[Item]) -> bool:
    """An "and" or "or" before a verb or a negation, with or without a pronoun, begins a clause of its own."""
    if item.words not in ("and", "or") or not following:
        return False
    first = following[-1] if following[0].words in _SUBJECTS else following[0]
    return first.words in VERBS or first.concept == "not"


def _joined(parts: Iterator[tuple[list[Item], bool]]) -> list[list[Item]]:
    """A piece without a verb belongs to the piece before it, or to the one after it."""
    clauses: list[list[Item]] = []
    for part, is_new in parts:
        if not part:
            if is_new and clauses and clauses[-1]:
                clauses.append([])
            continue
        follows = bool(clauses) and not is_new and (not _has_verb(part) or not _has_verb(clauses[-1]))
        if follows or (clauses and not clauses[-1]):
            clauses[-1].extend(part)
        else:
            clauses.append(list(part))
    return [clause for clause in clauses if clause]


def _has_verb(part: Sequence[Item]) -> bool:
    """A verb that is not an infinitive."""
    return any(
        word in VERBS and not (position and part[position - 1].words == "to")
        for position, item in enumerate(part)
        for word in item.words.split()
    )


def _parted(part: list[Item]) -> list[list[Item]]:
    """Two statements joined by "and" of which only one holds a negation."""
    for position, item in enumerate(part):
        first, second = part[:position], part[position:]
        if item.words == "and" and _has_verb(first) and _has_verb(second) and _is_turned(first) != _is_turned(second):
            return [first, *_parted(second[1:])]
    return [part]


def _is_turned(part: Sequence[Item]) -> bool:
    return any(item.concept == "not" for item in part)


def _clause(items: list[Item]) -> Clause:
    kept, negations = [], 0
    for position, item in enumerate(items):
        if item.concept == "not":
            turned = _of_sequence(item, items[position + 1 :])
            if turned is not None:
                kept.append(turned)
                continue
            negations += item.words != "nor" or not any(each.words == "neither" for each in items)
        else:
            negations += item.concept == "unlikely"
            kept.append(item)
    if negations == 1 and any(item.concept == "state.assessable" for item in kept):
        kept = [Item("state.unassessable", item.words) if item.concept == "state.assessable" else item for item in kept]
        negations = 0
    return Clause(tuple(kept), negations)


def _of_sequence(item: Item, following: Sequence[Item]) -> Item | None:
    """ "No T1c" and "without T1c" speak of what was read and turn nothing round."""
    if item.words not in ("no", "without"):
        return None
    for each in following:
        if each.concept == NEUTRAL_WORD and each.words in _ARTICLES:
            continue
        is_sequence = each.category == "sequence"
        return (
            Item("state.without" if item.words == "without" else "state.missing", item.words) if is_sequence else None
        )
    return None
