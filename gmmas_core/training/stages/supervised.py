"""The supervised stage: all tasks at once from the labels that a hospital has.

Cases without mask and without any known label are left out, they would cost steps and teach nothing. A hospital that
has no other cases takes no step: it answers with the weights it was sent and counts of 0, and the aggregation passes
over it.
"""

from functools import partial

from gmmas_core.data.loader import BatchStream
from gmmas_core.losses import multitask_loss, part_names
from gmmas_core.training.class_weights import class_weights
from gmmas_core.training.loop import GRAD_NORM, train_steps
from gmmas_core.training.optimizer import build_optimizer
from gmmas_core.training.precision import choose_precision
from gmmas_core.training.seeding import seeded, stream_seed
from gmmas_core.training.seen import informs
from gmmas_core.training.stages.stage import StageInput, StageOutput
from gmmas_core.types import FederationError, Sum


def supervised(given: StageInput) -> StageOutput:
    """Train the model in place for the plan's number of steps.

    Two calls with equal input, on one machine and number of threads, leave equal weights, whatever ran before.

    Raises:
        FederationError: the plan's tasks are not the configuration's, or training diverged.
    """
    config, plan = given.config, given.plan
    tasks = config.task_list
    if plan.tasks != tasks:
        raise FederationError(
            f"stage {plan.stage}: found a plan for tasks {', '.join(plan.tasks)}; expected {', '.join(tasks)}; "
            "start the run with the configuration that the sites have"
        )
    given.model.to(given.device).eval()
    cases = [case for case in given.cases if informs(case, tasks)]
    if not cases:
        return StageOutput(metrics=_no_metrics(given))
    seed = stream_seed(plan.seed, plan.round, given.site_name)
    stream = BatchStream(
        cases,
        given.cache,
        model=config.model,
        data=config.data,
        tasks=tasks,
        batch_size=config.training.batch_size,
        seed=seed,
    )
    loss_fn = partial(
        multitask_loss,
        uncertainty=given.model.uncertainty,
        config=config.loss,
        class_weights=class_weights(cases, tasks, config.loss.class_weighting),
        tasks=tasks,
    )
    with seeded(seed):
        metrics = train_steps(
            given.model,
            stream,
            build_optimizer(given.model, plan.lr, config.training.weight_decay),
            loss_fn,
            steps=plan.local_steps,
            clip_norm=config.training.clip_norm,
            precision=choose_precision(config.training.precision, given.device, config.model.smallest_edge),
            stage=plan.stage,
            on_step=given.on_step,
        )
    return StageOutput(metrics=metrics)


def _no_metrics(given: StageInput) -> dict[str, Sum]:
    return {name: Sum(0.0, 0) for name in (*part_names(given.config.task_list), GRAD_NORM)}
