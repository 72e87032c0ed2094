"""A site speaks for what it has seen, and the accumulator then hears nobody else; what holds for every strategy."""

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gmmas_core.config import Config, StrategyConfig, load_config
from gmmas_core.config_federation import STRATEGY_NAMES
from gmmas_core.model.gmmas import build_model
from gmmas_core.model.parameter_groups import GROUPS, group_of
from gmmas_core.types import ConfigError, Metric, Sum, Task
from gmmas_core.weights import weights_of
from server.aggregation.exact_mean import Accumulator
from server.strategy import STRATEGIES, strategy_of
from server.strategy.voice import Voice

TASKS = (Task.HISTOLOGY, Task.IDH, Task.CODEL)
CONFIGS = {name: load_config([f"strategy={name}"]).strategy for name in STRATEGY_NAMES}
CLAIMING = ("uncertainty_weighted", "precision_weighted", "adaptive_pid", "semi_supervised")


def voice_of(
    site: str = "a", seen: Mapping[str, int] | None = None, metrics: Mapping[str, Metric] | None = None
) -> Voice:
    """A site of ten cases that sees everything with all of them, unless told otherwise."""
    counts = dict.fromkeys(GROUPS(TASKS), 10) | dict(seen or {})
    norms = dict.fromkeys(counts, 1.0)
    return Voice(site=site, num_cases=10, seen=counts, uncertainty={}, metrics=metrics or {}, norms=norms)


def plain_of(voices: list[Voice]) -> dict[str, dict[str, float]]:
    return STRATEGIES["masked_fedavg"].weigh(voices, CONFIGS["masked_fedavg"], {})


def test_every_configurable_strategy_exists_and_no_other() -> None:
    assert set(STRATEGIES) == set(STRATEGY_NAMES)
    assert load_config([]).strategy.name in STRATEGIES
    with pytest.raises(ConfigError, match="expected any of"):
        strategy_of("loudest")


def test_only_what_depends_on_one_site_alone_streams() -> None:
    assert [name for name, strategy in STRATEGIES.items() if strategy.streams] == ["masked_fedavg"]


def test_masked_fedavg_weighs_by_cases_seen_per_group() -> None:
    weights = plain_of([voice_of(seen={"stem.t2": 0, "global.stem.t2": 0, "head.idh": 4, "trunk": 9})])["a"]
    assert weights["stem.t2"] == 0
    assert weights["global.stem.t2"] == 0
    assert weights["stem.t1"] == 10
    assert weights["head.idh"] == 4
    assert weights["trunk"] == 9
    assert set(weights) == set(GROUPS(TASKS))


def test_log_variances_weigh_by_their_tasks_labels_and_masks() -> None:
    seen = {"head.idh": 0, "uncertainty.idh": 10, "decoder": 3, "uncertainty.segmentation": 10, "head.histology": 7}
    weights = plain_of([voice_of(seen=seen)])["a"]
    assert weights["uncertainty.idh"] == 0
    assert weights["uncertainty.segmentation"] == 3
    assert weights["uncertainty.histology"] == 7


def test_a_network_is_averaged_group_by_group(tiny_config: Config) -> None:
    """Two sites, one without T2 and without IDH labels, on every parameter of the real network."""
    tasks = tiny_config.task_list
    reference = weights_of(build_model(tiny_config.model, tasks, loss=tiny_config.loss, seed=0))
    shift = {"a": np.float32(0.25), "b": np.float32(-0.5)}
    seen = {"a": dict.fromkeys(GROUPS(tasks), 30), "b": dict.fromkeys(GROUPS(tasks), 10)}
    seen["b"] |= {"stem.t2": 0, "global.stem.t2": 0, "head.idh": 0}
    seen["a"]["contrast"] = seen["b"]["contrast"] = 0
    accumulator = Accumulator(reference, max_weight=30, max_sites=2)
    for site in ("b", "a"):
        groups = plain_of([voice_of(site, seen[site])])[site]
        accumulator.add(
            {key: value + shift[site] for key, value in reference.items()},
            {key: int(groups[group_of(key)]) for key in reference},
        )
    silent = ("stem.t2", "global.stem.t2", "head.idh", "uncertainty.idh")
    for key, value in accumulator.result().items():
        expected = 0.25 if group_of(key) in silent else (30 * 0.25 - 10 * 0.5) / 40
        assert value - reference[key] == pytest.approx(expected, abs=1e-6), key


