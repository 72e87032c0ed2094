"""Closed forms of the weighing strategies on a few sites."""

import functools
import math
from collections.abc import Mapping
from dataclasses import replace

import pytest

from gmmas_core.config import StrategyConfig, load_config
from gmmas_core.model.parameter_groups import GROUPS
from gmmas_core.types import Sum, Task
from server.strategy import STRATEGIES
from server.strategy.adaptive_pid import WINDOW, remember_losses
from server.strategy.voice import Voice

TASKS = (Task.HISTOLOGY, Task.IDH)
NAMES = ("a", "b", "c")
Claims = Mapping[str, tuple[float, int]]  # signal -> mean, count


def voice_of(
    site: str,
    claims: Claims,
    seen: Mapping[str, int] | None = None,
    log_variances: Mapping[str, float] | None = None,
    norm: float = 0.0,
) -> Voice:
    counts = dict.fromkeys(GROUPS(TASKS), 10) | {"contrast": 0} | dict(seen or {})
    metrics = {f"signal.{name}": Sum(mean * count, count) for name, (mean, count) in claims.items()}
    norms = dict.fromkeys(counts, 0.0) | {"trunk": norm}
    return Voice(site=site, num_cases=10, seen=counts, uncertainty=log_variances or {}, metrics=metrics, norms=norms)


@functools.cache
def configured(name: str) -> StrategyConfig:
    return load_config([f"strategy={name}"]).strategy


def weights_of(
    name: str, voices: list[Voice], group: str, memory: Mapping[str, object] | None = None, **changes: object
) -> list[float]:
    """Of one group, in the order of the voices."""
    config = replace(configured(name), **changes)  # type: ignore[arg-type]
    weights = STRATEGIES[name].weigh(voices, config, memory or {})
    return [weights[voice.site][group] for voice in voices]


def doubt(task: str, epistemic: float, aleatoric: float) -> Claims:
    return {f"epistemic.{task}": (epistemic, 4), f"aleatoric.{task}": (aleatoric, 4)}


# uncertainty_weighted


def test_doubt_weighs_by_epistemic_over_aleatoric_against_the_median() -> None:
    voices = [voice_of(site, doubt("idh", e, a)) for site, (e, a) in zip(NAMES, [(0.2, 0.1), (0.1, 0.1), (0.1, 0.3)])]
    found = weights_of("uncertainty_weighted", voices, "head.idh", factors=["doubt"])
    assert found == pytest.approx([10 * 0.2001 / 0.1001, 10, 10 * 0.1001 / 0.3001])


def test_a_site_that_measured_nothing_speaks_as_the_median_site() -> None:
    voices = [
        voice_of("a", doubt("idh", 0.2, 0.1)),
        voice_of("b", {"epistemic.idh": (0.0, 0), "aleatoric.idh": (0.0, 0)}),
        voice_of("c", doubt("idh", 0.1, 0.1)),
        voice_of("d", doubt("idh", 0.1, 0.3)),
    ]
    assert weights_of("uncertainty_weighted", voices, "head.idh", factors=["doubt"])[1] == pytest.approx(10)


def test_shared_groups_take_the_geometric_mean_over_the_tasks_a_site_has_labels_for() -> None:
    """Site a claims 4 and 9 times the median in two tasks; b has the first task only; c is the median."""
    aleatoric = 0.0  # plus epsilon 1e-4
    low, four, nine = 1e-4, 7e-4, 17e-4  # plus epsilon: 2, 8 and 18 times it

    def both(idh: float, histology: float) -> Claims:
        return {**doubt("idh", idh, aleatoric), **doubt("histology", histology, aleatoric)}

    unmasked = {"decoder": 0}
    voices = [
        voice_of("a", both(four, nine), seen=unmasked),
        voice_of("b", both(four, 100.0), seen=unmasked | {"head.histology": 0}),
        *(voice_of(site, both(low, low), seen=unmasked) for site in ("c", "d", "e")),
    ]
    found = weights_of("uncertainty_weighted", voices, "trunk", factors=["doubt"], cap=100.0)
    assert found == pytest.approx([10 * math.sqrt(4 * 9), 10 * 4, 10, 10, 10])
    assert weights_of("uncertainty_weighted", voices, "stem.t2", factors=["doubt"], cap=100.0) == pytest.approx(found)
    assert weights_of("uncertainty_weighted", voices, "trunk", factors=["doubt"]) == pytest.approx([40, 40, 10, 10, 10])


