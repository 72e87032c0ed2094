"""Confidence and truth by mutual information."""

import numpy as np
import pytest

from gmmas_core.metrics.doubt import DOUBT_BINS, MOST_NATS, doubt_table


def test_by_hand_with_both_ends() -> None:
    information = np.array([0.0, 0.01, MOST_NATS, MOST_NATS + 1e-9, MOST_NATS / DOUBT_BINS])
    table = doubt_table(information, np.array([0.9, 0.2, 0.5, 0.4, 0.75]), np.array([1, 1, 0, 0, 1]))
    assert table.count_D.tolist() == [2, 1, 0, 0, 0, 0, 0, 0, 0, 2]
    assert table.confidence_D == pytest.approx([0.9 + 0.8, 0.75, 0, 0, 0, 0, 0, 0, 0, 0.5 + 0.6])
    assert table.right_D.tolist() == [1, 1, 0, 0, 0, 0, 0, 0, 0, 1]  # 0.5 is called class 1
    assert table.gap_D[[0, 1, 2, 9]] == pytest.approx([0.35, 0.25, 0, 0.05])


def test_nobody() -> None:
    table = doubt_table(np.array([]), np.array([]), np.array([], dtype=np.int64))
    assert table.count_D.tolist() == table.right_D.tolist() == [0] * DOUBT_BINS
    assert table.gap_D.tolist() == [0.0] * DOUBT_BINS
