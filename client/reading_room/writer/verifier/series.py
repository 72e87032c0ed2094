"""Sequences: read, missing or left out, each only as it was."""

from client.reading_room.writer.fact import Kind
from client.reading_room.writer.verifier.clauses import Clause
from client.reading_room.writer.verifier.items import Item
from client.reading_room.writer.verifier.sentence import Found, Read

_ABSENT = ("state.missing", "state.without", "state.left_out")


def check_sequences(clause: Clause, read: Read) -> Found:
    """Every sequence that is named."""
    for item in clause.of("sequence"):
        if clause.has(*_ABSENT) and (clause.is_negated and not clause.has("region", "marker")):
            yield "negation", item.words
        elif _says_absent(clause):
            if not _is_absent(item, clause, read):
                yield "sequence", item.words
        elif not _was_used(item, read) and (_is_out(item, read) or not read.says(clause, item)):
            yield "sequence", item.words


def check_left_out(clause: Clause, read: Read) -> Found:
    """Whether another type comes first without a sequence."""
    for fact in read.cited.of(Kind.WITHOUT):
        if clause.has("state.without", "state.left_out") and clause.has("rank"):
            is_other = clause.says("another", "other", "different")
            if is_other != bool(fact.value["changes"]) or not clause.has("rank.first"):
                yield "sequence", str(fact.value["sequence"])


def check_states(clause: Clause, read: Read) -> Found:
    """Missing, available and not assessable rest on facts that say so."""
    if len([item for item in clause.of("state") if item.concept == "state.missing"]) > 1:
        yield "negation", "missing"
    says_missing = clause.has(*_ABSENT) and not clause.of("sequence")
    if says_missing and not read.cited.any(Kind.SEQUENCE_MISSING) and not read.repeats:
        yield "sequence", "missing"
    says_available = clause.has("state.available") and not clause.is_negated and not clause.has("state.missing")
    if says_available and not read.cited.any(Kind.SEQUENCE_USED):
        yield "sequence", "available"
    if clause.has("state.assessable"):
        yield "state", "assessable"
    if clause.has("state.unassessable"):
        some = read.cited.any(Kind.SEQUENCE_MISSING) and not clause.has("region", "marker", "side", "sequence")
        is_open = some or read.cited.any(Kind.NOT_ASSESSABLE) or read.cited.any(Kind.CROSSING, crossing="open")
        if (not is_open and not read.repeats) or clause.is_negated:
            yield "state", "not assessable"


def _says_absent(clause: Clause) -> bool:
    denied = clause.is_negated and (clause.has("state.available") or not _denies_else(clause))
    return clause.has(*_ABSENT) or denied


def _denies_else(clause: Clause) -> bool:
    return clause.has("uncalibrated", "calibrated", "verdict", "region", "value", "hedge", "rank", "brighter")


def _is_absent(item: Item, clause: Clause, read: Read) -> bool:
    """Missing for all, or left out on purpose in a second reading."""
    if read.cited.any(Kind.SEQUENCE_MISSING, sequence=item.value):
        return True
    needed = any(item.value in _words(fact.value["missing"]) for fact in read.cited.of(Kind.NOT_ASSESSABLE))
    if needed and read.case.find(f"missing.{item.value}") is not None:
        return True
    repeated = read.cited.any(Kind.WITHOUT, sequence=item.value) or read.cited.any(Kind.CHANGE, sequence=item.value)
    return repeated and clause.has("state.without", "state.left_out")


def _is_out(item: Item, read: Read) -> bool:
    """Missing, or left out in the reading that a cited fact tells of."""
    if read.case.find(f"missing.{item.value}") is not None:
        return True
    return any(fact.value.get("sequence") == item.value for fact in read.cited.of(Kind.WITHOUT, Kind.CHANGE))


def _was_used(item: Item, read: Read) -> bool:
    if item.value == "all":
        return bool(read.cited.of(Kind.SEQUENCE_USED)) and not read.case.of(Kind.SEQUENCE_MISSING)
    if read.cited.any(Kind.SEQUENCE_USED, sequence=item.value):
        return True
    if any(item.value in _words(fact.value["where"]) for fact in read.cited.of(Kind.CHECK)):
        return True
    return bool(read.cited.of(Kind.MISMATCH)) and item.value in ("t2", "flair")


def _words(value: object) -> tuple[str, ...]:
    return value if isinstance(value, tuple) else ()
