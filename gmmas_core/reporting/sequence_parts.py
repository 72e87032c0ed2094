"""What pages say about missing sequences: every subset with its numbers, and what each sequence is worth.

Shared by the coordinator's report, where sums over sites arrive, and the hospital's own, where exact scores do.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from gmmas_core.reporting.figures_sequences import (
    SEQUENCE_NAMES,
    Column,
    change_in_words,
    drop_one_bars,
    output_title,
    subset_table,
)
from gmmas_core.reporting.wording import NO_CASES, NOT_ASSESSABLE, TASK_NAMES, number
from gmmas_core.types import REGIONS, SEQUENCES, Metric, Sum, Task

Part = dict[str, Any]


def subset_part(rows: Sequence[Mapping[str, Any]], whose: str) -> Part | None:
    """The table of all subsets, as a figure and as numbers.

    Args:
        rows: one per subset: "sequences", "n" (cases that have them), and per name ("dice.wt", "auroc.idh") "values",
            "counts" (cases behind a value) and "not_assessable" (cases in which the model may not judge).
        whose: cases of whom, for the alternative text.

    Returns:
        "drawing", "columns", "rows" and "means" (over the subsets that have a value); None without rows.
    """
    if not rows:
        return None
    names = list(rows[0]["values"])
    columns = [
        Column(
            title=_title(name),
            values={frozenset(row["sequences"]): row["values"][name] for row in rows},
            absent={frozenset(row["sequences"]): _why_not(row, name) for row in rows},
        )
        for name in names
    ]
    return {
        "drawing": subset_table(columns, whose),
        "columns": [column.title for column in columns],
        "rows": [
            {
                "names": " + ".join(SEQUENCE_NAMES[sequence] for sequence in row["sequences"]),
                "n": row["n"],
                "cells": [{"text": value_in_words(row, name), "n": row["counts"][name]} for name in names],
            }
            for row in rows
        ],
        "means": [_mean([row["values"][name] for row in rows]) for name in names],
    }


def drop_one_changes(metrics: Mapping[str, Metric], tasks: Sequence[Task]) -> dict[str, dict[str, Part]] | None:
    """Means of the sums under "drop-one.<sequence>.<region or task>".

    Returns:
        sequence -> output -> {"change", "n"}: the mean |change of P(class 1)|, or 1 - Dice between the outlines with
        and without the sequence, None over no case; None where no case was read without a sequence at all.
    """
    found: dict[str, dict[str, Part]] = {}
    for sequence in SEQUENCES:
        sums = {output: metrics.get(f"drop-one.{sequence}.{output}") for output in (*REGIONS, *map(str, tasks))}
        found[sequence] = {
            output: {"change": value.mean, "n": value.count}
            if isinstance(value, Sum) and value.count
            else {"change": None, "n": 0}
            for output, value in sums.items()
        }
    return found if any(part["n"] for row in found.values() for part in row.values()) else None


def worth_part(significance: Mapping[str, Any] | None, whose: str) -> Part | None:
    """What each sequence is worth, as a figure and as numbers.

    Args:
        significance: "learned" (branch -> sequence -> share) and "drop_one" (from `drop_one_changes`); or None.
        whose: cases of whom, for the alternative text.

    Returns:
        "drawing", "outputs" and "rows", a row per sequence; None without the numbers.
    """
    if not significance:
        return None
    changes = significance["drop_one"]
    outputs = list(next(iter(changes.values())))
    rows = [
        {
            "name": SEQUENCE_NAMES[sequence],
            "local": significance["learned"]["local"][sequence],
            "global": significance["learned"]["global"][sequence],
            "cells": [{"text": change_in_words(by_output, name), "n": by_output[name]["n"]} for name in outputs],
        }
        for sequence, by_output in changes.items()
    ]
    return {"drawing": drop_one_bars(changes, whose), "outputs": [output_title(name) for name in outputs], "rows": rows}


def _title(name: str) -> str:
    measure, _, what = name.partition(".")
    return f"Dice {what.upper()}" if measure == "dice" else f"{measure.upper()} {TASK_NAMES[what]}"


def _why_not(row: Mapping[str, Any], name: str) -> str:
    """Nobody there to judge, or somebody whom the model may not, or cannot be, judged on."""
    return NOT_ASSESSABLE if row["counts"][name] or row["not_assessable"][name] else NO_CASES


def value_in_words(row: Mapping[str, Any], name: str) -> str:
    """A value of a subset's row, or why there is none."""
    value = row["values"][name]
    return _why_not(row, name) if value is None else number(value)


def _mean(values: Sequence[float | None]) -> Part:
    known = [value for value in values if value is not None]
    return {"text": number(sum(known) / len(known)) if known else NOT_ASSESSABLE, "over": len(known)}
