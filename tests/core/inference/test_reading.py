"""Crops and mirror images: what a crop shows and where it is said to lie agree in every mirror image."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch

from gmmas_core.inference.reading import FLIPS, Reading, read_prepared
from gmmas_core.model.placement import place

SHAPE = (24, 40, 32)


@pytest.fixture
def ramps() -> Reading:
    """Image and context of the same cube: channel a holds the coordinate along axis a, in crop voxels."""
    context_edge, edge = 40, max(SHAPE)
    origin = np.array([(n - edge) / 2 for n in SHAPE])

    def box_of(start: tuple[int, ...], size: tuple[int, ...]) -> np.ndarray:
        corners = np.stack([np.array(start), np.array(start) + size])
        return ((corners - origin) / edge * 2 - 1).astype(np.float32)

    image = np.stack(np.meshgrid(*(np.arange(n) + 0.5 for n in SHAPE), indexing="ij"))
    cells = [(np.arange(context_edge) + 0.5) * edge / context_edge + low for low in origin]
    context = np.stack(np.meshgrid(*cells, indexing="ij"))
    return Reading(
        image_1CXYZ=torch.from_numpy(image)[None].float(),
        available_1C=torch.ones(1, 3, dtype=torch.bool),
        context_1CXYZ=torch.from_numpy(context)[None].float(),
        box_of=box_of,
    )


@pytest.mark.parametrize("axes", FLIPS)
@pytest.mark.parametrize("start", [(0, 0, 0), (8, 3, 16), (8, 24, 1)])
def test_context_read_at_the_box_is_what_the_crop_shows(
    ramps: Reading, axes: tuple[int, ...], start: tuple[int, int, int]
) -> None:
    size = (16, 16, 16)
    mirrored = ramps.flipped(axes)
    there = place(mirrored.context_1CXYZ, mirrored.boxes([start], size), size)
    inside = (
        slice(None),
        slice(None),
        slice(1, -1),
        slice(1, -1),
        slice(1, -1),
    )  # the outermost context cell is repeated
    torch.testing.assert_close(there[inside], mirrored.crop(start, size)[inside], atol=1e-3, rtol=0)


@pytest.mark.parametrize("axes", FLIPS)
def test_flipping_twice_is_nothing(ramps: Reading, axes: tuple[int, ...]) -> None:
    twice = ramps.flipped(axes).flipped(axes)
    assert torch.equal(twice.image_1CXYZ, ramps.image_1CXYZ)
    assert torch.equal(twice.context_1CXYZ, ramps.context_1CXYZ)
    start, size = (3, 5, 7), (8, 8, 8)
    torch.testing.assert_close(twice.boxes([start], size), ramps.boxes([start], size))


def test_flips_are_eight_different_ones() -> None:
    assert FLIPS[0] == ()
    assert len(set(FLIPS)) == 8


def test_crop_is_zero_over_the_border(ramps: Reading) -> None:
    crop = ramps.crop((-2, 30, 0), (6, 16, 32))
    assert crop.shape == (1, 3, 6, 16, 32)
    assert torch.equal(crop[:, :, 2:, :10], ramps.image_1CXYZ[:, :, :4, 30:])
    assert not crop[:, :, :2].any()
    assert not crop[:, :, :, 10:].any()


def test_boxes_keep_the_order_of_starts(ramps: Reading) -> None:
    starts = [(0, 0, 0), (8, 0, 0)]
    boxes = ramps.boxes(starts, (8, 8, 8))
    assert boxes.shape == (2, 2, 3)
    assert boxes.dtype == torch.float32
    assert float(boxes[0, 1, 0]) == pytest.approx(float(boxes[1, 0, 0]))


def test_prepared_case_is_read_as_float32(make_prepared: Callable[..., Any]) -> None:
    prepared = make_prepared(sequences=("t1", "flair"))
    reading = read_prepared(prepared, "cpu")
    assert reading.image_1CXYZ.dtype == reading.context_1CXYZ.dtype == torch.float32
    assert reading.available_1C.tolist() == [[True, False, False, True]]
    assert reading.shape == prepared.image_CXYZ.shape[1:]
    np.testing.assert_array_equal(
        reading.boxes([(1, 2, 3)], (4, 4, 4))[0], prepared.box_in_context((1, 2, 3), (4, 4, 4))
    )


def test_reading_does_not_share_memory_with_the_case(make_prepared: Callable[..., Any]) -> None:
    prepared = make_prepared()
    before = prepared.context_CXYZ.copy()
    read_prepared(prepared, "cpu").context_1CXYZ.zero_()
    np.testing.assert_array_equal(prepared.context_CXYZ, before)


def test_flip_keeps_availability(ramps: Reading) -> None:
    reading = replace(ramps, available_1C=torch.tensor([[True, False, True]]))
    assert reading.flipped((0, 2)).available_1C.tolist() == [[True, False, True]]
