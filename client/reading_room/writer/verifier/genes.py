"""Molecular markers and their values: as imaging suggests, as tissue showed, or not known."""

from client.reading_room.writer.fact import Kind
from client.reading_room.writer.verifier.clauses import Clause
from client.reading_room.writer.verifier.items import Item
from client.reading_room.writer.verifier.names_en import CARRIES
from client.reading_room.writer.verifier.sentence import Found, Read
from client.reading_room.writer.verifier.types import TISSUE, is_hedged, is_shown, speaks_of_images

_TASKS = {"idh": "idh", "codel": "codel_1p19q", "mgmt": "mgmt"}
_MARKER_OF = {
    **{"mutant": "idh", "wildtype": "idh", "codeleted": "codel", "intact": "codel"},
    **{"methylated": "mgmt", "unmethylated": "mgmt"},
}
_OPPOSITE = {
    **{"mutant": "wildtype", "wildtype": "mutant", "codeleted": "intact", "intact": "codeleted"},
    **{"methylated": "unmethylated", "unmethylated": "methylated"},
}
_CHANCES = (Kind.TASK_PROBABILITY, Kind.TASK_RANGE, Kind.CHANGE)


def check_markers(clause: Clause, read: Read) -> Found:
    """A marker is named only where a cited fact is about it."""
    for item in clause.of("marker"):
        if not _is_about(item, read) and not read.says(clause, item):
            yield "marker", item.words
        elif clause.has("state.unassessable") and not _is_open(item, read) and not read.says(clause, item):
            yield "state", item.words


def check_values(clause: Clause, read: Read) -> Found:
    """A value is what imaging suggests, with a word for that, or what tissue showed."""
    for item in clause.of("value"):
        told = _OPPOSITE[item.value] if clause.is_negated else item.value
        if clause.has("marker.h3", "marker.tert", "marker.egfr"):
            is_licensed = False
        else:
            is_licensed = (
                _has_chance(item, clause, read)
                or _is_on_tissue(told, clause, read)
                or _is_suggested(told, clause, read)
            )
        if not is_licensed and not read.quotes(clause, item):
            yield ("negation" if clause.is_negated else "marker"), item.words


def _is_about(item: Item, read: Read) -> bool:
    task = _TASKS.get(item.value, "")
    for fact in read.cited.facts:
        if task and task in (fact.value.get("task"), fact.value.get("what")):
            return True
        if item.value == "idh" and fact.value.get("of") == "codeleted":
            return True
        if fact.value.get("marker") == item.value:
            return True
        if item.concept in CARRIES.get(str(fact.value.get("entity")), ()):
            return True
    return False


def _is_open(item: Item, read: Read) -> bool:
    return read.cited.any(Kind.NOT_ASSESSABLE, what=_TASKS.get(item.value, ""))


def _has_chance(item: Item, clause: Clause, read: Read) -> bool:
    """Its probability stands beside it; whether it is the right one is asked where placeholders are."""
    if clause.is_negated or is_shown(clause):
        return False
    shown = [each.fact for each in clause.items if each.fact is not None and each.fact.kind in _CHANCES]
    together = item.value == "mutant" and clause.has("value.codeleted")
    return any(fact.value["of"] == ("codeleted" if together else item.value) for fact in shown)


def _is_on_tissue(told: str, clause: Clause, read: Read) -> bool:
    marker = _MARKER_OF[told]
    if clause.has("unlikely") or speaks_of_images(clause):
        return False
    if clause.has("tissue") and read.cited.any(Kind.PATHOLOGY, marker=marker, value=told):
        return True
    if clause.says("person", "clinician", "set") and read.cited.any(Kind.LABEL, task=_TASKS[marker], answer=told):
        return True
    if clause.is_negated or not clause.has("tissue", "diagnosis"):
        return False
    return any(
        fact.value["basis"] == TISSUE and f"value.{told}" in CARRIES.get(str(fact.value["entity"]), ())
        for fact in read.cited.of(Kind.DIAGNOSIS)
    )


def _is_suggested(told: str, clause: Clause, read: Read) -> bool:
    if not (is_hedged(clause) or clause.has("unlikely")) or is_shown(clause):
        return False
    if read.cited.any(Kind.TASK, task=_TASKS[_MARKER_OF[told]], answer=told):
        return True
    if read.cited.any(Kind.TASK_PROBABILITY, task=_TASKS[_MARKER_OF[told]], of=told):
        return True
    first = (fact for fact in read.cited.of(Kind.TYPE) if fact.value["rank"] == 1)
    carried = any(f"value.{told}" in CARRIES.get(str(fact.value["entity"]), ()) for fact in first)
    return carried and not clause.is_negated
