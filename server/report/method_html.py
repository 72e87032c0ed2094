"""What the page says about the method: stages, pseudo-labels, temperatures, trust and missing sequences.

Each part is empty where the run had no such thing; its section is left out then.
"""

from collections.abc import Mapping, Sequence
from itertools import groupby
from typing import Any

from gmmas_core.reporting.sequence_parts import subset_part, worth_part
from gmmas_core.reporting.wording import NO_CASES, REGION_NAMES, STAGE_NAMES, TASK_NAMES, cases, measured, number

Entry = Mapping[str, Any]

WHOSE = "all hospitals pooled"


def method_values(report: Entry) -> dict[str, Any]:
    """Values of the templates in `report_method_template`, all but "trust".

    Args:
        report: from `server.report.numbers.build_report`.
    """
    given = report["pseudo_labels"] or {}
    names = list(dict.fromkeys(name for by_name in given.values() for name in by_name))
    groups: list[dict[str, Any]] = [
        {"what": _what(name), "rows": [_pseudo_row(site, given[site][name]) for site in sorted(given)]}
        for name in names
    ]
    return {
        "stages": _stages(report["rounds"]),
        "temperatures": _temperatures(report["calibration"]),
        "subsets": subset_part(report["subsets"], WHOSE),
        "worth": worth_part(report["significance"], WHOSE),
        "pseudo_labels": groups,
        "skipped": [
            {"what": group["what"], "why": _why_skipped(name, row), **row}
            for name, group in zip(names, groups, strict=True)
            for row in group["rows"]
            if row["skipped"]
        ],
    }


def rounds_that_taught(rounds: Sequence[Entry]) -> list[Entry]:
    """Those in which anybody spoke for any part of the network."""
    return [entry for entry in rounds if _teaches(entry)]


def stage_name(stage: str) -> str:
    """A stage in words."""
    return STAGE_NAMES.get(stage, stage)


def _stages(rounds: Sequence[Entry]) -> list[dict[str, Any]]:
    """One row per run of rounds of one stage; nothing where there was only one."""
    rows = []
    for stage, group in groupby(rounds, key=lambda entry: entry["stage"]):
        played = list(group)
        first, last = played[0]["round"], played[-1]["round"]
        rates = sorted({entry["lr"] for entry in played})
        rows.append(
            {
                "name": stage_name(stage),
                "rounds": f"{first}" if first == last else f"{first} to {last}",
                "lr": _rates(rates) if any(map(_teaches, played)) else "teaches no weight",
                "duration_s": sum(entry["duration_s"] for entry in played),
            }
        )
    return rows if len(rows) > 1 else []


def _teaches(entry: Entry) -> bool:
    return any(any(site["weights"].values()) for site in entry["sites"].values())


def _rates(rates: Sequence[float]) -> str:
    return f"{rates[0]:.3g}" if len(rates) == 1 else f"{rates[0]:.3g} to {rates[-1]:.3g}"


def _temperatures(calibration: Entry | None) -> list[dict[str, Any]]:
    if not calibration:
        return []
    fitted = calibration["temperature"] | calibration["region_temperature"]
    return [
        {
            "name": _what(name),
            "temperature": number(fitted[name]) if name in fitted else "",
            "cases": facts["cases"],
            "rarer": (facts["of_rarer_class"] or "none") if "of_rarer_class" in facts else "",
            "outcome": facts["outcome"],
        }
        for name, facts in calibration["fit"].items()
    ]


def _pseudo_row(site: str, found: Entry) -> dict[str, Any]:
    asked, audited = found["asked"], found["audited"]
    taken = ", ".join(f"{n or 'none'} {label.replace('_', ' ')}" for label, n in found["accepted"].items())
    if found["skipped"]:
        used = "no: failed its audit"
    elif not any(found["accepted"].values()):
        used = "nothing to use"
    else:
        used = "yes" if audited else "yes, unaudited"
    return {
        "site": site,
        "asked": asked,
        "accepted": taken if asked else "",
        "audited": audited,
        "audit": measured(found["audit"], audited) if audited else NO_CASES,
        "skipped": found["skipped"],
        "used": used,
    }


def _what(name: str) -> str:
    """A task, a region, or the outlines."""
    if name in TASK_NAMES:
        return TASK_NAMES[name]
    return REGION_NAMES[name].capitalize() if name in REGION_NAMES else "Outlines"


def _why_skipped(name: str, row: Entry) -> str:
    if not row["audited"]:
        return "The audit failed; its number is kept back, because it rests on few cases."
    measure = "accuracy" if name in TASK_NAMES else "mean whole-tumour Dice"
    return f"The audit reached a {measure} of {row['audit']} over {cases(row['audited'])}, less than the run demands."
