"""What pages say about trust in the probabilities: calibration, doubt, whom to leave to a person, and use."""

from collections.abc import Mapping, Sequence
from typing import Any

from gmmas_core.reporting.figures import reliability
from gmmas_core.reporting.figures_calibration import doubt_bars
from gmmas_core.reporting.figures_decisions import decision_curves, risk_coverage


def trust_part(
    rows: Sequence[tuple[str, Mapping[str, Any]]], tasks: Sequence[str], whose: str
) -> dict[str, Any] | None:
    """Figures of the last row, and a table of all.

    Args:
        rows: (whose, `summarise`-shaped numbers), the cases to draw last.
        tasks: the image-level questions.
        whose: cases of whom, for the alternative texts.

    Returns:
        "rows", "tasks", "reliability", "risk", "decisions", "doubt" (None without stochastic passes), "binning" and
        "withheld"; None where no case has a known answer.
    """
    by_task = {task: rows[-1][1]["classification"][task] for task in tasks} if rows else {}
    if not any(entry["n"] for entry in by_task.values()):
        return None
    doubted = any(part["n"] for entry in by_task.values() for part in entry["by_epistemic"])
    entries = [summary["classification"][task] for _, summary in rows for task in tasks]
    return {
        "rows": rows,
        "tasks": list(tasks),
        "reliability": reliability(by_task, whose),
        "doubt": doubt_bars(by_task, whose) if doubted else None,
        "risk": risk_coverage(by_task, "share wrong", whose),
        "decisions": decision_curves(by_task, whose),
        "binning": entries[0]["ece_equal_mass"]["binning"],
        "withheld": any(entry["withheld"] for entry in entries),
    }