SIGNALS = (
    *(f"{kind}.{name}" for kind in ("epistemic", "aleatoric") for name in ("segmentation", *TASKS)),
    *(f"gradient_variance.{group}" for group in GROUPS(TASKS)),
    "loss_before",
    "loss_after",
    *(f"{kind}.{name}" for kind in ("pseudo_labels", "pseudo_labels_known") for name in ("segmentation", *TASKS)),
)

claims = st.one_of(
    st.builds(Sum, st.floats(allow_nan=True, allow_infinity=True), st.integers(0, 20)),
    st.builds(Sum, st.floats(0, 1e6), st.integers(1, 20)),
)
cohorts = st.lists(
    st.tuples(
        st.dictionaries(st.sampled_from(GROUPS(TASKS)), st.integers(0, 10), max_size=12),
        st.dictionaries(st.sampled_from(SIGNALS), claims, max_size=20),
        st.floats(-20, 20),
    ),
    min_size=1,
    max_size=5,
)


def voices_of(cohort: list[tuple[dict[str, int], dict[str, Sum], float]]) -> list[Voice]:
    return [
        replace(
            voice_of(f"site-{number}", seen, {f"signal.{name}": claim for name, claim in metrics.items()}),
            uncertainty=dict.fromkeys(("segmentation", *TASKS), log_variance),
        )
        for number, (seen, metrics, log_variance) in enumerate(cohort)
    ]


@pytest.mark.parametrize("name", CLAIMING)
@given(cohort=cohorts)
@settings(deadline=None, max_examples=25)
def test_no_claim_breaks_a_weight_or_gives_a_voice_to_the_silent(
    name: str, cohort: list[tuple[dict[str, int], dict[str, Sum], float]]
) -> None:
    """Whatever is claimed, even NaN: finite weights, above 0 exactly where the site has seen something."""
    voices = voices_of(cohort)
    plain, weights = plain_of(voices), STRATEGIES[name].weigh(voices, CONFIGS[name], {})
    for site, groups in plain.items():
        assert weights[site].keys() == groups.keys()
        for group, count in groups.items():
            assert np.isfinite(weights[site][group])
            assert (weights[site][group] > 0) == (count > 0), (site, group)


@pytest.mark.parametrize("name", CLAIMING)
@given(cohort=cohorts)
@settings(deadline=None, max_examples=10)
def test_without_factors_every_strategy_is_masked_fedavg(
    name: str, cohort: list[tuple[dict[str, int], dict[str, Sum], float]]
) -> None:
    voices = voices_of(cohort)
    assert STRATEGIES[name].weigh(voices, replace(CONFIGS[name], factors=[]), {}) == plain_of(voices)


@pytest.mark.parametrize("name", CLAIMING)
def test_sites_that_measured_nothing_are_averaged_plainly(name: str) -> None:
    """`dispersity` aside, whose norms every update has."""
    voices = [voice_of("a", {"trunk": 3}), voice_of("b", {"head.idh": 0})]
    assert STRATEGIES[name].weigh(voices, replace(CONFIGS[name], dispersity=0.0), {}) == plain_of(voices)


@pytest.mark.parametrize("name", CLAIMING)
@given(cohort=cohorts)
@settings(deadline=None, max_examples=10)
def test_the_order_of_the_sites_changes_no_weight(
    name: str, cohort: list[tuple[dict[str, int], dict[str, Sum], float]]
) -> None:
    voices = voices_of(cohort)
    one, other = (STRATEGIES[name].weigh(order, CONFIGS[name], {}) for order in (voices, voices[::-1]))
    for site, groups in one.items():
        assert other[site] == pytest.approx(groups, rel=1e-12)


@pytest.mark.parametrize("name", ["uncertainty_weighted", "precision_weighted"])
@given(cohort=cohorts, cap=st.floats(1, 10))
@settings(deadline=None, max_examples=25)
def test_a_claim_counts_at_most_cap_times_its_case(
    name: str, cohort: list[tuple[dict[str, int], dict[str, Sum], float]], cap: float
) -> None:
    voices = voices_of(cohort)
    plain, weights = plain_of(voices), STRATEGIES[name].weigh(voices, replace(CONFIGS[name], cap=cap), {})
    for site, groups in plain.items():
        for group, count in groups.items():
            assert count / cap * (1 - 1e-12) <= weights[site][group] <= count * cap * (1 + 1e-12)


@pytest.mark.parametrize("name", CLAIMING)
def test_an_unknown_factor_is_refused_with_those_known(name: str) -> None:
    settings: StrategyConfig = replace(CONFIGS[name], factors=["charm"])
    with pytest.raises(ConfigError, match="charm"):
        STRATEGIES[name].weigh([voice_of()], settings, {})
