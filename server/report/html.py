"""The report that people read: report.json's numbers as one self-contained page.

Written for three readers at once: the coordinator (who took part, who was left out), the researcher (every number with
its n and interval) and the clinician (what the numbers do and do not say).
"""

from collections.abc import Mapping, Sequence
from typing import Any

from gmmas_core.reporting.figures import Drawing, reliability
from gmmas_core.reporting.page import render_page
from gmmas_core.reporting.trust_parts import trust_part
from gmmas_core.reporting.wording import (
    MODEL_NAMES,
    NO_CASES,
    NOT_ASSESSABLE,
    REGION_NAMES,
    SPLIT_NAMES,
    TASK_NAMES,
    cases,
    number,
)
from gmmas_core.types import SEQUENCES
from server.client_level.told import PRIVACY, in_words
from server.report import figures
from server.report.control import INCIDENTS
from server.report.method_html import WHOSE, method_values, rounds_that_taught, stage_name
from server.report.method_template import PARTS
from server.report.software import SOFTWARE
from server.report.template import REPORT

Entry = Mapping[str, Any]

MODEL_ORDER = ("untrained", "local_only", "global")


def render_html(report: Entry) -> str:
    """The page of a report.

    Args:
        report: from `server.report.numbers.build_report`; of a finished run or of one still going.

    Returns:
        HTML with everything in it: no script, nothing loaded from elsewhere.
    """
    run = report["run"]
    names = sorted(report["sites"]) or sorted({site for entry in report["rounds"] for site in entry["sites"]})
    by_split = _by_split(report["evaluations"])
    values = {
        "disclaimer": report["disclaimer"],
        "notice": report["notice"],
        "run": run,
        "verdict": _verdict(report),
        "tiles": _tiles(by_split.get("holdout", {}), run["tasks"]),
        "site_names": names,
        "sites": {name: report["sites"][name] for name in sorted(report["sites"])},
        "sequences": SEQUENCES,
        "duration_s": sum(entry["duration_s"] for entry in report["rounds"]),
        "curves": _curves(report["rounds"], names, run["tasks"]),
        "splits": [
            _split(split, by_split[split], run["tasks"], report["sites"]) for split in SPLIT_NAMES if split in by_split
        ],
        "weights": _weights(report["rounds"], names),
        "left_out": _left_out(report),
        "software": report["software"],
        "incidents": report["incidents"],
        "privacy": in_words(report["client_level_privacy"]),
        "rounds": report["rounds"],
        "trust": _trust(by_split.get("holdout", {}), run["tasks"]),
        **method_values(report),
        "num_holdout": sum(site["cases"].get("holdout", 0) for site in report["sites"].values()),
    }
    return render_page(REPORT, values, PARTS | {"incidents": INCIDENTS, "privacy": PRIVACY, "software": SOFTWARE})


def _verdict(report: Entry) -> dict[str, str]:
    """The acceptance check in plain words, and the class that colours it."""
    judged = report["acceptance"]
    if judged is None:
        played = report["run"]["rounds_played"]
        return {
            "look": "",
            "heading": "Not judged yet",
            "text": f"The run has not reached its end; rounds played: {played}. Numbers below are preliminary.",
        }
    if judged["check"] == "none":
        return {
            "look": "",
            "heading": "No acceptance check",
            "text": "This experiment promised nothing, so nothing was judged; read the numbers below.",
        }
    passed = bool(judged["passed"])
    words = _CHECKS.get(judged["check"], (judged["check"], judged["check"]))
    return {
        "look": "passed" if passed else "failed",
        "heading": f"Passed: {words[0]}" if passed else f"Failed: {words[1]}",
        "text": f"{judged['statement'][:1].upper()}{judged['statement'][1:]}.",
    }


_CHECKS = {
    "beats_untrained": (
        "the trained model finds more of the tumour than the untrained one",
        "the trained model finds no more of the tumour than the untrained one",
    ),
    "learns_training_cases": (
        "the model outlines its own training cases better than a brightness threshold",
        "the model does not outline its own training cases well enough",
    ),
}
"""Acceptance check -> what it means to pass and to fail it."""


