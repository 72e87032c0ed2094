"""The parts of a securely summed round by themselves: weights, vector, statements, messages, configuration."""

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import pytest
from flwr.app import Array, ArrayRecord, ConfigRecord, RecordDict
from hypothesis import given
from hypothesis import strategies as st

from gmmas_core import wire
from gmmas_core.config import StrategyConfig, load_config
from gmmas_core.secure_round.layout import index_of, layout_for, read_index, write_index
from gmmas_core.secure_round.own_weights import SumTerms, own_weights
from gmmas_core.secure_round.statement import Statement, read_statement, speakers
from gmmas_core.secure_round.vector import read_sum, vector_of
from gmmas_core.types import ConfigError, FederationError, SiteUpdate, Sum, Task
from gmmas_core.wire import SecureMessage

TASKS = (Task.IDH,)
GROUPS_SEEN = {"decoder": 5, "head.idh": 2, "trunk": 6, "uncertainty.idh": 6, "stem.t1": 0}
REFERENCE = {
    "encoder.a": np.full((3, 2), 0.5, np.float32),
    "decoder.b": np.zeros(4, np.float32),
    "heads.of.idh.c": np.ones(1, np.float32),
}
LIMITS = {"max_weight": 100, "max_sites": 4}


def strategy(name: str) -> StrategyConfig:
    return load_config([f"strategy={name}"]).strategy


def site_update(seed: int) -> SiteUpdate:
    rng = np.random.default_rng(seed)
    return SiteUpdate(
        site=f"site{seed}",
        run_id="r",
        round=1,
        weights={name: rng.normal(size=value.shape).astype(np.float32) for name, value in REFERENCE.items()},
        num_cases=6 + seed,
        seen={},
        uncertainty={"segmentation": 0.5 - seed, "idh": -1.25},
        metrics={"cases": Sum(2.0, 2 + seed), "dice": Sum(0.1 + seed, 1), "ages": (1, 0, seed)},
    )


def weights_for(layout_groups: tuple[str, ...], seed: int) -> dict[str, int]:
    return dict.fromkeys(layout_groups, 0) | {"trunk": 6 + seed, "decoder": 5 * seed, "head.idh": 2}


def test_a_sum_of_vectors_is_the_sum_of_everything_in_them() -> None:
    updates = [site_update(seed) for seed in range(3)]
    layout = layout_for(REFERENCE, TASKS, read_index(write_index(index_of(updates[0].metrics))))
    weights = [weights_for(layout.groups, seed) for seed in range(3)]
    vectors = [vector_of(update, weight, layout, **LIMITS) for update, weight in zip(updates, weights)]
    pooled = read_sum(np.sum(vectors, axis=0), 3, REFERENCE, layout, **LIMITS)
    assert list(pooled.mean) == list(REFERENCE)
    shares = [weight["trunk"] for weight in weights]
    mean = sum(share * update.weights["encoder.a"].astype(float) for share, update in zip(shares, updates))
    np.testing.assert_allclose(pooled.mean["encoder.a"], mean / sum(shares), atol=1e-6)
    assert pooled.weights["trunk"] == 21
    assert pooled.num_cases == 21
    assert pooled.uncertainty["idh"] == pytest.approx(-1.25)
    assert pooled.uncertainty["segmentation"] == pytest.approx((5 * -0.5 + 10 * -1.5) / 15)
    assert pooled.metrics["cases"] == Sum(6.0, 9)
    assert pooled.metrics["dice"].mean == pytest.approx(3.3 / 3, abs=1e-5)  # type: ignore[union-attr]
    assert pooled.metrics["ages"] == (3, 0, 3)
    alone = read_sum(vectors[0], 1, REFERENCE, layout, **LIMITS)
    assert alone.mean["decoder.b"].tobytes() == REFERENCE["decoder.b"].tobytes()  # nobody spoke


