"""Where this hospital puts the thresholds of `gmmas-site check --page`: `quality` in site.yaml.

Of that page alone. `predict` and the reading room keep the built-in thresholds: they warn of one patient's reading, who
may come from a scanner that nobody had in mind when a threshold was moved to keep a page of training data short; and a
stored finding must mean the same in every hospital.

A line moves one threshold's steps: `slice_thickness: {warn: 6, fail: 8}`. A step that is not named stays where it is;
`null` takes it away. Names, units and reasons: gmmas_core/quality/thresholds.py.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:  # site.yaml is read by commands that look at no image
    from gmmas_core.quality import Rules, Threshold

Moved = Mapping[str, Mapping[str, float | None]]
"""Threshold -> step ("warn", "fail") -> number, or None for no such step."""

_STEPS = ("warn", "fail")
_LARGEST = 1e9


def quality_problems(values: Mapping[Any, Any]) -> list[str]:
    """What is wrong with `quality` of site.yaml, one line for every unknown name and illegal value."""
    from gmmas_core.quality import THRESHOLDS

    problems = []
    for name, steps in values.items():
        if name not in THRESHOLDS:
            legal = ", ".join(THRESHOLDS)
            problems.append(
                f"quality: found unknown name {str(name)[:60]!r}; expected any of {legal}; correct or remove it"
            )
        elif not isinstance(steps, Mapping) or not steps:
            problems.append(f"quality.{name}: found no steps; expected {{warn: number, fail: number}}; correct it")
        else:
            problems += _step_problems(name, steps, THRESHOLDS[name])
    return problems


def _step_problems(name: str, steps: Mapping[Any, Any], rule: "Threshold") -> list[str]:
    problems = []
    for step, value in steps.items():
        if step not in _STEPS:
            problems.append(
                f"quality.{name}: found unknown step {str(step)[:60]!r}; expected warn or fail; correct or remove it"
            )
        elif value is not None and not _is_number(value):
            problems.append(
                f"quality.{name}.{step}: found {str(value)[:60]!r}; expected a number ({rule.unit}) or null; correct it"
            )
    if problems:
        return problems
    moved = _moved(rule, steps)
    if moved.warn is not None and moved.fail is not None and (moved.fail > moved.warn) != moved.above:
        order = "above" if moved.above else "below"
        found = f"warn {moved.warn:g} and fail {moved.fail:g}"
        problems.append(f"quality.{name}: found {found}; expected fail {order} warn; correct one of them")
    return problems


def moved_of(values: Mapping[str, Any]) -> Moved:
    """The steps of a mapping without problems."""
    return {
        name: {step: None if value is None else float(value) for step, value in steps.items()}
        for name, steps in values.items()
    }


def rules_of(moved: Moved) -> "Rules":
    """All thresholds, as the site wants them."""
    from gmmas_core.quality import THRESHOLDS

    return {name: _moved(rule, moved.get(name, {})) for name, rule in THRESHOLDS.items()}


def _moved(rule: "Threshold", steps: Mapping[str, float | None]) -> "Threshold":
    return replace(rule, warn=steps.get("warn", rule.warn), fail=steps.get("fail", rule.fail))


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) <= _LARGEST
