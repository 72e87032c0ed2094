"""Losses against values worked by hand, and against everything a hospital may fail to provide."""

import math
from collections.abc import Sequence
from dataclasses import replace

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from gmmas_core.config import LossConfig
from gmmas_core.losses import (
    LossReport,
    context_loss_B,
    multitask_loss,
    multitask_loss_B,
    part_names,
    segmentation_loss_B,
)
from gmmas_core.model.log_variances import LogVariances
from gmmas_core.types import Batch, Prediction, Sum, Task

TASKS = (Task.HISTOLOGY, Task.IDH, Task.CODEL)
EQUAL = dict.fromkeys(Task, (1.0, 1.0))


def make_batch(size: int = 8, tasks: Sequence[Task] = TASKS) -> Batch:
    """Two samples, everything labelled: class 1 then class 0 for every task, a block of each tumour class."""
    generator = torch.Generator().manual_seed(0)
    seg_BXYZ = torch.zeros(2, size, size, size, dtype=torch.int64)
    seg_BXYZ[:, 1:4, 2:6, 1:7] = 2
    seg_BXYZ[:, 2:4, 3:6, 2:5] = 1
    seg_BXYZ[0, 3:4, 3:5, 2:4] = 3
    first_BT = torch.tensor([[1.0], [0.0]]).expand(2, len(tasks))
    return Batch(
        image_BCXYZ=torch.randn(2, 4, size, size, size, generator=generator),
        available_BC=torch.ones(2, 4, dtype=torch.bool),
        context_BCXYZ=torch.randn(2, 4, size, size, size, generator=generator),
        box_B23=torch.tensor([[[-0.5] * 3, [0.5] * 3]]).repeat(2, 1, 1),
        seg_BXYZ=seg_BXYZ,
        has_seg_B=torch.ones(2, dtype=torch.bool),
        target_BTK=torch.stack([1 - first_BT, first_BT], dim=2),
        known_BT=torch.ones(2, len(tasks), dtype=torch.bool),
        weight_BT=torch.ones(2, len(tasks)),
        seg_weight_B=torch.ones(2),
        case_ids=("a", "b"),
    )


def make_prediction(size: int = 8, scale: float = 1.0, tasks: Sequence[Task] = TASKS, seed: int = 0) -> Prediction:
    """Random logits; every task's own, whatever the order of tasks."""
    generator = torch.Generator().manual_seed(seed)

    def logits(*shape: int) -> Tensor:
        return (scale * torch.randn(*shape, generator=generator)).requires_grad_()

    seg, context = logits(2, 4, size, size, size), logits(2, 4, size, size, size)
    by_task = {task: logits(2, 2) for task in Task}
    nothing = torch.zeros(2, 1, 1, 1, 1)
    return Prediction(
        seg_logits_BKXYZ=seg,
        context_seg_logits_BKXYZ=context,
        class_logits={task: by_task[task] for task in tasks},
        encoder_BFXYZ=nothing,
        bottleneck_BFXYZ=nothing,
    )


def make_config(regulariser: str = "half_s", context_weight: float = 1.0) -> LossConfig:
    """The default form of the loss."""
    return LossConfig(
        regulariser=regulariser,
        log_variance_limit=4.0,
        context_weight=context_weight,
        class_weighting="inverse_frequency",
    )


def make_uncertainty(tasks: Sequence[Task] = TASKS, regulariser: str = "half_s") -> LogVariances:
    """The network's own module."""
    return LogVariances(tasks, make_config(regulariser))


def report_of(prediction: Prediction, batch: Batch, uncertainty: LogVariances | None = None) -> LossReport:
    """The default loss of a prediction."""
    return multitask_loss(prediction, batch, uncertainty or make_uncertainty(), make_config(), EQUAL, TASKS)


def leaves_of(prediction: Prediction) -> list[Tensor]:
    """Everything in a prediction that a loss may reach."""
    return [prediction.seg_logits_BKXYZ, prediction.context_seg_logits_BKXYZ, *prediction.class_logits.values()]


