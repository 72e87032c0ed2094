"""Sorting by rows is sorting."""

import itertools

import numpy as np
import pytest

from server.aggregation.columns import columns, sorted_rows


@pytest.mark.parametrize("sites", range(1, 11))
def test_every_sequence_of_zeros_and_ones_is_sorted_and_with_it_everything(sites: int) -> None:
    """The zero-one principle: a network that sorts these sorts all values."""
    block = np.array(list(itertools.product((0.0, 1.0), repeat=sites)), np.float32).T.copy()
    assert np.array_equal(np.stack(sorted_rows(block.copy())), np.sort(block, axis=0))


@pytest.mark.parametrize("sites", [2, 7, 16, 33, 100])
def test_values_are_sorted_per_element(sites: int) -> None:
    block = np.random.default_rng(sites).standard_normal((sites, 50), dtype=np.float32)
    assert np.array_equal(np.stack(sorted_rows(block.copy())), np.sort(block, axis=0))


def test_stretches_stay_in_the_budget_and_cover_every_element_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("server.aggregation.columns.LEAST", 1)
    monkeypatch.setattr("server.aggregation.columns.BUDGET", 100)
    updates = [np.arange(1000, dtype=np.float32).reshape(10, -1) + site for site in range(7)]
    blocks = list(columns(updates))
    assert max(block.size for _, block in blocks) <= 100
    assert np.array_equal(np.concatenate([block for _, block in blocks], axis=1), np.stack(updates).reshape(7, -1))
