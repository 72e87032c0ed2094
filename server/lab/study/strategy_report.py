"""study.json, study.md and a self-contained study.html of a strategy study."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from gmmas_core.atomic import write_json, write_text
from gmmas_core.reporting.figures import Drawing
from gmmas_core.reporting.page import render_page
from server.lab.site_times import PATIENTS, SPREAD
from server.lab.study.figures import forest
from server.lab.study.markdown import number, table
from server.lab.study.strategy_findings import AT_CHANCE
from server.lab.study.strategy_page import STRATEGY_PAGE

SHOWN = ("dice_mean", "worst_dice", "dice_wt", "dice_tc", "dice_et", "auroc_idh", "brier_idh")
"""Measures of the overall tables; the hospitals' own follow in a table of theirs."""


def write_strategy_study(folder: Path, study: Mapping[str, Any]) -> None:
    """Write the three reports of what `strategy_findings.find_strategies` found."""
    write_json(folder / "study.json", study)
    write_text(folder / "study.md", to_markdown(study))
    write_text(folder / "study.html", _html(study))


def conclusion(study: Mapping[str, Any]) -> list[str]:
    """What the study says about the default, in sentences."""
    titles = {arm["name"]: arm["title"] for arm in study["arms"]}
    by_outcome: dict[str, list[str]] = {}
    for row in study["differences"]:
        by_outcome.setdefault(row["outcome"], []).append(titles[row["arm"]])
    if not study["differences"]:
        return ["Nothing can be compared yet: masked FedAvg or every other arm is not finished."]
    winners = by_outcome.get("win", [])
    lines = [
        f"Better than masked FedAvg beyond the interval, and worse in nothing: {'; '.join(winners)}."
        if winners
        else "No gain: no arm is better than masked FedAvg beyond the interval without being worse in something; the "
        "default stays."
    ]
    for outcome, opening in (
        ("mixed", "Better in one measure and worse in another"),
        ("no gain", "No difference resolved"),
        ("loss", "Worse than masked FedAvg"),
        ("bound, better", "Better, but no way to federate (a bound)"),
    ):
        if outcome in by_outcome:
            lines.append(f"{opening}: {'; '.join(by_outcome[outcome])}.")
    return lines


def to_markdown(study: Mapping[str, Any]) -> str:
    """Conclusion, differences, arms and rounds as tables; every number with its 95 % interval."""
    titles = {arm["name"]: arm["title"] for arm in study["arms"]}
    labels = [study["measures"][name]["label"] for name in SHOWN]
    sites = list(study["sites"])
    differences = [
        [titles[row["arm"]], *(_signed(row["measures"][name]) for name in SHOWN), row["outcome"]]
        for row in study["differences"]
    ]
    arms = [
        [arm["title"], *(number(arm["measures"][name]) for name in SHOWN), arm["worst_site"] or "none"]
        for arm in study["arms"]
    ]
    by_site = [
        [titles[row["arm"]], *(_signed(row["measures"][f"at_{name}"]) for name in sites)]
        for row in study["differences"]
    ]
    parts = [
        f"Strategy study `{study['size']['mode']}`: {len(study['seeds'])} seeds, {study['test_cases']} test phantoms, "
        f"95 % intervals from a paired bootstrap over seeds and cases. {study['notice']} {study['disclaimer']}",
        *conclusion(study),
        *(f"**Failed**: {name}: {reason}" for name, reason in study["failures"].items()),
        table(["Arm minus masked FedAvg", *labels, "Outcome"], differences),
        table(["Arm", *labels, "Worst hospital"], arms),
        table(["Mean Dice, arm minus masked FedAvg", *sites], by_site),
        table(["Arm", "Received MB a round", "Hours a round (all)", "Hours (soft deadline)"], _rounds(study)),
    ]
    return "\n\n".join(parts) + "\n"


def _rounds(study: Mapping[str, Any]) -> list[list[str]]:
    return [
        [
            arm["title"],
            f"{arm['traffic']['received_mb']:.2f}",
            f"{arm['traffic']['simulated']['hours_all']:.2f}",
            f"{arm['traffic']['simulated']['hours_soft']:.2f}",
        ]
        for arm in study["arms"]
        if arm["traffic"]
    ]


def _signed(found: Mapping[str, Any]) -> str:
    mark = f" {found['verdict']}" if found["verdict"] in ("better", "worse", AT_CHANCE) else ""
    return number(found, signed=True) + mark


def _html(study: Mapping[str, Any]) -> str:
    return render_page(
        STRATEGY_PAGE,
        {
            "disclaimer": study["disclaimer"],
            "notice": study["notice"],
            "study": study,
            "titles": {arm["name"]: arm["title"] for arm in study["arms"]},
            "shown": SHOWN,
            "conclusion": conclusion(study),
            "comparisons": len(study["differences"]) * len(study["primary"]),
            "forest": _forest(study),
            "patients": PATIENTS,
            "spread": SPREAD,
        },
    )


def _forest(study: Mapping[str, Any]) -> Drawing | None:
    """Mean Dice and AUROC of IDH of every arm against the baseline."""
    titles = {arm["name"]: arm["title"] for arm in study["arms"]}
    rows = [
        {
            "label": study["measures"][name]["label"],
            "better": study["measures"][name]["better"],
            "arm": row["arm"],
            "baseline": study["baseline"],
            "difference": row["measures"][name],
            "verdict": row["measures"][name]["verdict"],
        }
        for name in ("dice_mean", "auroc_idh")
        for row in study["differences"]
    ]
    return forest(rows, titles) if rows else None
