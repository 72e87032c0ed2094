"""The fused convolution is the published weighted mean of stems, and absent sequences are not there at all."""

import torch
import torch.nn.functional as F
from torch import Tensor

from gmmas_core.model.fusion import Fusion
from gmmas_core.types import SEQUENCES


def _fusion(stride: int = 1) -> Fusion:
    torch.manual_seed(0)
    fusion = Fusion(channels=3, stride=stride, dropout=0.5).eval()
    with torch.no_grad():
        for value, sequence in zip((0.2, 1.0, 1.7, -0.4), SEQUENCES):
            fusion.weights.get_parameter(f"v_{sequence}").fill_(value)
    return fusion


def _published(fusion: Fusion, image_CXYZ: Tensor, available: tuple[int, ...]) -> Tensor:
    """sum_m a_m w_m conv_m(x_m) / sum_m a_m w_m, one stem after the other."""
    total, weights = torch.zeros(()), torch.zeros(())
    for index, (sequence, a) in enumerate(zip(SEQUENCES, available)):
        weight = a * torch.exp(fusion.weights.get_parameter(f"v_{sequence}") - 1)
        kernel = fusion.stem.get_parameter(f"weight_{sequence}")
        total = total + weight * F.conv3d(
            image_CXYZ[None, index : index + 1], kernel, stride=fusion.stem.stride, padding=1
        )
        weights = weights + weight
    return total / weights


def test_one_dense_convolution_equals_the_weighted_mean_of_stems() -> None:
    for stride in (1, 2):
        fusion = _fusion(stride)
        image = torch.randn(2, 4, 8, 6, 4)
        available = ((1, 1, 1, 1), (0, 1, 0, 1))
        fused = fusion(image, torch.tensor(available, dtype=torch.bool))
        for sample in range(2):
            torch.testing.assert_close(fused[sample : sample + 1], _published(fusion, image[sample], available[sample]))


def test_coefficients_sum_to_one_over_what_is_available() -> None:
    coefficient = _fusion().weights(torch.tensor([[1.0, 1, 1, 1], [0, 0, 1, 0], [0, 0, 0, 0]]))
    torch.testing.assert_close(coefficient.sum(dim=1), torch.tensor([1.0, 1.0, 0.0]))
    torch.testing.assert_close(coefficient[1], torch.tensor([0.0, 0.0, 1.0, 0.0]))


def test_content_of_an_absent_sequence_is_never_read() -> None:
    fusion = _fusion()
    image = torch.randn(1, 4, 8, 8, 8)
    available = torch.tensor([[True, True, False, True]])
    expected = fusion(image, available)
    for content in (0.0, 1e30, float("nan"), float("inf")):
        image[:, 2] = content
        assert torch.equal(fusion(image, available), expected)


def test_absent_sequence_has_no_gradient_and_present_ones_have() -> None:
    fusion = _fusion()
    image = torch.randn(1, 4, 8, 8, 8)
    image[:, 2] = float("nan")
    fusion(image, torch.tensor([[True, True, False, True]])).square().sum().backward()
    assert not fusion.stem.get_parameter("weight_t2").grad.any()
    assert not fusion.weights.get_parameter("v_t2").grad.any()
    for sequence in ("t1", "t1c", "flair"):
        assert fusion.stem.get_parameter(f"weight_{sequence}").grad.any()
        assert fusion.weights.get_parameter(f"v_{sequence}").grad.any()


def test_dropout_drops_whole_channels_in_training_only() -> None:
    fusion = _fusion()
    image, available = torch.randn(1, 4, 8, 8, 8), torch.ones(1, 4, dtype=torch.bool)
    assert torch.equal(fusion(image, available), fusion(image, available))
    torch.manual_seed(0)
    dropped = [(fusion.train()(image, available)[0].flatten(1) == 0).all(dim=1) for _ in range(20)]
    assert 0 < torch.stack(dropped).float().mean() < 1
