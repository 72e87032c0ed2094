"""A narrative while it is being written: sentences with the facts that they rest on."""

from client.reading_room.writer.fact import Fact, Facts, Kind
from client.reading_room.writer.narrative import Sentence
from client.reading_room.writer.words import as_sentence, listed, word


class Draft:
    """Sentences so far.

    Attributes:
        facts: those that the audience may read.
        language: of the facts.
        sentences: in the order in which they were told.
    """

    def __init__(self, facts: Facts) -> None:
        self.facts = facts
        self.language = facts.language
        self.sentences: list[Sentence] = []

    def tell(self, section: str, key: str, *facts: Fact, **filled: str) -> None:
        """One sentence of the catalogue that rests on some facts."""
        self._add(section, word(key, self.language, **filled), facts)

    def repeat(self, section: str, *facts: Fact) -> None:
        """Each fact's own words as a sentence."""
        for fact in facts:
            self._add(section, fact.text, (fact,))

    def sequences(self, facts: tuple[Fact, ...]) -> str:
        """Names of sequences as one phrase."""
        return listed(tuple(word(f"sequence.{fact.value['sequence']}", self.language) for fact in facts), self.language)

    def find(self, fact_id: str) -> tuple[Fact, ...]:
        """The fact of an id as a tuple of one, empty where this case has none."""
        fact = self.facts.find(fact_id)
        return () if fact is None else (fact,)

    def of(self, *kinds: Kind) -> tuple[Fact, ...]:
        """All facts of some kinds."""
        return self.facts.of(*kinds)

    def _add(self, section: str, text: str, facts: tuple[Fact, ...]) -> None:
        named = tuple(fact.id for fact in facts)
        self.sentences.append(Sentence(section=section, text=as_sentence(text, self.language), facts=named))
