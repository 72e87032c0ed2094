"""The text a person reads before using a model folder: what it is, what it was made from, what it must not be used for.

Only what the folder itself knows is stated; a number that nobody measured is named as missing and never left out
silently.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from gmmas_core.config import Config
from gmmas_core.types import CLASS_NAMES, DISCLAIMER, LABEL_NAMES, REGIONS, SEQUENCES, Task

REGION_TITLES = {"wt": "whole tumour", "tc": "tumour core", "et": "enhancing tumour"}


def model_card(
    model_id: str,
    config: Config,
    *,
    num_parameters: int,
    training: Mapping[str, Any],
    temperatures: Mapping[Task, float],
    judged: Sequence[str],
) -> str:
    """Markdown for `model_card.md`.

    Args:
        model_id: identity of weights, configuration and calibration.
        config: resolved configuration of the run.
        num_parameters: of the network.
        training: what the run recorded about itself; scalars and one level of tables are shown.
        temperatures: calibration per task; empty when not calibrated.
        judged: subsets of sequences for which the folder knows how unlike the training sites a case may look.
    """
    return "\n".join(
        [
            f"# Model {model_id}",
            "",
            f"**{DISCLAIMER}**",
            *([f"**Notice of the run: {cell(config.notice)}**"] if config.notice else []),
            "",
            *_answers(config, num_parameters, temperatures),
            *_training(training),
            *_limits(config, temperatures, judged),
        ]
    )


def _answers(config: Config, num_parameters: int, temperatures: Mapping[Task, float]) -> list[str]:
    labels = ", ".join(f"{value} {name}" for value, name in LABEL_NAMES.items())
    regions = ", ".join(f"{REGION_TITLES[name]} = {'+'.join(map(str, values))}" for name, values in REGIONS.items())
    lines = [
        "## What it answers",
        "",
        f"- Network: GMMAS, preset `{config.model.name}`, {num_parameters:,} parameters.",
        f"- Input: skull-stripped MRI of one patient, any of {', '.join(SEQUENCES)}, on one grid.",
        f"- Segmentation: {labels}; regions {regions}.",
    ]
    for task in config.task_list:
        zero, one = CLASS_NAMES[task]
        scale = f"temperature {temperatures[task]:.3f}" if task in temperatures else "not calibrated"
        lines.append(f"- `{task.value}`: probability of {one} (else {zero}); {scale}.")
    return [*lines, ""]


def _training(training: Mapping[str, Any]) -> list[str]:
    lines = ["## What it was made from", ""]
    if not training:
        return [*lines, "Nothing was recorded about the training.", ""]
    tables = {}
    for key, value in training.items():
        if isinstance(value, Mapping):
            tables[key] = value
        else:
            lines.append(f"- {cell(key)}: {cell(value)}")
    for title, table in tables.items():
        lines += ["", f"### {cell(title)}", "", "| entry | value |", "|---|---|"]
        lines += [f"| {cell(key)} | {cell(value)} |" for key, value in table.items()]
    return [*lines, ""]


def _limits(config: Config, temperatures: Mapping[Task, float], judged: Sequence[str]) -> list[str]:
    uncalibrated = [task.value for task in config.task_list if task not in temperatures]
    lines = [
        "## Limits",
        "",
        "- For adults with a suspected or known glioma, before treatment. Any other disease is read as if it were.",
        "- A missing sequence makes findings not assessable; the result says which. It never means zero volume.",
        "- Accuracy differs between hospitals. Read the report card of your own holdout before relying on a number.",
    ]
    if judged:
        lines.append(
            "- Strange images are flagged (`unlike_training`), strange diseases are not. Not assessable with other "
            f"sequences than {', '.join(judged)}."
        )
    else:
        lines.append("- It cannot tell whether a case's images look like those that it was trained on.")
    if uncalibrated:
        lines.append(
            f"- Not calibrated: {', '.join(uncalibrated)}. Read these probabilities as an order, not as frequencies."
        )
    return [*lines, ""]


def cell(value: object) -> str:
    """One line that cannot break out of a table or a list."""
    if value is None:
        return "none"
    if isinstance(value, list | tuple):
        return ", ".join(map(cell, value)) or "none"
    text = f"{value:.4g}" if isinstance(value, float) else str(value)
    return " ".join(text.split()).replace("|", "\\|")
