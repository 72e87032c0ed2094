"""Lines of a preflight, at a hospital or at the coordinator: what was asked, what was found, what to do about it."""

from collections.abc import Iterable
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

import psutil

from gmmas_core.types import DataError

GIB = 2**30
_CONTAINER_LIMIT = Path("/sys/fs/cgroup/memory.max")

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


def memory(fail: int, warn: int) -> Line:
    """A line about the machine's memory, or the container's limit, in bytes."""
    limit = psutil.virtual_memory().total
    with suppress(OSError, ValueError):  # no container, or one without a limit ("max")
        limit = min(limit, int(_CONTAINER_LIMIT.read_text()))
    action = "give the machine or the container more, or expect the work to be killed"
    return by_floor("memory", "in all", limit, fail, warn, action)


def by_floor(name: str, what: str, found: int, fail: int, warn: int, action: str) -> Line:
    """A line about an amount in bytes: fails below one floor, warns below another."""
    told = f"{found / GIB:.1f} GiB {what}" if found >= GIB else f"{found / 2**20:.0f} MiB {what}"
    if found >= warn:
        return Line(name=name, verdict="pass", found=told)
    verdict: Verdict = "fail" if found < fail else "warn"
    return Line(name=name, verdict=verdict, found=f"found {told}", action=f"expected {_size(warn)}; {action}")


def _size(amount: int) -> str:
    return f"{amount // GIB} GiB" if amount >= GIB else f"{amount // 2**20} MiB"