@given(place=st.integers(0, 4), wild=st.sampled_from([2**62, -(2**62), -1 - 10**6]))
def test_a_sum_that_no_fit_vectors_give(place: int, wild: int) -> None:
    update = site_update(1)
    layout = layout_for(REFERENCE, TASKS, index_of(update.metrics))
    total = vector_of(update, weights_for(layout.groups, 1), layout, **LIMITS)
    places = [0, layout.num_values, layout.num_values + len(layout.groups), layout.size - 1, layout.size - 3]
    total[places[place]] = wild if place else np.sign(wild) * 2**62
    with pytest.raises(FederationError, match="secure sum: found"):
        read_sum(total, 1, REFERENCE, layout, **LIMITS)


def test_what_a_site_does_not_put_into_a_vector() -> None:
    update = site_update(1)
    layout = layout_for(REFERENCE, TASKS, index_of(update.metrics))
    weights = weights_for(layout.groups, 1)
    unfit = (
        replace(update, weights={**update.weights, "encoder.a": np.full((3, 2), 1e9, np.float32)}),
        replace(update, weights={**update.weights, "encoder.a": np.full((3, 2), np.nan, np.float32)}),
        replace(update, metrics={**update.metrics, "dice": Sum(float("nan"), 1)}),
        replace(update, metrics={**update.metrics, "dice": Sum(1e300, 1)}),
        replace(update, metrics={"cases": Sum(2.0, 2)}),
        replace(update, uncertainty={"segmentation": float("inf"), "idh": 0.0}),
    )
    for each in unfit:
        with pytest.raises(FederationError):
            vector_of(each, weights, layout, **LIMITS)
    silent = weights | {"trunk": 0}  # what is not said may be anything
    vector_of(unfit[0], silent, layout, **LIMITS)


def test_a_site_weighs_itself_between_the_caps() -> None:
    terms = SumTerms(attempt=0, max_cases=5, max_sites=3)
    cases = own_weights(strategy("masked_fedavg"), terms, GROUPS_SEEN, {}, {})
    assert cases == {"decoder": 5, "head.idh": 2, "trunk": 5, "uncertainty.idh": 2, "stem.t1": 0}
    config = strategy("uncertainty_weighted")
    unit = terms.unit(config)
    metrics = {"signal.epistemic.idh": Sum(0.2, 2), "signal.aleatoric.idh": Sum(0.1, 2)}
    doubt = (0.1 + 1e-4) / (0.05 + 1e-4)
    said = own_weights(config, terms, GROUPS_SEEN, {"idh": -0.5, "segmentation": 9.0}, metrics)
    assert said["head.idh"] == round(2 * doubt * np.exp(0.5) * unit)
    assert said["decoder"] == round(5 / config.cap * unit)  # a claim beyond the cap counts as the cap
    assert said["trunk"] == round(5 * np.sqrt(doubt * 1.0) * unit)
    assert said["uncertainty.idh"] == 2 * unit
    liar = own_weights(config, terms, GROUPS_SEEN, {"idh": -1e9, "segmentation": -1e9}, metrics)
    assert max(liar.values()) <= terms.max_weight(config) == 5 * config.cap * unit
    large = SumTerms(attempt=0, max_cases=10**6, max_sites=2000)
    assert large.max_weight(config) * large.max_sites <= 2**53


def test_who_speaks_is_the_same_for_everybody_and_never_alone() -> None:
    def said(least: int, *groups: str) -> Statement:
        return Statement(binding="0" * 64, min_sites=least, groups=groups)

    statements = {"a": said(2, "x", "y", "z"), "b": said(2, "x", "y"), "c": said(3, "x", "y"), "d": said(4, "x")}
    # x: d wants four and there are four. y: c wants three and there are three. z: a would be alone.
    assert speakers(statements) == {"x": {"a", "b", "c", "d"}, "y": {"a", "b", "c"}, "z": frozenset()}
    del statements["b"]
    # x: without b, d is silent among three, then c among two; y: c is silent, then a alone.
    assert speakers(statements) == {"x": frozenset(), "y": frozenset(), "z": frozenset()}
    assert read_statement(statements["a"].to_bytes()) == statements["a"]
    for data in (b"", b"[]", b"{", b'{"binding":"0","min_sites":2,"groups":[]}', b'{"min_sites":2}', b"[" * 10**5):
        with pytest.raises(FederationError, match="no statement"):
            read_statement(data)


