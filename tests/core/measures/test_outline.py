"""Distances of outlines, against brute force."""

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray
from scipy.spatial.distance import pdist

from gmmas_core.measures.outline import border_points, cross_diameters, length, longest


def test_one_voxel_is_as_long_as_its_edges() -> None:
    points = border_points(np.ones((1, 1, 1), dtype=bool))
    assert len(points) == 6
    assert longest(points) == pytest.approx(1.0)


def test_a_rectangle_is_measured_from_edge_to_edge() -> None:
    longest_side, across = cross_diameters(border_points(np.ones((40, 1), dtype=bool)))
    assert length(longest_side) == pytest.approx(40.0)
    assert length(across) == pytest.approx(1.0)


@given(mask=arrays(np.bool_, (7, 6, 5)), edges=st.tuples(*[st.floats(0.5, 5)] * 3))
def test_the_hull_loses_no_distance(mask: NDArray[np.bool_], edges: tuple[float, float, float]) -> None:
    assume(mask.any())
    points = border_points(mask) * np.array(edges)
    assert longest(points) == pytest.approx(pdist(points).max())


@given(mask=arrays(np.bool_, (9, 8)), turn=st.floats(0, np.pi))
def test_diameters_stand_at_right_angles_and_turn_with_the_shape(mask: NDArray[np.bool_], turn: float) -> None:
    assume(mask.any())
    points = border_points(mask)
    first, second = cross_diameters(points)
    assert length(first) == pytest.approx(pdist(points).max())
    assert np.dot(first[1] - first[0], second[1] - second[0]) == pytest.approx(0, abs=1e-6)
    assert length(second) <= length(first) + 1e-9
    rotation = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
    turned = cross_diameters(points @ rotation.T)
    assert [length(segment) for segment in turned] == pytest.approx([length(first), length(second)], abs=1e-4)
