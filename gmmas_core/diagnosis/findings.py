"""What is known about one tumour, and from where: the only input of the decision table.

A finding is known, unknown (nobody looked) or not assessable (somebody looked and could not tell, or the model
abstained); the last two never count as a negative. Each known one says whether tissue, an image or the patient's record
gave it. What no image can tell (a WHO grade, TERT, EGFR, CDKN2A, H3, ATRX, +7/-10, microscopic criteria) is refused
from one.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from numbers import Real
from typing import Any, Generic, TypeVar

from gmmas_core.diagnosis.markers import (
    H3,
    Alteration,
    Codel,
    Histology,
    Idh,
    Location,
    Marker,
    Mgmt,
    Source,
    State,
)
from gmmas_core.errors import DataError

GRADES = (2, 3, 4)
MAX_AGE = 120.0
LONGEST_SHOWN = 40

V = TypeVar("V")


@dataclass(frozen=True, kw_only=True, slots=True)
class Finding(Generic[V]):
    """One result, or why there is none.

    Attributes:
        value: None unless known.
        state: known, unknown or not assessable.
        source: of a known value; of a value that is not assessable where it was sought.
        probability: of the value, calibrated; only for a value from an image. Of 1p/19q, given that IDH is mutant.

    Raises:
        DataError: parts that contradict each other, or a probability outside [0, 1].
    """

    value: V | None = None
    state: State = State.UNKNOWN
    source: Source | None = None
    probability: float | None = None

    def __post_init__(self) -> None:
        known = self.state is State.KNOWN
        if known != (self.value is not None) or (known and not isinstance(self.source, Source)):
            raise DataError(
                f"finding: found value {_shown(self.value)} in state {self.state!r} from {self.source!r}; "
                "expected a value and a source if and only if it is known"
            )
        if self.probability is not None:
            if not known or self.source is not Source.IMAGING:
                raise DataError("finding: found a probability; expected one only for a known value from an image")
            check_probability("finding", self.probability)

    @property
    def known(self) -> bool:
        """There is a value."""
        return self.state is State.KNOWN

    @property
    def imaged(self) -> bool:
        """There is a value, and an image gave it."""
        return self.known and self.source is Source.IMAGING


def from_tissue(value: V) -> Finding[V]:
    """A result that a pathologist reported."""
    return Finding(value=value, state=State.KNOWN, source=Source.TISSUE)


def from_record(value: V) -> Finding[V]:
    """A fact from the patient's record."""
    return Finding(value=value, state=State.KNOWN, source=Source.RECORD)


def from_imaging(value: V, probability: float | None = None) -> Finding[V]:
    """What an image suggests, with the calibrated probability of that value."""
    return Finding(value=value, state=State.KNOWN, source=Source.IMAGING, probability=probability)


UNTESTED: Finding[Any] = Finding()
"""Nobody looked."""

INCONCLUSIVE: Finding[Any] = Finding(state=State.NOT_ASSESSABLE, source=Source.TISSUE)
"""A test on tissue that failed or was not conclusive."""

ABSTAINED: Finding[Any] = Finding(state=State.NOT_ASSESSABLE, source=Source.IMAGING)
"""The model abstained, or was not sure enough."""

