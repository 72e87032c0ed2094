"""What a text must say, whatever else it says."""

from collections.abc import Iterable

from client.reading_room.writer.fact import Fact, Facts, Kind
from client.reading_room.writer.verifier.cited import meanings_of, spoken
from client.reading_room.writer.verifier.items import FILLED
from client.reading_room.writer.verifier.sentence import Read

_ENOUGH = 0.7
"""Share of what a statement says that a paraphrase of it must say too."""


def mandatory_facts(facts: Facts, audience: str) -> tuple[Fact, ...]:
    """Facts that no text for this audience leaves out.

    Besides `Facts.mandatory`: that a check failed or calls for a look, that nothing was outlined, that probabilities
    are not calibrated, and each part of the tumour that cannot be judged because a sequence is missing.
    """
    readable = facts.may_read(audience)
    listed = set(facts.mandatory(audience))
    return tuple(fact for fact in readable if fact.id in listed or _is_grave(fact))


def _is_grave(fact: Fact) -> bool:
    if fact.kind == Kind.VERDICT:
        return fact.value["verdict"] in ("warn", "fail")
    if fact.kind == Kind.TUMOUR:
        return fact.value["found"] is False
    if fact.kind == Kind.FLAG:
        return fact.id == "flag.uncalibrated"
    return fact.kind == Kind.NOT_ASSESSABLE and fact.value["what"] in ("wt", "tc", "et", "necrosis", "edema")


def left_out(wanted: Iterable[Fact], sentences: Iterable[Read]) -> tuple[Fact, ...]:
    """Those of the wanted facts that no sentence both names and says."""
    told = tuple(sentences)
    return tuple(fact for fact in wanted if not any(_expresses(read, fact) for read in told))


def _expresses(read: Read, fact: Fact) -> bool:
    if fact not in read.cited.facts:
        return False
    if any(item.concept == FILLED and item.fact == fact for item in read.items):
        return True
    said = frozenset().union(*(meanings_of(clause) for clause in read.clauses))
    concepts = {concept for concept, _ in said}
    if fact.kind == Kind.SEQUENCE_MISSING:
        absent = {"state.missing", "state.without"} & concepts or ("state.available", True) in said
        return f"sequence.{fact.value['sequence']}" in concepts and bool(absent)
    if fact.kind == Kind.NOT_ASSESSABLE:
        return "state.unassessable" in concepts and f"region.{fact.value['what']}" in concepts
    if fact.kind == Kind.VERDICT:
        return f"verdict.{fact.value['verdict']}" in concepts
    if fact.kind == Kind.TUMOUR:
        return ("region.wt", True) in said
    if fact.kind == Kind.FLAG:
        return "uncalibrated" in concepts or ("calibrated", True) in said
    wanted = spoken(fact)
    return len(wanted & said) >= _ENOUGH * len(wanted)
