"""What the told counts mean for a run: warnings, and which strategy to begin with. Advice for a person, never an order.

No strategy is promised to be better than was measured: in the comparison of server/README.md the differences are as
small as those between two runs that differ in nothing that matters.
"""

from collections.abc import Mapping
from typing import Any

from gmmas_core.statistics.form import HIDDEN, PATTERNS, Statistics
from gmmas_core.types import SEQUENCES, Task
from server.statistics.shift import Shift


def advise(
    sites: Mapping[str, Statistics], shifts: list[Shift], undecided: Mapping[str, Mapping[str, str]]
) -> dict[str, Any]:
    """Warnings and a suggestion.

    Args:
        sites: the answers.
        shifts: see `label_shifts`.
        undecided: likewise.

    Returns:
        "warnings": list of {"about", "text"}; "strategy": {"name", "overrides", "why"}; "stages": {"suggested", "why"}.
    """
    warnings = [*_small(sites), *_sequences(sites), *_labels(sites), *_shifts(shifts), *_undecided(undecided)]
    return {"warnings": warnings, "strategy": _strategy(shifts), "stages": _stages(sites)}


def _warning(about: str, text: str) -> dict[str, str]:
    return {"about": about, "text": text}


def _small(sites: Mapping[str, Statistics]) -> list[dict[str, str]]:
    found = []
    for site, told in sites.items():
        train = told.counts["split"][0]
        if all(cell == HIDDEN for cell in told.counts["split"]):
            text = f"tells none of its splits: fewer than {told.floor} patients in one, or too few in all"
        elif train == HIDDEN:
            text = f"does not tell its training patients; with fewer than its floor of {told.floor} no update leaves it"
        elif train == 0:
            text = "has no training patients; it can only be evaluated on"
        else:
            continue
        found.append(_warning(site, text))
    return found


def _sequences(sites: Mapping[str, Statistics]) -> list[dict[str, str]]:
    found = []
    for site, told in sites.items():
        cells = told.counts["sequences"]
        if HIDDEN in cells:
            found.append(_warning(site, "some patients lack sequences; how many is hidden"))
        for sequence in SEQUENCES:
            lacking = sum(cell for cell, names in zip(cells, PATTERNS, strict=True) if sequence not in names)
            if HIDDEN not in cells and lacking:
                text = f"{lacking} of {sum(cells)} patients lack {sequence}"
                if lacking == sum(cells):
                    text = f"no patient has {sequence}: the site is silent for that sequence's part of the network"
                found.append(_warning(site, text))
    return found


def _labels(sites: Mapping[str, Statistics]) -> list[dict[str, str]]:
    found = []
    for site, told in sites.items():
        none = [str(task) for task in Task if told.counts[f"label.{task}"][:2] == (0, 0) and _has_patients(told, task)]
        if none:
            found.append(_warning(site, f"no known label of {', '.join(none)}"))
        if told.counts["mask"][0] == 0 and told.counts["mask"][1] > 0:
            found.append(_warning(site, "no reference mask"))
    return found


def _has_patients(told: Statistics, task: Task) -> bool:
    return told.counts[f"label.{task}"][2] > 0


def _shifts(shifts: list[Shift]) -> list[dict[str, str]]:
    return [
        _warning(
            " and ".join(shift.sites),
            f"{shift.task}: class 1 makes up {shift.shares[0]:.0%} and {shift.shares[1]:.0%} of the known labels; "
            f"distance {shift.distance:.2f} (95 % interval {shift.interval[0]:.2f} to {shift.interval[1]:.2f}), "
            f"chance alone: p {'< 0.001' if shift.p < 0.001 else f'= {shift.p:.3f}'} after Holm",
        )
        for shift in shifts
        if shift.is_shift
    ]


def _undecided(undecided: Mapping[str, Mapping[str, str]]) -> list[dict[str, str]]:
    return [
        _warning(site, f"label shift of {task} is undecided: {reason}")
        for task, reasons in undecided.items()
        for site, reason in reasons.items()
        if reason != "no known label"
    ]


def _strategy(shifts: list[Shift]) -> dict[str, str]:
    why = (
        "each part of the network is averaged over the patients that inform it, so missing sequences and labels are "
        "allowed for. In the comparison on phantoms (server/README.md) adaptive_pid, median and trimmed_mean were 0.01 "
        "to 0.02 Dice better, by which runs that short differ for no reason, and uncertainty_weighted gained nothing"
    )
    if any(shift.is_shift for shift in shifts):
        why += (
            ". The labels do differ between hospitals: look at each hospital's calibration after the first run; "
            "whether another strategy helps with that has not been measured"
        )
    return {"name": "masked_fedavg", "overrides": "strategy=masked_fedavg", "why": why}


def _stages(sites: Mapping[str, Statistics]) -> dict[str, Any]:
    without = {
        str(task): lacking
        for task in Task
        if task != Task.MGMT
        and (lacking := [site for site, told in sites.items() if told.counts[f"label.{task}"][:2] == (0, 0)])
    }
    masks = [site for site, told in sites.items() if told.counts["mask"][0] == 0 and told.counts["mask"][1] > 0]
    if masks:
        without["segmentation"] = masks
    if not without:
        return {"suggested": [], "why": "every site told some labels of every task, or hides how many"}
    named = "; ".join(f"{what}: {', '.join(names)}" for what, names in without.items())
    return {
        "suggested": ["pseudo_label", "semi_supervised"],
        "why": f"sites without labels ({named}) teach nothing of these in a supervised stage; a curriculum with "
        "pseudo_label and semi_supervised lets them take part, and stops where a gate finds the labels too unsure",
    }