_TISSUE = frozenset({Source.TISSUE})
_EITHER = frozenset({Source.TISSUE, Source.IMAGING})
_LEGAL: Mapping[Marker, tuple[tuple[object, ...], frozenset[Source]]] = {
    Marker.HISTOLOGY: (tuple(Histology), _EITHER),
    Marker.GRADE: (GRADES, _TISSUE),
    Marker.IDH: (tuple(Idh), _EITHER),
    Marker.CODEL: (tuple(Codel), _EITHER),
    Marker.MGMT: (tuple(Mgmt), _EITHER),
    Marker.ATRX: (tuple(Alteration), _TISSUE),
    Marker.CDKN2A: (tuple(Alteration), _TISSUE),
    Marker.TERT: (tuple(Alteration), _TISSUE),
    Marker.EGFR: (tuple(Alteration), _TISSUE),
    Marker.CHR7_10: (tuple(Alteration), _TISSUE),
    Marker.H3: (tuple(H3), _TISSUE),
    Marker.PROLIFERATION: (tuple(Alteration), _TISSUE),
    Marker.NECROSIS: (tuple(Alteration), _TISSUE),
    Marker.LOCATION: (tuple(Location), frozenset({Source.IMAGING, Source.RECORD})),
    Marker.AGE: ((), frozenset({Source.RECORD})),
}
"""Marker -> its values and who can give one; age has a range instead."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Findings:
    """Everything the table asks about one tumour; what is not given is unknown.

    Attributes:
        histology: type seen under the microscope, or the network's answer to the same question.
        grade: the pathologist's own grade, 2, 3 or 4.
        idh, codel, mgmt: molecular results.
        atrx: loss of expression or mutation.
        cdkn2a: homozygous deletion of CDKN2A or CDKN2B.
        tert: promoter mutation.
        egfr: amplification.
        chr7_10: gain of chromosome 7 with loss of chromosome 10.
        h3: K27 alteration, G34 mutation or wildtype.
        proliferation: microvascular proliferation under the microscope.
        necrosis: under the microscope; what an image shows as necrosis is something else.
        location: midline or hemisphere.
        age: years at diagnosis.

    Raises:
        DataError: values of another kind, out of range, or from a source that cannot give them; all listed at once.
    """

    histology: Finding[Histology] = UNTESTED
    grade: Finding[int] = UNTESTED
    idh: Finding[Idh] = UNTESTED
    codel: Finding[Codel] = UNTESTED
    mgmt: Finding[Mgmt] = UNTESTED
    atrx: Finding[Alteration] = UNTESTED
    cdkn2a: Finding[Alteration] = UNTESTED
    tert: Finding[Alteration] = UNTESTED
    egfr: Finding[Alteration] = UNTESTED
    chr7_10: Finding[Alteration] = UNTESTED
    h3: Finding[H3] = UNTESTED
    proliferation: Finding[Alteration] = UNTESTED
    necrosis: Finding[Alteration] = UNTESTED
    location: Finding[Location] = UNTESTED
    age: Finding[float] = UNTESTED

    def __post_init__(self) -> None:
        given = [(marker, getattr(self, marker)) for marker in _LEGAL]
        problems = [_problem(marker, finding) for marker, finding in given if finding is not UNTESTED]
        problems = [problem for problem in problems if problem]
        if problems:
            raise DataError("\n".join(problems))


def check_probability(where: str, value: object) -> float:
    """A probability as a float.

    Raises:
        DataError: not a number in [0, 1]; NaN is not.
    """
    number = _number(value)
    if not 0.0 <= number <= 1.0:
        raise DataError(f"{where}: found probability {_shown(value)}; expected a number from 0 to 1; check the model")
    return number


def _number(value: object) -> float:
    """A real number as a float; NaN, which is in no range, where it is none or too large for one."""
    if isinstance(value, bool) or not isinstance(value, Real):
        return math.nan
    try:
        return float(value)
    except OverflowError:
        return math.nan


def _shown(value: object) -> str:
    """A value as a message may hold it: a hostile one is neither long nor an error of its own."""
    try:
        words = repr(value)
    except ValueError:  # an integer of thousands of digits
        return type(value).__name__
    return words if len(words) <= LONGEST_SHOWN else f"{words[:LONGEST_SHOWN]}..."


def _problem(marker: Marker, finding: object) -> str:
    """What is wrong with one finding; empty when nothing is."""
    if not isinstance(finding, Finding):
        return f"{marker}: found {type(finding).__name__}; expected a Finding; use from_tissue(...) or its neighbours"
    if not finding.known:
        return ""
    legal, sources = _LEGAL[marker]
    value = finding.value
    if marker is Marker.AGE:
        if not 0.0 <= _number(value) <= MAX_AGE:
            return f"age: found {_shown(value)}; expected years from 0 to {MAX_AGE:.0f}"
    elif type(value) is not type(legal[0]) or value not in legal:  # a bare "mutant" equals Idh.MUTANT and is not one
        return f"{marker}: found {_shown(value)}; expected {', '.join(map(str, legal))} as a {type(legal[0]).__name__}"
    if finding.source not in sources:
        allowed = " or ".join(sorted(sources))
        return f"{marker}: found a value from {finding.source}; expected one from {allowed}; leave it unknown"
    return ""
