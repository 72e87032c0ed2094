"""Verdicts and the table of thresholds."""

import subprocess
import sys

import pytest

from gmmas_core.quality import THRESHOLDS, Check, Threshold, Verdict, worst
from gmmas_core.quality.check import gravest


def check(verdict: Verdict) -> Check:
    return Check(id="skull", verdict=verdict, found="3000 mL", expected="2000 mL", action="strip it", where="t1")


def test_the_gravest_verdict_wins() -> None:
    assert gravest(Verdict.PASS, Verdict.FAIL, Verdict.WARN) is Verdict.FAIL
    assert worst([check(Verdict.PASS), check(Verdict.NOT_ASSESSABLE)]) is Verdict.NOT_ASSESSABLE
    assert worst([]) is Verdict.PASS


def test_a_check_reads_as_a_message() -> None:
    assert str(check(Verdict.FAIL)) == "skull (t1): found 3000 mL; expected 2000 mL; strip it"


@pytest.mark.parametrize("name", THRESHOLDS)
def test_every_threshold_has_a_reason_and_steps_in_order(name: str) -> None:
    rule = THRESHOLDS[name]
    assert len(rule.reason) > 20
    assert rule.warn is not None or rule.fail is not None or rule is THRESHOLDS["interpolated"], "a site may ask"
    if rule.warn is not None and rule.fail is not None:
        assert (rule.fail > rule.warn) == rule.above


def test_which_thresholds_were_placed_after_seeing_the_data_is_on_record() -> None:
    seen = {name for name, rule in THRESHOLDS.items() if rule.after_seeing}
    assert seen == {
        *("large_content", "dark_part", "missing_piece", "cut_at_edge", "noise", "tissue_contrast"),
        *("symmetry", "duplicates", "tissue", "contrast_agent", "saturation"),
        *("signal_to_noise", "interpolated", "alignment", "cavity", "same_scan"),
    }


def test_a_step_itself_is_still_good() -> None:
    rule = Threshold(warn=1.0, fail=2.0, above=True, unit="", reason="", after_seeing=False)
    assert [rule.verdict(value) for value in (1.0, 1.1, 2.0, 2.1)] == [
        *(Verdict.PASS, Verdict.WARN),
        *(Verdict.WARN, Verdict.FAIL),
    ]


def test_measures_and_checks_load_no_network() -> None:
    """A reading room opens a stored case without loading torch."""
    code = "import sys, gmmas_core.measures, gmmas_core.quality; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
