"""Placeholders of numbers: each must stand where the words around it speak of what it holds.

Looked at are the words since the placeholder before it, and, where these are silent, those up to the next one.
"""

from collections.abc import Sequence

from client.reading_room.writer.fact import Fact, Kind
from client.reading_room.writer.verifier.items import BREAK, FILLED, NAME, NEUTRAL_WORD, Item
from client.reading_room.writer.verifier.names_en import CARRIES
from client.reading_room.writer.verifier.sentence import Found, Read

_MEASURES = {
    Kind.VOLUME: ("volume",),
    Kind.VOLUME_RANGE: ("range",),
    Kind.SHARE: ("share",),
    Kind.LENGTH: ("length",),
    Kind.PIECES: ("count",),
    Kind.SATELLITES: ("count",),
    Kind.PASSES: ("count", "range", "probability"),
    Kind.MARGIN: ("thickness",),
    Kind.MISMATCH: ("share",),
    Kind.TYPE_PROBABILITY: ("probability",),
    Kind.TYPE_RANGE: ("range",),
    Kind.HISTOLOGY: ("probability",),
    Kind.HISTOLOGY_RANGE: ("probability", "range"),
    Kind.TASK_PROBABILITY: ("probability",),
    Kind.TASK_RANGE: ("range",),
    Kind.CHANGE: ("change", "probability"),
}
"""Kind of fact -> words of measure that may be the nearest to its number."""

_WITH_REGION = (Kind.VOLUME, Kind.VOLUME_RANGE, Kind.LENGTH, Kind.PIECES)
_SIZES = (*_WITH_REGION, Kind.SHARE, Kind.SATELLITES, Kind.MARGIN)
_OF_TYPES = (Kind.TYPE_PROBABILITY, Kind.TYPE_RANGE)
_OF_TASKS = (Kind.TASK_PROBABILITY, Kind.TASK_RANGE, Kind.CHANGE)
_NO_SIZE = ("hedge", "likely", "rank", "diagnosis", "confirmatory", "tissue", "grade", "value", "marker", "entity")
_NEVER = frozenset({"error", "per", "from", "each"})
_OTHERS = frozenset(
    {"brain", "head", "hemisphere", "hemispheres", "slice", "voxel", "voxels", "midline", "patients", "people", "case"}
)
_RANGES = (Kind.VOLUME_RANGE, Kind.TYPE_RANGE, Kind.TASK_RANGE)
_AROUND = frozenset({"around", "of", "in", "within", "from"})


def check_placeholders(read: Read) -> Found:
    """Every placeholder with a number."""
    for position, item in enumerate(read.items):
        if item.concept != FILLED or item.fact is None or not item.fact.value_text:
            continue
        before, after = _window(read.items, position)
        fits = (
            not _wants_a_name(item.fact, before)
            and _measure_fits(item.fact, before, after)
            and _subject_fits(item.fact, before, after, read.items[:position])
        )
        if not fits:
            yield "placeholder", item.words


def _window(items: Sequence[Item], position: int) -> tuple[tuple[Item, ...], tuple[Item, ...]]:
    """Items since the number before and up to the number after, no further than the end of the sentence there."""
    start = position
    while start > 0 and not _is_number(items[start - 1]):
        start -= 1
    end = position + 1
    while end < len(items) and not _is_number(items[end]) and items[end].words not in (".", ";"):
        end += 1
    return tuple(items[start:position]), tuple(items[position + 1 : end])


def _is_number(item: Item) -> bool:
    return item.concept == FILLED and item.fact is not None and bool(item.fact.value_text)


def _measure_fits(fact: Fact, before: Sequence[Item], after: Sequence[Item]) -> bool:
    """The nearest word of measure, if there is one, is of this kind of number."""
    if fact.kind in _SIZES and any(_is_of_types(item) for item in before or after):
        return False
    named = [item.value for item in before if item.category == "measure"]
    if _is_of_else(before) or _is_of_else(after):
        return False
    if fact.kind in _RANGES:
        return bool(named) and named[-1] == "range"
    if named:
        return named[-1] in _MEASURES[fact.kind]
    following = [item.value for item in after if item.category == "measure"]
    return not following or following[0] in _MEASURES[fact.kind] or bool(before)


def _is_of_else(items: Sequence[Item]) -> bool:
    """The number is said of a thing that no fact measures: the brain, a slice, other patients, an error."""
    words = [item.words for item in items]
    for position, word in enumerate(words):
        if word in _NEVER or (word == "of" and set(words[position + 1 : position + 4]) & _OTHERS):
            return True
    return False


def _is_of_types(item: Item) -> bool:
    """A word or placeholder that leads to a type or a result and never to a size."""
    is_type = item.fact is not None and item.fact.kind == Kind.TYPE
    return is_type or item.concept == NAME or item.category in _NO_SIZE


