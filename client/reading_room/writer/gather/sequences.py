"""Which sequences were read, and how often."""

from collections.abc import Iterator, Mapping
from typing import Any

from client.reading_room.writer.fact import BOTH, Fact, Kind
from client.reading_room.writer.words import word


def sequence_facts(document: Mapping[str, Any], language: str) -> Iterator[Fact]:
    """`used.t1`, `missing.t1c`, `passes`."""
    for part, kind in (("used", Kind.SEQUENCE_USED), ("missing", Kind.SEQUENCE_MISSING)):
        for sequence in document[f"sequences_{part}"]:
            words = word(part, language, sequence=word(f"sequence.{sequence}", language))
            yield Fact(id=f"{part}.{sequence}", kind=kind, value={"sequence": sequence}, text=words, audiences=BOTH)
    passes = document["reading"]["mc_passes"]
    if passes:
        yield Fact(
            id="passes",
            kind=Kind.PASSES,
            value={"count": passes},
            text=word("passes", language),
            value_text=str(passes),
        )
