"""Random subsets of sequences, and batches of two views."""

from collections import Counter

import numpy as np
import pytest
import torch

from gmmas_core.training.availability import AVAILABILITY, any_subset, joined, shown_with
from gmmas_core.types import Batch


def subsets(available: list[bool], draws: int = 2000) -> Counter[tuple[bool, ...]]:
    rng = np.random.default_rng(0)
    return Counter(tuple(any_subset(rng, np.array(available)).tolist()) for _ in range(draws))


def test_every_proper_subset_of_what_is_there_is_drawn_about_equally() -> None:
    found = subsets([True] * 4, draws=14_000)
    assert len(found) == 14  # 15 non-empty subsets less the full one
    assert min(found.values()) > 850
    assert max(found.values()) < 1150


def test_what_is_not_there_is_never_shown() -> None:
    assert set(subsets([True, False, True, False])) == {(True, False, False, False), (False, False, True, False)}


def test_the_only_sequence_is_kept() -> None:
    assert set(subsets([False, True, False, False])) == {(False, True, False, False)}


@pytest.mark.parametrize("name", sorted(AVAILABILITY))
def test_all_samplers_keep_something_and_add_nothing(name: str) -> None:
    rng = np.random.default_rng(1)
    for available in ([True] * 4, [True, True, False, False], [False, False, False, True]):
        for _ in range(50):
            kept = AVAILABILITY[name](rng, np.array(available))
            assert kept.any()
            assert not (kept & ~np.array(available)).any()


def test_a_view_changes_availability_only(batch: Batch) -> None:
    shown = shown_with(batch, any_subset, np.random.default_rng(0))
    assert not torch.equal(shown.available_BC, batch.available_BC)
    assert shown.image_BCXYZ is batch.image_BCXYZ
    assert batch.available_BC.all()


def test_two_views_lie_one_after_the_other(batch: Batch) -> None:
    both = joined(batch, shown_with(batch, any_subset, np.random.default_rng(0)))
    assert both.image_BCXYZ.shape[0] == 4
    assert both.case_ids == ("a", "b", "a", "b")
    assert torch.equal(both.seg_BXYZ[:2], both.seg_BXYZ[2:])
    assert both.available_BC[:2].all()
    assert not both.available_BC[2:].all()
