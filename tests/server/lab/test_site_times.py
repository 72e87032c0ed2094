"""Simulated hours: the drawn times are those of FeTS, bytes count in proportion, and a soft deadline only shortens."""

from dataclasses import replace

import numpy as np
import pytest

from gmmas_core.config import load_config
from server.lab.site_times import (
    DOWNLOAD_S,
    TRAINING_S,
    UPLOAD_S,
    VALIDATION_S,
    Range,
    SiteTime,
    draw_sites,
    draw_time,
    simulate_rounds,
)

FEDERATION = replace(load_config([]).federation, deadline_s=86400.0, quorum=2)
CASES = {"a": 100, "b": 50, "c": 10}


@pytest.mark.parametrize("between", [TRAINING_S, VALIDATION_S, DOWNLOAD_S, UPLOAD_S])
def test_drawn_times_have_the_median_and_the_range_of_fets(between: Range) -> None:
    rng = np.random.default_rng(0)
    drawn = np.array([draw_time(between, rng) for _ in range(20_000)])
    least, median, largest = between
    assert drawn.min() >= least
    assert drawn.max() <= largest
    assert (drawn < median).mean() == pytest.approx(0.5, abs=0.02)


def test_a_hospitals_pace_depends_on_seed_and_place_alone() -> None:
    assert draw_sites(["a", "b"], 3)["b"] == draw_sites(["x", "b", "c"], 3)["b"] != draw_sites(["a", "b"], 4)["b"]


def test_a_rounds_seconds_by_hand() -> None:
    pace = SiteTime(training_s=2.0, validation_s=3.0, download_s=100.0, upload_s=200.0)
    assert pace.round_s(10, 4, 1.0, 0.5) == 10 * 2 + 4 * 3 + 100 + 100


def test_fewer_bytes_take_less_time_and_the_soft_deadline_never_more() -> None:
    held = dict.fromkeys(CASES, 4)
    whole = simulate_rounds(CASES, held, FEDERATION, sent_share=1.0, received_share=1.0)
    half = simulate_rounds(CASES, held, FEDERATION, sent_share=1.0, received_share=0.5)
    assert half.hours_all < whole.hours_all
    assert whole.hours_soft <= whole.hours_all
    assert all(0 <= share < 0.5 for share in whole.cut.values())
    patient = replace(FEDERATION, soft_factor=50.0)
    waiting = simulate_rounds(CASES, held, patient, sent_share=1.0, received_share=1.0)
    assert waiting.hours_soft == waiting.hours_all
    assert not any(waiting.cut.values())
