"""A stage's steps with differential privacy of single patients: add or remove one patient, and little changes.

What is counted: exactly `plan.local_steps` Gaussian mechanisms on a Poisson sample. N patients are in the site's
training split, with or without anything to teach; each is drawn with probability q = `sample_rate`; the sum of the
gradients, each of norm at most C, gets noise of standard deviation `noise_multiplier` x C. Optimiser, learning rate,
weight decay, the limits of the log-variances, FedProx's pull and what is done with the weights later are functions of
noisy sums alone. There is one record per patient, so several studies or crops of a patient cost nothing extra; where
the site's table names no patients, each study counts as one, and a person with k studies has k records' protection.

What is not covered, and has to be known by whoever signs:
- N, the counts of cases per parameter group, and how long a round takes are sent or seen without noise.
- Validation patients are no training records: scores, temperatures and the audit that drops a task's pseudo-labels
  are computed from them without noise.
- A pseudo-label depends on the received weights and, under the rules that are allowed here, on its own patient and
  the validation patients alone; it is part of its patient's record. Counts and mean confidences of accepted
  pseudo-labels (`pseudo-accepted`, `signal.pseudo_labels`) are no part of training and get no noise here.
- A case that cannot be read ends the round, and that it ended is seen.
- What earlier rounds without protection left at the site (groups of weights that stay there, rounding residues) is no
  noisy sum; protection counts from the first protected round of a site's run.
- Floating-point arithmetic is not exact, see private_noise; clipping holds up to the rounding of single values.
- Whoever knows the round's secret knows the noise. Dropout draws from it too: under public masks that move along with
  the drawn patients' places in a batch, one patient would change what the others are dropped of.

Precision is float32 whatever `training.precision` says. `training.clip_norm` has no part in this.
"""

from collections.abc import Sequence
from functools import partial

from torch import Tensor

from gmmas_core.data.opened_cases import OpenedCases
from gmmas_core.data.poisson_stream import PoissonStream
from gmmas_core.keyed import keyed_number
from gmmas_core.losses import multitask_loss_B
from gmmas_core.training.class_weights import class_weights
from gmmas_core.training.lesson import Lesson
from gmmas_core.training.loop import RecordLoss
from gmmas_core.training.optimizer import build_optimizer
from gmmas_core.training.private_steps import NoisySteps, per_sample_gradients
from gmmas_core.training.protection import Protection, protected_patients, require_separable, sample_rate
from gmmas_core.training.proximal import pull
from gmmas_core.training.seeding import seeded
from gmmas_core.training.stages.stage import StageInput
from gmmas_core.training.training_set import TrainingSet
from gmmas_core.types import Batch, Prediction


def train_protected(given: StageInput, training_set: TrainingSet, lesson: Lesson, protection: Protection) -> None:
    """Train the model in place for the plan's number of noisy steps; it is left in eval mode.

    Equal input, secret included, leaves equal weights on one machine and number of threads.

    Args:
        given: its model is on its device; `cases` are all training cases of the site, which make N.
        training_set: those of them that teach something; none is fine, the noise is the same.
        lesson: of the stage.
        protection: clipping norm, noise and secret.

    Raises:
        FederationError: settings that mix patients.
    """
    config, plan = given.config, given.plan
    require_separable(config, plan.stage)
    patients = protected_patients(given.cases)
    if not patients:
        return
    stream = patient_stream(given, training_set, lesson, patients, protection.secret)
    dropout_seed = keyed_number(protection.secret, "dropout") % 2**63
    with seeded(dropout_seed), per_sample_gradients(given.model, lesson.trains):
        given.model.train()
        steps = NoisySteps(
            given.model,
            build_optimizer(given.model, plan.lr, config.training.weight_decay),
            patient_loss(given, training_set, lesson),
            protection=protection,
            expected=sample_rate(config, len(patients)) * len(patients),
            views=lesson.views,
            then=pull(given.model, config.strategy.proximal),
        )
        for step in range(1, plan.local_steps + 1):
            value = steps.take(batch.to(given.device) for batch in stream.batches(step))
            if given.on_step is not None:
                given.on_step(step, value)
    given.model.eval()


def patient_stream(
    given: StageInput, training_set: TrainingSet, lesson: Lesson, patients: Sequence[str], secret: int
) -> PoissonStream:
    """What the patients of every step show in a stage."""
    config = given.config
    cases = OpenedCases(
        training_set.cases,
        given.cache,
        model=config.model,
        data=config.data,
        tasks=config.task_list,
        pseudo=training_set.pseudo,
        pseudo_weight=config.pseudo_labels.weight,
    )
    return PoissonStream(
        cases,
        patients,
        rate=sample_rate(config, len(patients)),
        secret=secret,
        view=lesson.view,
        batch_size=config.training.batch_size,
    )


def patient_loss(given: StageInput, training_set: TrainingSet, lesson: Lesson) -> RecordLoss:
    """The stage's loss per patient; of the multi-task loss, the mean over the patient's views."""
    tasks = given.config.task_list
    per_sample = partial(
        multitask_loss_B,
        uncertainty=given.model.uncertainty,
        config=given.config.loss,
        class_weights=class_weights(training_set.filled, tasks, given.config.loss.class_weighting),
        tasks=tasks,
    )

    def multitask(prediction: Prediction, batch: Batch) -> Tensor:
        loss_VB = per_sample(prediction, batch).reshape(lesson.views, -1)
        return loss_VB.mean(0)

    return lesson.make_record_loss(multitask)
