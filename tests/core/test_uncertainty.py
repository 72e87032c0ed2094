"""Entropies of several passes, against hand-worked values and the identities they must obey."""

import math

import pytest
import torch

from gmmas_core.types import Task
from gmmas_core.uncertainty import Passes, decompose, decompose_tasks, entropy, mean_inside


def test_entropy_by_hand() -> None:
    prob_K2 = torch.tensor([[0.5, 1.0], [0.5, 0.0]])
    assert torch.allclose(entropy(prob_K2), torch.tensor([math.log(2), 0.0]))
    assert torch.allclose(entropy(prob_K2.T, dim=1), torch.tensor([math.log(2), 0.0]))


def test_passes_that_disagree_completely_are_epistemic() -> None:
    doubt = decompose([torch.tensor([1.0, 0.0]), torch.tensor([0.0, 1.0])])
    assert doubt.predictive.item() == pytest.approx(math.log(2))
    assert doubt.expected.item() == 0.0
    assert doubt.mutual_information.item() == pytest.approx(math.log(2))


def test_passes_that_agree_on_a_doubt_are_aleatoric() -> None:
    doubt = decompose([torch.tensor([0.7, 0.3])] * 5)
    assert doubt.expected.item() == pytest.approx(doubt.predictive.item())
    assert doubt.mutual_information.item() == pytest.approx(0.0, abs=1e-7)


def test_voxel_maps_obey_the_identity_and_the_bounds() -> None:
    generator = torch.Generator().manual_seed(0)
    prob_MKXYZ = torch.randn(6, 4, 5, 6, 7, generator=generator).mul(3).softmax(1)
    doubt = decompose(prob_MKXYZ)
    assert doubt.mean_K.shape == (4, 5, 6, 7)
    assert torch.allclose(doubt.mean_K, prob_MKXYZ.mean(0), atol=1e-6)
    assert torch.allclose(doubt.predictive, doubt.expected + doubt.mutual_information, atol=1e-6)
    assert doubt.mutual_information.min() >= 0
    assert doubt.predictive.max() <= math.log(4) + 1e-6


def test_half_precision_passes_are_summed_in_single() -> None:
    passes = Passes()
    for _ in range(50):
        passes.add(torch.tensor([0.999, 0.001], dtype=torch.bfloat16))
    assert passes.doubt().predictive.dtype == torch.float32
    assert passes.doubt().mutual_information.item() == pytest.approx(0.0, abs=1e-6)


def test_tasks_in_nats() -> None:
    doubt = decompose_tasks({Task.IDH: torch.tensor([0.9, 0.9]), Task.CODEL: torch.tensor([0.0, 1.0, 0.5])})
    single = -(0.9 * math.log(0.9) + 0.1 * math.log(0.1))
    assert doubt[Task.IDH].predictive == pytest.approx(single, abs=1e-6)
    assert doubt[Task.IDH].epistemic == pytest.approx(0.0, abs=1e-7)
    assert doubt[Task.CODEL].aleatoric == pytest.approx(math.log(2) / 3)
    assert doubt[Task.CODEL].epistemic == pytest.approx(math.log(2) * 2 / 3)


def test_mean_inside_a_mask() -> None:
    value_XYZ = torch.arange(8.0).reshape(2, 2, 2)
    assert mean_inside(value_XYZ, value_XYZ >= 6) == 6.5
    assert mean_inside(value_XYZ, value_XYZ > 99) is None


def test_refuses_nothing_and_another_shape() -> None:
    passes = Passes()
    with pytest.raises(ValueError, match="expected at least one"):
        passes.doubt()
    passes.add(torch.tensor([0.5, 0.5]))
    with pytest.raises(ValueError, match="pass 2"):
        passes.add(torch.tensor([0.5, 0.25, 0.25]))