def _by_split(evaluations: Sequence[Entry]) -> dict[str, dict[str, Entry]]:
    """split -> model -> evaluation, models in a fixed order."""
    found: dict[str, dict[str, Entry]] = {}
    for model in MODEL_ORDER:
        for entry in evaluations:
            if entry["model"] == model:
                found.setdefault(entry["split"], {})[model] = entry
    return found


def _tiles(holdout: Mapping[str, Entry], tasks: Sequence[str]) -> list[dict[str, str]]:
    """The few numbers to remember, all of the global model on the holdouts."""
    if "global" not in holdout:
        return []
    pooled = holdout["global"]["pooled"]
    whole = pooled["segmentation"]["wt"]
    before = holdout["untrained"]["pooled"]["segmentation"]["wt"]["dice"]["mean"] if "untrained" in holdout else None
    compared = f"untrained {number(before)}; " if before is not None else ""
    tiles = [_tile("Whole-tumour Dice, pooled", whole["dice"]["mean"], whole["n"], whole["dice"]["interval"], compared)]
    worst = holdout["global"]["worst_site"].get("dice.wt")
    if worst is not None:
        n = holdout["global"]["sites"][worst[0]]["segmentation"]["wt"]["n"]
        tiles.append(_tile(f"Lowest at: {worst[0]}", worst[1], n, None, "whole-tumour Dice; "))
    for task in tasks:
        entry = pooled["classification"][task]
        tiles.append(
            _tile(f"{TASK_NAMES[task]}, AUROC", entry["auroc"]["value"], entry["n"], entry["auroc"]["interval"])
        )
    return tiles


def _tile(label: str, value: float | None, n: int, interval: Sequence[float] | None, more: str = "") -> dict[str, str]:
    ends = f"95 % interval {number(interval[0])} to {number(interval[1])}; " if interval is not None else ""
    if value is not None:
        return {"label": label, "value": number(value), "look": "", "small": f"{ends}{more}{cases(n)}"}
    if not n:
        return {"label": label, "value": NO_CASES, "look": "words", "small": "none were reported"}
    return {"label": label, "value": NOT_ASSESSABLE, "look": "words", "small": f"{cases(n)}, all of one class"}


def _curves(rounds: Sequence[Entry], names: Sequence[str], tasks: Sequence[str]) -> list[dict[str, Any]]:
    if not rounds:
        return []
    drawn = [("Training loss, by part. Each part is on its own scale.", figures.training_loss(rounds, names))]
    if figures.has_validation(rounds, "dice"):
        drawn.append(
            (
                "Dice of the global model on the validation cases. It is scored on the model that a round begins with, "
                "so the first point is the untrained model.",
                figures.validation_dice(rounds, names),
            )
        )
    for measure, words in (
        ("auroc", "higher is better; 0.5 is guessing"),
        ("nll", "lower is better; 0.69 is guessing"),
    ):
        if figures.has_validation(rounds, measure):
            caption = f"{measure.upper()} of the global model on the validation cases whose label is known: {words}."
            drawn.append((caption, figures.validation_tasks(rounds, names, tasks, measure)))
    return [{"caption": caption, "drawing": drawing} for caption, drawing in drawn]


def _split(split: str, by_model: Mapping[str, Entry], tasks: Sequence[str], sites: Entry) -> dict[str, Any]:
    """All that is shown of one split."""
    main = by_model.get("global", next(iter(by_model.values())))
    names = sorted({site for entry in by_model.values() for site in entry["sites"]})
    return {
        "name": SPLIT_NAMES[split],
        "main": MODEL_NAMES[main["model"]],
        "round": main["round"],
        "bars": figures.dice_bars(by_model),
        "tables": [{"model": MODEL_NAMES[model], "rows": _rows(entry, names)} for model, entry in by_model.items()][
            ::-1
        ],
        "tasks": list(tasks),
        "reliability": _reliability(main, tasks) if split != "holdout" else None,
        "binning": main["pooled"]["classification"][tasks[0]]["ece"]["binning"] if tasks else "",
        "worst": [_worst(main, name) for name in main["worst_site"]],
        "threshold": main["flair_threshold"],
        "pooled_dice": main["pooled"]["segmentation"]["wt"]["dice"]["mean"],
        "unreported": _unreported(main, sites, split),
        "split": split,
    }