class TestSegmentation:
    """Dice and cross-entropy per sample."""

    def test_two_voxels_by_hand(self) -> None:
        logits = torch.zeros(1, 4, 1, 1, 2)  # every probability is 0.25
        seg = torch.tensor([[[[1, 0]]]])
        # Dice of class 1: (2 * 0.25 + 1) / (0.5 + 1 + 1) = 0.6; of classes 2 and 3: 1 / 1.5.
        expected = ((1 - 0.6) + 2 * (1 - 1 / 1.5)) / 3 + math.log(4)
        loss = segmentation_loss_B(logits, seg, torch.tensor([True]))
        assert expected == pytest.approx(1.741850, abs=1e-6)
        torch.testing.assert_close(loss, torch.tensor([expected]), atol=1e-6, rtol=0)

    def test_perfect_prediction_costs_nothing(self) -> None:
        seg = make_batch().seg_BXYZ
        logits = 1e4 * torch.nn.functional.one_hot(seg, 4).movedim(-1, 1).float()
        torch.testing.assert_close(
            segmentation_loss_B(logits, seg, torch.tensor([True, True])), torch.zeros(2), atol=1e-5, rtol=0
        )

    def test_without_mask_neither_loss_nor_gradient(self) -> None:
        prediction, batch = make_prediction(), make_batch()
        loss = segmentation_loss_B(prediction.seg_logits_BKXYZ, batch.seg_BXYZ, torch.tensor([True, False]))
        loss.sum().backward()
        grad = prediction.seg_logits_BKXYZ.grad
        assert loss[1] == 0
        assert grad is not None
        assert grad[0].abs().sum() > 0
        assert torch.count_nonzero(grad[1]) == 0

    def test_samples_do_not_mix(self) -> None:
        prediction, batch, has = make_prediction(), make_batch(), torch.ones(2, dtype=torch.bool)
        both = segmentation_loss_B(prediction.seg_logits_BKXYZ, batch.seg_BXYZ, has)
        alone = segmentation_loss_B(prediction.seg_logits_BKXYZ[1:], batch.seg_BXYZ[1:], has[1:])
        torch.testing.assert_close(both[1:], alone)


class TestContext:
    """The global branch is compared where the crop lies, axes and borders included."""

    def test_reads_the_context_at_the_crop(self) -> None:
        size = 32
        # One context voxel per crop voxel; labels are unequal in every axis.
        seg_XYZ = torch.zeros(size, size, size, dtype=torch.int64)
        seg_XYZ[8:16, 4:28, 12:16] = 2
        seg_XYZ[8:12, 8:12, 12:16] = 3
        seg_XYZ[12:16, 20:24, 12:16] = 1
        logits = 50.0 * torch.nn.functional.one_hot(seg_XYZ, 4).movedim(-1, 0).float()[None]
        low = torch.tensor([4, 4, 8])
        x, y, z = low.tolist()
        crop = seg_XYZ[x : x + 24, y : y + 24, z : z + 24]
        box = torch.stack([low, low + 24]) / size * 2.0 - 1.0
        batch = replace(
            make_batch(),
            seg_BXYZ=crop[None],
            has_seg_B=torch.tensor([True]),
            seg_weight_B=torch.ones(1),
            box_B23=box[None].float(),
        )
        assert context_loss_B(logits, batch).item() == pytest.approx(0, abs=1e-3)
        moved = replace(batch, box_B23=batch.box_B23 + torch.tensor([0.25, 0.0, 0.0]))
        assert context_loss_B(logits, moved).item() > 0.5

    def test_crop_beyond_the_context_is_finite_background(self) -> None:
        logits = torch.zeros(2, 4, 8, 8, 8)
        logits[:, 0] = 20.0
        batch = replace(make_batch(), seg_BXYZ=torch.zeros(2, 8, 8, 8, dtype=torch.int64))
        batch.box_B23 = torch.tensor([[[0.9] * 3, [1.9] * 3]]).repeat(2, 1, 1)
        torch.testing.assert_close(context_loss_B(logits, batch), torch.zeros(2), atol=1e-6, rtol=0)


