"""The poison matrix: each fault rejects its update with a reason that names the fault and shows no value."""

import dataclasses
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from gmmas_core.config import ScreeningConfig
from gmmas_core.fixed_point import bound_of
from gmmas_core.model.parameter_groups import GROUPS
from gmmas_core.software import PROTOCOL
from gmmas_core.types import RoundPlan, SiteStatus, SiteUpdate, Sum, Task
from server.screening.updates import MAX_CASES, Rejected, screen, screen_status

TASKS = (Task.IDH,)
STEM, TRUNK, LOG_VARIANCE = "fusion.stem.weight_t2", "encoder.conv.weight", "uncertainty.log_variance_idh"
REFERENCE = {
    STEM: np.zeros((2, 3), np.float32),
    TRUNK: np.full(4, 0.5, np.float32),
    LOG_VARIANCE: np.zeros(1, np.float32),
}
ENLISTED = SiteStatus(
    site="north",
    core_fingerprint="f00d",
    fingerprint_parts={},
    config_hash="",
    num_cases={"train": 20, "validation": 4, "holdout": 6},
    num_sequences={"t1": 20, "t1c": 20, "t2": 12, "flair": 15},
    num_labels={"segmentation": 12, "idh": 14},
    protocol=PROTOCOL,
    release="1",
    image="",
)
Judge = Callable[..., None]


def good() -> SiteUpdate:
    """A fit update with its own copies, so that a test may spoil any part of it."""
    return SiteUpdate(
        site="north",
        run_id="run-1",
        round=3,
        weights={key: value + np.float32(0.1) for key, value in REFERENCE.items()},
        num_cases=12,
        seen=dict.fromkeys(GROUPS(TASKS), 12),
        uncertainty={"segmentation": -0.5, "idh": 0.25},
        metrics={"dice.wt": Sum(3.5, 4), "dice-histogram.wt": (0, 1, 3)},
        duration_s=2.0,
        core_fingerprint="f00d",
    )


@pytest.fixture
def judge(screening: ScreeningConfig, plan: RoundPlan) -> Judge:
    """Screen an update of a site that joined as ENLISTED."""

    def judge(update: SiteUpdate, stage: str = "supervised", reference: Any = REFERENCE) -> None:
        asked = dataclasses.replace(plan, stage=stage, local_steps=5)
        bounds = {name: bound_of(name, value) for name, value in reference.items()}
        screen(update, reference, asked, bounds=bounds, fingerprint="f00d", enlisted=ENLISTED, config=screening)

    return judge


def spoilt(**changes: Any) -> SiteUpdate:
    """A fit update with some fields replaced."""
    return dataclasses.replace(good(), **changes)


def with_seen(num_cases: int, **seen: int) -> SiteUpdate:
    """A fit update of so many cases, with some groups' counts replaced; names with __ for their dots."""
    changed = {group.replace("__", "."): count for group, count in seen.items()}
    return spoilt(num_cases=num_cases, seen={**good().seen, **changed})


def with_signal(name: str, metric: Any) -> SiteUpdate:
    """A fit update with one signal more."""
    return spoilt(metrics={**good().metrics, f"signal.{name}": metric})


def with_array(key: str, array: Any) -> SiteUpdate:
    """A fit update with one array replaced."""
    return spoilt(weights={**good().weights, key: array})


def with_value(key: str, value: float) -> SiteUpdate:
    """A fit update with one number of one array replaced."""
    update = good()
    update.weights[key].reshape(-1)[-1] = value
    return update


def without(key: str) -> SiteUpdate:
    """A fit update that lacks one array."""
    return spoilt(weights={name: value for name, value in good().weights.items() if name != key})


def test_a_fit_update_passes(judge: Judge) -> None:
    judge(good())


def test_a_site_that_saw_nothing_passes(judge: Judge) -> None:
    judge(spoilt(num_cases=0, seen=dict.fromkeys(GROUPS(TASKS), 0)))


