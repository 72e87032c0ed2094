"""Whether a reply has the form that was asked for, whatever a model or somebody in between sent."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from client.reading_room.writer.narrative import SECTIONS
from client.reading_room.writer.verifier.problem import WHOLE, Problem

MAX_SENTENCES = 80
MAX_CHARACTERS = 600
"""Of one sentence."""

MAX_FACTS = 12
MAX_ID = 80


@dataclass(frozen=True, kw_only=True)
class Draft:
    """A sentence of a reply, of the right form and not yet believed."""

    index: int
    section: str
    text: str
    facts: tuple[str, ...]


def read_reply(reply: Any, audience: str) -> tuple[tuple[Draft, ...], tuple[Problem, ...]]:
    """The sentences that have the right form, and what has not."""
    if audience not in SECTIONS:
        return (), (Problem(kind="structure", sentence=WHOLE, words="an audience that does not exist"),)
    if not isinstance(reply, Mapping) or set(reply) != {"sentences"}:
        return (), (Problem(kind="structure", sentence=WHOLE, words="expected an object with the key sentences alone"),)
    sentences = reply["sentences"]
    if not isinstance(sentences, list | tuple) or not 0 < len(sentences) <= MAX_SENTENCES:
        words = f"expected a list of 1 to {MAX_SENTENCES} sentences"
        return (), (Problem(kind="structure", sentence=WHOLE, words=words),)
    drafts, problems = [], []
    for index, sentence in enumerate(sentences):
        fault = _fault(sentence, audience)
        if fault:
            problems.append(Problem(kind="structure", sentence=index, words=fault))
        else:
            facts = tuple(sentence["facts"])
            drafts.append(Draft(index=index, section=sentence["section"], text=sentence["text"], facts=facts))
    return tuple(drafts), tuple(problems)


def _fault(sentence: Any, audience: str) -> str:
    """What is wrong with the form of a sentence; "" where nothing is."""
    if not isinstance(sentence, Mapping) or set(sentence) != {"section", "text", "facts"}:
        return "expected an object with the keys section, text and facts"
    section, text, facts = sentence["section"], sentence["text"], sentence["facts"]
    if not isinstance(section, str) or section not in SECTIONS[audience]:
        return "a section that this audience does not have"
    if not isinstance(text, str) or not 0 < len(text.strip()) <= MAX_CHARACTERS:
        return f"expected a text of 1 to {MAX_CHARACTERS} characters"
    if not isinstance(facts, list | tuple) or not 0 < len(facts) <= MAX_FACTS:
        return f"expected 1 to {MAX_FACTS} ids of facts"
    if not all(isinstance(each, str) and 0 < len(each) <= MAX_ID for each in facts):
        return "expected ids of facts as short words"
    return ""
