"""The catalogue of lies and true sentences, and the replies of a model that would tell them.

A reply is otherwise without fault: every mandatory fact in its own words. What the verifier then finds is due to the
lie alone.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from client.reading_room.writer.facts import Facts
from client.reading_room.writer.narrative import SECTIONS
from client.reading_room.writer.verifier.mandatory import mandatory_facts
from gmmas_core.types import DataError

HALVES = ("frozen", "later")
"""Names of the files with lies: the first was written before the verifier, the second after it."""

TRUE = {"frozen": "true", "later": "true_later"}
"""Half -> name of the file with its true sentences."""

_AKIN = {
    "flag.imaging_suggested": ("statement.suggestion", "statement.plain_suggestion"),
    "check.tumour_found": ("tumour", "tumour"),
    "corrected.mask": ("corrected", "corrected"),
}
"""Name in the catalogue -> id of the fact that says the same to a clinician and to a patient."""

_CLASS_1 = ("mutant", "codeleted", "glioblastoma", "methylated")


@dataclass(frozen=True, kw_only=True)
class Told:
    """One sentence of the catalogue.

    Attributes:
        kind: of lie; "" of a true one.
        case: id of its case.
        audience: clinician or patient.
        facts: that it claims to rest on, by the catalogue's names.
        text: "" where something is only left out.
        drop: mandatory fact that the reply leaves out; "" for none.
    """

    kind: str
    case: str
    audience: str
    facts: tuple[str, ...]
    text: str
    drop: str


@dataclass(frozen=True, kw_only=True)
class Reply:
    """A reply, and the index of the sentence that is on trial; -1 where the whole is."""

    reply: Mapping[str, Any]
    trial: int


def read_cases(folder: Path) -> dict[str, Any]:
    """Plain descriptions of the cases.

    Raises:
        DataError: no catalogue there.
    """
    cases: dict[str, Any] = _load(folder / "cases.json")
    return cases


def read_told(folder: Path, name: str) -> tuple[Told, ...]:
    """The sentences of one file of the catalogue.

    Raises:
        DataError: no such file.
    """
    return tuple(
        Told(
            kind=each.get("kind", ""),
            case=each["case"],
            audience=each["audience"],
            facts=tuple(each.get("facts", ())),
            text=each.get("text", ""),
            drop=each.get("drop", ""),
        )
        for each in _load(folder / f"{name}.json")
    )


def reply_of(told: Told, facts: Facts) -> Reply:
    """The reply that tells it; facts that its reader may not have are replaced by what that reader has."""
    dropped = {told.drop, *_AKIN.get(told.drop, ())}
    sentences = [
        _sentence(told, [fact.id], f"{{{{{fact.id}}}}}")
        for fact in mandatory_facts(facts, told.audience)
        if fact.id not in dropped
    ]
    if not told.text:
        return Reply(reply={"sentences": sentences}, trial=-1)
    cited = list(dict.fromkeys(_named(name, told, facts) for name in told.facts))
    sentences.insert(0, _sentence(told, cited, told.text))
    return Reply(reply={"sentences": sentences}, trial=-1 if told.drop else 0)


def is_sayable(told: Told, facts: Facts) -> bool:
    """Whether a true sentence can be said with these facts: each that it names exists for its reader, and each
    placeholder has a number of the meaning that the catalogue's author had in mind."""
    readable = facts.may_read(told.audience)
    return all(_named(name, told, facts) in readable for name in told.facts) and not _is_other_class(told, facts)


def is_lie(told: Told, facts: Facts) -> bool:
    """Whether it is one with these facts: the catalogue's first half was written when `task.idh.probability` meant
    P(mutant), and one of its lies says "wildtype" where the facts now state just that."""
    return told.kind != "placeholder of another meaning" or not _says_other_class(told, facts)


def _says_other_class(told: Told, facts: Facts) -> bool:
    shown = (facts.find(name) for name in told.facts if f"{{{{{name}}}}}" in told.text)
    words = told.text.lower().replace("-", " ").split()
    return any(fact is not None and fact.value.get("of") in words and len(told.facts) == 1 for fact in shown)


def _is_other_class(told: Told, facts: Facts) -> bool:
    """The catalogue's first half names P(class 1); the facts state the likelier class."""
    names = [name for name in told.facts if name.startswith("task.") and f"{{{{{name}}}}}" in told.text]
    found = [fact for name in names if (fact := facts.find(name)) is not None]
    words = told.text.lower().replace("-", " ")
    return any(fact.value["of"] not in _CLASS_1 and str(fact.value["of"]) not in words for fact in found)


def _named(name: str, told: Told, facts: Facts) -> str:
    """The id under which this reader has a fact of the catalogue."""
    readable = facts.may_read(told.audience)
    is_patient = told.audience != "clinician"
    candidates = [name, *((_AKIN[name][is_patient],) if name in _AKIN else ())]
    if name.startswith("volume."):
        candidates.append(f"region.{name.partition('.')[2]}")
    found = next((each for each in candidates if each in readable), "")
    if found or not told.kind or told.kind in ("facts that do not support it", "unknown placeholder"):
        return found or name
    return "tumour"  # so that a lie is not caught only because it names a fact that its reader may not have


def _sentence(told: Told, facts: Sequence[str], text: str) -> dict[str, Any]:
    return {"section": SECTIONS[told.audience][0], "text": text, "facts": list(facts)}


def _load(path: Path) -> Any:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise DataError(
            f"catalogue: found no {path.name} in {path.parent}; expected a file of the catalogue"
        ) from error
