"""Which series stands for a sequence when a study has several.

What a person named comes first. Else, among those that are sure: one that covers a whole head before a slab, then the
thinnest voxels, then the latest (a scan is repeated because the first one failed). Where all of that is equal, a
person chooses. The table shows which one was taken and why the others were not.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from gmmas_core.onboarding.recognition import Guess, Series
from gmmas_core.types import SEQUENCES

WHOLE_HEAD_MM = 110.0
"""The shortest side of a field of view that holds a brain; as `extent` in gmmas_core/quality/thresholds.py."""

_SAME_MM = 0.1
Rank = tuple[bool, int, float]


@dataclass(frozen=True, kw_only=True)
class Choice:
    """One series for each sequence.

    Attributes:
        chosen: sequence -> key.
        left: key of a sure series that was not chosen -> why.
        problems: every reason why the study cannot be used as it is.
    """

    chosen: Mapping[str, str]
    left: Mapping[str, str]
    problems: tuple[str, ...]


def choose(series: Mapping[str, Series], guesses: Mapping[str, Guess]) -> Choice:
    """One series for each sequence, by the rule above."""
    chosen: dict[str, str] = {}
    left: dict[str, str] = {}
    problems = []
    for name in SEQUENCES:
        keys = [key for key, each in guesses.items() if each.sequence == name]
        named = [key for key in keys if guesses[key].decided_by == "person"]
        sure = named or [key for key in keys if guesses[key].is_accepted]
        best = named or _best(series, sure)
        if len(best) == 1:
            chosen[name] = best[0]
            left |= {key: _why(series[best[0]], series[key]) for key in sure if key != best[0]}
        elif best:
            labels = ", ".join(series[key].label for key in best)
            problems.append(f"found {len(best)} series for {name} that nothing tells apart ({labels}); expected one")
        elif keys:
            labels = ", ".join(series[key].label for key in keys)
            problems.append(f"found no sure {name}, only a guess ({labels}); expected one that is sure")
    if not chosen and not problems:
        problems.append("found no series that is sure to be one of t1, t1c, t2, flair; expected at least one")
    return Choice(chosen=chosen, left=left, problems=tuple(problems))


def _best(series: Mapping[str, Series], keys: Sequence[str]) -> list[str]:
    best = max((_rank(series[key]) for key in keys), default=None)
    return [key for key in keys if _rank(series[key]) == best]


def _rank(series: Series) -> Rank:
    taken = series.header.taken if series.header is not None else None
    whole = series.shortest_mm >= WHOLE_HEAD_MM
    return whole, -round(series.thickest_mm / _SAME_MM), -1.0 if taken is None else taken


def _why(taken: Series, left: Series) -> str:
    one, other = _rank(taken), _rank(left)
    if one[0] != other[0]:
        reason = "covers a whole head"
    elif one[1] != other[1]:
        reason = "has thinner slices"
    else:
        reason = "was taken later"
    return f"not used: {taken.label} {reason}"
