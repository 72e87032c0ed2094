"""Write the page of a site and its pictures, and tell the same as JSON."""

import hashlib
import os
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from markupsafe import Markup

from client.quality_page.script import SCRIPT
from client.quality_page.stored import Examined
from client.quality_page.template import PAGE, STYLE
from gmmas_core.atomic import write_bytes, write_text
from gmmas_core.data.problems import Problem
from gmmas_core.quality import Check, Rules, Verdict
from gmmas_core.quality.case import rules_told
from gmmas_core.reporting.page import render_page
from gmmas_core.types import DISCLAIMER, DataError

VERDICTS = ("pass", "warn", "fail")
FILES = "files"
"""What the problems of `gmmas-site check` are counted under."""

_PICTURE = re.compile(r"[0-9a-f]{20}\.jpg")


@dataclass(frozen=True, kw_only=True)
class Row:
    """One case as the page has it.

    Attributes:
        case_id: pseudonym.
        examined: None where the case was never opened.
        problems: what `gmmas-site check` says of it.
        checks: all answers.
    """

    case_id: str
    examined: Examined | None
    problems: tuple[Problem, ...]
    checks: tuple[Check, ...]

    @property
    def verdict(self) -> str:
        """The gravest; a case about which something could not be assessed still passes."""
        if any(problem.is_error for problem in self.problems) or self._with(Verdict.FAIL):
            return "fail"
        return "warn" if self.problems or self._with(Verdict.WARN) else "pass"

    def _with(self, verdict: Verdict) -> list[Check]:
        return [check for check in self.checks if check.verdict is verdict]

    def flags(self) -> list[tuple[str, str, str]]:
        """(verdict, check, message) of all that is not in order, failures first."""
        told = [("fail" if p.is_error else "warn", FILES, _told(p)) for p in self.problems]
        told += [(str(c.verdict), c.id, str(c)) for c in self._with(Verdict.FAIL) + self._with(Verdict.WARN)]
        return sorted(told, key=lambda flag: flag[0] != "fail")

    def as_page(self, number: int, folder: str) -> dict[str, Any]:
        """What the template asks for."""
        flags = self.flags()
        seen = self.examined
        picture = None if seen is None or seen.picture is None else f"{folder}/{picture_name(self.case_id)}"
        return {
            "case_id": self.case_id,
            "anchor": f"case-{number}",
            "verdict": self.verdict,
            "gravity": VERDICTS.index(self.verdict),
            "fails": sum(mark == "fail" for mark, _, _ in flags),
            "warnings": sum(mark == "warn" for mark, _, _ in flags),
            "open": len(self._with(Verdict.NOT_ASSESSABLE)),
            "flagged": " ".join(dict.fromkeys(check for _, check, _ in flags)),
            "flags": [{"mark": mark, "text": text} for mark, _, text in flags],
            "passed": [str(check) for check in self._with(Verdict.PASS)],
            "unknown": [str(check) for check in self._with(Verdict.NOT_ASSESSABLE)],
            "picture": picture,
            "sequences": () if seen is None else seen.sequences,
            "width": 0 if seen is None else seen.size[0],
            "height": 0 if seen is None else seen.size[1],
        }

    def as_json(self) -> dict[str, Any]:
        """Everything that is known of the case, no picture."""
        parts = ("id", "verdict", "where", "found", "expected", "action")
        return {
            "case": self.case_id,
            "verdict": self.verdict,
            "problems": [{"severity": p.severity, "where": p.where, "message": _told(p)} for p in self.problems],
            "checks": [{part: str(getattr(check, part)) for part in parts} for check in self.checks],
        }


