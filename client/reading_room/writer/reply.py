"""What a model answered, brought into the form that the verifier reads, and its placeholders filled once it passed."""

import json
import re
from collections.abc import Mapping
from typing import Any

from client.reading_room.writer.fact import Facts
from client.reading_room.writer.narrative import Sentence
from client.reading_room.writer.words import as_sentence

PLACEHOLDER = re.compile(r"\{\{([a-z0-9._-]+)\}\}")
LONGEST_PLAIN = 24
"""Words of a sentence for a patient, each placeholder one of them."""

_FENCE = re.compile(r"\A\s*```(?:json)?[ \t]*\n(.*)\n[ \t]*```\s*\Z", re.DOTALL)


class BadReply(ValueError):
    """The answer is no JSON that could be checked; the message says so without quoting it."""


def read_reply(text: str) -> Mapping[str, Any]:
    """The JSON object of an answer, with or without a code fence around it; the verifier checks what it holds.

    Raises:
        BadReply: it is none, or has a key twice, of which two readers may take different ones.
    """
    fenced = _FENCE.match(text)
    try:
        reply = json.loads(fenced[1] if fenced else text, parse_constant=_refuse, object_pairs_hook=_once)
    except (ValueError, RecursionError):
        raise BadReply("the answer is not one JSON object with each key once") from None
    if not isinstance(reply, dict):
        raise BadReply("the answer is JSON, but not an object")
    return reply


def too_long(reply: Mapping[str, Any]) -> tuple[str, ...]:
    """What is too long for a patient; `reply` has passed the verifier."""
    found = []
    for number, sentence in enumerate(reply["sentences"], start=1):
        parts = re.split(r"[.!?](?:\s|$)", PLACEHOLDER.sub("x", sentence["text"]))
        if any(len(part.split()) > LONGEST_PLAIN for part in parts):
            found.append(f"length in sentence {number}: more than {LONGEST_PLAIN} words")
    return tuple(found)


def filled(reply: Mapping[str, Any], facts: Facts) -> tuple[Sentence, ...]:
    """The sentences with numbers and words in the place of their placeholders; `reply` has passed the verifier.

    Raises:
        KeyError: a placeholder of no fact, which the verifier would have found.
    """
    return tuple(
        Sentence(
            section=sentence["section"],
            text=as_sentence(PLACEHOLDER.sub(lambda match: facts[match[1]].filling, sentence["text"]), facts.language),
            facts=tuple(dict.fromkeys(sentence["facts"])),
        )
        for sentence in reply["sentences"]
    )


def _refuse(_: str) -> None:
    raise ValueError


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    if len({key for key, _ in pairs}) != len(pairs):
        raise ValueError
    return dict(pairs)
