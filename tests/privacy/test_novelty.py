"""What leaves a hospital about its patients' images: under its floor, by its policy, and never beside its budget."""

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from client.data.local_data import LocalData
from client.egress.floor import above_floor
from client.egress.names import require_known, score_names, update_names
from client.egress.populations import answered
from client.policy.privacy import PrivacyPolicy
from client.rounds.novelty import measure_distances, patient_sums
from client.site import Site
from gmmas_core.config import Config, load_config
from gmmas_core.data.cache import PreparedCache
from gmmas_core.data.manifest import read_cases
from gmmas_core.data.phantom import write_federation
from gmmas_core.data.preprocess import PrepareSettings
from gmmas_core.novelty.features import NAMES, Floats
from gmmas_core.novelty.gaussian import fit
from gmmas_core.novelty.held_out import no_distances, sum_distances
from gmmas_core.novelty.stored import Distribution, to_content, to_pieces
from gmmas_core.novelty.sums import no_patients, sum_key, sum_patients
from gmmas_core.training.patient_features import features_at
from gmmas_core.types import Case, EvaluationPlan, FederationError, Metric, RoundPlan, Sum

FLOOR = 5


def site(tmp_path: Path, **policy: Any) -> Site:
    return Site(
        name="north",
        folder=tmp_path,
        state=tmp_path / "state",
        label_convention="brats2021",
        device="cpu",
        threads=1,
        cohort_floor=FLOOR,
        allowed_stages=None,
        privacy=PrivacyPolicy(**policy),
    )


def rows(count: int, seed: int = 1) -> list[Floats]:
    return list(0.3 + 0.2 * np.random.default_rng(seed).standard_normal((count, len(NAMES))))


def told(metrics: dict[str, Metric]) -> int:
    return sum(metric.count > 0 for metric in metrics.values() if isinstance(metric, Sum))


def test_below_the_floor_nothing_is_told_and_above_it_everything(tiny_config: Config) -> None:
    assert told(above_floor(sum_patients(rows(FLOOR - 1)), FLOOR)) == 0
    assert above_floor(sum_patients(rows(FLOOR)), FLOOR) == sum_patients(rows(FLOOR))
    few_have_t1 = rows(8)
    for row in few_have_t1[4:]:
        row[[name.startswith("t1-") for name in NAMES]] = np.nan
    kept = above_floor(sum_patients(few_have_t1), FLOOR)
    assert kept[sum_key(0, ("t1",))] == Sum(0.0, 0)
    assert kept[sum_key(NAMES.index("t2-low"), ("t2",))] != Sum(0.0, 0)
    gaussian = fit(sum_patients(rows(30)))
    assert gaussian is not None
    assert told(above_floor(sum_distances(gaussian, rows(FLOOR - 1)), FLOOR)) == 0
    require_known(sum_patients(rows(9)), update_names(tiny_config.task_list))
    require_known(sum_distances(gaussian, rows(9)), score_names(tiny_config.task_list))


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> LocalData:
    """Seven phantoms, of whom two studies are one patient's; all are validation cases."""
    (folder,) = write_federation(tmp_path_factory.mktemp("novelty") / "sites", sites=1, cases=7, size=32, seed=5)
    cases = read_cases(folder, "north", holdout_share=0.2, validation_share=0.2)
    cases = tuple(replace(case, split="validation") for case in cases)
    cases = (*cases[:-1], replace(cases[-1], patient_id=cases[0].patient_id))
    settings = PrepareSettings(spacing_mm=6.0, context_size=8, label_convention="brats2021")
    return LocalData(cases, PreparedCache(folder / ".gmmas" / "prepared", settings))


def features(data: LocalData, cases: Sequence[Case]) -> list[Floats]:
    return [features_at(case, data.cache) for case in cases]


