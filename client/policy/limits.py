"""How much a coordinator may ask of this hospital's machine: `limits` in site.yaml, checked on every request.

The defaults are generous: every experiment that is shipped keeps well within them, and what goes far beyond is a
mistake or an attempt to keep a hospital's machine busy. The coordinator cannot see or change them.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, fields
from typing import TYPE_CHECKING, Any

from client.policy.memory_estimate import attention_bytes, step_bytes
from gmmas_core.types import EvaluationPlan, FederationError, RoundPlan

if TYPE_CHECKING:  # site.yaml is read by commands that need no configuration, and Hydra takes its time
    from gmmas_core.config import Config

GIB = 2**30
HEAD_MM = 240
"""Edge of a cube around a head."""


@dataclass(frozen=True, kw_only=True)
class Limits:
    """The most that is accepted.

    Attributes:
        rounds: of the whole curriculum.
        local_steps: optimiser steps in one round.
        batch_size: crops in one step.
        crop_edge: voxels along an edge of a crop or of the whole-brain context.
        width: channels, of any level, token or hidden layer.
        layers: of the transformer, or residual blocks of a level.
        memory_gb: GiB of one training step, as `memory_estimate` reckons it.
        windows: in which a brain is read once.
        validation_cases: scored in every round.
        passes: stochastic passes per case.
        resamples: of an interval.
        duration_s: seconds that one request may keep this machine busy, and that a coordinator may wait for it.
    """

    rounds: int = 5000
    local_steps: int = 10_000
    batch_size: int = 64
    crop_edge: int = 256
    width: int = 8192
    layers: int = 64
    memory_gb: float = 128.0
    windows: int = 100_000
    validation_cases: int = 10_000
    passes: int = 200
    resamples: int = 100_000
    duration_s: float = 604_800.0


NAMES = tuple(item.name for item in fields(Limits))
LEGAL = f"'name: number' lines with numbers above 0, names any of {', '.join(NAMES)}"


def are_limits(value: Any) -> bool:
    """Whether a value of site.yaml is a mapping of known limits to numbers above 0."""
    return isinstance(value, Mapping) and all(
        key in NAMES and isinstance(number, int | float) and not isinstance(number, bool) and 0 < number < 10**12
        for key, number in value.items()
    )


def require_config_within(limits: Limits, config: Config) -> None:
    """Refuse a configuration that asks for too much.

    Raises:
        FederationError: names each value that does.
    """
    _require(limits, _asked(config))
    # Only of a network that is within the other limits: what has a thousand million layers is not even counted.
    needed = round((step_bytes(config) + attention_bytes(config)) / GIB, 1)
    _require(limits, [("memory of a step in GiB", "memory_gb", needed)])


def require_plan_within(limits: Limits, plan: RoundPlan | EvaluationPlan) -> None:
    """Refuse a request that asks for too much, whatever the configuration says.

    Raises:
        FederationError: names each value that does.
    """
    asked: list[tuple[str, str, float]] = [
        ("deadline_s", "duration_s", plan.deadline_s),
        ("round", "rounds", plan.round),
    ]
    if isinstance(plan, RoundPlan):
        asked.append(("local_steps", "local_steps", plan.local_steps))
    _require(limits, asked)


def _require(limits: Limits, asked: Iterable[tuple[str, str, float]]) -> None:
    most = asdict(limits)
    found = [(key, name, value) for key, name, value in asked if not value <= most[name]]
    if found:
        told = ", ".join(f"{key} {_told(value)} (at most {most[name]:g})" for key, name, value in found)
        names = sorted({name for _, name, _ in found})
        raise FederationError(f"policy: found {told}; expected this site's limits; ask for less ({', '.join(names)})")


def _told(value: float) -> str:
    """In few signs; a whole number of hundreds of digits is no float."""
    return "over 1e+300" if value > 10**300 else f"{value:g}"


def _asked(config: Config) -> Iterator[tuple[str, str, float]]:
    """(key, name of the limit, value) of everything that is limited."""
    model, training, stages = config.model, config.training, config.curriculum.stages
    yield "curriculum.stages.rounds", "rounds", sum(entry.rounds for entry in stages)
    yield "local_steps", "local_steps", max(training.local_steps, *(entry.local_steps for entry in stages))
    yield "training.batch_size", "batch_size", training.batch_size
    yield "model.crop_size", "crop_edge", model.crop_size
    yield "model.context_size", "crop_edge", model.context_size
    widths = (*model.channels, *model.global_channels, model.embed_dim, model.global_embed_dim, model.head_channels)
    yield "model widths", "width", max(*widths, model.mlp_dim)
    yield "model.token_grid", "crop_edge", model.token_grid
    yield "model layers", "layers", max(*model.blocks, model.transformer_layers)
    yield "windows (evaluation.overlap, model.crop_size, data.spacing_mm)", "windows", _windows(config)
    yield "evaluation.max_validation_cases", "validation_cases", config.evaluation.max_validation_cases
    yield "evaluation.mc_passes", "passes", max(config.evaluation.mc_passes, config.pseudo_labels.mc_passes)
    yield "evaluation.bootstrap", "resamples", config.evaluation.bootstrap
    yield "federation.deadline_s", "duration_s", config.federation.deadline_s


def _windows(config: Config) -> int:
    """Of one reading of a head; with an overlap near 1 there is one for every voxel."""
    step = max(1, int(config.model.crop_size * (1 - config.evaluation.overlap)))
    return math.ceil(HEAD_MM / config.data.spacing_mm / step) ** 3
