"""Which sequence a series is, with a confidence and the reasons, and what happens when there are several for one.

Evidence of one kind (file name, words, physics, contrast agent) that agrees adds up: the confidence is 1 minus the
product of what each leaves open. Evidence that contradicts itself gives 0. The weights say how often such evidence was
worth believing in the spellings that we know; they are no measured frequencies.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from gmmas_core.data.sequences import sequence_of
from gmmas_core.onboarding.headers import SeriesHeader, recognize
from gmmas_core.types import SEQUENCES

ACCEPT = 0.7
"""A series below it is not used before a person has named it."""

SKIP = "skip"
"""What a person writes for a series that is to be left out."""

_WEIGHTS: Mapping[str, float] = {"file name": 0.8, "description": 0.75, "pulse sequence": 0.6}


@dataclass(frozen=True, kw_only=True)
class Series:
    """One image of a study, before anybody decided what it is.

    Attributes:
        label: file name or series description.
        header: None for a NIfTI file without a sidecar.
        thickest_mm: the largest voxel edge.
    """

    label: str
    header: SeriesHeader | None
    thickest_mm: float


@dataclass(frozen=True, kw_only=True)
class Guess:
    """What a series is taken for.

    Attributes:
        sequence: one of SEQUENCES, or None where nobody can tell or it is none.
        confidence: in [0, 1].
        reasons: for a person.
        decided_by: "rules" or "person".
    """

    sequence: str | None
    confidence: float
    reasons: tuple[str, ...]
    decided_by: str = "rules"

    @property
    def is_accepted(self) -> bool:
        """Whether it may be used as it is."""
        return self.sequence is not None and self.confidence >= ACCEPT


def guess(series: Series) -> Guess:
    """Name one series by what its name and its header tell."""
    told: dict[str, str] = {}
    by_name = sequence_of(series.label)
    if series.header is None:
        if by_name in SEQUENCES:
            told["file name"] = str(by_name)
    else:
        header = series.header
        if header.is_derived:
            return Guess(sequence=None, confidence=0.0, reasons=("computed from other images (ImageType DERIVED)",))
        whole, bare = recognize(header), replace(header, tr_ms=None, te_ms=None, ti_ms=None)
        words, physics = recognize(bare), recognize(replace(header, words=""))
        if words is not None:
            told["description"] = words
        if physics is not None:
            told["pulse sequence"] = _same_t1(physics, words)
        if by_name in SEQUENCES and words is None and whole is not None:
            told["file name"] = str(by_name)
        if whole is None and told:
            reasons = tuple(f"{kind} says {name}" for kind, name in told.items())
            return Guess(sequence=None, confidence=0.0, reasons=(*reasons, "name and pulse sequence do not fit"))
    return _weigh(told)


def decide(guesses: Mapping[str, Guess], decided: Mapping[str, str]) -> dict[str, Guess]:
    """What a person wrote, over what the rules found.

    Args:
        guesses: key of a series -> guess.
        decided: key of a series -> sequence or SKIP.
    """
    result = dict(guesses)
    for key, word in decided.items():
        sequence = None if word == SKIP else word
        result[key] = Guess(sequence=sequence, confidence=1.0, reasons=("a person said so",), decided_by="person")
    return result


def choose(series: Mapping[str, Series], guesses: Mapping[str, Guess]) -> tuple[dict[str, str], list[str]]:
    """One series for each sequence.

    Returns:
        sequence -> key, and every reason why the study cannot be used as it is.
    """
    chosen: dict[str, str] = {}
    problems = []
    for name in SEQUENCES:
        keys = [key for key, each in guesses.items() if each.sequence == name]
        named = [key for key in keys if guesses[key].decided_by == "person"]
        keys = named or keys
        sure = [key for key in keys if guesses[key].is_accepted]
        if len(sure) == 1:
            chosen[name] = sure[0]
        elif len(sure) > 1:
            labels = ", ".join(series[key].label for key in sure)
            problems.append(f"found {len(sure)} series for {name} ({labels}); expected one")
        elif keys:
            labels = ", ".join(series[key].label for key in keys)
            problems.append(f"found no sure {name}, only a guess ({labels}); expected one that is sure")
    if not chosen and not problems:
        problems.append("found no series that is sure to be one of t1, t1c, t2, flair; expected at least one")
    return chosen, problems


def _weigh(told: Mapping[str, str]) -> Guess:
    reasons = tuple(f"{kind} says {name}" for kind, name in told.items())
    names = set(told.values())
    if not names:
        return Guess(sequence=None, confidence=0.0, reasons=("nothing in name or header tells",))
    if len(names) > 1:
        return Guess(sequence=None, confidence=0.0, reasons=(*reasons, "these contradict each other"))
    left = 1.0
    for kind in told:
        left *= 1 - _WEIGHTS[kind]
    return Guess(sequence=names.pop(), confidence=round(1 - left, 3), reasons=reasons)


def _same_t1(physics: str, words: str | None) -> str:
    """The pulse sequence does not tell T1 before from T1 after contrast; words do."""
    return words if words is not None and {physics, words} == {"t1", "t1c"} else physics


def sidecar_header(content: Mapping[str, object]) -> SeriesHeader:
    """The header of a NIfTI file as dcm2niix and BIDS write it beside the image; times in seconds."""

    def milliseconds(name: str) -> float | None:
        value = content.get(name)
        is_number = isinstance(value, int | float) and not isinstance(value, bool)
        return 1000.0 * float(str(value)) if is_number else None

    kinds: Sequence[object] = content["ImageType"] if isinstance(content.get("ImageType"), list) else ()  # type: ignore[assignment]
    words = " ".join(str(content.get(tag) or "") for tag in ("SeriesDescription", "ProtocolName", "SequenceName"))
    agent = content.get("ContrastBolusIngredient") or content.get("ContrastBolusAgent")
    return SeriesHeader(
        words=re.sub(r"\s+", " ", words).strip(),
        has_agent=bool(agent),
        tr_ms=milliseconds("RepetitionTime"),
        te_ms=milliseconds("EchoTime"),
        ti_ms=milliseconds("InversionTime"),
        is_derived=bool(kinds) and str(kinds[0]).upper() == "DERIVED",
    )
