"""The great words: diagnosis, grade, tissue, proof. An image gives none of them."""

from client.reading_room.writer.fact import Kind
from client.reading_room.writer.verifier.clauses import Clause
from client.reading_room.writer.verifier.sentence import Found, Read
from client.reading_room.writer.verifier.types import TISSUE, speaks_of_images

_IN_GENERAL = (Kind.STATEMENT, Kind.FLAG, Kind.TEST, Kind.REASON)
"""Facts that speak of tissue without a result."""

_DONE = frozenset(
    {
        *("was", "were", "had", "has", "have", "been", "found", "seen", "taken", "reported", "read", "shown", "shows"),
        *(
            "confirms",
            "confirmed",
            "suggests",
            "suggested",
            "suggest",
            "proves",
            "proven",
            "pathologist",
            "pathologists",
        ),
    }
)
"""Words that make of "tissue would tell" what tissue told."""

_MACHINES = frozenset({"model", "computer", "software"})


def check_diagnosis(clause: Clause, read: Read) -> Found:
    """The word itself: denied of imaging, or affirmed of tissue."""
    for item in clause.of("diagnosis"):
        if clause.is_negated:
            is_so = ("diagnosis", True) in read.cited.said or _is_suggestion(read)
        else:
            on_tissue = read.cited.any(Kind.DIAGNOSIS, basis=TISSUE)
            hedged = read.cited.any(Kind.DIAGNOSIS) and clause.has("hedge")
            general = clause.has("tissue") and _speaks_of_tissue(read) and not _names_a_type(clause)
            is_so = on_tissue or hedged or general
        if not is_so and not read.quotes(clause, item):
            yield ("negation" if clause.is_negated else "established"), item.words


def check_grade(clause: Clause, read: Read) -> Found:
    """A grade comes from tissue, or is said to come from there."""
    for item in clause.of("grade"):
        stated = read.cited.any(Kind.GRADE) or read.cited.any(Kind.PATHOLOGY, marker="grade")
        general = clause.has("tissue") and _speaks_of_tissue(read)
        is_from_tissue = (stated or general) and not clause.is_negated and not speaks_of_images(clause)
        if not is_from_tissue and not read.quotes(clause, item):
            yield "grade", item.words


def check_tissue(clause: Clause, read: Read) -> Found:
    """Tissue is spoken of only where a fact does; what it would show is not what it showed."""
    for item in clause.of("tissue"):
        shown = read.cited.any(Kind.PATHOLOGY, Kind.GRADE) or read.cited.any(Kind.DIAGNOSIS, basis=TISSUE)
        asked = read.cited.any(Kind.HISTOLOGY, Kind.HISTOLOGY_RANGE) or any(
            fact.value.get("task") == "histology" or fact.value.get("what") == "histology" for fact in read.cited.facts
        )
        by_machine = any(each.words in _MACHINES for each in clause.items) and not clause.has("hedge")
        claims_result = _tells_a_result(clause) and not (shown or asked)
        is_spoken_of = shown or asked or _speaks_of_tissue(read) or read.says(clause, item)
        if clause.is_negated and not read.quotes(clause, item):
            yield "negation", item.words
        elif claims_result or (shown and by_machine) or not is_spoken_of:
            yield "tissue", item.words


def check_kind(clause: Clause, read: Read) -> Found:
    """What kind of tumour it is: images do not show it, tissue does."""
    for item in clause.of("kind"):
        told = clause.is_negated or clause.has("tissue")
        if not told or not _speaks_of_tissue(read):
            yield "established", item.words


def check_proof(clause: Clause, read: Read) -> Found:
    """Only tissue settles anything; an image excludes nothing."""
    for item in (*clause.of("proof"), *clause.of("confirmatory")):
        by_tissue = clause.has("tissue") and not clause.is_negated and _speaks_of_tissue(read)
        by_test = item.category == "confirmatory" and read.cited.any(Kind.TEST)
        denied = clause.is_negated and len(clause.of("proof")) == 1 and _is_suggestion(read)
        if not (by_tissue or by_test or denied) and not read.quotes(clause, item):
            yield "certainty", item.words
    for item in clause.of("exclude"):
        is_careful = clause.is_negated and (_is_suggestion(read) or read.cited.any(Kind.TUMOUR, Kind.CHECK))
        if not is_careful and not read.quotes(clause, item):
            yield "certainty", item.words


def _is_suggestion(read: Read) -> bool:
    """A cited fact says that imaging only suggests."""
    told = (str(fact.value.get("statement", fact.value.get("flag", ""))) for fact in read.cited.facts)
    return any(name.endswith(("suggestion", "suggested", "tissue")) for name in told)


def _speaks_of_tissue(read: Read) -> bool:
    if read.cited.any(Kind.TEST, Kind.PATHOLOGY) or read.cited.any(Kind.DIAGNOSIS, basis=TISSUE):
        return True
    return bool(read.cited.of(*_IN_GENERAL)) and ("tissue", False) in read.cited.said


def _tells_a_result(clause: Clause) -> bool:
    """Tissue is said to have been looked at or to have shown something."""
    on_images = any(item.words in ("imaging", "images", "pictures") for item in clause.items)
    told = {word for item in clause.items for word in item.words.split()} & _DONE
    return bool(told - {"suggests", "suggested", "suggest"} if on_images else told)


def _names_a_type(clause: Clause) -> bool:
    return any(item.category in ("entity", "name") or item.fact is not None for item in clause.items)