def _unreported(entry: Entry, sites: Entry, split: str) -> list[dict[str, Any]]:
    """Sites of whose cases fewer were scored than they have: no mask, or too few to let their numbers out."""
    found = []
    for name in sorted(entry["sites"]):
        there = sites.get(name, {}).get("cases", {}).get(split, 0)
        scored = entry["sites"][name]["segmentation"]["wt"]["n"]
        if scored < there:
            found.append({"site": name, "cases": there, "scored": scored})
    return found


def _rows(entry: Entry, names: Sequence[str]) -> list[tuple[str, Any]]:
    return [*((name, entry["sites"][name]) for name in names if name in entry["sites"]), ("pooled", entry["pooled"])]


def _reliability(entry: Entry, tasks: Sequence[str]) -> Drawing | None:
    by_task = {task: entry["pooled"]["classification"][task] for task in tasks}
    return reliability(by_task, WHOSE) if by_task else None


def _trust(holdout: Mapping[str, Entry], tasks: Sequence[str]) -> dict[str, Any] | None:
    """The global model's probabilities on the holdouts; no other model's are worth so many figures."""
    if "global" not in holdout:
        return None
    entry = holdout["global"]
    return trust_part(_rows(entry, sorted(entry["sites"])), tasks, WHOSE)


def _worst(entry: Entry, name: str) -> dict[str, str]:
    """One line of the table of worst sites; where all sites are alike, none is blamed."""
    measure, _, what = name.partition(".")
    words, part, field, shown, digits = _WORST[measure]
    values = {site: _value_and_n(summary[part][what], field, shown) for site, summary in entry["sites"].items()}
    known = {site: value for site, (value, _) in values.items() if value is not None}
    row = {"what": f"{words}, {REGION_NAMES.get(what) or TASK_NAMES[what]}", "site": "", "value": "", "n": ""}
    if not known:
        return row | {"site": NOT_ASSESSABLE if any(n for _, n in values.values()) else NO_CASES}
    site = entry["worst_site"][name][0]
    row |= {"value": number(known[site], digits)}
    if len(known) > 1 and len(set(known.values())) == 1:
        return row | {"site": "all alike", "n": str(sum(values[site][1] for site in known))}
    return row | {"site": site, "n": str(values[site][1])}


_WORST = {
    "dice": ("Dice", "segmentation", "dice", "mean", 2),
    "hd95-mm": ("HD95 (legacy), mm", "segmentation", "hd95_mm", "mean", 1),
    "auroc": ("AUROC", "classification", "auroc", "value", 2),
}
"""Measure -> its name, where a summary holds it, and its digits."""


def _value_and_n(entry: Entry, field: str, shown: str) -> tuple[float | None, int]:
    return entry[field][shown], entry["n"]


def _weights(rounds: Sequence[Entry], names: Sequence[str]) -> dict[str, Any] | None:
    """How loudly each site spoke in the last round that taught the network: groups with equal rows share one."""
    taught = rounds_that_taught(rounds)
    if not taught:
        return None
    last = taught[-1]
    present = [name for name in names if name in last["sites"]]
    merged: dict[tuple[int, ...], list[str]] = {}
    for group in last["sites"][present[0]]["weights"] if present else ():
        merged.setdefault(tuple(last["sites"][name]["weights"][group] for name in present), []).append(group)
    rows = [
        {
            "groups": groups,
            "cells": [{"n": n, "share": n / sum(row) if sum(row) else None} for n in row],
            "is_unspoken": not sum(row),
        }
        for row, groups in merged.items()
    ]
    named = {"round": last["round"], "stage": stage_name(last["stage"])}
    return named | {"sites": present, "rows": rows, "absent": sorted(last["left_out"])}


def _left_out(report: Entry) -> list[dict[str, str]]:
    """Who was not counted, where, and why."""
    rows = [("before the first round", report["not_enlisted"])]
    rows += [(f"round {entry['round']}", entry["left_out"]) for entry in report["rounds"]]
    rows += [
        (f"evaluation of the {MODEL_NAMES[entry['model']]} model, {SPLIT_NAMES[entry['split']]}", entry["left_out"])
        for entry in report["evaluations"]
    ]
    return [{"when": place, "site": site, "why": why} for place, reasons in rows for site, why in reasons.items()]
