"""Augmentation: what is drawn, and that applying it does exactly that."""

import numpy as np
import pytest
import torch

from gmmas_core.data import augment


@pytest.mark.parametrize("flips", [(x, y, z) for x in (False, True) for y in (False, True) for z in (False, True)])
def test_flip_mirrors_the_named_axes_only_and_twice_is_nothing(flips):
    data = torch.arange(2 * 3 * 4 * 5).reshape(2, 3, 4, 5)
    expected = data.numpy()
    for axis, mirrored in enumerate(flips):
        expected = np.flip(expected, axis + 1) if mirrored else expected
    np.testing.assert_array_equal(augment.flip(data, flips).numpy(), expected)
    assert torch.equal(augment.flip(augment.flip(data, flips), flips), data)
    box = np.array([[-0.5, 0.1, 0.2], [0.25, 0.4, 1.3]], np.float32)
    moved = augment.flip_box(box, flips)
    assert (moved[0] < moved[1]).all()
    np.testing.assert_allclose(moved[1] - moved[0], box[1] - box[0], atol=1e-6)
    np.testing.assert_allclose(moved.sum(axis=0), np.where(flips, -1, 1) * box.sum(axis=0), atol=1e-6)
    np.testing.assert_array_equal(augment.flip_box(moved, flips), box)


def test_flip_box_by_hand():
    box = np.array([[-0.5, 0.0, 0.2], [0.25, 0.5, 0.4]], np.float32)
    expected = [[-0.25, 0.0, -0.4], [0.5, 0.5, -0.2]]
    np.testing.assert_allclose(augment.flip_box(box, (True, False, True)), expected)


def test_intensity_changes_available_brain_only():
    image = torch.tensor([[[[0.0, 2.0]]], [[[0.0, -1.0]]]])
    gain, offset = np.array([1.1, 3.0], np.float32), np.array([0.5, 3.0], np.float32)
    augment.change_intensity(image, gain, offset, [0])
    np.testing.assert_allclose(image.flatten(), [0.0, 2.7, 0.0, -1.0], rtol=1e-6)


def test_draws_stay_in_their_ranges_and_use_them():
    rng = np.random.default_rng(0)
    gains, offsets = zip(*(augment.sample_intensity(rng, 0.1, 4) for _ in range(500)))
    assert 0.9 <= np.min(gains) < 0.91
    assert 1.09 < np.max(gains) <= 1.1
    assert -0.1 <= np.min(offsets) < -0.09
    flips = np.array([augment.sample_flips(rng) for _ in range(2000)])
    np.testing.assert_allclose(flips.mean(axis=0), 0.5, atol=0.04)


def test_dropping_loses_one_or_two_but_never_the_last():
    rng = np.random.default_rng(0)
    for available in ([1, 1, 1, 1], [0, 1, 1, 0], [0, 0, 1, 0]):
        available_C = np.array(available, bool)
        lost = []
        for _ in range(3000):
            kept = augment.sample_kept(rng, available_C, 0.5)
            assert kept.any()
            assert not (kept & ~available_C).any()
            lost.append(int(available_C.sum() - kept.sum()))
        num = int(available_C.sum())
        share = np.bincount(lost, minlength=3) / 3000
        expected = {4: (0.5, 0.34, 0.16), 2: (0.5, 0.5, 0.0), 1: (1.0, 0.0, 0.0)}[num]
        np.testing.assert_allclose(share, expected, atol=0.04)
    assert augment.sample_kept(rng, np.ones(4, bool), 0.0).all()
    assert all(augment.sample_kept(rng, np.ones(4, bool), 1.0).sum() in (2, 3) for _ in range(50))
