"""Resampling into a box equals grid_sample, is exact on the identity, and its gradients are right."""

import torch
import torch.nn.functional as F

from gmmas_core.model.placement import place, resize


def test_place_equals_grid_sample() -> None:
    torch.manual_seed(0)
    features = torch.randn(2, 3, 5, 6, 7)
    box = torch.tensor([[[-0.9, -0.2, 0.1], [0.3, 0.5, 0.9]], [[-1.3, -1.0, -0.5], [0.0, 1.4, 0.5]]])
    grid = (4, 3, 8)
    points = []
    for sample in box:
        axes = [
            low + (torch.arange(count) + 0.5) / count * (high - low) for count, low, high in zip(grid, *sample.tolist())
        ]
        points.append(torch.stack(torch.meshgrid(*axes, indexing="ij"), dim=-1).flip(-1))
    expected = F.grid_sample(features, torch.stack(points), mode="bilinear", padding_mode="border", align_corners=False)
    torch.testing.assert_close(place(features, box, grid), expected, rtol=1e-5, atol=1e-5)


def test_the_whole_box_on_the_same_grid_is_the_identity() -> None:
    features = torch.randn(1, 2, 4, 4, 4)
    whole = torch.tensor([[[-1.0] * 3, [1.0] * 3]])
    torch.testing.assert_close(place(features, whole, (4, 4, 4)), features)
    torch.testing.assert_close(resize(features[0], (4, 4, 4)), features[0])


def test_half_a_box_at_half_the_edge_is_a_crop() -> None:
    features = torch.randn(1, 2, 8, 8, 8)
    corner = torch.tensor([[[0.0, -1.0, -0.5], [1.0, 0.0, 0.5]]])
    torch.testing.assert_close(place(features, corner, (4, 4, 4)), features[:, :, 4:, :4, 2:6])


def test_one_map_serves_every_box() -> None:
    features = torch.randn(1, 2, 6, 6, 6)
    box = torch.tensor([[[-1.0] * 3, [0.0] * 3], [[0.0] * 3, [1.0] * 3]])
    both = place(features, box, (3, 3, 3))
    torch.testing.assert_close(both[0], features[0, :, :3, :3, :3])
    torch.testing.assert_close(both[1], features[0, :, 3:, 3:, 3:])


def test_resize_equals_trilinear_interpolation() -> None:
    table = torch.randn(3, 4, 4, 4)
    expected = F.interpolate(table[None], size=(6, 3, 9), mode="trilinear", align_corners=False)[0]
    torch.testing.assert_close(resize(table, (6, 3, 9)), expected, rtol=1e-5, atol=1e-5)


def test_gradients_of_features_are_right() -> None:
    features = torch.randn(1, 1, 3, 3, 3, dtype=torch.float64, requires_grad=True)
    box = torch.tensor([[[-0.7, -1.2, 0.0], [0.4, 0.8, 0.9]]], dtype=torch.float64)
    assert torch.autograd.gradcheck(lambda x: place(x, box, (2, 3, 4)), features)
