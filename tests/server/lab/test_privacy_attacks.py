"""The privacy study's attacks where the answer is known: what is exposed is found, what is not is not."""

import numpy as np
import pytest
import torch
from scipy.stats import binom, norm
from torch import Tensor, nn

from gmmas_core.types import DataError
from server.lab.study.privacy.inversion import Effort, cosine_distance, invert
from server.lab.study.privacy.membership import area, area_interval, exact_interval, found_at, likelihood_ratio
from server.lab.study.privacy.resemblance import correlation, rank_of, resemblance


def test_a_model_that_learned_its_patients_by_heart_is_attacked() -> None:
    """1-nearest-neighbour memory of noise labels: members have loss 0, strangers do not."""
    rng = np.random.default_rng(0)
    pictures, labels = rng.normal(size=(200, 5)), rng.integers(2, size=200)
    member = np.arange(200) < 100
    nearest = ((pictures[:, None] - pictures[None, member]) ** 2).sum(2).argmin(1)
    loss = (labels[member][nearest] != labels).astype(float)
    value = area(-loss, member)
    assert value == pytest.approx(1 - (1 - loss[~member].mean()) / 2)
    assert value > 0.7


def test_scores_that_know_nothing_are_at_one_half() -> None:
    rng = np.random.default_rng(1)
    score, member = rng.normal(size=(3, 400)), rng.random((3, 400)) < 0.5
    low, high = area_interval(score, member, 200)
    assert low < 0.5 < high
    assert high - low < 0.15
    found = found_at(score, member, 0.01)
    assert found.interval[0] <= 0.01 <= found.interval[1]
    assert found.members + found.strangers == 1200


def test_members_are_counted_above_the_first_stranger_too_many() -> None:
    """200 strangers score 0 to 199: one per cent lets two pass, one per mille none."""
    score = np.concatenate([np.arange(200.0), [196.5, 197.0, 197.5, 250.0]])[None]
    member = np.arange(204)[None] >= 200
    one = found_at(score, member, 0.01)
    assert (one.alarms, one.found, one.members) == (2, 2, 4)
    none = found_at(score, member, 0.001)
    assert (none.alarms, none.found) == (0, 1)
    with pytest.raises(DataError, match="expected both"):
        found_at(score, np.ones_like(member), 0.01)


def test_the_exact_interval_leaves_two_and_a_half_per_cent_on_each_side() -> None:
    low, high = exact_interval(3, 40)
    assert binom.sf(2, 40, low) == pytest.approx(0.025)
    assert binom.cdf(3, 40, high) == pytest.approx(0.025)
    assert exact_interval(0, 40)[0] == 0
    assert exact_interval(40, 40)[1] == 1


def test_the_likelihood_ratio_is_that_of_two_gaussians() -> None:
    """Signals of shadow models with mean 2 and deviation 1 inside, mean 0 and deviation 1 outside."""
    inside, outside = np.array([1.0, 2.0, 3.0]), np.array([-1.0, 0.0, 1.0])
    signal = np.concatenate([[1.7], inside, outside])[:, None]
    member = np.array([True, True, True, True, False, False, False])[:, None]
    (ratio,) = likelihood_ratio(signal, member, 0)
    assert ratio == pytest.approx(norm.logpdf(1.7, 2, 1) - norm.logpdf(1.7, 0, 1))
    assert ratio == pytest.approx(2 * 1.7 - 2)
    assert np.isnan(likelihood_ratio(signal[:3], member[:3], 0)).all()


def test_shadow_models_find_whom_a_threshold_misses() -> None:
    """Every patient has a level of its own, far wider than the 1 that membership adds."""
    rng = np.random.default_rng(2)
    member = rng.random((32, 100)) < 0.5
    signal = rng.normal(0, 10, 100)[None] + member + rng.normal(0, 0.4, (32, 100))
    ratios = np.stack([likelihood_ratio(signal, member, target) for target in range(4)])
    plain = np.mean([area(signal[target], member[target]) for target in range(4)])
    shadowed = np.mean([area(ratios[target], member[target]) for target in range(4)])
    assert plain < 0.6
    assert shadowed > 0.9


def _linear() -> tuple[nn.Linear, Tensor]:
    torch.manual_seed(0)
    return nn.Linear(8, 3), torch.randn(1, 8)


def test_the_input_of_a_linear_layer_is_recovered() -> None:
    layer, truth = _linear()
    target = torch.tensor([1])

    def gradients(images: tuple[Tensor, ...]) -> list[Tensor]:
        loss = nn.functional.cross_entropy(layer(images[0]), target)
        return list(torch.autograd.grad(loss, list(layer.parameters()), create_graph=True))

    observed = [part.detach() for part in gradients((truth,))]
    by_hand = observed[0][0] / observed[1][0]
    assert torch.allclose(by_hand, truth[0], atol=1e-5)
    found = invert(gradients, observed, [truth.shape], Effort(steps=400, lr=0.05, smoothness=0.0))
    assert found.distance < 1e-3
    assert torch.allclose(found.images[0], truth, atol=0.1)
    noisy = [part + 100 * torch.randn_like(part) for part in observed]
    lost = invert(gradients, noisy, [truth.shape], Effort(steps=400, lr=0.05, smoothness=0.0))
    assert not torch.allclose(lost.images[0], truth, atol=0.5)


def test_gradients_are_compared_by_direction_alone() -> None:
    parts = [torch.tensor([1.0, 2.0]), torch.tensor([[3.0]])]
    assert float(cosine_distance(parts, [7 * part for part in parts])) == pytest.approx(0, abs=1e-6)
    assert float(cosine_distance(parts, [-part for part in parts])) == pytest.approx(2)
    assert float(cosine_distance(parts, [0 * part for part in parts])) == 1


def test_a_guess_is_measured_against_the_truth() -> None:
    rng = torch.Generator().manual_seed(0)
    truth, other, noise = (torch.randn(2, 8, 8, 8, generator=rng) for _ in range(3))
    perfect = resemblance(truth, truth)
    assert perfect["correlation"] == pytest.approx(1)
    assert perfect["ssim"] == pytest.approx(1)
    shifted = resemblance(truth + 0.1 * (truth.max() - truth.min()), truth)
    assert shifted["psnr"] == pytest.approx(20, abs=1e-3)
    assert shifted["correlation"] == pytest.approx(1)
    assert correlation(torch.ones_like(truth), truth) == 0
    assert abs(correlation(noise, truth)) < 0.2
    assert rank_of(truth + 0.1 * noise, truth, [other]) == 1
    assert rank_of(other, truth, [other]) == 2
