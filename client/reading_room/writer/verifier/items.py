"""Tokens read as meanings: phrases of the lexicon, names of types, placeholders, neutral words, and what is unknown."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from client.reading_room.writer.fact import Fact, Facts
from client.reading_room.writer.verifier.lexicon_en import PHRASES
from client.reading_room.writer.verifier.names_en import NAMES
from client.reading_room.writer.verifier.neutral_en import NEUTRAL
from client.reading_room.writer.verifier.tokens import MARK, PLACEHOLDER, TERM, WORD, Token, tokens_of

NEUTRAL_WORD, UNKNOWN, BREAK, FILLED, NAME = "", "unknown", "break", "filled", "name"


@dataclass(frozen=True, slots=True)
class Item:
    """One meaning.

    Attributes:
        concept: of the lexicon, or one of NEUTRAL_WORD, UNKNOWN, BREAK (a mark), FILLED (a placeholder), NAME (a type).
        words: as written, in small letters; of a NAME the id of the type.
        fact: of a placeholder.
    """

    concept: str
    words: str
    fact: Fact | None = None

    @property
    def category(self) -> str:
        """The part of the concept before its dot."""
        return self.concept.partition(".")[0]

    @property
    def value(self) -> str:
        """The part of the concept after its dot."""
        return self.concept.partition(".")[2]


def _table() -> dict[str, list[tuple[tuple[str, ...], str, str]]]:
    """First word -> phrases that begin with it, longest first, each with its concept and what an item calls it."""
    found = [(tuple(name.split()), NAME, entity) for name, entity in NAMES.items()]
    for concept, phrases in PHRASES.items():
        meant = NEUTRAL_WORD if concept == "plain" else concept
        found += [(tuple(phrase.split()), meant, phrase) for phrase in phrases.split("|")]
    table = defaultdict(list)
    for words, concept, told in sorted(found, key=lambda each: -len(each[0])):
        table[words[0]].append((words, concept, told))
    return dict(table)


_PHRASES = _table()


def items_of(text: str, facts: Facts) -> tuple[Item, ...]:
    """Every meaning of a text in order; a placeholder that no fact fills is UNKNOWN."""
    return tuple(_read(tuple(tokens_of(text)), facts))


def _read(tokens: Sequence[Token], facts: Facts) -> Iterator[Item]:
    start = 0
    while start < len(tokens):
        token = tokens[start]
        if token.kind == PLACEHOLDER:
            fact = facts.find(token.words)
            yield Item(UNKNOWN if fact is None else FILLED, token.words, fact)
        elif token.kind == MARK:
            yield Item(BREAK, token.words)
        elif token.kind in (WORD, TERM):
            item, length = _longest(tokens, start)
            yield item
            start += length
            continue
        else:
            yield Item(UNKNOWN, token.words)
        start += 1


def _longest(tokens: Sequence[Token], start: int) -> tuple[Item, int]:
    """The longest phrase that begins here and how many tokens it takes; else the word alone."""
    for words, concept, told in _PHRASES.get(tokens[start].words, ()):
        length = _fit(tokens, start, words, skips_commas=concept == NAME)
        if length:
            return Item(concept, told), length
    word = tokens[start].words
    return Item(NEUTRAL_WORD if word in NEUTRAL else UNKNOWN, word), 1


def _fit(tokens: Sequence[Token], start: int, words: tuple[str, ...], *, skips_commas: bool) -> int:
    """Tokens that a phrase takes from here; 0 where it does not fit. A name may be written with commas."""
    at = start
    for position, word in enumerate(words):
        if skips_commas and position and at < len(tokens) and tokens[at].words == ",":
            at += 1
        if at >= len(tokens) or tokens[at].words != word:
            return 0
        at += 1
    return at - start