def test_log_variances_speak_in_their_own_tasks_group_only() -> None:
    voices = [
        voice_of(site, {}, log_variances={"idh": s, "segmentation": 0.0}) for site, s in zip(NAMES, (-1.0, 0.0, 1.0))
    ]
    found = weights_of("uncertainty_weighted", voices, "head.idh", factors=["homoscedastic"])
    assert found == pytest.approx([10 * math.e, 10, 10 / math.e])
    for group in ("trunk", "decoder", "head.histology", "uncertainty.idh"):
        assert weights_of("uncertainty_weighted", voices, group, factors=["homoscedastic"]) == [10, 10, 10]


def test_log_variances_of_sites_without_the_labels_do_not_move_the_median() -> None:
    voices = [
        voice_of(site, {}, log_variances={"idh": s}, seen={"head.idh": n})
        for site, s, n in zip("abcde", (-1.0, 0.0, 1.0, 9.0, 9.0), (10, 10, 10, 0, 0))
    ]
    found = weights_of("uncertainty_weighted", voices, "head.idh", factors=["homoscedastic"])
    assert found == pytest.approx([10 * math.e, 10, 10 / math.e, 0, 0])


def test_both_factors_multiply_and_the_product_is_capped_once() -> None:
    claims = [doubt("idh", e, 0.1) for e in (0.3, 0.1, 0.1)]
    voices = [voice_of(site, c, log_variances={"idh": s}) for site, c, s in zip(NAMES, claims, (-1.0, 0.0, 0.0))]
    ratio = 0.3001 / 0.1001
    assert weights_of("uncertainty_weighted", voices, "head.idh", cap=10.0)[0] == pytest.approx(10 * ratio * math.e)
    assert weights_of("uncertainty_weighted", voices, "head.idh", cap=4.0)[0] == pytest.approx(40)


# precision_weighted


def variance(group: str, value: float) -> Claims:
    return {f"gradient_variance.{group}": (value, 20)}


def test_precision_is_cases_over_variance() -> None:
    voices = [
        voice_of(site, variance("trunk", v), seen={"trunk": n})
        for site, v, n in zip(NAMES, (0.5, 1.0, 2.0), (10, 6, 4))
    ]
    found = weights_of("precision_weighted", voices, "trunk")
    assert found == pytest.approx([10 / 0.501 * 1.001, 6, 4 / 2.001 * 1.001])
    assert weights_of("precision_weighted", voices, "decoder") == [10, 10, 10]


@pytest.mark.parametrize("scale", [1e-8, 1.0, 1e6])
def test_the_unit_of_the_variance_does_not_matter(scale: float) -> None:
    voices = [voice_of(site, variance("trunk", v * scale)) for site, v in zip(NAMES, (0.5, 1.0, 2.0))]
    assert weights_of("precision_weighted", voices, "trunk") == pytest.approx(
        [10 / 0.501 * 1.001, 10, 10 / 2.001 * 1.001]
    )


def test_a_liars_precision_counts_cap_times_the_median() -> None:
    voices = [voice_of(site, variance("trunk", v)) for site, v in zip("abcde", (1e-9, 1.0, 1.1, 0.9, 1.0))]
    assert weights_of("precision_weighted", voices, "trunk")[0] == pytest.approx(40)
    assert weights_of("precision_weighted", voices, "trunk", cap=1.5)[0] == pytest.approx(15)


def test_a_variance_of_zero_is_no_measurement() -> None:
    voices = [voice_of(site, variance("trunk", v)) for site, v in zip(NAMES, (0.0, 1.0, 1.0))]
    assert weights_of("precision_weighted", voices, "trunk") == pytest.approx([10, 10, 10])


# adaptive_pid


def losses(before: float, after: float) -> Claims:
    return {"loss_before": (before, 5), "loss_after": (after, 5)}


def test_pid_adds_shares_of_size_improvement_and_history() -> None:
    voices = [
        voice_of(site, losses(before, after), seen={"trunk": n})
        for site, (before, after), n in zip(NAMES, [(0.5, 0.3), (0.4, 0.3), (0.3, 0.4)], (10, 20, 10))
    ]
    memory = {"losses": {"a": [0.7], "b": [0.6], "c": [0.3]}}
    found = weights_of("adaptive_pid", voices, "trunk", memory)
    history = [0.6, 0.5, 0.3]
    expected = [
        0.45 * n / 40 + 0.45 * d / 0.3 + 0.1 * m / sum(history)
        for n, d, m in zip((10, 20, 10), (0.2, 0.1, 0.0), history)
    ]
    assert found == pytest.approx(expected)
    assert sum(found) == pytest.approx(1)


def test_a_term_that_is_zero_for_all_leaves_its_share_to_the_others() -> None:
    voices = [voice_of(site, losses(0.4, 0.4), seen={"trunk": n}) for site, n in zip(NAMES, (10, 20, 10))]
    found = weights_of("adaptive_pid", voices, "trunk")
    assert found == pytest.approx([(0.45 * n / 40 + 0.1 / 3) / 0.55 * 0.55 for n in (10, 20, 10)])
    assert weights_of("adaptive_pid", voices, "trunk", factors=["improvement"]) == [10, 20, 10]