@given(
    index=st.dictionaries(
        st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1, max_size=9), st.integers(0, 99)
    )
)
def test_an_index_travels(index: Mapping[str, int]) -> None:
    assert read_index(write_index(dict(sorted(index.items())))) == index


@given(
    data=st.one_of(st.binary(max_size=40), st.sampled_from([b"[[1,2]]", b'[["b",0],["a",0]]', b'[["a",true]]', b"{}"]))
)
def test_an_index_that_is_none(data: bytes) -> None:
    if data.strip() != b"[]":
        with pytest.raises(FederationError):
            read_index(data)


MESSAGE = SecureMessage(site="north", run_id="r", round=2, attempt=1, parts={"sealed.east": b"\0\1", "a": b"x"})


def test_messages_travel_and_others_are_refused() -> None:
    assert wire.read_secure_answer(wire.secure_to_content(MESSAGE)) == MESSAGE
    question = replace(MESSAGE, site="")
    assert wire.read_secure_question(wire.secure_to_content(question)) == question
    vector = np.array([2**62, -(2**62), 0], np.int64)
    content = wire.secure_to_content(replace(MESSAGE, parts={}), vector)
    np.testing.assert_array_equal(wire.read_masked(content, 3), vector)
    for record in (Array(vector.astype(np.float64)), Array(vector.reshape(3, 1)), Array(vector[:2])):
        content["masked"] = ArrayRecord({"values": record})
        with pytest.raises(FederationError, match="another vector"):
            wire.read_masked(content, 3)
    whole = dict(wire.secure_to_content(MESSAGE)["reply"])
    unfit = (
        {"names": ["a"]},
        {"names": ["b", "a"]},
        {"names": ["a", "a"]},
        {"parts": [1, 2]},
        {"parts": b""},
        {"round": 1.5},
    )
    for change in (*unfit, {"parts": [b"x" * (2**20 + 1), b""]}, {"names": ["a", "n" * 200]}):
        with pytest.raises(FederationError):
            wire.read_secure_answer(RecordDict({"reply": ConfigRecord({**whole, **change})}))
    for numbers in ((-1, 1, 2), (0, 0, 2), (0, 10**7, 2), (0, 1, 1), (0, 1, 5000)):
        record = ConfigRecord(dict(zip(("attempt", "max-cases", "max-sites"), numbers)))
        with pytest.raises(FederationError, match="terms out of range"):
            wire.read_sum_terms(RecordDict({"secure": record}))


def test_a_configuration_that_no_secure_sum_can_play() -> None:
    load_config(["privacy=secure_sum", "strategy=uncertainty_weighted"])
    for override in ("strategy=median", "strategy=krum", "strategy=adaptive_pid", "strategy=semi_supervised"):
        with pytest.raises(ConfigError, match="sees no single update"):
            load_config(["privacy=secure_sum", override])
    with pytest.raises(ConfigError, match="expected float32"):
        load_config(["privacy=secure_sum", "exchange=int8"])
    with pytest.raises(ConfigError, match="expected 0 to 1/3"):
        load_config(["privacy=secure_sum", "privacy.secure_sum.drop_share=0.34"])
    chosen = load_config(["privacy=secure_sum", "privacy.secure_sum.neighbours=40"]).privacy.secure_sum
    assert (chosen.neighbours, chosen.drop_share) == (40, 1 / 3)
    with pytest.raises(ConfigError, match="cannot clip updates"):
        load_config(["privacy=secure_sum", "privacy.client_level.name=fixed_clipping"])