def _wants_a_name(fact: Fact, before: Sequence[Item]) -> bool:
    """ "The most probable type is ..." and "images suggest ..." want a type and not its probability."""
    if fact.kind not in (*_OF_TYPES, *_OF_TASKS) or not before:
        return False
    ends = [at for at, item in enumerate(before) if item.words in (".", ";")]
    before = before[ends[-1] + 1 :] if ends else before
    is_named = any(item.concept in (NAME, FILLED) or item.category in ("entity", "value") for item in before)
    is_apart = (
        not before or before[-1].words in ("with", "(", "at") or any(item.category == "measure" for item in before)
    )
    return not is_named and not is_apart


def _subject_fits(fact: Fact, before: Sequence[Item], after: Sequence[Item], earlier: Sequence[Item]) -> bool:
    """What is spoken of is what the number is about."""
    if fact.kind == Kind.PASSES and not any(item.words in ("reading", "readings") for item in after):
        return False
    if fact.kind != Kind.SATELLITES and _has(after[:2], "satellite"):
        return False
    if fact.kind == Kind.PIECES and not _has((*before, *after), "many"):
        return False
    if fact.kind in _WITH_REGION:
        is_bare = fact.kind == Kind.VOLUME_RANGE and not _has((*earlier, *after), "region")
        return not is_bare and _region_fits(str(fact.value["region"]), before, after, earlier)
    if fact.kind == Kind.SHARE:
        return _share_fits(str(fact.value["part"]), str(fact.value["whole"]), before, after)
    if fact.kind in _OF_TYPES:
        return _type_fits(fact, before, after, earlier)
    if fact.kind in _OF_TASKS:
        return _task_fits(fact, before, after, earlier)
    words = {Kind.SATELLITES: "satellite", Kind.MARGIN: "region.margin", Kind.MISMATCH: "brighter"}
    if fact.kind in (Kind.HISTOLOGY, Kind.HISTOLOGY_RANGE):
        return _has((*before, *after), "entity.glioblastoma")
    wanted = words.get(fact.kind)
    return wanted is None or _has((*before, *after), wanted)


def _has(items: Sequence[Item], concept: str) -> bool:
    return any(concept in (item.concept, item.category) for item in items)


def _regions(items: Sequence[Item]) -> list[str]:
    """Regions in order; one that only says where another lies ("core of the tumour") does not count."""
    found: list[str] = []
    for position, item in enumerate(items):
        if item.category != "region":
            continue
        lead = [each.words for each in items[max(position - 2, 0) : position] if each.concept == NEUTRAL_WORD]
        if found and any(word in _AROUND for word in lead) and not _is_break(items, position):
            continue
        found.append(item.value)
    return found


def _is_break(items: Sequence[Item], position: int) -> bool:
    return position > 0 and items[position - 1].concept == BREAK


def _region_fits(region: str, before: Sequence[Item], after: Sequence[Item], earlier: Sequence[Item]) -> bool:
    named = _regions(before)
    if named:
        return named[-1] == region
    following = _regions(after)
    if following:
        return following[0] == region
    held = _regions(earlier)  # "the range is ..." after the volume it belongs to
    return held[-1] == region if held else region == "wt"


def _share_fits(part: str, whole: str, before: Sequence[Item], after: Sequence[Item]) -> bool:
    """The part is named before and the whole after it or behind the number; or the whole, then the part behind."""
    first = [item.value for item in before if item.category == "region"]
    last = [item.value for item in after if item.category == "region"]
    if len(first) > 1:
        return first[-2:] == [part, whole] and not last
    return first == [part] and last[:1] == [whole]


def _type_fits(fact: Fact, before: Sequence[Item], after: Sequence[Item], earlier: Sequence[Item]) -> bool:
    for items in (tuple(reversed(before)), after, tuple(reversed(earlier))):
        for item in items:
            if item.concept == FILLED and item.fact is not None and item.fact.kind in (Kind.TYPE, Kind.DIAGNOSIS):
                return item.fact.value["entity"] == fact.value["entity"]
            if item.concept == NAME:
                return item.words == fact.value["entity"]
            if item.category == "entity":
                return item.concept in CARRIES.get(str(fact.value["entity"]), ())
            if item.category in ("value", "region") and items is not after:
                return False
    order = [item.value for item in before if item.category == "rank"]
    return bool(order) and order[-1] == {1: "first", 2: "second", 3: "third"}.get(int(str(fact.value["rank"])))


_TASK_OF = {
    **{"mutant": "idh", "wildtype": "idh", "codeleted": "codel_1p19q", "intact": "codel_1p19q"},
    **{"methylated": "mgmt", "unmethylated": "mgmt", "glioblastoma": "histology", "lower_grade": "histology"},
}


def _task_fits(fact: Fact, before: Sequence[Item], after: Sequence[Item], earlier: Sequence[Item]) -> bool:
    """The value next to a number is the one that it is the probability of."""
    for items in (tuple(reversed(before)), after, tuple(reversed(earlier))):
        for item in items:
            if item.category in ("value", "entity") and item.value in _TASK_OF:
                return item.value == fact.value["of"] and _TASK_OF[item.value] == fact.value["task"]
            if item.concept == NAME or item.category == "region":
                return False
    return False
