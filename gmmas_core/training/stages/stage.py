"""What every stage of the curriculum is given and gives back."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from gmmas_core.config import Config
from gmmas_core.data.cache import PreparedCache
from gmmas_core.model.gmmas import GMMAS
from gmmas_core.training.loop import OnStep
from gmmas_core.types import Case, RoundPlan, Sum


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
        device: "cpu" or "cuda", as `precision.choose_device` returns it.
        on_step: called with (step from 1, loss).
    """

    model: GMMAS
    cases: Sequence[Case]
    cache: PreparedCache
    config: Config
    plan: RoundPlan
    site_name: str
    device: str = "cpu"
    on_step: OnStep | None = None


@dataclass(kw_only=True)
class StageOutput:
    """What training leaves beside the trained weights.

    Attributes:
        metrics: mergeable; the same keys from every site, with count 0 for what it has no label for.
    """

    metrics: dict[str, Sum]


StageFunction = Callable[[StageInput], StageOutput]
