"""What every stage of the curriculum is given and gives back."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from gmmas_core.config import Config
from gmmas_core.data.cache import PreparedCache
from gmmas_core.model.gmmas import GMMAS
from gmmas_core.training.loop import OnGradients, OnStep
from gmmas_core.training.protection import Protection
from gmmas_core.types import Case, Metric, RoundPlan


@dataclass(kw_only=True)
class StageInput:
    """One site's part of one round.

    Attributes:
        model: with the round's weights, on any device; trained in place and left on `device`, in eval mode.
        cases: the site's training cases.
        cache: where they lie prepared.
        config: of the run.
        plan: of the round.
        site_name: part of the random stream.
        validation: the site's labelled validation cases, for stages that check or calibrate; never trained on.
        state: the site's folder for what must survive from round to round.
        calibration: content of the federation's newest calibration, {} before the first.
        device: "cpu" or "cuda", as `precision.choose_device` returns it.
        on_step: called with (step from 1, loss).
        on_gradients: observes every step's gradients, see `loop.OnGradients`.
        protection: record-level differential privacy of every gradient step, None for none.
        answered: of cases that a stage has chosen, those that a number which leaves may be about.
    """

    model: GMMAS
    cases: Sequence[Case]
    cache: PreparedCache
    config: Config
    plan: RoundPlan
    site_name: str
    validation: Sequence[Case]
    state: Path
    calibration: Mapping[str, Any] = field(default_factory=dict)
    device: str = "cpu"
    on_step: OnStep | None = None
    on_gradients: OnGradients | None = None
    protection: Protection | None = None
    answered: Callable[[Sequence[Case]], Sequence[Case]] = list


@dataclass(kw_only=True)
class StageOutput:
    """What training leaves beside the trained weights.

    Attributes:
        metrics: mergeable; the same keys from every site in a round, with count 0 for what it has no label for.
        seen: parameter group -> training cases that informed it; all 0 for a stage that changes no weight.
    """

    metrics: dict[str, Metric]
    seen: dict[str, int]


StageFunction = Callable[[StageInput], StageOutput]
