"""One patient, one clipped gradient: for every stage's real loss on the real network, whatever the patient lacks."""

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from gmmas_core.data.crops import composite_sample
from gmmas_core.data.opened_cases import OpenedCases
from gmmas_core.data.tumor_cutmix import FORMS, draw_composite
from gmmas_core.training.private_session import patient_loss, patient_stream
from gmmas_core.training.private_steps import NoisySteps, per_sample_gradients
from gmmas_core.training.protection import GRADIENT_STAGES, Protection, protected_patients
from gmmas_core.training.stages import STAGES, StageInput
from gmmas_core.types import Batch

SECRET = 2**200 + 17
CLIP = 0.5
TOLERANCE = 1e-5
Gradients = Mapping[str, Tensor]
Taught = Any  # of conftest


def batches_of(taught: Taught, patients: Sequence[str], at_once: int = 2) -> list[Batch]:
    """What these patients show in the first step, `at_once` of them in a batch; all of them take part."""
    taught.given.config.training.batch_size = len(patients)
    shown = []
    for first in range(0, len(patients), at_once):
        part = patients[first : first + at_once]
        stream = patient_stream(taught.given, taught.training_set, taught.lesson, part, SECRET)
        shown += stream.batches(1)
    return shown


def clipped_sum(taught: Taught, batches: Iterable[Batch], clip: float = CLIP) -> dict[str, Tensor]:
    """What a real step adds up, without noise, by parameter: the optimiser only subtracts it."""
    model = taught.given.model
    start = {name: value.detach().clone() for name, value in model.named_parameters()}
    trained = [value for name, value in model.named_parameters() if taught.lesson.trains(name)]
    with per_sample_gradients(model, taught.lesson.trains):
        model.train()
        steps = NoisySteps(
            model,
            torch.optim.SGD(trained, lr=1.0),
            patient_loss(taught.given, taught.training_set, taught.lesson),
            protection=Protection(noise_multiplier=0.0, max_grad_norm=clip, secret=SECRET),
            expected=1.0,
            views=taught.lesson.views,
            then=lambda: None,
        )
        steps.take(batches)
    moved = {name: start[name] - value.detach() for name, value in model.named_parameters()}
    with torch.no_grad():
        for name, value in model.named_parameters():
            value.copy_(start[name])
    return moved


def by_autograd(taught: Taught, batch: Batch) -> dict[str, Tensor]:
    """The gradient of a batch without any of this: one patient at a time is micro-batching."""
    model = taught.given.model.train()
    loss_B = patient_loss(taught.given, taught.training_set, taught.lesson)(
        model(batch.image_BCXYZ, batch.available_BC, batch.context_BCXYZ, batch.box_B23), batch
    )
    assert loss_B.shape == (1,)
    model.zero_grad()
    loss_B.sum().backward()
    return {
        name: torch.zeros_like(value) if value.grad is None else value.grad.clone()
        for name, value in model.named_parameters()
    }


def norm(gradients: Gradients) -> float:
    """L2 over all parameters."""
    return math.sqrt(sum(float(value.double().square().sum()) for value in gradients.values()))


def clipped(gradients: Gradients, clip: float = CLIP) -> dict[str, Tensor]:
    """By hand."""
    factor = min(1.0, clip / norm(gradients))
    return {name: factor * value for name, value in gradients.items()}


def difference(first: Gradients, second: Gradients) -> dict[str, Tensor]:
    """Parameter by parameter."""
    return {name: value - second[name] for name, value in first.items()}


@pytest.mark.parametrize("stage", GRADIENT_STAGES)
def test_a_patients_clipped_gradient_is_autograds_for_that_patient_alone(
    taught: Callable[..., Taught], stage: str
) -> None:
    lesson = taught(stage)
    patients = protected_patients(lesson.given.cases)
    teaching = [patient for patient in patients if batches_of(lesson, [patient])]
    assert len(patients) == 5
    assert len(teaching) == (3 if stage == "global_pretrain" else 4)
    alone = {patient: clipped(by_autograd(lesson, batches_of(lesson, [patient])[0])) for patient in teaching}
    together = clipped_sum(lesson, batches_of(lesson, patients))
    for gone in ("two-studies", lesson.given.cases[5].patient_id):
        without = clipped_sum(lesson, batches_of(lesson, [patient for patient in patients if patient != gone]))
        change = difference(together, without)
        assert norm(change) <= CLIP * (1 + TOLERANCE), gone
        expected = alone.get(gone, dict.fromkeys(change, torch.zeros(())))
        assert norm(difference(change, expected)) < TOLERANCE, gone
    everybody = {name: sum(one[name] for one in alone.values()) for name in together}
    assert norm(difference(together, everybody)) < TOLERANCE


def test_noise_reaches_what_a_stage_can_train_and_nothing_else(stage_input: Callable[..., StageInput]) -> None:
    given = stage_input("global_pretrain")
    start = {name: value.clone() for name, value in given.model.state_dict().items()}
    given.plan = replace(given.plan, local_steps=1)
    given.protection = Protection(noise_multiplier=1.0, max_grad_norm=1.0, secret=SECRET)
    STAGES["global_pretrain"](replace(given, cases=given.cases[5:]))  # nobody teaches anything
    moved = {name for name, value in given.model.state_dict().items() if not torch.equal(value, start[name])}
    assert moved == {name for name in start if name.startswith("global_unet.")}


def test_a_patient_whose_gradient_is_not_finite_counts_as_nothing(taught: Callable[..., Taught]) -> None:
    lesson = taught("distill")
    patients = protected_patients(lesson.given.cases)
    broken, others = batches_of(lesson, patients[:2]), batches_of(lesson, patients[1:2])
    for row in (0, 2):  # both views of the first of two patients
        broken[0].image_BCXYZ[row] = float("nan")
    found = clipped_sum(lesson, broken)
    assert broken[0].case_ids[0] != broken[0].case_ids[1] == others[0].case_ids[0]
    assert norm(found) > 0.1 * CLIP
    assert norm(difference(found, clipped_sum(lesson, others))) < TOLERANCE


def test_a_composite_hangs_on_two_patients_and_moves_by_more_than_the_bound(taught: Callable[..., Taught]) -> None:
    """Why data.tumor_cutmix is refused: when the donor leaves, the host's sample becomes another one."""
    lesson = taught("supervised")
    given, tiny_clip = lesson.given, 1e-3
    cases = OpenedCases(
        given.cases[:2], given.cache, model=given.config.model, data=given.config.data, tasks=given.config.task_list
    )
    host, donor = cases.opened
    rng = np.random.default_rng(0)
    start = tuple((edge - size) // 2 for edge, size in zip(host.shape, cases.size))
    composite = draw_composite("anatomical", host, donor, start=start, size=cases.size, rng=rng)
    assert composite is not None
    sample = composite_sample(
        composite, host.box_in_context(start, cases.size), cases.size, given.config.data, np.random.default_rng(1)
    )
    targets = FORMS["anatomical"].targets(*cases.targets, composite.lam)
    with_donor = clipped_sum(lesson, [cases.collate([0], [(sample, targets)])], tiny_clip)
    without = clipped_sum(lesson, [cases.collate([0], [cases.draw(0, np.random.default_rng(1))])], tiny_clip)
    assert norm(with_donor) == pytest.approx(tiny_clip, rel=1e-3)
    assert norm(difference(with_donor, without)) > 1.1 * tiny_clip
