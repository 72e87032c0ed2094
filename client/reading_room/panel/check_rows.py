"""The checks of a case: what failed or warned one by one, what passed folded together."""

from collections.abc import Mapping, Sequence
from typing import Any

from client.reading_room.panel.words import CHECK_TITLES, SEQUENCE_TITLES, titled

ORDER = ("fail", "warn", "not assessable")
MARKS: Mapping[str, tuple[str, str]] = {
    "fail": ("fail", "Failed"),
    "warn": ("warn", "Warning"),
    "not assessable": ("open", "Not made"),
    "pass": ("pass", "Passed"),
}
"""Verdict -> shape and word."""


def checks_of(checks: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Rows to be read, and the titles of what passed with the places where it did."""
    rows: dict[tuple[str, ...], list[str]] = {}
    for check in checks:
        if check["verdict"] != "pass":
            key = tuple(check[part] for part in ("verdict", "id", "found", "expected", "action"))
            rows.setdefault(key, []).append(_place(check["where"]))
    open_ = sorted(rows.items(), key=lambda row: ORDER.index(row[0][0]))
    passed: dict[str, list[str]] = {}
    for check in checks:
        if check["verdict"] == "pass":
            passed.setdefault(titled(CHECK_TITLES, check["id"]), []).append(_place(check["where"]))
    return {
        "open": [
            {
                "shape": MARKS[verdict][0],
                "word": MARKS[verdict][1],
                "title": titled(CHECK_TITLES, name),
                "where": ", ".join(place for place in places if place),
                "found": found,
                "expected": expected,
                "action": action,
            }
            for (verdict, name, found, expected, action), places in open_
        ],
        "passed": [(title, ", ".join(place for place in places if place)) for title, places in passed.items()],
        "num_passed": sum(check["verdict"] == "pass" for check in checks),
        "total": len(checks),
    }


def _place(where: str) -> str:
    return " and ".join(SEQUENCE_TITLES.get(name, name) for name in where.split(" and "))
