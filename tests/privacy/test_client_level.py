"""Noise on the sum that hides a whole hospital: sensitivity, noise, cost, and a federation that plays with it."""

import json
import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import mpmath  # type: ignore[import-untyped]
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy import stats

from gmmas_core.config import ClientLevelConfig, load_config
from gmmas_core.privacy.clipping import clip_change, l2_norm
from gmmas_core.software import PROTOCOL
from gmmas_core.training.protection import GRADIENT_STAGES
from gmmas_core.training.stages import STAGES
from gmmas_core.types import ConfigError, SiteStatus, SiteUpdate
from server.client_level.clipped_sum import ROUNDING, ClippedSum, count_deviation
from server.client_level.noise import Noise
from server.client_level.speakers import TRAINS, speakers
from server.client_level.spending import spent
from server.lab.engines import in_process
from server.ledger import Ledger
from server.records.run_folder import RunFolder
from server.run import RunPaused

Floats = NDArray[np.float32]

REFERENCE = {
    "encoder.weight": np.full((40, 50), 0.3, np.float32),
    "heads.of.idh.weight": np.full(30, -2.0, np.float32),
    "contrast.weight": np.ones(5, np.float32),
}
SPEAKERS = {"trunk": 3, "head.idh": 2}


class Silence(Noise):
    """No noise, so that the sum itself is seen."""

    def normal(self, size: int, deviation: float) -> NDArray[np.float64]:
        return np.zeros(size)


def update(site: str, moved: float, **seen: int) -> SiteUpdate:
    rng = np.random.default_rng(len(site))
    weights = {
        name: value + np.float32(moved) * rng.normal(size=value.shape).astype(np.float32)
        for name, value in REFERENCE.items()
    }
    counts = {"trunk": 5, "head.idh": 5, "contrast": 0} | {
        name.replace("_", "."): count for name, count in seen.items()
    }
    return SiteUpdate(site=site, run_id="aa", round=1, weights=weights, num_cases=5, seen=counts, uncertainty={})


def gathered(*updates: SiteUpdate, **settings: Any) -> ClippedSum:
    chosen = ClientLevelConfig(**{"name": "fixed_clipping", **settings})
    total = ClippedSum(REFERENCE, SPEAKERS, 3, chosen.clip_norm, chosen)
    for one in updates:
        total.add(one)
    return total


def change(total: ClippedSum) -> dict[str, NDArray[np.float64]]:
    """The sum of the changes behind a mean without noise."""
    mean = total.result(Silence())
    per_name = {"encoder.weight": 3, "heads.of.idh.weight": 2, "contrast.weight": 1}
    return {name: (mean[name].astype(np.float64) - REFERENCE[name]) * per_name[name] for name in mean}


@given(st.floats(1e-6, 1e4), st.floats(1e-3, 1e3), st.integers(0, 2**32 - 1))
def test_a_clipped_change_is_never_longer_than_the_norm(size: float, norm: float, seed: int) -> None:
    rng = np.random.default_rng(seed)
    weights = {
        name: np.asarray(value + size * rng.standard_normal(value.shape), np.float32)
        for name, value in REFERENCE.items()
    }
    clipped = clip_change(weights, REFERENCE, {"trunk"}, norm)
    length = l2_norm(clipped.change)
    assert length <= norm
    assert not clipped.change["heads.of.idh.weight"].any()
    assert clipped.within == (clipped.norm <= norm)
    assert length == pytest.approx(min(norm, clipped.norm), rel=1e-5)


def test_leaving_one_hospital_out_moves_the_sum_by_no_more_than_the_norm() -> None:
    """However large its update, for whichever groups it speaks, and with all others as they are."""
    others = [update("north", 0.001), update("northeast", 50.0)]
    for loud in (update("south", 1e3), update("south", 1e3, head_idh=0), update("south", 1e-3)):
        with_it, without = change(gathered(*others, loud, clip_norm=0.5)), change(gathered(*others, clip_norm=0.5))
        moved = math.sqrt(sum(float(np.sum((with_it[name] - without[name]) ** 2)) for name in REFERENCE))
        assert moved <= 0.5 * ROUNDING


