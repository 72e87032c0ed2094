"""Which sequence a series is, with a confidence and the reasons.

Evidence of one kind (file name, words, physics, the image) that agrees adds up: the confidence is 1 minus the product
of what each leaves open. Evidence that contradicts itself gives 0. The weights say how often such evidence was worth
believing in the spellings that we know; they are no measured frequencies.

The image is asked one thing only: whether a T1 shows contrast agent. Most names do not say it, and headers name an
agent before it is given. Where no name says it, the image decides: alone it makes a guess that a person confirms;
where another T1 of the study looks the other way, it is enough.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from gmmas_core.data.grid import Volume
from gmmas_core.data.sequences import sequence_of
from gmmas_core.onboarding.enhancement import brightest_spots, looks
from gmmas_core.onboarding.headers import SeriesHeader, contrast_of, plain_words, recognize, weighting_of
from gmmas_core.types import SEQUENCES

ACCEPT = 0.7
"""A series below it is not used before a person has named it."""

_T1S = ("t1", "t1c")

SKIP = "skip"
"""What a person writes for a series that is to be left out."""

_WEIGHTS: Mapping[str, float] = {"file name": 0.8, "description": 0.75, "pulse sequence": 0.6, "image": 0.6}
_OF_A_PAIR = 0.85


@dataclass(frozen=True, kw_only=True)
class Series:
    """One image of a study, before anybody decided what it is.

    Attributes:
        label: file name or series description.
        header: None for a NIfTI file without a sidecar.
        thickest_mm: the largest voxel edge.
        shortest_mm: the shortest side of the field of view.
        spots: of a T1, `enhancement.brightest_spots`; None where it was not measured or nothing was found.
    """

    label: str
    header: SeriesHeader | None
    thickest_mm: float
    shortest_mm: float
    spots: float | None = None


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
    """Name one series by what its name, its header and, of a T1, its image tell."""
    header = series.header
    if header is None:
        found = _weigh(_told_by_file_name(series.label))
    elif header.is_derived:
        return Guess(sequence=None, confidence=0.0, reasons=("computed from other images (ImageType DERIVED)",))
    else:
        found = _by_header(header, series.label)
    return _with_image(found, series) if found.sequence in _T1S else found


def guess_all(
    series: Mapping[str, Series], volumes: Mapping[str, Volume]
) -> tuple[dict[str, Series], dict[str, Guess]]:
    """Name every series of a study, after a look at the images of its T1s.

    Args:
        series, volumes: by key.

    Returns:
        The series, T1s with their `spots`, and the guesses.
    """
    by_name = {key: guess(each) for key, each in series.items()}
    seen = {
        key: replace(each, spots=brightest_spots(volumes[key])) if by_name[key].sequence in _T1S else each
        for key, each in series.items()
    }
    return seen, _settle_pair({key: guess(each) for key, each in seen.items()}, seen)


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


def _settle_pair(guesses: Mapping[str, Guess], series: Mapping[str, Series]) -> dict[str, Guess]:
    """Believe the images of T1s alone where one of a study shows contrast agent and another does not."""
    seen = {key: looks(series[key].spots) for key, each in guesses.items() if each.sequence in _T1S}
    result = dict(guesses)
    if set(_T1S) <= set(seen.values()):
        for key, look in seen.items():
            each = guesses[key]
            if each.sequence == look and not each.is_accepted:
                reasons = (*each.reasons, "another T1 of the study looks the other way")
                result[key] = replace(each, confidence=_OF_A_PAIR, reasons=reasons)
    return result


def _told_by_file_name(label: str) -> dict[str, str]:
    by_name = sequence_of(label)
    if by_name not in SEQUENCES:
        return {}
    is_t1_flair = by_name == "flair" and weighting_of(plain_words(label)) == "t1"
    return {"file name": "t1" if is_t1_flair else str(by_name)}


def _by_header(header: SeriesHeader, label: str) -> Guess:
    told: dict[str, str] = {}
    whole, bare = recognize(header), replace(header, tr_ms=None, te_ms=None, ti_ms=None)
    words, physics = recognize(bare), recognize(replace(header, words=""))
    if words is not None:
        told["description"] = words
    if physics is not None:
        told["pulse sequence"] = _same_t1(physics, words)
    if words is None and whole is not None:
        told.update(_told_by_file_name(label))
    if whole is None and told:
        reasons = (*_reasons(told), "name and pulse sequence do not fit")
        return Guess(sequence=None, confidence=0.0, reasons=reasons)
    return _weigh(told)


def _with_image(found: Guess, series: Series) -> Guess:
    """Hold a T1's name against what its image shows of contrast agent."""
    look = looks(series.spots)
    if look is None:
        return found
    reasons = (*found.reasons, f"image looks like {look} (brightest spots {series.spots:.2f} of white matter)")
    if look == found.sequence:
        left = (1 - found.confidence) * (1 - _WEIGHTS["image"])
        return Guess(sequence=look, confidence=round(1 - left, 3), reasons=reasons)
    if _is_contrast_said(series):
        return Guess(sequence=None, confidence=0.0, reasons=(*reasons, "these contradict each other"))
    return Guess(
        sequence=look, confidence=_WEIGHTS["image"], reasons=(*reasons, "no name says whether contrast was given")
    )


def _is_contrast_said(series: Series) -> bool:
    words = series.label if series.header is None else series.header.words
    by_name = sequence_of(series.label) if series.header is None else None
    return by_name == "t1c" or contrast_of(plain_words(words)) is not None


def _reasons(told: Mapping[str, str]) -> tuple[str, ...]:
    return tuple(f"{kind} says {name}" for kind, name in told.items())


def _weigh(told: Mapping[str, str]) -> Guess:
    reasons = _reasons(told)
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


def time_of_day(value: object) -> float | None:
    """HHMMSS with a fraction, from dcm2niix's 12:34:56.78."""
    try:
        return float(str(value).replace(":", ""))
    except ValueError:
        return None


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
        taken=time_of_day(content.get("AcquisitionTime")),
    )
