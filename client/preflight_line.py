"""One line of the preflight: what was asked, what was found, and what to do about it."""

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Literal

from gmmas_core.types import DataError

Verdict = Literal["pass", "warn", "fail", "not asked"]


@dataclass(frozen=True, kw_only=True)
class Line:
    """Outcome of one question.

    Attributes:
        name: of the question.
        verdict: "fail" makes the command fail; "not asked" says that nothing is known, and why.
        found: what is the case.
        action: what was expected and what to do; empty when nothing is to be done.
    """

    name: str
    verdict: Verdict
    found: str
    action: str = ""

    def __str__(self) -> str:
        told = f"{self.verdict:<9}  {self.name}: {self.found}"
        return f"{told}; {self.action}" if self.action else told

    def as_json(self) -> dict[str, str]:
        """Plain values."""
        return asdict(self)


def line_of(name: str, error: DataError) -> Line:
    """A failed line from a house-style error."""
    told = str(error).removeprefix(f"{name}: ")
    found, _, action = told.partition("; ")
    return Line(name=name, verdict="fail", found=found, action=action)


def not_asked(names: Iterable[str], why: str) -> list[Line]:
    """Lines that say that nothing is known."""
    return [Line(name=name, verdict="not asked", found=why) for name in names]
