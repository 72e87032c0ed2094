"""Random streams: different where they must be, equal where they must be."""

import itertools
from collections.abc import Iterator

import pytest
import torch

from gmmas_core.training.seeding import seeded, set_deterministic, stream_seed


def test_streams_differ_between_runs_rounds_and_sites() -> None:
    plans = list(itertools.product(range(10), range(1, 11), ("north", "south")))
    assert len({stream_seed(*plan) for plan in plans}) == len(plans)


def test_stream_is_the_same_for_ever() -> None:
    assert stream_seed(0, 1, "north") == stream_seed(0, 1, "north") == 4648213264927711775
    assert 0 <= stream_seed(7, 99, "süd") < 2**63


def test_seeded_repeats_and_leaves_the_outer_stream_alone() -> None:
    torch.manual_seed(5)
    undisturbed = torch.rand(2)
    torch.manual_seed(5)
    with seeded(1):
        first = torch.rand(2)
    with seeded(1):
        second = torch.rand(2)
    assert torch.equal(first, second)
    assert torch.equal(torch.rand(2), undisturbed)


@pytest.fixture
def _restored() -> Iterator[None]:
    yield
    torch.use_deterministic_algorithms(False)


@pytest.mark.usefixtures("_restored")
def test_set_deterministic() -> None:
    threads = torch.get_num_threads()
    set_deterministic(3, 0)
    first = torch.rand(2)
    set_deterministic(3, threads)
    assert torch.equal(torch.rand(2), first)
    assert torch.are_deterministic_algorithms_enabled()
    assert torch.get_num_threads() == threads
