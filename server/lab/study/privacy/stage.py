"""One call of the supervised stage outside of a federation: what the hospital's own code makes of a few cases."""

from collections.abc import Sequence
from pathlib import Path

from client.data.local_data import LocalData
from gmmas_core.config import Config, config_hash
from gmmas_core.model.gmmas import GMMAS
from gmmas_core.training.protection import Protection
from gmmas_core.training.stages import STAGES, StageInput
from gmmas_core.types import Case, RoundPlan
from gmmas_core.weights import weights_hash, weights_of


def train_on(
    model: GMMAS,
    cases: Sequence[Case],
    data: LocalData,
    config: Config,
    *,
    steps: int,
    state: Path,
    protection: Protection | None = None,
) -> None:
    """Train in place.

    Args:
        model: with the weights to start from.
        cases: all training cases.
        data: where they lie prepared.
        config: batch size and learning rate are its own.
        steps: gradient steps.
        state: folder that stands for the site's; nothing is read from it.
        protection: None for none.
    """
    plan = RoundPlan(
        run_id="study",
        round=1,
        seed=config.seed,
        weights_hash=weights_hash(weights_of(model)),
        stage="supervised",
        local_steps=steps,
        lr=config.training.lr,
        tasks=config.task_list,
        deadline_s=3600.0,
        config_hash=config_hash(config),
        core_fingerprint="",
    )
    STAGES["supervised"](
        StageInput(
            model=model,
            cases=cases,
            cache=data.cache,
            config=config,
            plan=plan,
            site_name="study",
            validation=(),
            state=state,
            protection=protection,
        )
    )
