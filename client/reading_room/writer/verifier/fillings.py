"""Placeholders of words: a name stands where a name is expected, a whole fact in a clause of its own."""

from collections.abc import Sequence

from client.reading_room.writer.fact import Kind
from client.reading_room.writer.verifier.items import BREAK, FILLED, NEUTRAL_WORD, Item
from client.reading_room.writer.verifier.sentence import Found, Read

_NAMES = (Kind.TYPE, Kind.DIAGNOSIS, Kind.TEST, Kind.GRADE)
_ENDS = (".", ";")
_INTRODUCED_BY = (NEUTRAL_WORD, BREAK, FILLED)


def check_told_facts(read: Read) -> Found:
    """Every placeholder without a number."""
    for position, item in enumerate(read.items):
        if item.fact is None or item.fact.value_text:
            continue
        is_name = item.fact.kind in _NAMES
        if not (_is_name_here(read.items, position) if is_name else _stands_alone(read.items, position)):
            yield "placeholder", item.words


def _stands_alone(items: Sequence[Item], position: int) -> bool:
    """Between two ends, or after a colon and words that name nothing of the case."""
    lead = _since(items, position, _ENDS)
    is_apart = not lead or (lead[-1].words == ":" and all(_only_introduces(item) for item in lead))
    return is_apart and (position + 1 == len(items) or items[position + 1].concept == BREAK)


def _only_introduces(item: Item) -> bool:
    return item.concept in _INTRODUCED_BY or item.category == "verdict"


def _is_name_here(items: Sequence[Item], position: int) -> bool:
    """Once in a text; not after "with" or in brackets; after a word of measure only as what the next number is of; a
    test after the word for it and nothing else there."""
    item = items[position]
    if item.fact is None or any(each.fact is item.fact for each in items[:position]):
        return False
    if position and items[position - 1].words in ("with", "("):
        return False
    lead = _since(items, position, _ENDS)
    of_tests = any(each.category == "confirmatory" or each.words in ("test", "tests") for each in lead)
    if of_tests != (item.fact.kind == Kind.TEST):
        return False
    start = max((at for at, each in enumerate(lead) if each.concept == FILLED), default=-1)
    if not any(each.category == "measure" for each in lead[start + 1 :]):
        return True
    numbers = [each.fact for each in items[position + 1 :] if each.fact is not None and each.fact.value_text]
    return bool(numbers) and numbers[0].value.get("entity") == item.fact.value.get("entity")


def _since(items: Sequence[Item], position: int, ends: tuple[str, ...]) -> tuple[Item, ...]:
    """Items after the last of some marks."""
    start = position
    while start > 0 and not (items[start - 1].concept == BREAK and items[start - 1].words in ends):
        start -= 1
    return tuple(items[start:position])
