"""One way to say what is wrong with a hospital's data: found, expected, what to do; validators collect them all."""

import re
from collections.abc import Iterable
from dataclasses import dataclass

from gmmas_core.types import DataError

TABLE = "participants.tsv"
MAX_LISTED = 100


@dataclass(frozen=True, kw_only=True)
class Problem:
    """One thing a person should look at.

    Attributes:
        case_id: pseudonym of the case concerned, or None for the site as a whole.
        found, expected, action: the three parts of the message; no paths, no identifiers beyond the pseudonym.
        severity: "error" (the folder cannot be used) or "warning" (it can, but look at this).
        where: place inside the table or the case, e.g. "participants.tsv row 5" or "t1c".
    """

    case_id: str | None
    found: str
    expected: str
    action: str
    severity: str = "error"
    where: str = ""

    @property
    def is_error(self) -> bool:
        """Whether the folder cannot be used before this is mended."""
        return self.severity == "error"

    def __str__(self) -> str:
        place = ", ".join(part for part in (f"case {self.case_id}" if self.case_id else "", self.where) if part)
        return f"{place or 'site folder'}: found {self.found}; expected {self.expected}; {self.action}"


_MESSAGE = re.compile(
    r"^(?:(?P<where>.*?): )?found (?P<found>.*?); expected (?P<expected>.*?)(?:; (?P<action>.*))?$", re.S
)


def problem_from_error(error: DataError, case_id: str | None, where: str) -> Problem:
    """The parts of a house-style error message, so that it can be listed among other problems."""
    match = _MESSAGE.match(str(error))
    if match is None:
        return Problem(
            case_id=case_id, where=where, found=str(error), expected="a readable file", action="mend the file"
        )
    action = match["action"] or "mend the file"
    return Problem(case_id=case_id, where=where, found=match["found"], expected=match["expected"], action=action)


def raise_on_errors(problems: Iterable[Problem], site: str) -> None:
    """Raise one DataError that lists every error-severity problem; warnings pass.

    Raises:
        DataError: at least one problem is an error.
    """
    errors = [problem for problem in problems if problem.is_error]
    if not errors:
        return
    listed = [f"  {problem}" for problem in errors[:MAX_LISTED]]
    if len(errors) > MAX_LISTED:
        listed.append(f"  ... and {len(errors) - MAX_LISTED} more")
    count = "1 problem" if len(errors) == 1 else f"{len(errors)} problems"
    raise DataError(
        "\n".join([f"site {site}: found {count} in the site folder; expected none; mend them all:", *listed])
    )
