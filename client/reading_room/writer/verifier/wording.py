"""Words that nobody licensed: not in the lexicon, not neutral, and not in the words of a cited fact."""

from client.reading_room.writer.fact import Kind
from client.reading_room.writer.verifier.clauses import Clause
from client.reading_room.writer.verifier.forbidden_en import KIND_OF
from client.reading_room.writer.verifier.items import FILLED, NEUTRAL_WORD, UNKNOWN
from client.reading_room.writer.verifier.sentence import Found, Read


def check_words(clause: Clause, read: Read) -> Found:
    """Every unknown word, named by what it would have said; a grave one needs most of the sentence that it is from."""
    for item in clause.items:
        if item.concept != UNKNOWN:
            continue
        kind = KIND_OF.get(item.words, "word")
        is_told = read.cited.says((item.words, clause.is_negated))
        is_grave = kind != "word" and not (clause.is_negated and clause.has("exclude"))
        if not is_told or (is_grave and not read.repeats):
            yield kind, item.words


def check_negations(clause: Clause, read: Read) -> Found:
    """At most one negation in a clause, of something, and none about a fact that is told in its own words."""
    if clause.negations > 1 and not read.repeats:
        yield "negation", "more than one in a clause"
    is_empty = all(item.concept in (NEUTRAL_WORD, "hedge") for item in clause.items)
    if clause.is_negated and is_empty and not clause.says("type", "types"):
        yield "negation", "of nothing that the facts name"
    for item in clause.items:
        if clause.is_negated and item.concept == FILLED and item.fact is not None:
            yield "negation", item.words


def check_small_words(clause: Clause, read: Read) -> Found:
    """Words that are harmless beside the right thing alone: "only" tissue, "needs" tissue."""
    for item in clause.of("only"):
        numbered = any(each.fact is not None and each.fact.value_text for each in clause.items)
        if not clause.has("tissue", "scope") and not numbered and not read.says(clause, item):
            yield "certainty", item.words
    for item in clause.of("measure"):
        if item.value == "change" and not read.cited.any(Kind.CHANGE):
            yield "finding", item.words
    for item in clause.of("need"):
        is_fit = clause.has("tissue", "confirmatory", "value", "verdict") and not clause.is_negated
        if (not is_fit or clause.says("patient", "you")) and not read.says(clause, item):
            yield "treatment", item.words
    for item in clause.of("caution"):
        if clause.is_negated or not read.cited.any(Kind.TUMOUR, Kind.CHECK):
            yield "negation", item.words
