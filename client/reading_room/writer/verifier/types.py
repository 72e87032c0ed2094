"""Types of tumour: only those that the facts name, at their rank, as a suggestion unless tissue showed them."""

from client.reading_room.writer.fact import Fact, Kind
from client.reading_room.writer.verifier.clauses import Clause
from client.reading_room.writer.verifier.items import FILLED, NAME, NEUTRAL_WORD, Item
from client.reading_room.writer.verifier.names_en import CARRIES
from client.reading_room.writer.verifier.sentence import Found, Read

TISSUE = "basis.tissue"
_HEDGES = ("hedge", "likely", "rank", "order", "measure.probability")
_SHOWN = ("show", "shows", "shown", "found", "finds", "find", "seen", "see", "sees")
_OWNERS = ("patient", "you", "person", "people")
_IMAGES = ("imaging", "image", "images", "picture", "pictures")
_POINTERS = ("this", "it", "that", "these", "they")


def check_types(clause: Clause, read: Read) -> Found:
    """Every type that is named, in words or by a placeholder."""
    for position, item in enumerate(clause.items):
        if not _is_type(item):
            continue
        if _is_on_tissue(item, clause, read) or _is_by_histology(item, clause, read):
            continue
        if read.quotes(clause, item) or _is_quoted_name(item, clause, read):
            continue
        fact = _suggested(item, read)
        if fact is None:
            yield "diagnosis", item.words
        elif clause.is_negated or clause.has("unlikely"):
            yield "negation", item.words
        elif _says_too_much(clause, position, fact):
            yield "established", item.words
        elif not _order_fits(clause, position, fact, read):
            yield "rank", item.words


def check_suggestion(clause: Clause, read: Read) -> Found:
    """A suggestion is not denied, unless there is none."""
    has_none = clause.says("type", "types") and not read.case.of(Kind.TYPE, Kind.TASK, Kind.DIAGNOSIS)
    if has_none and not clause.is_negated and not any(read.says(clause, item) for item in clause.of("hedge")):
        yield from (("diagnosis", item.words) for item in clause.of("hedge"))
    is_denied = clause.is_negated and clause.has("hedge") and not clause.has("diagnosis", "exclude", "proof", "value")
    if is_denied and read.case.of(Kind.TYPE):
        yield "negation", clause.of("hedge")[0].words


def is_hedged(clause: Clause) -> bool:
    """Whether a clause speaks of a suggestion or a probability."""
    return clause.has(*_HEDGES)


def _says_too_much(clause: Clause, position: int, fact: Fact) -> bool:
    """Nothing in the clause says that it is a suggestion, or something says that it is more."""
    is_suggestion = is_hedged(clause) or _gives_chance(clause, fact)
    return is_shown(clause) or _is_asserted(clause, position) or not is_suggestion


def _order_fits(clause: Clause, position: int, fact: Fact, read: Read) -> bool:
    if fact.kind == Kind.DIAGNOSIS:
        return clause.items[position].concept != FILLED or not clause.has("rank")
    return fact.kind != Kind.TYPE or _rank_fits(clause, position, fact, read)


def speaks_of_images(clause: Clause) -> bool:
    """Whether images are what a clause rests on."""
    return any(each.concept == NEUTRAL_WORD and each.words in _IMAGES for each in clause.items)


def is_shown(clause: Clause) -> bool:
    """Images "show" or somebody "found" what they can only suggest."""
    return clause.says(*_SHOWN) and not clause.has("hedge", "tissue")


def _is_type(item: Item) -> bool:
    if item.concept == FILLED:
        return item.fact is not None and item.fact.kind in (Kind.TYPE, Kind.DIAGNOSIS)
    return item.concept == NAME or item.category == "entity"


def _carried(item: Item, entity: object) -> bool:
    """Whether what an item names may be said where this type is said."""
    if item.concept == NAME:
        return item.words == entity
    return item.concept in CARRIES.get(str(entity), ())


def _is_on_tissue(item: Item, clause: Clause, read: Read) -> bool:
    """Tissue showed it and the sentence says so."""
    if clause.is_negated or clause.has("unlikely"):
        return False
    on_images = speaks_of_images(clause)
    says_so = any(each.has("tissue", "diagnosis") for each in read.clauses) and not on_images
    if item.concept == FILLED:
        return item.fact is not None and item.fact.value.get("basis") == TISSUE and says_so
    for fact in read.cited.of(Kind.DIAGNOSIS):
        if fact.value["basis"] == TISSUE and _carried(item, fact.value["entity"]) and says_so:
            return True
    seen = item.value == _histology(read)
    return seen and not on_images and clause.has("tissue") and item.category == "entity"


def _histology(read: Read) -> object:
    return next(
        (fact.value["value"] for fact in read.cited.of(Kind.PATHOLOGY) if fact.value["marker"] == "histology"), ""
    )


def _is_by_histology(item: Item, clause: Clause, read: Read) -> bool:
    """The question what the microscope would show, with its probability or as a suggestion."""
    asked = any(each.fact is not None and each.fact.value.get("task") == "histology" for each in read.items)
    asked = asked or any(each.has("tissue") for each in read.clauses)
    if item.category != "entity" or clause.is_negated or not asked:
        return False
    shown = [each.fact for each in clause.items if each.concept == FILLED and each.fact is not None]
    if item.value == "glioblastoma" and any(fact.kind in (Kind.HISTOLOGY, Kind.HISTOLOGY_RANGE) for fact in shown):
        return True
    if any(fact.kind == Kind.TASK_PROBABILITY and fact.value["of"] == item.value for fact in shown):
        return True
    return is_hedged(clause) and read.cited.any(Kind.TASK, task="histology", answer=item.value)