def test_all_sites_weigh_alike_over_a_fixed_number_of_speakers_whoever_answers() -> None:
    """One site of three: the trunk moves by a third of its change, the head by half; the contrast group stays."""
    alone = update("north", 1e-4)
    mean = gathered(alone, clip_norm=10.0).result(Silence())
    trunk = (alone.weights["encoder.weight"] - REFERENCE["encoder.weight"]) / 3
    np.testing.assert_allclose(mean["encoder.weight"], REFERENCE["encoder.weight"] + trunk, atol=1e-7)
    head = (alone.weights["heads.of.idh.weight"] - REFERENCE["heads.of.idh.weight"]) / 2
    np.testing.assert_allclose(mean["heads.of.idh.weight"], REFERENCE["heads.of.idh.weight"] + head, atol=1e-6)
    np.testing.assert_array_equal(mean["contrast.weight"], REFERENCE["contrast.weight"])


def test_noise_has_the_deviation_that_is_paid_for_and_is_never_drawn_twice() -> None:
    total = gathered(update("north", 1.0), clip_norm=0.25, noise_multiplier=2.0)
    first, second = total.result(Noise()), total.result(Noise())
    drawn = (first["encoder.weight"].astype(np.float64) - second["encoder.weight"]) * 3 / math.sqrt(2)
    assert drawn.std() == pytest.approx(0.5 * ROUNDING, rel=0.1)
    silent = gathered(clip_norm=0.25, noise_multiplier=2.0).result(Noise())
    assert silent["heads.of.idh.weight"].std() > 0.1, "a group that could speak gets its noise though nobody spoke"
    np.testing.assert_array_equal(silent["contrast.weight"], REFERENCE["contrast.weight"])


def test_noise_is_normal() -> None:
    drawn = Noise().normal(300_001, 3.0)
    assert drawn.shape == (300_001,)
    assert stats.kstest(drawn / 3, "norm").pvalue > 1e-6
    assert abs(np.corrcoef(drawn[:-1], drawn[1:])[0, 1]) < 0.02


def test_adaptive_clipping_moves_towards_the_quantile_and_costs_no_more() -> None:
    """Theorem 1 of Andrew et al.: sum and count together are one Gaussian mechanism with multiplier z."""
    short, long = update("north", 1e-6), update("northeast", 100.0)
    adaptive = {"name": "adaptive_clipping", "clip_norm": 2.0, "clip_lr": 0.2, "quantile": 0.5}
    assert gathered(short, short, short, **adaptive).next_clip(Silence()) == pytest.approx(2 * math.exp(-0.2 * 0.5))
    assert gathered(long, long, long, **adaptive).next_clip(Silence()) == pytest.approx(2 * math.exp(0.2 * 0.5))
    assert gathered(short, long, **adaptive).next_clip(Silence()) == pytest.approx(2.0)
    assert gathered(long).next_clip(Silence()) == 1.0, "fixed"
    for z, count in ((1.0, 0.0), (0.3, 0.2), (5.0, 40.0)):
        total = gathered(**adaptive | {"noise_multiplier": z, "count_noise": count})
        of_sum = total.sum_deviation / ROUNDING / 2.0
        assert of_sum**-2 + (2 * total.count_deviation) ** -2 == pytest.approx(z**-2)
    assert count_deviation(ClientLevelConfig(name="adaptive_clipping"), 3) == 1.0
    assert count_deviation(ClientLevelConfig(name="adaptive_clipping"), 100) == 5.0


def test_epsilon_is_of_the_rounds_a_site_answered_recomputed_by_another_accountant() -> None:
    """Balle and Wang's formula in 40 digits; no amplification for rounds that did not ask a site."""
    lines = [
        {"kind": "round", "client_level": {"paid": sites, "noise_multiplier": 2.0}}
        for sites in (["east", "north"], ["east"], ["east", "north"])
    ]
    found = spent([*lines, {"kind": "round"}, {"kind": "begun"}], ClientLevelConfig(delta=1e-6))
    mpmath.mp.dps = 40
    for site, rounds in (("east", 3), ("north", 2)):
        mu, epsilon = mpmath.sqrt(rounds) / 2, mpmath.mpf(found[site])
        delta = mpmath.ncdf(mu / 2 - epsilon / mu) - mpmath.exp(epsilon) * mpmath.ncdf(-mu / 2 - epsilon / mu)
        assert 1e-6 * (1 - 1e-6) <= float(delta) <= 1e-6
    mpmath.mp.dps = 15
    assert spent(lines, ClientLevelConfig(noise_multiplier=2.0, delta=1e-6), ["north"])["north"] == found["east"]


