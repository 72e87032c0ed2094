"""Checks of images and result that did not pass, and the gravest verdict."""

from collections.abc import Iterator, Mapping
from typing import Any

from client.reading_room.writer.fact import BOTH, Fact, Kind
from client.reading_room.writer.words import check_word, listed, word
from gmmas_core.types import SEQUENCES

_DEGREES = {"warn": "warn", "fail": "fail", "not assessable": "not_assessable"}


def quality_facts(document: Mapping[str, Any], language: str) -> Iterator[Fact]:
    """`verdict`, `check.skull.t1`, `check.scattered`."""
    verdict = _DEGREES.get(document["verdict"], "pass")
    words = word(f"verdict.{verdict}", language)
    yield Fact(id="verdict", kind=Kind.VERDICT, value={"verdict": verdict}, text=words, audiences=BOTH)
    for check in document["checks"]:
        if check["verdict"] in _DEGREES:
            yield _check(check["id"], _DEGREES[check["verdict"]], check["where"], language)


def _check(check: str, verdict: str, where: str, language: str) -> Fact:
    sequences = tuple(name for name in SEQUENCES if name in where.split())  # "t1", "t1 and t1c" or ""
    told = {
        "verdict": word(f"degree.{verdict}", language),
        "check": check_word(check, language),
    }
    names = tuple(word(f"sequence.{name}", language) for name in sequences)
    return Fact(
        id=".".join(["check", check, *(["-".join(sequences)] if sequences else [])]),
        kind=Kind.CHECK,
        value={"check": check, "where": sequences, "verdict": verdict},
        text=word("check_at", language, where=listed(names, language), **told)
        if names
        else word("check", language, **told),
    )
