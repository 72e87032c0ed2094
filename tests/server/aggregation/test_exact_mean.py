"""The accumulator against exact rational arithmetic: closed form, hull, masks, order, scale, refusals."""

from collections.abc import Mapping, Sequence
from fractions import Fraction

import numpy as np
import pytest
from flwr.app import Array
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from gmmas_core.fixed_point import BLOCK, MAX_WEIGHT, bound_of
from gmmas_core.types import ConfigError, FederationError
from server.aggregation.exact_mean import PARALLEL_FROM, Accumulator, OutOfBounds

Weights = dict[str, NDArray[np.float32]]
Update = tuple[Weights, dict[str, int]]

MAX_SITES, HEAVIEST = 8, 1000
QUANTUM = 2.0 ** -(51 - 4 - 10)  # bound 16 = 2^4, max_weight 1000 <= 2^10, eight sites leave the 51 bits of a term


def average(reference: Weights, updates: Sequence[Update], **limits: int) -> Weights:
    """The mean of updates added in the order given."""
    accumulator = Accumulator(reference, **({"max_weight": HEAVIEST, "max_sites": MAX_SITES} | limits))
    for weights, weight_of in updates:
        accumulator.add(weights, weight_of)
    return accumulator.result()


def as_bytes(weights: Mapping[str, NDArray[np.float32]]) -> dict[str, bytes]:
    """Bit patterns, so that -0.0, rounding and NaN cannot hide."""
    return {key: value.tobytes() for key, value in weights.items()}


def update_of(values: Sequence[float], weight: int) -> Update:
    """One parameter `w` of one site."""
    return {"w": np.array(values, np.float32)}, {"w": weight}


def exact_mean(column: Sequence[np.float32], weights: Sequence[int]) -> Fraction:
    """Weighted mean in rational numbers."""
    return sum(Fraction(float(x)) * w for x, w in zip(column, weights)) / sum(weights)


finite = st.floats(-16, 16, width=32)
federations = st.integers(1, 5).flatmap(
    lambda size: st.lists(
        st.tuples(st.lists(finite, min_size=size, max_size=size), st.integers(1, HEAVIEST)),
        min_size=1,
        max_size=MAX_SITES,
    )
)


@given(federations)
@settings(deadline=None)
def test_equals_the_closed_form_within_the_stated_bound(sites: list[tuple[list[float], int]]) -> None:
    updates = [update_of(values, weight) for values, weight in sites]
    weights = [weight for _, weight in sites]
    mean = average({"w": np.zeros(len(sites[0][0]), np.float32)}, updates)["w"]
    for index, found in enumerate(mean):
        exact = exact_mean([update[0]["w"][index] for update in updates], weights)
        half_ulp = Fraction(float(np.spacing(np.abs(found)))) / 2
        assert abs(Fraction(float(found)) - exact) <= Fraction(QUANTUM) / 2 + half_ulp * Fraction(257, 256)


@given(federations)
@settings(deadline=None)
def test_stays_inside_the_hull_of_the_sites(sites: list[tuple[list[float], int]]) -> None:
    stack = np.array([values for values, _ in sites], np.float32)
    mean = average({"w": np.zeros(stack.shape[1], np.float32)}, [update_of(*site) for site in sites])["w"]
    low = (stack.min(0).astype(np.float64) - QUANTUM / 2).astype(np.float32)
    high = (stack.max(0).astype(np.float64) + QUANTUM / 2).astype(np.float32)
    assert (low <= mean).all()
    assert (mean <= high).all()


@given(federations, st.randoms(use_true_random=False))
@settings(deadline=None)
def test_any_order_of_arrival_gives_the_same_bytes(sites: list[tuple[list[float], int]], random: object) -> None:
    reference = {"w": np.zeros(len(sites[0][0]), np.float32)}
    updates = [update_of(*site) for site in sites]
    shuffled = list(updates)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    assert as_bytes(average(reference, updates)) == as_bytes(average(reference, shuffled))


