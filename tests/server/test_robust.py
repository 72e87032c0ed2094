"""Median, trimmed mean and Krum against scipy, numpy and a naive Krum; what they withstand, and when they refuse."""

import tempfile
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import scipy.stats
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from gmmas_core.config import StrategyConfig, load_config
from gmmas_core.types import FederationError
from server.aggregation.spool import Spool
from server.strategy import STRATEGIES

Weights = dict[str, NDArray[np.float32]]

REFERENCE: Weights = {
    "encoder.a": np.full((4, 5), 7.0, np.float32),
    "heads.of.idh.w": np.full(3, 7.0, np.float32),
    "uncertainty.log_variance_idh": np.array(7.0, np.float32),
}
CONFIG: StrategyConfig = load_config([]).strategy
ROBUST = ("median", "trimmed_mean", "krum")
EVERYWHERE = {"trunk": 1.0, "head.idh": 1.0, "uncertainty.idh": 1.0}


def update(seed: int) -> Weights:
    rng = np.random.default_rng(seed)
    return {name: np.asarray(rng.normal(size=array.shape), np.float32) for name, array in REFERENCE.items()}


def combined(
    name: str, updates: Mapping[str, Weights], loudness: Mapping[str, dict[str, float]] | None = None, **changes: object
) -> Weights:
    """Through a fresh spool, in the mapping's order of arrival."""
    loud = dict(loudness or dict.fromkeys(updates, EVERYWHERE))
    config = replace(CONFIG, **changes)  # type: ignore[arg-type]
    combine = STRATEGIES[name].combine
    assert combine is not None
    with tempfile.TemporaryDirectory() as folder:
        spool = Spool(Path(folder), REFERENCE)
        for site, weights in updates.items():
            spool.add(site, weights)
        return combine(spool, loud, REFERENCE, config)


def cohort(number: int, seed: int = 0) -> dict[str, Weights]:
    return {f"site-{k:02d}": update(seed + k) for k in range(number)}


def stack_of(updates: Mapping[str, Weights], name: str) -> NDArray[np.float64]:
    return np.stack([weights[name] for weights in updates.values()]).astype(np.float64)


def as_bytes(weights: Weights) -> dict[str, bytes]:
    return {name: value.tobytes() for name, value in weights.items()}


@pytest.mark.parametrize("number", [1, 2, 5, 8])
def test_median_is_numpys(number: int) -> None:
    updates = cohort(number)
    for name, found in combined("median", updates).items():
        assert found.dtype == np.float32
        np.testing.assert_allclose(found, np.median(stack_of(updates, name), axis=0), rtol=1e-6)


@pytest.mark.parametrize(("number", "trim"), [(5, 0.2), (8, 0.2), (10, 0.2), (10, 0.45), (4, 0.0)])
def test_trimmed_mean_is_scipys(number: int, trim: float) -> None:
    updates = cohort(number)
    for name, found in combined("trimmed_mean", updates, trim=trim).items():
        np.testing.assert_allclose(found, scipy.stats.trim_mean(stack_of(updates, name), trim), rtol=1e-5, atol=1e-7)


def test_a_trim_above_zero_cuts_at_least_one_at_either_end() -> None:
    updates = cohort(3)
    assert as_bytes(combined("trimmed_mean", updates, trim=0.01)) == as_bytes(combined("median", updates))


@pytest.mark.parametrize("number", [1, 2])
def test_trimming_refuses_when_nothing_would_be_left(number: int) -> None:
    with pytest.raises(FederationError, match="expected at least 3"):
        combined("trimmed_mean", cohort(number), trim=0.2)


def test_only_the_sites_that_speak_for_a_group_are_asked() -> None:
    updates = cohort(5)
    loudness = {site: dict(EVERYWHERE) for site in updates}
    for site in ("site-03", "site-04"):
        loudness[site]["head.idh"] = 0.0
    for site in updates:
        loudness[site]["uncertainty.idh"] = 0.0
    first_three = {site: updates[site] for site in list(updates)[:3]}
    for name, expected in (("median", np.median), ("trimmed_mean", np.median)):
        found = combined(name, updates, loudness)
        stack = stack_of(first_three, "heads.of.idh.w")
        np.testing.assert_allclose(found["heads.of.idh.w"], expected(stack, axis=0), rtol=1e-6)
        assert found["uncertainty.log_variance_idh"] == 7.0


@pytest.mark.parametrize("name", ["median", "trimmed_mean"])
def test_cases_buy_no_influence(name: str) -> None:
    updates = cohort(5)
    loud = {site: dict.fromkeys(EVERYWHERE, 1e9 if site == "site-00" else 1.0) for site in updates}
    assert as_bytes(combined(name, updates, loud)) == as_bytes(combined(name, updates))


@pytest.mark.parametrize("name", ["median", "trimmed_mean"])
@given(seeds=st.lists(st.integers(0, 2**32), min_size=3, max_size=7))
@settings(deadline=None, max_examples=20)
def test_stays_inside_the_hull_and_forgets_the_order(name: str, seeds: list[int]) -> None:
    updates = {f"site-{k}": update(seed) for k, seed in enumerate(seeds)}
    renamed = {f"site-{k}": update(seed) for k, seed in enumerate(reversed(seeds))}
    found = combined(name, updates)
    assert as_bytes(found) == as_bytes(combined(name, dict(reversed(updates.items()))))
    assert as_bytes(found) == as_bytes(combined(name, renamed))
    for key, value in found.items():
        stack = np.stack([weights[key] for weights in updates.values()])
        assert (stack.min(axis=0) <= value).all()
        assert (value <= stack.max(axis=0)).all()