class TestMultitask:
    """Masks, averages and log-variances."""

    def test_total_by_hand(self) -> None:
        uncertainty = make_uncertainty()
        logs = {"segmentation": 0.5, Task.HISTOLOGY: -1.0, Task.IDH: 0.0, Task.CODEL: 2.0}
        for name, value in logs.items():
            getattr(uncertainty, f"log_variance_{name}").data.fill_(value)
        batch = make_batch()
        batch.known_BT[0, 2] = False
        report = report_of(make_prediction(), batch, uncertainty)
        expected = report.parts["train-loss.context"].mean
        for name, value in logs.items():
            expected += 0.5 * math.exp(-value) * report.parts[f"train-loss.{name}"].mean + 0.5 * value
        assert report.total.item() == pytest.approx(expected, abs=1e-6)
        assert report.parts["train-loss.codel_1p19q"].count == 1
        assert report.parts["train-loss.idh"].count == 2

    def test_per_sample_it_is_the_samples_own_and_the_mean_where_all_is_known(self) -> None:
        prediction, batch = make_prediction(), make_batch()
        arguments = (make_uncertainty(), make_config(), EQUAL, TASKS)
        both_B = multitask_loss_B(prediction, batch, *arguments)
        torch.testing.assert_close(both_B.mean(), multitask_loss(prediction, batch, *arguments).total)
        unknown = replace(batch, known_BT=torch.zeros_like(batch.known_BT), has_seg_B=torch.tensor([True, False]))
        unknown.seg_weight_B[1] = 0.0
        few_B = multitask_loss_B(prediction, unknown, *arguments)
        torch.testing.assert_close(few_B[0], multitask_loss(prediction, unknown, *arguments).total)
        assert few_B[1] == 0

    def test_the_published_regulariser(self) -> None:
        halved, whole = make_uncertainty(), make_uncertainty(regulariser="s")
        for module in (halved, whole):
            module.log_variance_idh.data.fill_(0.8)
        prediction, batch = make_prediction(), make_batch()
        difference = report_of(prediction, batch, whole).total - report_of(prediction, batch, halved).total
        assert difference.item() == pytest.approx(0.4, abs=1e-6)

    def test_unlabelled_task_leaves_head_and_log_variance_alone(self) -> None:
        prediction, batch, uncertainty = make_prediction(), make_batch(), make_uncertainty()
        uncertainty.log_variance_histology.data.fill_(1.0)
        batch.known_BT[:, 0] = False
        batch.target_BTK[:, 0] = 0
        report = report_of(prediction, batch, uncertainty)
        report.total.backward()
        assert torch.count_nonzero(prediction.class_logits[Task.HISTOLOGY].grad) == 0
        assert uncertainty.log_variance_histology.grad == 0
        assert torch.count_nonzero(prediction.class_logits[Task.IDH].grad) == 4
        assert uncertainty.log_variance_idh.grad != 0
        assert report.parts["train-loss.histology"] == Sum(0.0, 0)

    def test_nothing_labelled(self) -> None:
        prediction, batch, uncertainty = make_prediction(), make_batch(), make_uncertainty()
        batch = replace(
            batch,
            seg_BXYZ=torch.zeros_like(batch.seg_BXYZ),
            has_seg_B=torch.zeros(2, dtype=torch.bool),
            seg_weight_B=torch.zeros(2),
            known_BT=torch.zeros(2, 3, dtype=torch.bool),
            target_BTK=torch.zeros(2, 3, 2),
        )
        report = report_of(prediction, batch, uncertainty)
        report.total.backward()
        assert report.total.item() == 0
        for leaf in (*leaves_of(prediction), *uncertainty.parameters()):
            assert leaf.grad is None or torch.count_nonzero(leaf.grad) == 0
        assert tuple(report.parts) == part_names(TASKS)

    def test_codeletion_labels_alone_teach_the_codeletion_head_only(self) -> None:
        prediction, batch = make_prediction(), make_batch()
        batch.known_BT[:, :2] = False
        report_of(prediction, batch).total.backward()
        assert torch.count_nonzero(prediction.class_logits[Task.IDH].grad) == 0
        assert torch.count_nonzero(prediction.class_logits[Task.CODEL].grad) == 4

    def test_order_of_tasks_does_not_matter(self) -> None:
        order = (Task.CODEL, Task.HISTOLOGY, Task.IDH)
        weights = {Task.HISTOLOGY: (0.9, 1.1), Task.IDH: (0.4, 1.6), Task.CODEL: (1.3, 0.7)}
        columns = [TASKS.index(task) for task in order]
        batch = make_batch()
        batch.known_BT[0, 1] = False
        permuted = replace(
            batch,
            target_BTK=batch.target_BTK[:, columns],
            known_BT=batch.known_BT[:, columns],
            weight_BT=batch.weight_BT[:, columns],
        )
        reports = []
        for tasks, given_batch in ((TASKS, batch), (order, permuted)):
            uncertainty = make_uncertainty(tasks)
            uncertainty.log_variance_idh.data.fill_(1.5)
            prediction = make_prediction(tasks=tasks)
            reports.append(multitask_loss(prediction, given_batch, uncertainty, make_config(), weights, tasks))
        assert reports[0].total.item() == pytest.approx(reports[1].total.item(), abs=1e-6)
        for name, part in reports[0].parts.items():
            assert part.total == pytest.approx(reports[1].parts[name].total, abs=1e-6)

    @settings(deadline=None, max_examples=60)
    @given(
        scale=st.sampled_from([0.0, 1.0, 1e4]),
        has_seg=st.lists(st.booleans(), min_size=2, max_size=2),
        known=st.lists(st.booleans(), min_size=6, max_size=6),
        mutant=st.lists(st.floats(0, 1), min_size=6, max_size=6),
        log_variance=st.floats(-1e3, 1e3),
        seed=st.integers(0, 1000),
    )
    def test_always_finite(
        self,
        scale: float,
        has_seg: list[bool],
        known: list[bool],
        mutant: list[float],
        log_variance: float,
        seed: int,
    ) -> None:
        prediction, batch, uncertainty = make_prediction(scale=scale, seed=seed), make_batch(), make_uncertainty()
        for parameter in uncertainty.parameters():
            parameter.data.fill_(log_variance)
        first_BT = torch.tensor(mutant).reshape(2, 3)
        batch.has_seg_B = torch.tensor(has_seg)
        batch.seg_weight_B = batch.has_seg_B.float()
        batch.known_BT = torch.tensor(known).reshape(2, 3)
        batch.target_BTK = torch.stack([1 - first_BT, first_BT], dim=2) * batch.known_BT[..., None]
        report = report_of(prediction, batch, uncertainty)
        report.total.backward()
        assert math.isfinite(report.total.item())
        for leaf in (*leaves_of(prediction), *uncertainty.parameters()):
            assert leaf.grad is None or torch.isfinite(leaf.grad).all()
