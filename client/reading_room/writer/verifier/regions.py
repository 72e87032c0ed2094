"""Parts of the tumour: said to be there, not to be there, or not assessable, each only as the facts have it."""

from client.reading_room.writer.fact import Fact, Kind
from client.reading_room.writer.verifier.clauses import Clause
from client.reading_room.writer.verifier.items import Item
from client.reading_room.writer.verifier.sentence import Found, Read

_OBSERVED = ("outlined", "found", "find", "segmented", "mark", "marked", "measured", "outline", "segment")
_WHOLE = ("whole", "entire", "total")
_OWN_RULE = (
    "cross",
    "side",
    "calibrated",
    "uncalibrated",
    "verdict",
    "hedge",
    "diagnosis",
    "sequence",
    "exclude",
    "proof",
)
"""What a negated clause about the tumour may deny instead of the tumour; each has a rule of its own."""

_JOINING = ("enhances", "enhance", "contains", "contain", "is", "includes", "comprises")
"""Verbs that would make one part of the tumour of another."""

_ABOUT = {"label_1_versus_3": ("et", "tc"), "enhancement_versus_blood": ("et",)}
"""Open questions that are about regions without bearing their names."""


def check_regions(clause: Clause, read: Read) -> Found:
    """Every region that is named."""
    for item in clause.of("region"):
        if clause.has("state.unassessable", "state.assessable"):
            is_licensed = clause.has("state.unassessable") and not clause.is_negated and _is_open(item, clause, read)
        elif clause.is_negated:
            is_licensed = _is_absent(item, clause, read)
        else:
            is_licensed = _is_there(item, read)
        if not is_licensed and not read.quotes(clause, item):
            yield ("negation" if clause.is_negated else "region"), item.words
    if _is_all_of_it(clause) and not any(item.fact is not None for item in read.items) and not read.repeats:
        yield "number", "the whole of a region"


def check_tumour(clause: Clause, read: Read) -> Found:
    """What was outlined "is a tumour" for nobody yet."""
    for position, item in enumerate(clause.items):
        lead = [each.words for each in clause.items[max(position - 2, 0) : position]]
        says_is = len(lead) == 2 and lead[0] in ("is", "are") and lead[1] in ("a", "an", "the")
        owned = clause.says("you", "patient", "person") and clause.says("have", "has")
        if item.category == "region" and (says_is or owned) and not read.quotes(clause, item):
            yield "established", item.words
    regions = {item.value for item in clause.of("region")}
    if "edema" in regions and regions & {"et", "tc"} and clause.says(*_JOINING):
        yield "region", "one region in another"


def check_pieces(clause: Clause, read: Read) -> Found:
    """Satellites and separate pieces."""
    for item in clause.of("satellite"):
        some = any(int(str(fact.value["count"])) > 0 for fact in read.cited.of(Kind.SATELLITES))
        none = read.cited.any(Kind.SATELLITES, count=0)
        counted = some or (none and clause.has("measure.count") and not clause.is_negated)
        if not (none if clause.is_negated else counted) and not read.quotes(clause, item):
            yield ("negation" if clause.is_negated else "finding"), item.words
    for item in clause.of("single"):
        if clause.is_negated or not read.cited.any(Kind.PIECES, count=1):
            yield "number", item.words
    for item in clause.of("many"):
        several = any(int(str(fact.value["count"])) > 1 for fact in read.cited.of(Kind.PIECES))
        placed = any(each.fact is not None and each.fact.kind == Kind.PIECES for each in read.items)
        is_there = several or placed or read.cited.any(Kind.CHECK, check="multiple_cores", verdict="fail")
        is_there = is_there or read.cited.any(Kind.CHECK, check="multiple_cores", verdict="warn")
        if (clause.is_negated or not is_there) and not read.says(clause, item):
            yield "finding", item.words
    for item in (*clause.of("mismatch"), *clause.of("brighter")):
        shown = any(each.fact is not None and each.fact.kind == Kind.MISMATCH for each in read.items)
        is_open = clause.has("state.unassessable") and read.cited.any(Kind.NOT_ASSESSABLE, what="t2_flair_mismatch")
        if not (shown or is_open) and not read.quotes(clause, item):
            yield "finding", item.words


def _is_all_of_it(clause: Clause) -> bool:
    """The whole tumour is said to enhance or to be necrotic, which is an amount."""
    named = clause.of("region")
    is_whole = any(word in item.words.split() for item in named for word in _WHOLE)
    return is_whole and any(item.value in ("et", "necrosis", "edema") for item in named)


def _is_open(item: Item, clause: Clause, read: Read) -> bool:
    """A cited fact says that it cannot be judged."""
    for fact in read.cited.of(Kind.NOT_ASSESSABLE):
        what = str(fact.value["what"])
        if item.value in (what, *_ABOUT.get(what, ())) or what == f"side.{item.value}":
            return True
    if item.value == "wt":  # "of the tumour" beside something else that is open
        beside = any(each.value != "wt" for each in clause.of("region")) or clause.has("marker", "mismatch", "cross")
        return beside and bool(read.cited.of(Kind.NOT_ASSESSABLE, Kind.CROSSING))
    return read.cited.any(Kind.CROSSING, region=item.value, crossing="open")


def _is_absent(item: Item, clause: Clause, read: Read) -> bool:
    """A cited fact says that it was not outlined; or the clause denies something else of it."""
    if item.value != "wt":
        is_crossing = clause.has("cross") and read.cited.any(Kind.CROSSING, region=item.value)
        return is_crossing or read.cited.any(Kind.REGION, region=item.value, present=False)
    if clause.has(*_OWN_RULE):
        return True
    others = [each for each in clause.of("region") if each.value != "wt"]
    if others:
        return all(_is_absent(each, clause, read) for each in others)
    none = read.cited.any(Kind.TUMOUR, found=False) or read.cited.any(Kind.CHECK, check="tumour_found")
    return none and clause.says(*_OBSERVED)


def _is_there(item: Item, read: Read) -> bool:
    """A cited fact measures it or says that it was outlined."""
    if item.value == "margin":
        return read.cited.any(Kind.MARGIN)
    if item.value == "wt":
        return read.case.find("tumour") is None or not any(
            fact.value.get("found") is False for fact in read.case.of(Kind.TUMOUR)
        )
    return any(_measures(fact, item.value) for fact in read.cited.facts)


def _measures(fact: Fact, region: str) -> bool:
    value = fact.value
    if fact.kind == Kind.REGION:
        return value["region"] == region and value["present"] is True
    if fact.kind == Kind.SHARE:
        return region in (value["part"], value["whole"])
    if fact.kind == Kind.SATELLITES:
        return region in ("et", "tc") and value["count"] != 0
    if fact.kind == Kind.MARGIN:
        return region == "et"
    if fact.kind == Kind.CHECK:
        return region == "tc" and value["check"] == "multiple_cores" and value["verdict"] in ("warn", "fail")
    kinds = (Kind.VOLUME, Kind.VOLUME_RANGE, Kind.LENGTH, Kind.PIECES, Kind.SIDE, Kind.CROSSING)
    return fact.kind in kinds and value["region"] == region
