"""The mean of a spool: the streaming mean bit for bit, order independent, and only proportions count."""

import tempfile
from collections.abc import Mapping, Sequence
from itertools import permutations
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from gmmas_core.config import StrategyConfig, load_config
from gmmas_core.model.parameter_groups import group_of
from gmmas_core.types import FederationError
from server.aggregation.exact_mean import Accumulator
from server.aggregation.spool import Spool
from server.aggregation.weighted_mean import MAX_WEIGHT, to_integers, weighted_mean

Weights = dict[str, NDArray[np.float32]]

REFERENCE: Weights = {"encoder.a": np.ones((3, 2), np.float32), "decoder.b": np.ones(4, np.float32)}
CONFIG: StrategyConfig = load_config([]).strategy
NAMES = ("a", "b", "c", "d", "e")

positive = st.floats(1e-3, 1e3)
federations = st.lists(st.tuples(st.integers(0, 2**32), positive, positive), min_size=1, max_size=5)


def update(seed: int) -> Weights:
    rng = np.random.default_rng(seed)
    return {name: rng.uniform(-2, 2, array.shape).astype(np.float32) for name, array in REFERENCE.items()}


def mean_of(updates: Mapping[str, Weights], loudness: Mapping[str, Mapping[str, float]]) -> Weights:
    """Through a fresh spool, in the mapping's order of arrival."""
    with tempfile.TemporaryDirectory() as folder:
        spool = Spool(Path(folder), REFERENCE)
        for site, weights in updates.items():
            spool.add(site, weights)
        return weighted_mean(spool, loudness, REFERENCE, CONFIG)


def as_bytes(weights: Weights) -> dict[str, bytes]:
    return {name: value.tobytes() for name, value in weights.items()}


def loudness_of(sites: Sequence[tuple[int, float, float]], scale: float = 1.0) -> dict[str, dict[str, float]]:
    return {name: {"trunk": t * scale, "decoder": d * scale} for name, (_, t, d) in zip(NAMES, sites)}


def updates_of(sites: Sequence[tuple[int, float, float]]) -> dict[str, Weights]:
    return {name: update(seed) for name, (seed, _, _) in zip(NAMES, sites)}


@given(st.lists(st.tuples(st.integers(0, 2**32), st.integers(0, 500), st.integers(0, 500)), min_size=1, max_size=5))
@settings(deadline=None, max_examples=50)
def test_cases_give_the_streaming_mean_bit_for_bit(sites: list[tuple[int, int, int]]) -> None:
    loudness, updates = loudness_of(sites), updates_of(sites)
    heaviest = max(1, *(weight for _, *weights in sites for weight in weights))
    streaming = Accumulator(REFERENCE, max_weight=heaviest, max_sites=len(sites))
    for site in reversed(updates):
        weights = {name: int(loudness[site][group_of(name)]) for name in REFERENCE}
        streaming.add(updates[site], weights)
    assert as_bytes(mean_of(updates, loudness)) == as_bytes(streaming.result())


@given(federations)
@settings(deadline=None, max_examples=30)
def test_equals_numpys_weighted_average(sites: list[tuple[int, float, float]]) -> None:
    updates = updates_of(sites)
    found = mean_of(updates, loudness_of(sites))
    for name, column in (("encoder.a", 1), ("decoder.b", 2)):
        stack = np.stack([weights[name] for weights in updates.values()]).astype(np.float64)
        expected = np.average(stack, axis=0, weights=[site[column] for site in sites])
        np.testing.assert_allclose(found[name], expected, atol=1e-6)
        assert (found[name] >= stack.min(axis=0) - 1e-9).all()
        assert (found[name] <= stack.max(axis=0) + 1e-9).all()


@given(federations, st.integers(-20, 20))
@settings(deadline=None, max_examples=30)
def test_only_proportions_count(sites: list[tuple[int, float, float]], exponent: int) -> None:
    fractions = [(seed, t + 0.123, d + 0.123) for seed, t, d in sites]
    updates = updates_of(fractions)
    once, scaled = (mean_of(updates, loudness_of(fractions, scale)) for scale in (1.0, 2.0**exponent))
    for name in REFERENCE:
        np.testing.assert_allclose(once[name], scaled[name], atol=2 / MAX_WEIGHT)


def test_the_order_of_arrival_does_not_show() -> None:
    sites = [(seed, 0.3 + seed, 1.7 * seed + 0.1) for seed in range(4)]
    updates, loudness = updates_of(sites), loudness_of(sites)
    means = {tuple(as_bytes(mean_of(dict(order), loudness)).items()) for order in permutations(updates.items())}
    assert len(means) == 1


def test_where_nobody_speaks_the_sent_weights_stay() -> None:
    found = mean_of(
        {"a": update(1), "b": update(2)}, {"a": {"trunk": 0.5, "decoder": 0}, "b": {"trunk": 0, "decoder": 0}}
    )
    np.testing.assert_array_equal(found["encoder.a"], update(1)["encoder.a"])
    np.testing.assert_array_equal(found["decoder.b"], REFERENCE["decoder.b"])


def test_other_sites_than_the_spools_are_refused() -> None:
    with pytest.raises(FederationError, match="expected of"):
        mean_of({"a": update(1)}, {"b": {"trunk": 1, "decoder": 1}})


def test_whole_numbers_stay_and_fractions_are_scaled_per_group() -> None:
    whole = {"a": {"trunk": 30.0, "decoder": 0}, "b": {"trunk": 7, "decoder": 4}}
    assert to_integers(whole, 100) == whole
    fractions = {"a": {"trunk": 1.5, "decoder": 0.0}, "b": {"trunk": 0.75, "decoder": 2.0}}
    assert to_integers(fractions, 100) == {"a": {"trunk": 100, "decoder": 0}, "b": {"trunk": 50, "decoder": 100}}
    assert to_integers({"a": {"trunk": 101}, "b": {"trunk": 1}}, 100) == {"a": {"trunk": 100}, "b": {"trunk": 1}}


def test_a_positive_weight_is_lost_only_below_half_a_step() -> None:
    found = to_integers({"a": {"trunk": 1.0}, "b": {"trunk": 0.005}, "c": {"trunk": 0.0049}}, 100)
    assert [weights["trunk"] for weights in found.values()] == [100, 1, 0]


@given(st.lists(st.floats(0, 1e12), min_size=1, max_size=6), st.integers(1, MAX_WEIGHT))
def test_proportions_are_kept_to_one_step(weights: list[float], most: int) -> None:
    found = [w["trunk"] for w in to_integers({str(k): {"trunk": w} for k, w in enumerate(weights)}, most).values()]
    if max(weights) > 0:
        for weight, whole in zip(weights, found):
            assert abs(whole / max(found) - weight / max(weights)) <= 0.5 / most * (1 + 1e-9) + 1e-12
    else:
        assert set(found) == {0}


@pytest.mark.parametrize("weight", [-1.0, float("nan"), float("inf")])
def test_unfit_weights_are_refused(weight: float) -> None:
    with pytest.raises(FederationError, match="negative or not finite"):
        to_integers({"a": {"trunk": weight}}, 100)
