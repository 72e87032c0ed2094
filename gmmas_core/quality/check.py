"""One question about a case before its result is believed, and the answer."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum


class Verdict(StrEnum):
    """In the order of gravity."""

    PASS = "pass"
    NOT_ASSESSABLE = "not assessable"
    WARN = "warn"
    FAIL = "fail"


@dataclass(frozen=True, kw_only=True)
class Check:
    """One answer.

    Attributes:
        id: name of the check; the key of its thresholds where it has any.
        verdict: fail means that a result on this case is not to be believed before a person has looked.
        found, expected, action: the three parts of the message; no path, no identifier. `action` is empty on a pass.
        where: the sequence concerned, or "" for the case.
    """

    id: str
    verdict: Verdict
    found: str
    expected: str
    action: str
    where: str = ""

    def __str__(self) -> str:
        place = f"{self.id} ({self.where})" if self.where else self.id
        told = f"{place}: found {self.found}; expected {self.expected}"
        return f"{told}; {self.action}" if self.action else told


def not_assessable(name: str, found: str, expected: str, where: str = "") -> Check:
    """The answer where the images do not allow one."""
    told = "judge it by eye"
    return Check(id=name, verdict=Verdict.NOT_ASSESSABLE, found=found, expected=expected, action=told, where=where)


def gravest(*verdicts: Verdict) -> Verdict:
    """The gravest of some verdicts; a pass where there is none."""
    return max(verdicts, key=list(Verdict).index, default=Verdict.PASS)


def worst(checks: Iterable[Check]) -> Verdict:
    """The gravest verdict of some checks."""
    return gravest(*(check.verdict for check in checks))