def test_plain_float64_depends_on_the_order_where_terms_cancel_and_ours_does_not() -> None:
    # 2^30 * 1000 + 2^-25 needs 65 bits: the small term survives only where it is added after the large ones cancelled.
    small, large = np.float32(2.0**-25), np.float32(2.0**30)
    updates = [update_of([small], 1), update_of([large], 1000), update_of([-large], 1000)]
    arrivals = [updates, updates[1:] + updates[:1]]
    in_float64 = set()
    for arrival in arrivals:
        total = 0.0
        for weights, weight_of in arrival:
            total += float(weights["w"][0]) * weight_of["w"]
        in_float64.add(total)
    assert in_float64 == {0.0, 2.0**-25}
    reference = {"w": np.array([2.0**30], np.float32)}
    ours = {average(reference, arrival)["w"].tobytes() for arrival in arrivals}
    assert len(ours) == 1


def test_cancelling_terms_keep_what_float64_loses_down_to_the_quantum() -> None:
    # At bound 16 the quantum is 2^-37: 15 * 1000 - 15 * 1000 + 2^-20 is exact in any order, divided by 2001.
    sites = [update_of([2.0**-20], 1), update_of([15.0], 1000), update_of([-15.0], 1000)]
    mean = average({"w": np.zeros(1, np.float32)}, sites)["w"]
    assert mean.tolist() == [np.float32(2.0**-20 / 2001)]


def test_many_sites_in_many_orders_where_shares_in_float64_differ() -> None:
    # With shares w / W in place of whole weights, as averages are usually written, float64 rounds every term.
    rng = np.random.default_rng(5)
    base = rng.standard_normal((16, 4096)).astype(np.float32) * np.float32(2)
    stack = np.concatenate([base, -base + rng.standard_normal(base.shape).astype(np.float32) * np.float32(1e-6)])
    weights = [int(weight) for weight in rng.integers(1, HEAVIEST, 16)] * 2
    reference = {"w": np.zeros(4096, np.float32)}
    ours, in_float64 = set(), set()
    for _ in range(5):
        order = rng.permutation(32)
        updates = [({"w": stack[site]}, {"w": weights[site]}) for site in order]
        ours.add(average(reference, updates, max_sites=32)["w"].tobytes())
        total = np.zeros(4096)
        for site in order:
            total += stack[site] * np.float64(weights[site] / sum(weights))
        in_float64.add(total.tobytes())
    assert len(ours) == 1
    assert len(in_float64) > 1


@given(federations, st.integers(2, 50))
@settings(deadline=None)
def test_scaling_every_weight_changes_nothing_beyond_the_quantum(
    sites: list[tuple[list[float], int]], factor: int
) -> None:
    reference = {"w": np.zeros(len(sites[0][0]), np.float32)}
    limits = {"max_weight": HEAVIEST * 50}
    quantum = 2.0 ** -(51 - 4 - 16)
    once = average(reference, [update_of(*site) for site in sites], **limits)["w"]
    scaled = average(reference, [update_of(values, weight * factor) for values, weight in sites], **limits)["w"]
    np.testing.assert_allclose(once, scaled, rtol=2.0**-23, atol=quantum)


def test_agreeing_sites_keep_their_value_exactly() -> None:
    values = np.random.default_rng(0).integers(-(2**23), 2**23, 1000).astype(np.float32) / np.float32(2**22)
    mean = average({"w": values}, [({"w": values}, {"w": weight}) for weight in (1, 37, 1000)])["w"]
    assert mean.tobytes() == values.tobytes()


def test_each_parameter_is_averaged_over_the_sites_that_speak_for_it() -> None:
    reference = {"trunk": np.array([9, -0.0], np.float32), "t2": np.array([1], np.float32), "head": np.ones(3, "f4")}
    first = {"trunk": np.array([1, 2], np.float32), "t2": np.array([5], np.float32), "head": np.full(3, 7, "f4")}
    second = {"trunk": np.array([4, 8], np.float32), "t2": np.array([-3], np.float32), "head": np.full(3, 8, "f4")}
    updates = [(first, {"trunk": 1, "t2": 4, "head": 0}), (second, {"trunk": 2, "t2": 0, "head": 0})]
    mean = average(reference, updates)
    assert list(mean) == ["trunk", "t2", "head"]
    assert mean["trunk"].tolist() == [3, 6]
    assert mean["t2"].tolist() == [5]
    assert mean["head"].tobytes() == reference["head"].tobytes()


