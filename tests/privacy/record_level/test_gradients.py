"""One patient, one clipped gradient: for every stage's real loss on the real network, whatever the patient lacks."""

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
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
from gmmas_core.types import Batch

SECRET = 2**200 + 17
CLIP = 0.5
TOLERANCE = 1e-5
Gradients = Mapping[str, Tensor]
Taught = Any  # of conftest


def batches_of(taught: Taught, patients: Sequence[str], *, batch_size: int = 2) -> list[Batch]:
    """What these patients show in the first step; all of them take part."""
    taught.given.config.training.batch_size = 1000
    stream = patient_stream(taught.given, taught.training_set, taught.lesson, patients, SECRET)
    stream._batch_size = batch_size
    return list(stream.batches(1))


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
def test_a_patients_clipped_gradient_is_what_autograd_finds_for_that_patient_alone(
    taught: Callable[..., Taught], stage: str
) -> None:
    lesson = taught(stage)
    patients = protected_patients(lesson.given.cases)
    teaching = [patient for patient in patients if batches_of(lesson, [patient])]
    assert len(patients) == 5
    assert len(teaching) == (3 if stage == "global_pretrain" else 4)
    alone = {patient: clipped(by_autograd(lesson, batches_of(lesson, [patient])[0])) for patient in teaching}
    for patient in teaching:
        found = clipped_sum(lesson, batches_of(lesson, [patient]))
        assert norm(difference(found, alone[patient])) < TOLERANCE, patient
    together = clipped_sum(lesson, batches_of(lesson, patients))
    expected = {name: sum(one[name] for one in alone.values()) for name in together}
    assert norm(difference(together, expected)) < len(teaching) * TOLERANCE
    for gone in patients:
        without = clipped_sum(lesson, batches_of(lesson, [patient for patient in patients if patient != gone]))
        change = norm(difference(together, without))
        assert change <= CLIP * (1 + TOLERANCE), gone
        assert (change > 0.1 * CLIP) == (gone in teaching)


def test_what_a_stage_never_trains_gets_nothing(taught: Callable[..., Taught]) -> None:
    lesson = taught("global_pretrain")
    moved = clipped_sum(lesson, batches_of(lesson, protected_patients(lesson.given.cases)))
    assert {name.split(".")[0] for name, value in moved.items() if value.any()} == {"global_unet"}
    assert not any(taught("finetune").lesson.trains(name) for name in moved if name.startswith("contrast."))
    assert all(taught("contrast").lesson.trains(name) for name in moved)


def test_a_patient_whose_gradient_is_not_finite_counts_as_nothing(taught: Callable[..., Taught]) -> None:
    lesson = taught("distill")
    patients = protected_patients(lesson.given.cases)
    whole = batches_of(lesson, patients, batch_size=5)[0]
    victim = whole.case_ids.index(lesson.given.cases[0].case_id if whole.case_ids[0] is None else whole.case_ids[0])
    half = len(whole.case_ids) // 2
    for row in (victim, victim + half):
        whole.image_BCXYZ[row] = float("nan")
    found = clipped_sum(lesson, [whole])
    assert all(value.isfinite().all() for value in found.values())
    keep = [row for row in range(len(whole.case_ids)) if row % half != victim]
    others = Batch(
        **{name: value[keep] for name, value in vars(whole).items() if isinstance(value, Tensor)},
        case_ids=tuple(whole.case_ids[row] for row in keep),
    )
    assert norm(difference(found, clipped_sum(lesson, [others]))) < TOLERANCE


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
    print(norm(difference(with_donor, without))/tiny_clip, cases.targets)
    assert norm(difference(with_donor, without)) > tiny_clip
