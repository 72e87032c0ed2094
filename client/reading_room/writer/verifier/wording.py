"""Words that nobody licensed: not in the lexicon, not neutral, and not in the words of a cited fact."""

from client.reading_room.writer.verifier.clauses import Clause
from client.reading_room.writer.verifier.forbidden_en import KIND_OF
from client.reading_room.writer.verifier.items import FILLED, UNKNOWN
from client.reading_room.writer.verifier.sentence import Found, Read


def check_words(clause: Clause, read: Read) -> Found:
    """Every unknown word, named by what it would have said."""
    for item in clause.items:
        if item.concept == UNKNOWN and not read.cited.says((item.words, clause.is_negated)):
            yield KIND_OF.get(item.words, "word"), item.words


def check_negations(clause: Clause, read: Read) -> Found:
    """At most one negation in a clause, and none about a fact that is told in its own words."""
    if clause.negations > 1 and not read.repeats:
        yield "negation", "more than one in a clause"
    for item in clause.items:
        if clause.is_negated and item.concept == FILLED and item.fact is not None:
            yield "negation", item.words
