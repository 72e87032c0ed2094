"""One site's steps of one round: the part that all training stages share.

A stage says what it trains on, how a drawn batch is shown to the network, and what the loss of the answer is; batches,
optimiser, precision and random streams are the same for all.
"""

from collections.abc import Iterator
from functools import partial

import numpy as np

from gmmas_core.data.loader import BatchStream
from gmmas_core.data.poisson_stream import View
from gmmas_core.losses import multitask_loss, part_names
from gmmas_core.training.class_weights import class_weights
from gmmas_core.training.lesson import Lesson
from gmmas_core.training.loop import GRAD_NORM, LossFunction, train_steps
from gmmas_core.training.optimizer import build_optimizer
from gmmas_core.training.precision import choose_precision
from gmmas_core.training.proximal import PROXIMAL, proximal
from gmmas_core.training.seeding import seeded, stream_seed
from gmmas_core.training.stages.stage import StageInput, StageOutput
from gmmas_core.training.training_set import TrainingSet
from gmmas_core.types import Batch, FederationError, Metric, Sum


def train(given: StageInput, training_set: TrainingSet, lesson: Lesson) -> StageOutput:
    """Train the model in place for the plan's number of steps.

    Two calls with equal input, on one machine and number of threads, leave equal weights, whatever ran before. A site
    without any case that teaches something takes no step: it answers with the weights it was sent and counts of 0, and
    the aggregation passes over it. With `given.protection` single patients are protected, see `private_session`.

    Raises:
        FederationError: the plan's tasks are not the configuration's, training diverged, or patients are to be
            protected under settings that mix them.
    """
    config, plan = given.config, given.plan
    tasks = config.task_list
    if plan.tasks != tasks:
        raise FederationError(
            f"stage {plan.stage}: found a plan for tasks {', '.join(plan.tasks)}; expected {', '.join(tasks)}; "
            "start the run with the configuration that the sites have"
        )
    given.model.to(given.device).eval()
    mu = config.strategy.proximal
    parts = (*part_names(tasks), *lesson.extra_parts, *([PROXIMAL] if mu else []), GRAD_NORM)
    metrics: dict[str, Metric] = {name: Sum(0.0, 0) for name in parts}
    if given.protection is not None:
        from gmmas_core.training.private_session import train_protected  # needs opacus, which most sites never load

        train_protected(given, training_set, lesson, given.protection)
        return StageOutput(metrics=metrics, seen=training_set.seen)
    if not training_set.cases:
        return StageOutput(metrics=metrics, seen=dict.fromkeys(training_set.seen, 0))
    seed = stream_seed(plan.seed, plan.round, given.site_name)
    loss: LossFunction = partial(
        multitask_loss,
        uncertainty=given.model.uncertainty,
        config=config.loss,
        class_weights=class_weights(training_set.filled, tasks, config.loss.class_weighting),
        tasks=tasks,
    )
    taught = lesson.make_loss(loss)
    with seeded(seed):
        taken = train_steps(
            given.model,
            _shown(_stream(given, training_set, seed), lesson.view, seed),
            build_optimizer(given.model, plan.lr, config.training.weight_decay),
            proximal(taught, given.model, mu) if mu else taught,
            steps=plan.local_steps,
            clip_norm=config.training.clip_norm,
            precision=choose_precision(config.training.precision, given.device, config.model.smallest_edge),
            stage=plan.stage,
            on_step=given.on_step,
            on_gradients=given.on_gradients,
        )
    return StageOutput(metrics={**metrics, **taken}, seen=training_set.seen)


def _stream(given: StageInput, training_set: TrainingSet, seed: int) -> BatchStream:
    config = given.config
    return BatchStream(
        training_set.cases,
        given.cache,
        model=config.model,
        data=config.data,
        tasks=config.task_list,
        batch_size=config.training.batch_size,
        seed=seed,
        pseudo=training_set.pseudo,
        pseudo_weight=config.pseudo_labels.weight,
    )


def _shown(stream: BatchStream, view: View, seed: int) -> Iterator[Batch]:
    """The views' subsets have a stream of their own: the crops are the same whatever the stage shows of them."""
    rng = np.random.default_rng([seed, 1])
    for batch in stream:
        yield view(batch, rng)