def _is_quoted_name(item: Item, clause: Clause, read: Read) -> bool:
    return item.concept == NAME and read.cited.says((item.words, clause.is_negated)) and read.repeats


def _suggested(item: Item, read: Read) -> Fact | None:
    """The cited fact that suggests it."""
    if item.concept == FILLED:
        return item.fact
    found = read.cited.of(Kind.TYPE, Kind.TYPE_PROBABILITY, Kind.DIAGNOSIS)
    suggested = (fact for fact in found if fact.value.get("basis") != TISSUE)
    return next((fact for fact in suggested if _carried(item, fact.value["entity"])), None)


def _gives_chance(clause: Clause, fact: Fact) -> bool:
    """The probability of the same type stands beside it."""
    return any(
        item.fact is not None
        and item.fact.kind == Kind.TYPE_PROBABILITY
        and item.fact.value["entity"] == fact.value["entity"]
        for item in clause.items
    )


def _is_asserted(clause: Clause, position: int) -> bool:
    """ "This is a ...", "the tumour is ...", "the patient has ...": said of the case as if it were known."""
    before = [item for item in clause.items[:position] if item.words not in ("a", "an", "the")]
    if not before:
        return False
    verb = before[-1].words
    if verb in ("is", "are", "was", "were") and len(before) > 1:
        subject = before[-2]
        is_pointer = subject.concept == NEUTRAL_WORD and subject.words in _POINTERS
        return (is_pointer or subject.category == "region") and not any(item.category == "hedge" for item in before)
    owns = any(item.words in ("has", "have", "with") for item in before)
    owner = any(item.words in _OWNERS for item in before)
    return owns and owner and not any(item.category in ("hedge", "likely") for item in before)


def check_order(clause: Clause, read: Read) -> Found:
    """Words of order need a type to order, and two types compared must stand as the facts rank them."""
    has_type = any(_is_type(item) for item in clause.items) or clause.says("type", "types", "suggestion")
    is_careful = clause.is_negated or clause.has(*_HEDGES, "tissue", "state", "kind")
    if clause.says("type") and speaks_of_images(clause) and not is_careful and not read.repeats:
        yield "established", "type"
    for item in clause.of("rank"):
        if not has_type and not read.says(clause, item):
            yield "number", item.words
    for at, item in enumerate(clause.items):
        if item.category != "order":
            continue
        before = [_rank(each, read) for each in clause.items[:at] if _is_type(each)]
        after = [_rank(each, read) for each in clause.items[at:] if _is_type(each)]
        known = bool(before and after and before[-1] and after[0]) and not clause.is_negated
        if not known or (before[-1] > after[0]) != (item.value == "less"):
            yield "rank", item.words


def _rank(item: Item, read: Read) -> int:
    """Of the cited type that an item names; 0 where there is none."""
    fact = _suggested(item, read)
    return int(str(fact.value["rank"])) if fact is not None and "rank" in fact.value else 0


def _rank_fits(clause: Clause, position: int, fact: Fact, read: Read) -> bool:
    """The words of order beside a type are those of its rank; with none, only the first may be named without its
    probability."""
    if clause.has("order"):
        return True
    if clause.has("likely") and not _is_likely(fact, read):
        return False
    rank, last = int(str(fact.value["rank"])), len(read.case.of(Kind.TYPE))
    told = _marks(clause, position)
    if not told:
        return rank == 1 or any(
            item.fact is not None and item.fact.kind == Kind.TYPE_PROBABILITY and item.fact.value["rank"] == rank
            for item in read.items
        )
    following = _before(clause, position, read) + 1
    fits = {
        "next": rank > 1 and following in (1, rank),
        "first": rank == 1,
        "second": rank == 2,
        "third": rank == 3,
        "later": rank > 1,
        "last": rank == last,
    }
    return all(fits[each] for each in told)


def _before(clause: Clause, position: int, read: Read) -> int:
    """Rank of the last type that the sentence named before this one; 0 where there is none."""
    item = clause.items[position]
    named = [each for part in read.clauses[: read.clauses.index(clause)] for each in part.items if _is_type(each)]
    named += [each for each in clause.items[:position] if _is_type(each) and each is not item]
    return _rank(named[-1], read) if named else 0


def _marks(clause: Clause, position: int) -> list[str]:
    """Words of order that belong to a type: each to the type that follows it, else to the one before; "less probable
    are" to all that follow."""
    types = [at for at, item in enumerate(clause.items) if _is_type(item)]
    found = []
    for at, item in enumerate(clause.items):
        if item.category != "rank":
            continue
        following = [each for each in types if each > at]
        owners = following[:1] or types[-1:]
        if position in (following if item.value in ("later", "next") and following else owners):
            found.append(item.value)
    return found


def _is_likely(fact: Fact, read: Read) -> bool:
    """At least as probable as not."""
    chances = (each for each in read.case.of(Kind.TYPE_PROBABILITY) if each.value["entity"] == fact.value["entity"])
    return any(float(str(each.value["probability"])) > 0.5 for each in chances)