@pytest.mark.parametrize("others", ["a second study", "T2 alone"])
def test_a_patient_who_joins_between_two_rounds_is_not_the_difference_of_their_sums(
    data: LocalData, tmp_path: Path, others: str
) -> None:
    """A stranger joins together with somebody who adds nothing to the sums of some group: none of the two is told."""
    one = replace(site(tmp_path), cohort_floor=2)
    config = load_config(["experiment=smoke", "data.spacing_mm=6"])
    known = [replace(case, split="train") for case in data.cases[:4]]
    stranger, other = (replace(case, split="train") for case in data.cases[4:6])
    is_t2 = others == "T2 alone"
    other = replace(other, images={"t2": other.images["t2"]}) if is_t2 else replace(other, patient_id="phantom-of-1")
    if not is_t2:
        known[0] = replace(known[0], patient_id="phantom-of-1")

    def told(cases: Sequence[Case]) -> dict[str, Metric]:
        seen = LocalData(tuple(cases), data.cache, answered=partial(answered, one))
        return patient_sums(one, round_plan("calibrate"), config, seen)

    before, after = told(known), told([*known, stranger, other])
    for key, metric in after.items():
        held = before[key]
        assert isinstance(metric, Sum)
        assert isinstance(held, Sum)
        assert abs(metric.count - held.count) != 1, key


def test_policy_and_budget_keep_the_sums_here(data: LocalData, tmp_path: Path) -> None:
    data = replace(data, cases=tuple(replace(case, split="train") for case in data.cases))
    configs = [load_config(["experiment=smoke", "data.spacing_mm=6", *more]) for more in ((), ("privacy=secure_sum",))]
    sums = sum_patients(features(data, data.cases[:6]))
    assert told(sums) > 100

    def given(stage: str, config: Config, **policy: Any) -> dict[str, Metric]:
        return patient_sums(site(tmp_path, **policy), round_plan(stage), config, data)

    for statistics, expected in (("per_site", [sums, sums]), ("summed", [no_patients(), sums])):
        assert [given("calibrate", config, statistics=statistics) for config in configs] == expected
    assert given("calibrate", configs[1], statistics="refused") == no_patients()
    assert given("calibrate", configs[1], epsilon=8.0) == no_patients()
    assert given("calibrate", configs[1], statistics_epsilon=1.0) == no_patients(), "these sums have no noise"
    assert given("supervised", configs[0]) == {}


def round_plan(stage: str) -> RoundPlan:
    return RoundPlan(
        run_id="r",
        round=1,
        seed=0,
        weights_hash="",
        stage=stage,
        local_steps=1,
        lr=0.1,
        tasks=(),
        deadline_s=1.0,
        config_hash="",
        core_fingerprint="f",
    )


def plan(distribution: tuple[str, ...]) -> EvaluationPlan:
    return EvaluationPlan(
        run_id="r",
        round=1,
        seed=0,
        weights_hash="",
        split="validation",
        subject="distances",
        config_hash="",
        core_fingerprint="f",
        deadline_s=1.0,
        distribution=distribution,
    )


def test_every_patient_is_measured_once_and_only_where_policy_says_so(data: LocalData, tmp_path: Path) -> None:
    config = load_config(["experiment=smoke", "data.spacing_mm=6"])
    gaussian = fit(sum_patients(rows(40)))
    assert gaussian is not None
    asked = plan(to_pieces(to_content(Distribution(gaussian=gaussian, spacing_mm=6.0))))
    given = measure_distances(site(tmp_path), asked, config, data)
    patients = features(data, data.cases[:6])
    assert given.num_cases == len(patients) >= FLOOR
    assert given.metrics == sum_distances(gaussian, patients)
    for policy in ({"statistics": "refused"}, {"statistics": "summed"}, {"statistics_epsilon": 1.0}):
        silent = measure_distances(site(tmp_path, **policy), asked, config, data)
        assert (silent.num_cases, silent.metrics) == (0, no_distances())
    with pytest.raises(FederationError, match="distribution"):
        measure_distances(site(tmp_path), plan(()), config, data)
