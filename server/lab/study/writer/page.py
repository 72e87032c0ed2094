"""A score as a table to read and as JSON."""

from dataclasses import asdict
from typing import Any

from gmmas_core.types import DISCLAIMER
from server.lab.study.writer.score import Rate, Score


def score_text(score: Score) -> str:
    """Tables of both halves, what was missed, and what was refused without need."""
    lines = ["Verifier of the reading room's writer: invented sentences over generated cases, no person's.", DISCLAIMER]
    for half, kinds in score.caught.items():
        lines += ["", f"Lies caught, {half} half", ""]
        ordered = sorted(kinds.items(), key=lambda each: each[0] == "all")
        lines += [_row(kind, each) for kind, each in ordered]
        lines += [f"  missed: {text}" for text in kinds["all"].missed]
    lines += ["", "True sentences made false by machine and caught", "", _row("mutants", score.mutants)]
    lines += [f"  missed: {text}" for text in score.mutants.missed]
    lines += ["", "True sentences refused", ""]
    lines += [_row(half, each) for half, each in score.false_alarms.items()]
    lines += [f"  refused: {text}" for each in score.false_alarms.values() for text in each.missed]
    if score.unsayable:
        lines += ["", f"{len(score.unsayable)} true sentences were not tried: their reader has no such fact."]
    return "\n".join(lines)


def score_plain(score: Score) -> dict[str, Any]:
    """The same as JSON knows it."""
    return {"disclaimer": DISCLAIMER, **asdict(score)}


def _row(name: str, rate: Rate) -> str:
    return f"{name:<32} {rate.hits:>4} of {rate.total:<4} {rate.share:>6.1%}  ({rate.low:.1%} to {rate.high:.1%})"
