"""Can the probabilities of a task be trusted and acted on? The part of a summary about calibration and decisions.

What comes from the reliability sums is exact everywhere. What comes from levels is exact at a site; at the coordinator
it is computed from the score histograms' bins. Over 200 simulated cohorts that moved 95 of 100 AURCs by less than 0.002
(60 cases) and 0.0005 (300 cases), and equal-mass ECEs, where cases of one histogram bin are dealt to two bins of the
ECE, by less than 0.017 (60), 0.006 (300) and 0.0011 (3000), less than half of what chance does to an ECE at these n.
"""

from collections.abc import Mapping
from typing import Any

from gmmas_core.metrics import calibration_error, selective
from gmmas_core.metrics.calibration_error import Reliability
from gmmas_core.metrics.calibration_slope import calibration_line
from gmmas_core.metrics.decision_curve import THRESHOLDS, decision_curve
from gmmas_core.metrics.doubt import DOUBT_BINS, MOST_NATS, DoubtTable
from gmmas_core.metrics.entries import Summary, as_score
from gmmas_core.metrics.levels import Levels
from gmmas_core.metrics.selective import COVERAGES, SureFirst

_DIGITS = 6
"""Of the numbers in a curve; no drawing shows more."""


def of_bins(table: Reliability) -> Summary:
    """ "ece", "ece_confidence", "ece_classwise", "mce" and the bins themselves, "reliability", for a diagram."""
    worst = calibration_error.mce(table)
    return {
        "ece": {**_ece(table, calibration_error.BINNING), "interval": None},
        "ece_confidence": _ece(table.confidence(), calibration_error.CONFIDENCE_BINNING),
        "ece_classwise": {
            "value": calibration_error.ece_classwise(table),
            "binning": calibration_error.CLASSWISE_BINNING,
        },
        "mce": {
            "value": worst[0] if worst else None,
            "n": worst[1] if worst else 0,
            "binning": calibration_error.BINNING,
        },
        "reliability": [
            {
                "from": place / calibration_error.RELIABILITY_BINS,
                "to": (place + 1) / calibration_error.RELIABILITY_BINS,
                "n": count,
                "mean_probability": said / count if count else None,
                "observed_share": positives / count if count else None,
            }
            for place, (count, said, positives) in enumerate(
                zip(table.count_R.tolist(), table.probability_R.tolist(), table.positives_R.tolist())
            )
        ],
    }


def of_levels(levels: Levels) -> Summary:
    """What needs the distribution of the scores.

    Returns:
        "ece_equal_mass", "slope", "intercept" (Wald intervals), "aurc", "excess_aurc", "risk_coverage" and
        "decision_curve"; each value None without cases.
    """
    line = calibration_line(levels)
    sure_first = selective.by_confidence(levels)
    return {
        "ece_equal_mass": {
            **_ece(calibration_error.equal_mass(levels), calibration_error.EQUAL_MASS_BINNING),
            "interval": None,
        },
        "slope": as_score(line.slope, line.slope_interval) if line else as_score(None),
        "intercept": as_score(line.intercept, line.intercept_interval) if line else as_score(None),
        **of_ranking(sure_first),
        "decision_curve": _decisions(levels),
    }


def of_ranking(cases: SureFirst) -> Summary:
    """ "aurc", "excess_aurc" and the sampled curve, "risk_coverage"."""
    risk = selective.risk_at(cases)
    return {
        "aurc": as_score(selective.aurc(cases)),
        "excess_aurc": as_score(selective.excess_aurc(cases)),
        "risk_coverage": {"coverage": list(COVERAGES), "risk": None if risk is None else _rounded(risk)},
    }


def of_doubt(table: DoubtTable) -> list[Mapping[str, Any]]:
    """Per bin of mutual information (nats): n, mean confidence, share right and the gap between them."""
    bins = zip(table.count_D.tolist(), table.confidence_D.tolist(), table.right_D.tolist(), table.gap_D.tolist())
    return [
        {
            "from": place * MOST_NATS / DOUBT_BINS,
            "to": (place + 1) * MOST_NATS / DOUBT_BINS,
            "n": count,
            "mean_confidence": confidence / count if count else None,
            "share_right": right / count if count else None,
            "gap": gap if count else None,
        }
        for place, (count, confidence, right, gap) in enumerate(bins)
    ]


def _decisions(levels: Levels) -> Summary:
    curve = decision_curve(levels)
    return {
        "threshold": list(THRESHOLDS),
        "model": _rounded(curve.model_P.tolist()) if curve else None,
        "all": _rounded(curve.all_P.tolist()) if curve else None,
    }


def _ece(table: Reliability, binning: str) -> Summary:
    return {
        "value": calibration_error.ece(table),
        "if_calibrated": calibration_error.ece_if_calibrated(table),
        "debiased": calibration_error.ece_debiased(table),
        "binning": binning,
    }


def _rounded(values: list[float]) -> list[float]:
    return [round(value, _DIGITS) for value in values]
