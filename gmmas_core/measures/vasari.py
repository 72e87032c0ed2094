"""VASARI features that four labels can tell, with the scores of the VASARI scheme, and why the others cannot be told.

Label 1 joins necrosis and non-enhancing tumour, and no atlas is used. What would need either is listed with that
reason instead of being guessed, also where published mask-only tools do guess (they take label 1 for both).

Source: VASARI research project of TCIA; feature ids and mask-only derivation in VASARI-auto (Ruffle 2024, NeuroImage:
Clinical). Shares: 2 none, 3 up to 5 %, 4 to 33 %, 5 to 67 %, 6 to 95 %, 7 more, 8 all.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from gmmas_core.measures.lesions import Pieces
from gmmas_core.measures.margin import Margin
from gmmas_core.measures.sides import Crossing, Side, SideShare
from gmmas_core.measures.values import Measure, Missing, Quantity, share_of

THIN_MM = 3.0
"""F11: a margin of less than 3 mm is thin."""

_ATLAS = "needs an atlas registered to the patient"
_IMAGE = "is judged on the image, not on a mask"
_JOINED = "label 1 joins necrosis and non-enhancing tumour"
_OTHER = "needs another kind of image"

NOT_DERIVABLE: Mapping[str, Missing] = {
    "F1": Missing(f"tumour location: {_ATLAS}"),
    "F3": Missing(f"eloquent brain: {_ATLAS}"),
    "F6": Missing(f"proportion of non-enhancing tumour: {_JOINED}"),
    "F7": Missing(f"proportion of necrosis: {_JOINED}"),
    "F8": Missing(f"cysts: {_IMAGE}"),
    "F10": Missing(f"T1/FLAIR ratio: {_IMAGE}"),
    "F12": Missing(f"definition of the enhancing margin: {_IMAGE}"),
    "F13": Missing(f"definition of the non-enhancing margin: {_IMAGE}"),
    "F16": Missing(f"haemorrhage: {_IMAGE}"),
    "F17": Missing(f"diffusion: {_OTHER}"),
    "F18": Missing(f"pial invasion: {_IMAGE}"),
    "F19": Missing(f"ependymal invasion: {_ATLAS}"),
    "F20": Missing(f"cortical involvement: {_ATLAS}"),
    "F21": Missing(f"deep white matter invasion: {_ATLAS}"),
    "F22": Missing(f"non-enhancing tumour crosses the midline: {_JOINED}"),
    "F25": Missing(f"calvarial remodelling: {_IMAGE}; the skull is removed"),
}


_PROPORTIONS = (
    *((0.0, 2, "none"), (0.05, 3, "up to 5 %"), (0.33, 4, "6 to 33 %"), (0.67, 5, "34 to 67 %")),
    *((0.95, 6, "68 to 95 %"), (1 - 1e-9, 7, "more than 95 %")),
)


@dataclass(frozen=True, kw_only=True)
class Score:
    """One feature: its score in VASARI's own coding and what that means."""

    score: int
    meaning: str


@dataclass(frozen=True, kw_only=True)
class MaskFacts:
    """What the features are derived from; a part that was not measured says why."""

    volume: Mapping[str, Measure]
    side: Mapping[str, SideShare | Missing]
    cores: Pieces | Missing
    margin: Margin | Missing
    satellites: int | Missing


def derive_vasari(facts: MaskFacts) -> dict[str, Score | Missing]:
    """Every feature of the scheme that is named here, by id, in its order."""
    found: dict[str, Score | Missing] = {
        "F2": _side(facts.side["wt"]),
        "F4": _enhancement(facts.volume["et"]),
        "F5": _proportion(share_of(facts.volume["et"], facts.volume["wt"])),
        "F9": _focality(facts.cores),
        "F11": _thickness(facts),
        "F14": _proportion(share_of(facts.volume["edema"], facts.volume["wt"])),
        "F23": _crossing(facts.side["et"]),
        "F24": _satellites(facts.satellites),
        **NOT_DERIVABLE,
    }
    return {name: found[name] for name in sorted(found, key=lambda name: int(name[1:]))}


def _side(side: SideShare | Missing) -> Score | Missing:
    if isinstance(side, Missing):
        return side
    scores = {Side.RIGHT: 1, Side.BOTH: 2, Side.MIDLINE: 2, Side.LEFT: 3}
    meaning = "centre or both sides" if scores[side.side] == 2 else side.side.value
    return Score(score=scores[side.side], meaning=meaning)


def _enhancement(et: Measure) -> Score | Missing:
    if isinstance(et, Missing):
        return et
    if et.value == 0:
        return Score(score=1, meaning="none")
    return Missing(f"enhancement was found; whether it is mild or marked {_IMAGE}")


def _proportion(share: Measure) -> Score | Missing:
    if isinstance(share, Missing):
        return share
    for upper, score, meaning in _PROPORTIONS:
        if share.value <= upper:
            return Score(score=score, meaning=meaning)
    return Score(score=8, meaning="all")


def _focality(cores: Pieces | Missing) -> Score | Missing:
    if isinstance(cores, Missing):
        return cores
    if not cores.lesions:
        return Missing("no tumour core was found")
    if len(cores.lesions) == 1:
        return Score(score=1, meaning="focal")
    return Score(score=2, meaning=f"{len(cores.lesions)} separate cores: multifocal, multicentric or gliomatosis")


def _thickness(facts: MaskFacts) -> Score | Missing:
    et, inner, margin = facts.volume["et"], facts.volume["necrosis"], facts.margin
    if isinstance(et, Quantity) and et.value == 0:
        return Score(score=2, meaning="no enhancement")
    if isinstance(inner, Quantity) and inner.value == 0:
        return Score(score=5, meaning="solid, no part that does not enhance")
    if isinstance(margin, Missing):
        return margin
    if margin.thickness.value < THIN_MM:
        return Score(score=3, meaning="thin, less than 3 mm")
    return Score(score=4, meaning="thick, 3 mm or more")


def _crossing(side: SideShare | Missing) -> Score | Missing:
    if isinstance(side, Missing):
        return side
    if side.crossing is Crossing.OPEN:
        return Missing(f"the enhancing tumour lies within the midline's error of {side.midline_error_mm:.1f} mm")
    return Score(score=3, meaning="yes") if side.crossing is Crossing.YES else Score(score=2, meaning="no")


def _satellites(count: int | Missing) -> Score | Missing:
    if isinstance(count, Missing):
        return count
    return Score(score=2, meaning=f"{count} enhancing satellites") if count else Score(score=1, meaning="none")