CASES: dict[str, tuple[Callable[[], SiteUpdate], str]] = {
    "stranger": (lambda: spoilt(site="mallory\x1b[31m<b>"), r"site mallory\?\?31m\?b\?: not the site"),
    "other run": (lambda: spoilt(run_id="run-2"), "another run or round"),
    "other round": (lambda: spoilt(round=2), "another run or round"),
    "fingerprint": (lambda: spoilt(core_fingerprint="beef"), "another core fingerprint"),
    "missing array": (lambda: without(STEM), f"weights: found missing {STEM}"),
    "unknown array": (lambda: with_array("x" * 99, np.zeros(1, "f4")), f"weights: found unknown {'x' * 48};"),
    "shape": (lambda: with_array(TRUNK, np.zeros((4, 1), "f4")), f"another shape or dtype for {TRUNK}"),
    "float64": (lambda: with_array(TRUNK, np.zeros(4)), f"another shape or dtype for {TRUNK}"),
    "integers": (lambda: with_array(TRUNK, np.zeros(4, np.int64)), f"another shape or dtype for {TRUNK}"),
    "big-endian": (lambda: with_array(TRUNK, np.zeros(4, ">f4")), f"another shape or dtype for {TRUNK}"),
    "objects": (lambda: with_array(TRUNK, np.array([None] * 4)), f"another shape or dtype for {TRUNK}"),
    "no array": (lambda: with_array(TRUNK, [0.0] * 4), f"another shape or dtype for {TRUNK}"),
    "NaN": (lambda: with_value(STEM, np.nan), "NaN or infinity in stem.t2"),
    "infinity": (lambda: with_value(LOG_VARIANCE, -np.inf), "NaN or infinity in uncertainty.idh"),
    "huge": (lambda: with_value(TRUNK, 1e20), "beyond the bound of this round in trunk"),
    "just beyond": (lambda: with_value(TRUNK, -16.01), "beyond the bound of this round in trunk"),
    "negative cases": (lambda: spoilt(num_cases=-5), "num_cases: .* what it joined with"),
    "too many cases": (lambda: spoilt(num_cases=10**9), "num_cases: .* what it joined with"),
    "NaN cases": (lambda: spoilt(num_cases=float("nan")), "num_cases: "),
    "True cases": (lambda: spoilt(num_cases=True), "num_cases: "),
    "fractional cases": (lambda: spoilt(num_cases=3.5), "num_cases: "),
    "seen more than cases": (lambda: spoilt(seen={**good().seen, "trunk": 13}), "seen: .* for trunk"),
    "seen negative": (lambda: spoilt(seen={**good().seen, "trunk": -1}), "seen: .* for trunk"),
    "seen True": (lambda: spoilt(seen={**good().seen, "trunk": True}), "seen: .* for trunk"),
    "seen NaN": (lambda: spoilt(seen={**good().seen, "trunk": float("nan")}), "seen: .* for trunk"),
    "seen missing": (lambda: spoilt(seen={}), r"seen: found missing .* and \d+ more"),
    "seen unknown": (lambda: spoilt(seen={**good().seen, "head.mgmt": 1}), "seen: found unknown head.mgmt"),
    "uncertainty NaN": (lambda: spoilt(uncertainty={"segmentation": 0.0, "idh": float("nan")}), "uncertainty: .* idh"),
    "uncertainty missing": (lambda: spoilt(uncertainty={"idh": 0.0}), "uncertainty: found missing segmentation"),
    "uncertainty True": (lambda: spoilt(uncertainty={"segmentation": True, "idh": 0.0}), "uncertainty: .*segmentation"),
    "uncertainty absurd": (lambda: spoilt(uncertainty={"segmentation": -20.5, "idh": 0.0}), "uncertainty: .*segmentat"),
    "more than joined with": (lambda: with_seen(21), "num_cases: "),
    "more T2 than it has": (lambda: with_seen(20, stem__t2=13), r"seen: found more cases for stem\.t2 "),
    "more global FLAIR": (lambda: with_seen(20, global__stem__flair=16), r"seen: .* global\.stem\.flair "),
    "more labels": (lambda: with_seen(20, head__idh=15), r"seen: .* head\.idh "),
    "more log-variances": (lambda: with_seen(20, uncertainty__idh=15), r"seen: .* uncertainty\.idh "),
    "more masks": (lambda: with_seen(20, decoder=13), "seen: .* decoder "),
    "duration": (lambda: spoilt(duration_s=float("inf")), "duration_s"),
    "metric total": (lambda: spoilt(metrics={"loss": Sum(float("nan"), 1)}), "metrics: .* loss"),
    "metric count": (lambda: spoilt(metrics={"loss": Sum(1.0, -1)}), "metrics: .* loss"),
    "histogram": (lambda: spoilt(metrics={"score.idh.positive": (1, -1)}), "metrics: .* score.idh.positive"),
}


@pytest.mark.parametrize("name", CASES)
def test_each_fault_is_rejected_with_its_reason(name: str, judge: Judge) -> None:
    make, reason = CASES[name]
    with pytest.raises(Rejected, match=reason) as caught:
        judge(make())
    text = str(caught.value)
    assert len(text) < 300
    assert text.isascii()
    assert text.isprintable()