def test_parameters_nobody_trained_keep_the_reference_bit_for_bit() -> None:
    reference = {"w": np.array([-0.0, 1e-45, 3.4e38, 0.1], np.float32)}
    kept = average(reference, [({"w": np.ones(4, np.float32)}, {"w": 0})])
    assert as_bytes(kept) == as_bytes(reference)
    assert not np.shares_memory(kept["w"], reference["w"])


def test_a_silent_site_may_hold_anything_or_nothing_there() -> None:
    reference = {"w": np.zeros(2, np.float32), "v": np.zeros(1, np.float32)}
    silent = {"w": np.array([np.nan, np.inf], np.float32), "v": np.ones(1, np.float32)}
    mean = average(reference, [(silent, {"w": 0, "v": 1}), ({"v": np.array([3], "f4")}, {"w": 0, "v": 1})])
    assert mean["w"].tolist() == [0, 0]
    assert mean["v"].tolist() == [2]


@pytest.mark.parametrize("poison", [np.nan, np.inf, -np.inf, 16.5, -1e30])
@pytest.mark.parametrize("threads", [1, 2])
def test_an_unfit_update_leaves_no_trace(poison: float, threads: int) -> None:
    rng = np.random.default_rng(1)
    sizes = {"a": 3 * BLOCK + 5, "b": PARALLEL_FROM, "c": 7}
    reference = {key: np.zeros(size, np.float32) for key, size in sizes.items()}
    good = [{key: rng.standard_normal(size, dtype=np.float32) for key, size in sizes.items()} for _ in range(2)]
    bad = {key: value.copy() for key, value in good[0].items()}
    bad["b"][PARALLEL_FROM // 2] = poison
    ones = dict.fromkeys(sizes, 3)
    accumulator = Accumulator(reference, max_weight=3, max_sites=3, threads=threads)
    accumulator.add(good[0], ones)
    with pytest.raises(OutOfBounds, match="parameter b: ") as caught:
        accumulator.add(bad, ones)
    assert str(abs(poison)) not in str(caught.value).replace("infinity", "")
    accumulator.add(good[1], ones)
    assert accumulator.num_sites == 2
    clean = average(reference, [(weights, ones) for weights in good], max_weight=3, max_sites=3)
    assert as_bytes(accumulator.result()) == as_bytes(clean)


def test_any_number_of_threads_gives_the_same_bytes() -> None:
    rng = np.random.default_rng(2)
    reference = {"w": np.zeros(PARALLEL_FROM + 3 * BLOCK + 1, np.float32)}
    updates = [rng.standard_normal(reference["w"].size, dtype=np.float32) for _ in range(3)]
    results = []
    for threads in (1, 2, 4):
        accumulator = Accumulator(reference, max_weight=9, max_sites=3, threads=threads)
        for weight, values in enumerate(updates, start=7):
            accumulator.add({"w": values}, {"w": weight})
        results.append(accumulator.result()["w"].tobytes())
    assert len(set(results)) == 1


def test_the_extremes_do_not_overflow() -> None:
    reference = {"w": np.array([3e38], np.float32)}
    bound = bound_of("w", reference["w"])
    assert bound >= 16 * 3e38
    top = np.finfo(np.float32).max
    mean = average(reference, [update_of([top], MAX_WEIGHT)] * 64, max_weight=MAX_WEIGHT, max_sites=64)["w"]
    assert mean.tolist() == [top]
    # every term at its largest, 2^51, in as many sites as the 62 bits of the sum allow without a coarser scale
    at_bound = [update_of([16.0], 2**20)] * 2048
    assert average({"w": np.zeros(1, "f4")}, at_bound, max_weight=2**20, max_sites=2048)["w"].tolist() == [16.0]
    below = [update_of([-16.0], 2**20)] * 5000
    assert average({"w": np.zeros(1, "f4")}, below, max_weight=2**20, max_sites=5000)["w"].tolist() == [-16.0]


def test_takes_arrays_as_flower_decodes_them_read_only_transposed_and_without_axes() -> None:
    values = np.arange(6, dtype=np.float32).reshape(2, 3)
    decoded = Array(np.asfortranarray(values)).numpy()
    decoded.setflags(write=False)
    reference = {"w": np.zeros((2, 3), np.float32), "log_variance": np.zeros((), np.float32)}
    update = {"w": decoded, "log_variance": Array(np.array(0.5, np.float32)).numpy()}
    mean = average(reference, [(update, {"w": 2, "log_variance": 1})])
    np.testing.assert_array_equal(mean["w"], values)
    assert mean["log_variance"].shape == ()
    assert mean["log_variance"] == np.float32(0.5)


@pytest.mark.parametrize("dtype", [np.int64, np.int32, np.uint8, np.bool_, np.float64, np.float16])
def test_only_float32_is_ever_averaged(dtype: type) -> None:
    with pytest.raises(ConfigError, match=r"parameter counter: .*expected float32"):
        Accumulator({"counter": np.zeros(2, dtype)}, max_weight=1, max_sites=1)
    accumulator = Accumulator({"w": np.zeros(2, np.float32)}, max_weight=1, max_sites=1)
    with pytest.raises(FederationError, match=r"parameter w: .*dtype"):
        accumulator.add({"w": np.zeros(2, dtype)}, {"w": 1})
    assert accumulator.num_sites == 0


@pytest.mark.parametrize(
    ("limits", "reference"),
    [
        ({"max_weight": 0, "max_sites": 1}, [0.0]),
        ({"max_weight": 2**29, "max_sites": 1}, [0.0]),
        ({"max_weight": 1, "max_sites": 0}, [0.0]),
        ({"max_weight": 2**28, "max_sites": 2**26}, [0.0]),
        ({"max_weight": 1, "max_sites": 1}, [np.nan]),
        ({"max_weight": 1, "max_sites": 1}, [np.inf]),
    ],
)
def test_refuses_limits_and_references_that_void_the_proof(limits: dict[str, int], reference: list[float]) -> None:
    with pytest.raises(ConfigError):
        Accumulator({"w": np.array(reference, np.float32)}, **limits)


@pytest.mark.parametrize(
    ("weights", "weight_of"),
    [
        ({"w": np.zeros(3, "f4")}, {"w": 1}),  # shape
        ({"w": [0.0, 0.0]}, {"w": 1}),  # no array
        ({"w": np.zeros(2, "f4"), "x": np.zeros(2, "f4")}, {"w": 1}),  # unknown
        ({"w": np.zeros(2, "f4")}, {"w": 1, "x": 1}),
        ({}, {"w": 1}),  # missing
        ({"w": np.zeros(2, "f4")}, {}),
        ({"w": np.zeros(2, "f4")}, {"w": -1}),
        ({"w": np.zeros(2, "f4")}, {"w": 11}),
        ({"w": np.zeros(2, "f4")}, {"w": 1.0}),
        ({"w": np.zeros(2, "f4")}, {"w": True}),
        ({"w": np.zeros(2, "f4")}, {"w": float("nan")}),
    ],
)
def test_refuses_updates_that_do_not_fit_the_reference(weights: Weights, weight_of: dict[str, int]) -> None:
    accumulator = Accumulator({"w": np.zeros(2, np.float32)}, max_weight=10, max_sites=2)
    with pytest.raises(FederationError):
        accumulator.add(weights, weight_of)
    assert accumulator.num_sites == 0
    assert accumulator.result()["w"].tolist() == [0, 0]


def test_refuses_more_updates_than_the_proof_allows() -> None:
    accumulator = Accumulator({"w": np.zeros(1, np.float32)}, max_weight=1, max_sites=1)
    accumulator.add(*update_of([1], 1))
    with pytest.raises(FederationError, match="more than 1 updates"):
        accumulator.add(*update_of([1], 1))