def test_a_site_without_validation_cases_counts_as_the_median() -> None:
    voices = [voice_of("a", losses(0.5, 0.3)), voice_of("b", losses(0.5, 0.4)), voice_of("c", losses(0.5, 0.5))]
    voices.append(voice_of("d", {"loss_before": (0.0, 0), "loss_after": (0.0, 0)}))
    found = weights_of("adaptive_pid", voices, "trunk", factors=["improvement"], pid=[0.0, 1.0, 0.0])
    assert found == pytest.approx([0.2 / 0.4, 0.1 / 0.4, 0.0, 0.1 / 0.4])


def test_a_claimed_improvement_is_bounded_by_the_others() -> None:
    voices = [voice_of("liar", losses(1.0, 0.0))]
    voices += [voice_of(site, losses(0.5, 0.49)) for site in NAMES]
    found = weights_of("adaptive_pid", voices, "trunk", factors=["improvement"], pid=[0.0, 1.0, 0.0])
    assert found == pytest.approx([4 / 7, 1 / 7, 1 / 7, 1 / 7])


def test_losses_are_remembered_for_a_window_also_of_sites_that_are_away() -> None:
    memory: Mapping[str, object] = {}
    for number in range(WINDOW + 2):
        memory = remember_losses([voice_of("a", losses(number / 10, 0.0))], memory)
    memory = remember_losses([voice_of("b", losses(0.5, 0.4)), voice_of("c", {})], memory)
    assert memory == {"losses": {"a": pytest.approx([0.2, 0.3, 0.4, 0.5, 0.6, 0.7]), "b": [0.5]}}


# semi_supervised


def labels(task: str, known: int, accepted: int, confidence: float) -> Claims:
    return {f"pseudo_labels_known.{task}": (1.0, known), f"pseudo_labels.{task}": (confidence, accepted)}


def test_pseudo_labels_count_by_trust_up_to_the_median_of_labels() -> None:
    voices = [
        voice_of("a", labels("idh", 6, 0, 0.0), seen={"head.idh": 6}),
        voice_of("b", labels("idh", 4, 2, 0.9), seen={"head.idh": 5}),
        voice_of("c", labels("idh", 0, 10, 0.9), seen={"head.idh": 5}),
    ]
    found = weights_of("semi_supervised", voices, "head.idh", factors=["pseudo_labels"])
    assert found == pytest.approx([6, 4 + 2 * 0.9, min(10 * 0.9, 5)])
    assert weights_of("semi_supervised", voices, "uncertainty.idh", factors=["pseudo_labels"]) == found


def test_shared_groups_take_the_largest_of_the_tasks_in_proportion_to_what_they_saw() -> None:
    claims = {**labels("idh", 2, 2, 0.5), **labels("segmentation", 6, 0, 0.0)}
    voices = [voice_of("a", claims, seen={"head.idh": 4, "decoder": 6, "stem.t2": 5, "head.histology": 0})]
    found = {
        group: weights_of("semi_supervised", voices, group, factors=["pseudo_labels"])[0]
        for group in ("decoder", "head.idh", "head.histology", "trunk", "stem.t2", "contrast")
    }
    assert found == pytest.approx(
        {"decoder": 6, "head.idh": 3, "head.histology": 0, "trunk": 6, "stem.t2": 3, "contrast": 0}
    )


def test_more_labels_or_trust_than_there_can_be_are_not_believed() -> None:
    voices = [voice_of("a", labels("idh", 10**6, 10**6, 50.0), seen={"head.idh": 4})]
    assert weights_of("semi_supervised", voices, "head.idh", factors=["pseudo_labels"]) == pytest.approx([4 + 4])


def test_scattered_updates_speak_less() -> None:
    voices = [voice_of(site, {}, norm=norm) for site, norm in zip(NAMES, (5.0, 10.0, 15.0))]
    found = weights_of("semi_supervised", voices, "trunk", factors=["dispersity"], dispersity=1.0)
    assert found == pytest.approx([10 * math.exp(0.5), 10, 10 * math.exp(-0.5)])
    far = [voice_of(site, {}, norm=norm) for site, norm in zip(NAMES, (10.0, 10.0, 1e9))]
    assert weights_of("semi_supervised", far, "trunk", factors=["dispersity"]) == pytest.approx([10, 10, 2.5])


def test_the_norm_counts_only_where_the_site_speaks() -> None:
    voices = [voice_of(site, {}, norm=norm, seen={"trunk": 0}) for site, norm in zip(NAMES, (5.0, 10.0, 15.0))]
    assert weights_of("semi_supervised", voices, "decoder", factors=["dispersity"]) == [10, 10, 10]
