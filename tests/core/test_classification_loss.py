"""The image-level losses against values worked by hand."""

import math

import pytest
import torch

from gmmas_core.losses import classification_loss_BT, codel_log_prob_BK
from gmmas_core.types import Task

LN3 = math.log(3)


class TestClassification:
    """Class-weighted cross-entropy with soft targets."""

    def test_by_hand(self) -> None:
        logits = torch.tensor([[0.0, LN3]] * 4)  # P(class 1) = 0.75
        target_BTK = torch.tensor([[[0.0, 1.0]], [[0.5, 0.5]], [[0.0, 1.0]], [[0.0, 0.0]]])
        known_BT = torch.tensor([[True], [True], [True], [False]])
        weight_BT = torch.tensor([[1.0], [1.0], [0.5], [1.0]])
        loss = classification_loss_BT(
            {Task.IDH: logits}, target_BTK, known_BT, weight_BT, {Task.IDH: (0.5, 1.5)}, (Task.IDH,)
        )
        expected = [0.431523, 0.562335, 0.215762, 0.0]
        torch.testing.assert_close(loss[:, 0], torch.tensor(expected), atol=1e-6, rtol=0)

    def test_without_tasks(self) -> None:
        nothing = torch.zeros(2, 0)
        loss = classification_loss_BT({}, torch.zeros(2, 0, 2), nothing.bool(), nothing, {}, ())
        assert loss.shape == (2, 0)


class TestCodeletion:
    """The marginal P(mutant) P(codeleted | mutant)."""

    @pytest.mark.parametrize(("label", "expected", "slope"), [(1, 0.980829, -0.5), (0, 0.470004, 0.3)])
    def test_by_hand(self, label: int, expected: float, slope: float) -> None:
        idh = torch.tensor([[0.0, LN3]], requires_grad=True)  # P(mutant) = 0.75
        codel = torch.zeros(1, 2, requires_grad=True)  # P(codeleted | mutant) = 0.5, so the marginal is 0.375
        loss = -codel_log_prob_BK({Task.IDH: idh, Task.CODEL: codel})[0, label]
        loss.backward()
        assert loss.item() == pytest.approx(expected, abs=1e-6)
        assert codel.grad is not None
        assert codel.grad[0].tolist() == pytest.approx([-slope, slope], abs=1e-6)
        assert idh.grad is None  # a codeletion label teaches the IDH head nothing

    def test_probabilities_sum_to_one(self) -> None:
        generator = torch.Generator().manual_seed(0)
        logits = {task: 3 * torch.randn(2, 2, generator=generator) for task in (Task.IDH, Task.CODEL)}
        torch.testing.assert_close(codel_log_prob_BK(logits).exp().sum(1), torch.ones(2))

    @pytest.mark.parametrize("idh", [-1e4, 1e4])
    @pytest.mark.parametrize("codel", [-1e4, 1e4])
    @pytest.mark.parametrize("label", [0, 1])
    def test_saturated_is_finite_with_a_gradient_that_helps(self, idh: float, codel: float, label: int) -> None:
        codel_logits = torch.tensor([[-codel, codel]], requires_grad=True)
        loss = -codel_log_prob_BK({Task.IDH: torch.tensor([[-idh, idh]]), Task.CODEL: codel_logits})[0, label]
        loss.backward()
        assert math.isfinite(loss.item())
        assert codel_logits.grad is not None
        assert torch.isfinite(codel_logits.grad).all()
        if idh > 0 and codel < 0 and label == 1:
            assert codel_logits.grad[0, 1] == pytest.approx(-1.0)