def test_many_faulty_names_are_listed_shortly(judge: Judge) -> None:
    update = spoilt(weights={f"unknown.{number}": np.zeros(1, "f4") for number in range(1000)})
    with pytest.raises(Rejected, match=r"missing .* and unknown unknown\.0, unknown\.1, unknown\.10 and 997 more"):
        judge(update)


def test_the_bound_follows_the_reference(judge: Judge) -> None:
    judge(with_value(TRUNK, 1500), reference={**REFERENCE, TRUNK: np.full(4, 100, np.float32)})
    with pytest.raises(Rejected):
        judge(with_value(TRUNK, 1500))


def test_counts_may_reach_what_the_site_joined_with(judge: Judge) -> None:
    judge(with_seen(20, trunk=20, stem__t2=12, stem__flair=15, head__idh=14, decoder=12))


@pytest.mark.parametrize("stage", ["semi_supervised", "distill", "contrast", "finetune"])
def test_pseudo_labels_may_inform_decoder_and_heads_but_bring_no_sequence(stage: str, judge: Judge) -> None:
    judge(with_seen(20, head__idh=20, decoder=20, uncertainty__idh=20), stage)
    with pytest.raises(Rejected, match=r"stem\.t2"):
        judge(with_seen(20, stem__t2=13), stage)


POSSIBLE = {
    "epistemic.idh": Sum(0.4, 4),
    "aleatoric.segmentation": Sum(4 * np.log(4), 4),
    "epistemic.segmentation": Sum(-1e-9, 1),  # a mutual information that rounding has made negative
    "loss_before": Sum(3.0, 4),
    "loss_after": Sum(0.0, 0),
    "gradient_variance.trunk": Sum(1e9, 5),
    "pseudo_labels.idh": Sum(18.5, 20),
    "pseudo_labels_known.segmentation": Sum(12.0, 12),
}
IMPOSSIBLE = {
    "epistemic.idh": [Sum(0.4, 5), Sum(-0.1, 4), Sum(5.6, 4), Sum(0.1, 0), (1, 2)],
    "aleatoric.mgmt": [Sum(0.1, 1)],
    "loss_before": [Sum(-1.0, 4), Sum(8.1, 4), Sum(1.0, 5)],
    "loss_before.idh": [Sum(1.0, 1)],
    "gradient_variance.trunk": [Sum(1.0, 6), Sum(-1.0, 5)],
    "gradient_variance.head.mgmt": [Sum(1.0, 1)],
    "pseudo_labels.idh": [Sum(20.5, 20), Sum(1.0, 21)],
    "pseudo_labels_known.idh": [Sum(15.0, 15), Sum(3.0, 4)],
    "trust": [Sum(1.0, 1)],
}


@pytest.mark.parametrize("name", POSSIBLE)
def test_a_possible_signal_passes(name: str, judge: Judge) -> None:
    judge(with_signal(name, POSSIBLE[name]))


@pytest.mark.parametrize(("name", "metric"), [(name, metric) for name, bad in IMPOSSIBLE.items() for metric in bad])
def test_an_impossible_signal_is_rejected(name: str, metric: Any, judge: Judge) -> None:
    with pytest.raises(Rejected, match=rf"impossible values for signal\.{name};"):
        judge(with_signal(name, metric))


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"num_cases": {**ENLISTED.num_cases, "train": MAX_CASES + 1}}, r"unfit counts for cases\.train"),
        ({"num_cases": {**ENLISTED.num_cases, "holdout": -1}}, r"unfit counts for cases\.holdout"),
        ({"num_sequences": {**ENLISTED.num_sequences, "t1": 21}}, r"unfit counts for sequences\.t1"),
        ({"num_labels": {**ENLISTED.num_labels, "idh": 21}}, r"unfit counts for labels\.idh"),
        ({"num_labels": {**ENLISTED.num_labels, "idh": True}}, r"unfit counts for labels\.idh"),
        ({"num_cases": {}}, "cases: found missing holdout, train, validation"),
        ({"num_sequences": {"t1": 2}}, "sequences: found missing flair, t1c, t2"),
        ({"num_labels": {**ENLISTED.num_labels, "age": 2}}, "labels: found unknown age"),
    ],
)
def test_a_site_joins_with_possible_counts_only(changes: dict[str, Any], reason: str) -> None:
    screen_status(ENLISTED, TASKS)
    with pytest.raises(Rejected, match=reason):
        screen_status(dataclasses.replace(ENLISTED, **changes), TASKS)