def test_zeros_of_either_sign_give_the_same_bytes() -> None:
    def zeros(sign: float) -> Weights:
        return {name: np.full_like(array, sign * 0.0) for name, array in REFERENCE.items()}

    one = combined("median", {"a": zeros(1), "b": zeros(-1), "c": zeros(-1)})
    other = combined("median", {"a": zeros(-1), "b": zeros(-1), "c": zeros(1)})
    assert as_bytes(one) == as_bytes(other)


@pytest.mark.parametrize("name", ROBUST)
def test_one_site_with_huge_values_moves_nothing_far(name: str) -> None:
    updates = cohort(7)
    updates["site-03"] = {key: array + np.float32(1e4) for key, array in updates["site-03"].items()}
    for value in combined(name, updates).values():
        assert np.abs(value).max() < 10


@pytest.mark.parametrize("name", ROBUST)
def test_blocks_do_not_show(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = combined(name, cohort(6))
    monkeypatch.setattr("server.aggregation.columns.LEAST", 1)
    monkeypatch.setattr("server.aggregation.columns.BUDGET", 12)  # two elements of six sites at a time
    assert as_bytes(combined(name, cohort(6))) == as_bytes(whole)


# Krum


def naive_krum(updates: Mapping[str, Weights], faulty: int, kept: int) -> list[str]:
    """Blanchard et al., as written: all sites speak for everything."""
    flat = {
        site: np.concatenate([a.ravel() for a in weights.values()]).astype(float) for site, weights in updates.items()
    }
    scores = {}
    for site in flat:
        others = sorted(float(((flat[site] - flat[other]) ** 2).sum()) for other in flat if other != site)
        scores[site] = sum(others[: len(flat) - faulty - 2])
    return sorted(scores, key=scores.__getitem__)[:kept]


@pytest.mark.parametrize(("number", "faulty", "kept"), [(5, 1, 1), (7, 1, 3), (9, 3, 1), (8, 0, 8)])
def test_krum_is_the_naive_one(number: int, faulty: int, kept: int) -> None:
    for seed in range(0, 500, 50):
        updates = cohort(number, seed)
        chosen = naive_krum(updates, faulty, kept)
        for name, found in combined("krum", updates, krum_faulty=faulty, krum_kept=kept).items():
            expected = np.mean([updates[site][name] for site in chosen], axis=0)
            np.testing.assert_allclose(found, expected, atol=1e-6)


def test_kept_sites_are_weighed_by_their_cases() -> None:
    updates = cohort(5)
    loudness = {site: dict.fromkeys(EVERYWHERE, float(k + 1)) for k, site in enumerate(updates)}
    chosen = naive_krum(updates, 1, 2)
    found = combined("krum", updates, loudness, krum_kept=2)["encoder.a"]
    weights = [loudness[site]["trunk"] for site in chosen]
    np.testing.assert_allclose(
        found, np.average([updates[s]["encoder.a"] for s in chosen], axis=0, weights=weights), atol=1e-6
    )


def test_krum_compares_only_what_both_sites_speak_for() -> None:
    """A wild head of a site that is silent there does not make the site far."""
    updates = cohort(6)
    loudness = {site: dict(EVERYWHERE) for site in updates}
    best = naive_krum(updates, 1, 1)[0]
    updates[best]["heads.of.idh.w"][:] = 1e4
    loudness[best]["head.idh"] = 0.0
    found = combined("krum", updates, loudness)
    np.testing.assert_array_equal(found["encoder.a"], updates[best]["encoder.a"])
    np.testing.assert_array_equal(found["heads.of.idh.w"], REFERENCE["heads.of.idh.w"])


def test_sites_with_nothing_in_common_are_infinitely_far() -> None:
    updates = cohort(6)
    loudness = {site: dict(EVERYWHERE) for site in updates}
    loudness["site-00"] = {"trunk": 0.0, "head.idh": 0.0, "uncertainty.idh": 1.0}
    for site in list(updates)[1:]:
        loudness[site]["uncertainty.idh"] = 0.0
    rest = {
        site: {k: v for k, v in w.items() if "uncertainty" not in k} for site, w in updates.items() if site != "site-00"
    }
    expected = updates[naive_krum(rest, 0, 1)[0]]["encoder.a"]
    np.testing.assert_array_equal(combined("krum", updates, loudness, krum_faulty=1)["encoder.a"], expected)


def test_krum_refuses_too_few_sites_in_clear_words() -> None:
    with pytest.raises(FederationError, match="found 4 sites that speak; expected at least 5"):
        combined("krum", cohort(4), krum_faulty=1)
    with pytest.raises(FederationError, match="expected at least 6"):
        combined("krum", cohort(5), krum_faulty=1, krum_kept=5)


def test_krum_forgets_the_order_of_arrival() -> None:
    updates = cohort(7)
    one = combined("krum", updates, krum_kept=3)
    assert as_bytes(one) == as_bytes(combined("krum", dict(reversed(updates.items())), krum_kept=3))


@pytest.mark.parametrize("name", ROBUST)
def test_a_round_in_which_nobody_speaks_leaves_everything(name: str) -> None:
    silent = {site: dict.fromkeys(EVERYWHERE, 0.0) for site in cohort(5)}
    assert as_bytes(combined(name, cohort(5), silent)) == as_bytes(REFERENCE)
