"""Which sequence a DICOM series is, from its header: what was written about it, then the physics of the pulse sequence.

A guess for a person to confirm, never more. What contradicts itself is left unnamed.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass

_OTHER = re.compile(
    r"dwi|adc|diff|dti|trace|b1000|swi|swan|venbold|perf|dsc|dce|asl\b|bold|fmri|tof|angio|mra\b|mip|mpr\b|\bloc|scout|"
    r"survey|spectro|svs|csi|fieldmap|phase|mag\b|sub(traction)?\b|t2\s*\*|t2star|gre\b|hemo|calib|smartbrain|"
    r"sense\s*ref|ref\s*scan|rho\b|map\b|\binv\s*[12]\b"
)
_FLAIR = re.compile(r"flair|tirm|dark[ _-]*fluid|spair.*fluid")
_T1 = re.compile(r"t1|mprage|mp2rage|bravo|spgr|fspgr|tfe\b|vibe|lava|3d[ _]*ffe")
_T2 = re.compile(r"t2")
_AGENT = r"(gd|gad\w*|km|kontrast\w*|contrast\w*|ce|c|dota\w*|mdc|inj\w*|enh\w*)\b"
_WITHOUT = re.compile(
    rf"\b(pre|without|w\s?o|wo|no|non|not|ohne|vor|sans|sin|sem|senza)\s*{_AGENT}|\b(s c|c\s?-)(?!\S)"
)
_CONTRAST = re.compile(
    r"\bgd\b|gad|\bkm\b|post(?!erior|\s*(op|fossa))|\+\s*c\b|\bc\s*\+|\bc c\b|\bce\b|t1ce|t1c\b|t1gd|contrast|kontrast|"
    r"\+\s*gd|\bdota|enh|\bmdc\b|\bavec inj"
)
_NO_CONTRAST = re.compile(r"\bpre\b|nativ|\bplain\b")
_LEAST_T2_TE_MS = 40.0
"""A long repetition time with a shorter echo shows protons, not T2, whatever the other echo of the series is called."""


@dataclass(frozen=True, kw_only=True)
class SeriesHeader:
    """What a series says of itself.

    Attributes:
        words: description, protocol and sequence name, joined.
        has_agent: a contrast agent is named in the header.
        tr_ms, te_ms, ti_ms: repetition, echo and inversion time; None where not given.
        is_derived: computed from other images (DICOM Image Type, first value DERIVED), or not an axial stack at all.
        taken: time of day as DICOM writes it, HHMMSS with a fraction; only compared within one study.
    """

    words: str
    has_agent: bool = False
    tr_ms: float | None = None
    te_ms: float | None = None
    ti_ms: float | None = None
    is_derived: bool = False
    taken: float | None = None


def recognize(header: SeriesHeader) -> str | None:
    """The sequence of a series, one of SEQUENCES, or None when it is another or nobody can tell."""
    words = plain_words(header.words)
    if header.is_derived or _OTHER.search(words):
        return None
    told, shown = weighting_of(words), _from_physics(header)
    if told is not None and shown is not None and told != shown:
        return None
    if told == "t2" and header.te_ms is not None and header.te_ms < _LEAST_T2_TE_MS:
        return None
    kind = told or shown
    if kind != "t1":
        return kind
    if is_clashing(words) or (header.has_agent and contrast_of(words) == "t1"):
        return None
    return contrast_of(words) or ("t1c" if header.has_agent else "t1")


def plain_words(text: str) -> str:
    """Lower case, without what only parts words."""
    return re.sub(r"[_\-/.^]+", " ", re.sub(r"(?<=c)-(?!\S)", " - ", text.lower())).strip()


def contrast_of(words: str) -> str | None:
    """ "t1c" or "t1" where the words say whether a contrast agent was given, None where they do not say it or say both.

    Args:
        words: as `plain_words` gives them.
    """
    with_agent, without = _told_of_contrast(words)
    if with_agent == without:
        return None
    return "t1c" if with_agent else "t1"


def is_clashing(words: str) -> bool:
    """Whether the words say both that a contrast agent was given and that none was."""
    return all(_told_of_contrast(words))


def unambiguous(guesses: Mapping[str, str | None]) -> dict[str, str | None]:
    """The same guesses, with those emptied that two series share: a person chooses between them."""
    told = list(guesses.values())
    return {name: guess if guess is not None and told.count(guess) == 1 else None for name, guess in guesses.items()}


def weighting_of(words: str) -> str | None:
    """ "t1", "t2" or "flair" where the words say one of them; a T1 FLAIR is a T1.

    Args:
        words: as `plain_words` gives them.
    """
    t1, t2 = bool(_T1.search(words)), bool(_T2.search(words))
    if t1 == t2:
        return "flair" if _FLAIR.search(words) and not t1 else None
    if t2 and _FLAIR.search(words):
        return "flair"
    return "t1" if t1 else "t2"


def _told_of_contrast(words: str) -> tuple[bool, bool]:
    """(with, without): "without contrast" is no word for contrast."""
    rest = _WITHOUT.sub(" ", words)
    is_without = rest != words or _NO_CONTRAST.search(rest) is not None
    return _CONTRAST.search(rest) is not None, is_without


def _from_physics(header: SeriesHeader) -> str | None:
    """Usual ranges at 1.5 and 3 T; anything outside says nothing."""
    te, tr, ti = header.te_ms, header.tr_ms, header.ti_ms
    if te is None or tr is None:
        return None
    if te >= 60 and ti is not None and 1400 <= ti <= 3000:
        return "flair"
    if te >= 60 and tr >= 2000 and not ti:
        return "t2"
    is_prepared = ti is not None and 300 <= ti <= 1300  # MPRAGE and its kin: a long TR, but T1-weighted
    if te <= 30 and (tr <= 1200 or is_prepared):
        return "t1"
    return None
