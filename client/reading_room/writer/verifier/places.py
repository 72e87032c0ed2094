"""Sides and the midline: as measured for the region that is spoken of, and never turned round."""

from client.reading_room.writer.fact import Kind
from client.reading_room.writer.verifier.clauses import Clause
from client.reading_room.writer.verifier.items import Item
from client.reading_room.writer.verifier.sentence import Found, Read

_PARTS = ("tc", "et", "necrosis", "edema")
"""Regions that are not the whole tumour; a fact about their side may or may not exist."""

_PIECES_OF = ("side", "sides", "half", "part", "parts", "area")


def check_sides(clause: Clause, read: Read) -> Found:
    """Right, left, both and midline."""
    for item in clause.of("side"):
        region = _region_before(clause, item)
        is_measured = read.cited.any(Kind.SIDE, side=item.value, region=region)
        is_plain = not clause.is_negated and not clause.has("state.unassessable")
        if _is_of_the_tumour(clause, item) or (not (is_measured and is_plain) and not read.quotes(clause, item)):
            yield "side", item.words


def _is_of_the_tumour(clause: Clause, item: Item) -> bool:
    """ "The right side of the tumour" is a place within it, which nobody measured."""
    position = clause.items.index(item)
    following = clause.items[position + 1 : position + 5]
    return (
        len(following) > 2
        and following[0].words in _PIECES_OF
        and following[1].words == "of"
        and any(each.category == "region" for each in following[2:])
    )


def check_crossing(clause: Clause, read: Read) -> Found:
    """Over the midline or not, or not known."""
    for item in clause.of("cross"):
        region = _region_before(clause, item)
        told = "open" if clause.has("state.unassessable") else "no" if clause.is_negated else "yes"
        is_turned = told == "open" and clause.is_negated
        is_measured = read.cited.any(Kind.CROSSING, crossing=told, region=region) and not is_turned
        if not is_measured and not read.quotes(clause, item):
            yield "negation" if read.cited.any(Kind.CROSSING) else "side", item.words


def _region_before(clause: Clause, item: Item) -> str:
    """The last region named before, else the whole tumour."""
    position = clause.items.index(item)
    named = [each.value for each in clause.items[:position] if each.category == "region"]
    return named[-1] if named and named[-1] in _PARTS else "wt"
