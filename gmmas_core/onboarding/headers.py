"""Which sequence a DICOM series is, from its header: what was written about it, then the physics of the pulse sequence.

A guess for a person to confirm, never more. What contradicts itself is left unnamed.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass

_OTHER = re.compile(
    r"dwi|adc|diff|dti|trace|b1000|swi|swan|venbold|perf|dsc|dce|asl|bold|fmri|tof|angio|mra\b|mip|mpr\b|loc|scout|"
    r"survey|spectro|svs|csi|fieldmap|phase|mag\b|sub(traction)?\b|t2\s*\*|t2star|gre\b|hemo|calib|smartbrain|sense"
)
_FLAIR = re.compile(r"flair|tirm|dark[ _-]*fluid|spair.*fluid")
_T1 = re.compile(r"t1|mprage|mp2rage|bravo|spgr|fspgr|tfe\b|vibe|lava|3d[ _]*ffe")
_T2 = re.compile(r"t2")
_CONTRAST = re.compile(r"\bgd\b|gad|\bkm\b|post|\+\s*c\b|\bce\b|t1ce|t1c\b|t1gd|contrast|\+\s*gd|\bdota|enh")
_NO_CONTRAST = re.compile(r"\bpre\b|nativ|without|\bplain\b|-\s*c\b|\bohne\b|non[ _-]*con")


@dataclass(frozen=True, kw_only=True)
class SeriesHeader:
    """What a series says of itself.

    Attributes:
        words: description, protocol and sequence name, joined.
        has_agent: a contrast agent is named in the header.
        tr_ms, te_ms, ti_ms: repetition, echo and inversion time; None where not given.
        is_derived: computed from other images (DICOM Image Type, first value DERIVED), or not an axial stack at all.
    """

    words: str
    has_agent: bool = False
    tr_ms: float | None = None
    te_ms: float | None = None
    ti_ms: float | None = None
    is_derived: bool = False


def recognize(header: SeriesHeader) -> str | None:
    """The sequence of a series, one of SEQUENCES, or None when it is another or nobody can tell."""
    words = re.sub(r"[_\-/.]+", " ", header.words.lower())
    if header.is_derived or _OTHER.search(words):
        return None
    told, shown = _from_words(words), _from_physics(header)
    if told is not None and shown is not None and told != shown:
        return None
    kind = told or shown
    if kind != "t1":
        return kind
    enhanced, plain = bool(_CONTRAST.search(words)), bool(_NO_CONTRAST.search(words))
    if enhanced and plain:
        return None
    if header.has_agent and plain:
        return None
    return "t1c" if enhanced or header.has_agent else "t1"


def unambiguous(guesses: Mapping[str, str | None]) -> dict[str, str | None]:
    """The same guesses, with those emptied that two series share: a person chooses between them."""
    told = list(guesses.values())
    return {name: guess if guess is not None and told.count(guess) == 1 else None for name, guess in guesses.items()}


def _from_words(words: str) -> str | None:
    if _FLAIR.search(words):
        return "flair"
    t1, t2 = bool(_T1.search(words)), bool(_T2.search(words))
    if t1 == t2:
        return None
    return "t1" if t1 else "t2"


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
