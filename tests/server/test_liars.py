"""The table of lying sites, through the coordinator's own weighing, screening and averaging.

Few seeds, the same cohorts for every way: what is asserted holds by wide margins and is about pairs, not about numbers.
"""

from functools import cache

import numpy as np
import pytest

from server.lab.liars import NUM_SITES, SCENARIOS, WAYS, as_markdown, honest, liars_table

SEEDS = 12


@cache
def error(scenario: str, way: str) -> float:
    return liars_table(SEEDS, [scenario], [way])[0].mean


def test_fedavg_is_the_closed_form() -> None:
    errors = []
    for seed in range(SEEDS):
        cohort = honest(seed)
        mean_N = np.average(cohort.estimate_SN, axis=0, weights=cohort.cases_S)
        errors.append(np.mean((mean_N - cohort.truth_N) ** 2))
    assert error("honest", "FedAvg") == pytest.approx(np.mean(errors), rel=1e-4)


def test_uncapped_precision_is_cases_over_variance_with_a_small_floor() -> None:
    errors = []
    for seed in range(SEEDS):
        cohort = honest(seed)
        weights = cohort.cases_S / (cohort.variance_S + 1e-3 * np.median(cohort.variance_S))
        mean_N = np.average(cohort.estimate_SN, axis=0, weights=weights)
        errors.append(np.mean((mean_N - cohort.truth_N) ** 2))
    assert error("honest", "precision, uncapped") == pytest.approx(np.mean(errors), rel=1e-3)


def test_honest_claims_help() -> None:
    for way in ("precision, cap 4", "precision, cap 4 + screen", "precision, cap 4 + strict screen"):
        assert error("honest", way) < 0.6 * error("honest", "FedAvg")


def test_one_uncapped_liar_takes_the_model_over() -> None:
    assert error("one liar", "precision, uncapped") > 20 * error("one liar", "FedAvg")


def test_a_cap_alone_is_worse_than_plain_averaging() -> None:
    assert error("one liar", "precision, cap 4") > 1.5 * error("one liar", "FedAvg")


@pytest.mark.parametrize("scenario", ["one liar", "two liars", "noisy labels", "broken scanner"])
def test_cap_and_screen_beat_plain_averaging_whatever_is_wrong(scenario: str) -> None:
    for way in ("precision, cap 4 + screen", "precision, cap 4 + strict screen"):
        assert error(scenario, way) < 0.8 * error(scenario, "FedAvg")


@pytest.mark.parametrize("scenario", ["one liar", "two liars", "noisy labels", "broken scanner"])
def test_leaving_doubted_sites_out_beats_median_and_trimmed_mean(scenario: str) -> None:
    strict = error(scenario, "precision, cap 4 + strict screen")
    assert strict < error(scenario, "median")
    assert strict < error(scenario, "trimmed mean")


def test_the_screen_leaves_the_liars_out_and_few_honest_sites() -> None:
    left_out = {
        scenario: liars_table(SEEDS, [scenario], ["precision, cap 4 + strict screen"])[0].left_out
        for scenario in ("honest", "one liar", "two liars")
    }
    assert left_out["honest"] < 0.1 * NUM_SITES
    assert 1 <= left_out["one liar"] < 1.6
    assert 2 <= left_out["two liars"] < 2.6


def test_the_table_has_a_cell_with_an_interval_for_every_way_and_scenario() -> None:
    rows = liars_table(2, ["honest", "one liar"], ["FedAvg", "median"])
    assert all(row.low <= row.mean <= row.high for row in rows)
    lines = as_markdown(rows).splitlines()
    assert lines[0] == "| | honest | one liar |"
    assert lines[2].startswith("| FedAvg | ")
    assert lines[3].startswith("| median | ")
    assert lines[2].count(" to ") == 2
    assert set(WAYS) >= {row.strategy for row in rows}
    assert set(SCENARIOS) >= {row.scenario for row in rows}
