"""How long a round would take at real hospitals: times drawn from what the FeTS federation measured.

The initiative's challenge code carries the least, median and largest time per site. A time is drawn so that its median
and its range are those: with probability one half log-uniform between least and median, else between median and
largest. That is the least one can assume from three numbers; the tails inside the range are not known.

A transfer takes its drawn time for uncompressed float32 weights and proportionally less for fewer bytes.

Source: FETS-AI/Challenge, Task_1/fets_challenge/experiment.py (lists copied from the real federation).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from gmmas_core.config import FederationConfig
from server.rounds.deadlines import deadlines, observe

Range = tuple[float, float, float]

TRAINING_S: Range = (1.8, 5.8, 20.7)
"""Seconds per patient: least, median, largest."""
VALIDATION_S: Range = (9.7, 15.3, 40.2)
"""Seconds per patient."""
DOWNLOAD_S: Range = (13.0, 98.9, 217.0)
"""Seconds per model."""
UPLOAD_S: Range = (20.0, 151.0, 431.0)
"""Seconds per model."""

PATIENTS = 1251
"""Training patients of the FeTS 2022 partition; a study's hospitals are scaled to as many together."""

SPREAD = 0.3
"""Standard deviation of the logarithm of a site's time from round to round; assumed, FeTS publishes none."""


@dataclass(frozen=True, kw_only=True)
class SiteTime:
    """One hospital's pace: seconds per patient trained on and validated on, and per float32 model."""

    training_s: float
    validation_s: float
    download_s: float
    upload_s: float

    def round_s(self, trained: float, validated: float, sent_share: float, received_share: float) -> float:
        """Seconds from question to reply.

        Args:
            trained, validated: patients.
            sent_share: bytes that go to the site over those of the float32 weights; `received_share` back.
        """
        work = trained * self.training_s + validated * self.validation_s
        return work + sent_share * self.download_s + received_share * self.upload_s


def draw_time(between: Range, rng: np.random.Generator) -> float:
    """One time: its median and range are those given."""
    least, median, largest = between
    low, high = (least, median) if rng.random() < 0.5 else (median, largest)
    return float(np.exp(rng.uniform(np.log(low), np.log(high))))


def draw_sites(names: Sequence[str], seed: int) -> dict[str, SiteTime]:
    """Every hospital's pace; a name's pace depends on the seed and its place alone."""
    found = {}
    for number, name in enumerate(names):
        rng = np.random.default_rng([seed, number])
        training, validation, download, upload = (
            draw_time(between, rng) for between in (TRAINING_S, VALIDATION_S, DOWNLOAD_S, UPLOAD_S)
        )
        found[name] = SiteTime(training_s=training, validation_s=validation, download_s=download, upload_s=upload)
    return found


@dataclass(frozen=True, kw_only=True)
class Simulated:
    """Many rounds of one federation.

    Attributes:
        hours_all: mean hours of a round that waits for everyone.
        hours_soft: mean hours of a round that closes at the soft deadline when a quorum has answered.
        cut: site -> share of the rounds in which the soft deadline left it out.
        slowest: the site that takes longest on average.
    """

    hours_all: float
    hours_soft: float
    cut: Mapping[str, float]
    slowest: str

    def to_json(self) -> dict[str, Any]:
        """For study.json."""
        return {
            "hours_all": self.hours_all,
            "hours_soft": self.hours_soft,
            "cut": dict(self.cut),
            "slowest": self.slowest,
        }


def simulate_rounds(
    trained: Mapping[str, int],
    validated: Mapping[str, int],
    config: FederationConfig,
    *,
    sent_share: float,
    received_share: float,
    rounds: int = 200,
    seed: int = 0,
) -> Simulated:
    """Play rounds on a clock of their own, with the coordinator's own rule for its deadlines.

    Args:
        trained: site -> training cases of the study; scaled so that all together are PATIENTS.
        validated: site -> validation cases; scaled likewise.
        config: deadlines and quorum.
        sent_share, received_share: bytes of an exchange over those of float32 weights.
        rounds: played; the same random numbers whatever the shares, so that arms are compared on equal footing.
        seed: of paces and of their spread.
    """
    scale = PATIENTS / sum(trained.values())
    paces = draw_sites(list(trained), seed)
    rng = np.random.default_rng([seed, len(trained), rounds])
    usual = {
        name: pace.round_s(scale * trained[name], scale * validated[name], sent_share, received_share)
        for name, pace in paces.items()
    }
    times: dict[str, list[float]] = {}
    took, closed, cut = [], [], dict.fromkeys(trained, 0)
    for _ in range(rounds):
        spread = np.exp(SPREAD * rng.standard_normal(len(usual)))
        now = {name: seconds * float(factor) for (name, seconds), factor in zip(usual.items(), spread, strict=True)}
        soft_s = deadlines(times, list(now), config).soft_s
        in_time = {name: seconds for name, seconds in now.items() if seconds <= soft_s}
        everyone = max(now.values())
        took.append(everyone)
        # Below the quorum the round stays open until enough have answered.
        needed = sorted(now.values())[min(config.quorum, len(now)) - 1]
        end = everyone if len(in_time) == len(now) else max(soft_s, needed)
        closed.append(end)
        for name, seconds in now.items():
            cut[name] += seconds > end
            if seconds <= end:
                observe(times, name, seconds)
    return Simulated(
        hours_all=float(np.mean(took)) / 3600,
        hours_soft=float(np.mean(closed)) / 3600,
        cut={name: count / rounds for name, count in cut.items()},
        slowest=max(usual, key=lambda name: usual[name]),
    )
