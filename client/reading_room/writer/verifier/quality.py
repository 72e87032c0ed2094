"""What the checks found and how far the probabilities can be read: never better than the facts say."""

from client.reading_room.writer.fact import Kind
from client.reading_room.writer.verifier.clauses import Clause
from client.reading_room.writer.verifier.items import NEUTRAL_WORD
from client.reading_room.writer.verifier.sentence import Found, Read

_MACHINES = frozenset({"model", "computer", "software", "program", "network", "algorithm", "system"})


def check_verdicts(clause: Clause, read: Read) -> Found:
    """Passed, warned or failed."""
    for item in clause.of("verdict"):
        is_so = read.cited.any(Kind.VERDICT, verdict=item.value)
        if item.value != "pass":
            is_so = is_so or read.cited.any(Kind.CHECK, verdict=item.value)
        if clause.is_negated and not read.quotes(clause, item):
            yield "negation", item.words
        elif not is_so and not read.says(clause, item):
            yield "verdict", item.words


def check_calibration(clause: Clause, read: Read) -> Found:
    """Calibrated only where every cited question was; not calibrated only where one was not."""
    open_ = any(str(fact.value.get("flag", "")).endswith("uncalibrated") for fact in read.cited.of(Kind.FLAG))
    open_ = open_ or read.cited.any(Kind.TASK, calibrated=False)
    for item in (*clause.of("uncalibrated"), *clause.of("calibrated"), *clause.of("frequency")):
        says_not = item.category != "calibrated" or clause.is_negated
        is_turned = item.category == "uncalibrated" and clause.is_negated
        good = read.cited.any(Kind.TASK, calibrated=True) and not open_
        if is_turned:
            yield "negation", item.words
        elif not (open_ if says_not else good) and not read.quotes(clause, item):
            yield "calibration", item.words


def check_questions(clause: Clause, read: Read) -> Found:
    """Whom to ask, and a question that leans to neither answer."""
    for item in clause.of("ask"):
        if clause.is_negated or not read.cited.any(Kind.STATEMENT, statement="care_team"):
            yield "word", item.words
    for item in clause.of("even"):
        if clause.is_negated or not read.cited.any(Kind.TASK, answer=None):
            yield "state", item.words


def check_persons(clause: Clause, read: Read) -> Found:
    """Corrections and decisions of persons."""
    kinds = {"corrected": ("corrected", None), "signed": ("decision", "signed"), "rejected": ("decision", "rejected")}
    for item in clause.of("person"):
        kind, decided = kinds[item.value]
        if kind == "corrected":
            is_so = read.cited.any(Kind.CORRECTED) or read.case.find("corrected") is not None
        else:
            is_so = read.cited.any(Kind.DECISION, kind=decided)
        by_machine = any(each.concept == NEUTRAL_WORD and each.words in _MACHINES for each in clause.items)
        if clause.is_negated or not is_so or by_machine or clause.has("tissue", "diagnosis"):
            yield "person", item.words
