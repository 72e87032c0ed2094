"""What `gmmas-site check` says: problems as text or JSON, equal ones of many cases gathered, and what the site has."""

from collections.abc import Iterable, Sequence
from typing import Any

from rich.table import Table

from client.checks.site_folder import Summary
from gmmas_core.data.problems import Problem
from gmmas_core.data.splits import SPLITS

_NAMED = 3


def problem_lines(problems: Iterable[Problem]) -> list[str]:
    """One line per problem; a problem that many cases share takes one line that names the first few."""
    gathered: dict[tuple[str, ...], list[Problem]] = {}
    for problem in problems:
        # The place in the table differs from row to row and would keep equal problems apart.
        where = "" if problem.case_id and "line" in problem.where else problem.where
        key = problem.severity, where, problem.found, problem.expected, problem.action
        gathered.setdefault(key, []).append(problem)
    return [_line(alike) for alike in gathered.values()]


def _line(alike: Sequence[Problem]) -> str:
    first = alike[0]
    if len(alike) == 1:
        return f"{first.severity}: {first}"
    cases = [problem.case_id for problem in alike if problem.case_id]
    names = ", ".join(cases[:_NAMED]) + (f" and {len(cases) - _NAMED} more" if len(cases) > _NAMED else "")
    place = f"cases {names}" if cases else f"{len(alike)} times"
    where = f", {first.where}" if first.where and "line" not in first.where else ""
    return f"{first.severity}: {place}{where}: found {first.found}; expected {first.expected}; {first.action}"


def as_json(site: str, problems: Sequence[Problem], summary: Summary) -> dict[str, Any]:
    """Everything `check` knows, every problem apart."""
    return {
        "site": site,
        "ok": not any(problem.is_error for problem in problems),
        "problems": [
            {
                "severity": problem.severity,
                "case": problem.case_id,
                "where": problem.where,
                "found": problem.found,
                "expected": problem.expected,
                "action": problem.action,
            }
            for problem in problems
        ],
        "summary": {
            "cases": dict(summary.cases),
            "masks": dict(summary.masks),
            "labels": {task: dict(counts) for task, counts in summary.labels.items()},
            "sequences": {sequence: dict(counts) for sequence, counts in summary.sequences.items()},
        },
    }


def summary_table(site: str, summary: Summary) -> Table:
    """Cases, masks, known labels and sequences by split."""
    table = Table(title=f"site {site}")
    for title in ("", *SPLITS, "all"):
        table.add_column(title, justify="right" if title else "left")
    sections = (
        {"cases": summary.cases, "with mask": summary.masks},
        {f"{task} known": counts for task, counts in summary.labels.items()},
        {f"with {sequence}": counts for sequence, counts in summary.sequences.items()},
    )
    for section in sections:
        for name, counts in section.items():
            table.add_row(name, *(str(counts[split]) for split in SPLITS), str(sum(counts.values())))
        table.add_section()
    return table
