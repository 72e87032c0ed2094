"""Numbers in words: never without their n, never a 0 or a NaN that nobody measured."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

from gmmas_core.types import CLASS_NAMES, Task

NO_CASES = "no cases"
NOT_ASSESSABLE = "not assessable"

REGION_NAMES: Mapping[str, str] = {"wt": "whole tumour", "tc": "tumour core", "et": "enhancing tumour"}
TASK_NAMES: Mapping[str, str] = {
    Task.HISTOLOGY: "Histology",
    Task.IDH: "IDH",
    Task.CODEL: "1p/19q",
    Task.MGMT: "MGMT",
}
MODEL_NAMES: Mapping[str, str] = {"untrained": "untrained", "local_only": "local only", "global": "global"}
SPLIT_NAMES: Mapping[str, str] = {
    "holdout": "holdout cases",
    "train": "training cases",
    "validation": "validation cases",
}
STAGE_NAMES: Mapping[str, str] = {
    "global_pretrain": "global pre-training",
    "supervised": "supervised",
    "calibrate": "calibration",
    "pseudo_label": "pseudo-labels",
    "semi_supervised": "semi-supervised",
    "distill": "distillation",
    "contrast": "contrast",
    "finetune": "fine-tuning",
}


def task_question(task: str) -> str:
    """What a task asks, e.g. "IDH: mutant or wildtype"."""
    negative, positive = (name.replace("_", " ") for name in CLASS_NAMES[Task(task)])
    return f"{TASK_NAMES[task]}: {positive} (counted as positive) or {negative}"


def number(value: float | None, digits: int = 2) -> str:
    """A number rounded for reading; a positive one is never rounded to 0."""
    if value is None or not math.isfinite(value):
        return NOT_ASSESSABLE
    smallest = 10**-digits
    if 0 < value < smallest / 2:
        return f"<{smallest:.{digits}f}"
    return f"{value:.{digits}f}"


def measured(value: float | None, n: int, digits: int = 2) -> str:
    """A number that was computed over n cases, or why there is none."""
    return number(value, digits) if n else NO_CASES


def interval(ends: Sequence[float] | None, digits: int = 2) -> str:
    """An interval, or nothing where none was computed."""
    return f"{ends[0]:.{digits}f} to {ends[1]:.{digits}f}" if ends is not None else ""


def cases(n: int) -> str:
    """A number of cases in words."""
    return {0: NO_CASES, 1: "1 case"}.get(n, f"{n} cases")


def count(n: int, of: int) -> str:
    """How many of how many; a plain "none" instead of 0."""
    return "none" if n == 0 else f"all {of}" if n == of else f"{n} of {of}"


def seconds(value: float) -> str:
    """A duration as people say it."""
    if value < 90:
        return f"{value:.0f} s" if value >= 1 else "under 1 s"
    return f"{value / 60:.0f} min" if value < 5400 else f"{value / 3600:.1f} h"


def when(timestamp: str | None) -> str:
    """An ISO time to the minute, in UTC."""
    return f"{timestamp[:10]} {timestamp[11:16]} UTC" if timestamp else "not yet"


def percent(share: float | None) -> str:
    """A share as a whole percentage."""
    return NOT_ASSESSABLE if share is None else f"{100 * share:.0f} %"


FILTERS: Mapping[str, Any] = {
    "number": number,
    "measured": measured,
    "interval": interval,
    "cases": cases,
    "count": count,
    "seconds": seconds,
    "when": when,
    "percent": percent,
    "question": task_question,
}