def test_speakers_are_what_sites_said_when_they_joined() -> None:
    config = load_config(["experiment=smoke"])
    everything = SiteStatus(
        site="east",
        core_fingerprint="",
        fingerprint_parts={},
        config_hash="",
        num_cases={"train": 6, "validation": 1, "holdout": 1},
        num_sequences={"t1": 6, "t1c": 6, "t2": 6, "flair": 6},
        num_labels={"segmentation": 6, "histology": 6, "idh": 6, "codel_1p19q": 6},
        protocol=PROTOCOL,
        release="",
        image="",
    )
    poor = replace(
        everything,
        num_sequences={**everything.num_sequences, "t1": 0},
        num_labels={**everything.num_labels, "codel_1p19q": 0},
    )
    found = speakers("supervised", [everything, poor], config)
    assert (found["trunk"], found["stem.t1"], found["head.codel_1p19q"], found["decoder"]) == (2, 1, 1, 2)
    assert "contrast" not in found
    assert not [group for group in found if group.startswith("uncertainty")], "they stay at the sites"
    assert speakers("contrast", [everything], config)["contrast"] == 1
    assert {group.split(".")[0] for group in speakers("global_pretrain", [everything], config)} == {"global", "norm"}
    assert speakers("calibrate", [everything], config) == {}


def test_the_stages_that_train_are_those_that_make_noise() -> None:
    assert TRAINS["global_pretrain"] == STAGES["global_pretrain"].__globals__["_SPEAKS_FOR"]
    assert set(TRAINS) == set(GRADIENT_STAGES)
    assert set(STAGES) - set(TRAINS) == {"calibrate", "pseudo_label"}


@pytest.mark.parametrize(
    ("overrides", "says"),
    [
        (["privacy=client_level", "strategy.name=median"], "expected masked_fedavg"),
        (["privacy=client_level", "privacy.client_level.count_noise=0.5"], "above half the noise multiplier"),
        (["privacy=client_level", "privacy.client_level.delta=1"], "below 1"),
    ],
)
def test_what_the_noise_does_not_cover_is_refused(overrides: list[str], says: str) -> None:
    with pytest.raises(ConfigError, match=says):
        load_config(["experiment=smoke", *overrides])


@pytest.mark.slow
def test_a_federation_pauses_before_it_spends_too_much_and_says_what_it_spent(
    play: Callable[..., dict[str, Any]], sites: list[Path], overrides: tuple[str, ...], tmp_path: Path
) -> None:
    folder = RunFolder(tmp_path / "run")
    noise = ("privacy=client_level", "privacy.client_level.noise_multiplier=4", "privacy.client_level.clip_norm=0.001")
    three = ("rounds=3", *noise, "privacy.client_level.max_epsilon=1.5")
    with pytest.raises(RunPaused, match="round 3 would bring epsilon to"):
        play(*three, folder=folder.path)
    rounds = [entry for entry in Ledger(folder.ledger).entries() if entry["kind"] == "round"]
    assert [entry["client_level"]["paid"] for entry in rounds] == [["east", "north", "south"]] * 2
    assert rounds[0]["client_level"]["epsilon"] < rounds[1]["client_level"]["epsilon"] <= 1.5
    assert rounds[1]["client_level"]["clip_norm"] != 0.001, "it adapted"
    assert {weight for part in rounds[0]["sites"].values() for weight in part["weights"].values()} == {0, 1}
    with pytest.raises(RunPaused):  # resumed: the finished rounds are neither drawn nor paid again
        in_process(sites, [*overrides, *three], folder, lambda kind, fields: None)
    again = [entry for entry in Ledger(folder.ledger).entries() if entry["kind"] == "round"]
    assert again == rounds
    report = play("rounds=1", *noise, folder=tmp_path / "short")
    told = report["client_level_privacy"]
    assert told["epsilon"] == rounds[0]["client_level"]["epsilon"]
    assert f"epsilon {told['epsilon']:.3f}" in (tmp_path / "short" / "report.html").read_text()
    assert json.loads((tmp_path / "short" / "report.json").read_text())["client_level_privacy"] == told