def rows_of(
    examined: Sequence[Examined], problems: Iterable[Problem], between: Mapping[str, tuple[Check, ...]]
) -> list[Row]:
    """A row for every case that was looked at and for every one that a problem names, gravest first.

    Args:
        examined: every case that has files.
        problems: of the table, which names cases without files too.
        between: case -> checks against other cases.
    """
    of_table: dict[str, list[Problem]] = {}
    for problem in problems:
        if problem.case_id is not None:
            of_table.setdefault(problem.case_id, []).append(problem)
    rows = [
        Row(
            case_id=one.case_id,
            examined=one,
            problems=(*of_table.pop(one.case_id, ()), *one.report.problems),
            checks=(*one.checks, *between.get(one.case_id, ())),
        )
        for one in examined
    ]
    rows += [Row(case_id=case, examined=None, problems=tuple(told), checks=()) for case, told in of_table.items()]
    return sorted(rows, key=lambda row: -VERDICTS.index(row.verdict))


def write_page(
    out: Path, site: str, rows: Sequence[Row], general: Sequence[Problem], rules: Rules, moved: bool
) -> None:
    """Write OUT.html and, beside it, the folder of its pictures; both only for the user who writes them.

    Args:
        out: the page; an older one is replaced, and pictures that no case has any more are removed.
        site: name of the hospital.
        rows: from `rows_of`.
        general: problems of the site as a whole.
        rules: the thresholds that were used.
        moved: whether the site moved any.

    Raises:
        DataError: a name that is no page's.
        OSError: the folder cannot be written.
    """
    if out.suffix.lower() not in {".html", ".htm"} or out.is_dir():
        raise DataError(f"--page: found {out.name}; expected a file name that ends in .html; give one")
    folder = out.with_name(f"{out.stem}_pictures")
    _write_pictures(folder, rows)
    shown = [row.as_page(number, folder.name) for number, row in enumerate(rows, 1)]
    values = {
        "disclaimer": DISCLAIMER,
        "notice": "",
        "style": Markup(STYLE),
        "script": Markup(SCRIPT),
        "site": site,
        "folder": folder.name,
        "written": datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
        "moved": moved,
        "rows": shown,
        "totals": totals(rows),
        "general": [{"mark": "fail" if p.is_error else "warn", "text": _told(p)} for p in general],
        "counts": counts(rows, rules),
    }
    write_text(out, render_page(PAGE, values))


def _write_pictures(folder: Path, rows: Sequence[Row]) -> None:
    """Every case's picture under a name that tells nothing; those of cases that are gone are removed."""
    folder.mkdir(parents=True, exist_ok=True)
    os.chmod(folder, 0o700)
    wanted = set()
    for row in rows:
        if row.examined is None or row.examined.picture is None:
            continue
        target = folder / picture_name(row.case_id)
        wanted.add(target.name)
        content = row.examined.picture.read_bytes()
        if not target.is_file() or target.read_bytes() != content:
            write_bytes(target, content)
    for path in folder.iterdir():
        if _PICTURE.fullmatch(path.name) and path.name not in wanted:
            path.unlink()


def picture_name(case_id: str) -> str:
    """Of a case's picture in the folder beside the page."""
    return f"{hashlib.sha256(case_id.encode()).hexdigest()[:20]}.jpg"


def totals(rows: Sequence[Row]) -> dict[str, int]:
    """Cases per verdict."""
    found = Counter(row.verdict for row in rows)
    return {verdict: found[verdict] for verdict in VERDICTS}


def counts(rows: Sequence[Row], rules: Rules) -> list[dict[str, Any]]:
    """Answers per check, those that flag most first."""
    answers: dict[str, Counter[str]] = {}
    for row in rows:
        for check in row.checks:
            answers.setdefault(check.id, Counter())[str(check.verdict)] += 1
        for problem in row.problems:
            answers.setdefault(FILES, Counter())["fail" if problem.is_error else "warn"] += 1
    table = [
        {
            "id": name,
            **{verdict: found[verdict] for verdict in VERDICTS},
            "open": found[Verdict.NOT_ASSESSABLE],
            "rules": rules_told(name, rules),
        }
        for name, found in answers.items()
    ]
    return sorted(table, key=lambda line: (-line["fail"], -line["warn"], line["id"]))


def _told(problem: Problem) -> str:
    place = f"{problem.where}: " if problem.where else ""
    return f"{place}found {problem.found}; expected {problem.expected}; {problem.action}"
