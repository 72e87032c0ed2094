"""What one wrong site does to each way of aggregating: a synthetic cohort played through the coordinator's own code.

Eight sites estimate a vector of 200 parameters, theirs being the truth plus noise of a standard deviation that differs
from site to site. Each claims the variance of its estimate as its gradient variance, and has a number of cases that has
nothing to do with that variance. Then one site or two are wrong; the error is the mean squared error of the aggregate.
`python -m server.lab.liars [SEEDS]` writes the table.
"""

import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from gmmas_core.config import Config, load_config
from gmmas_core.types import Sum
from server.aggregation.spool import Spool
from server.aggregation.weighted_mean import weighted_mean
from server.screening.cohort import far_sites
from server.screening.plain_share import hold_to_plain_share
from server.strategy import strategy_of
from server.strategy.voice import Voice

NUM_SITES, NUM_PARAMETERS, NUM_STEPS = 8, 200, 100
SHIFT = 5.0  # of a liar's and of a broken scanner's parameters
CLAIM = 1e-6  # variance that a liar claims: a precision of a million
NOISE = 5.0  # times the usual standard deviation, at the site with noisy labels
UNIT = 1 / 16  # of what is sent: keeps the noisiest within the accumulator's headroom, changes nothing else
PARAMETER, GROUP = "encoder.weight", "trunk"

Floats = NDArray[np.float64]


@dataclass
class Cohort:
    """What the sites of one seed send: estimates, claimed variances and cases, and the truth nobody knows."""

    truth_N: Floats
    estimate_SN: Floats
    variance_S: Floats
    cases_S: NDArray[np.int64]


@dataclass(frozen=True)
class Row:
    """Mean squared error of one way of aggregating in one scenario, over seeds."""

    scenario: str
    strategy: str
    mean: float
    low: float  # 95 % interval of the mean over seeds, normal
    high: float
    left_out: float  # sites left out per round, mean


def honest(seed: int) -> Cohort:
    """Standard deviations 0.1 to 2, cases 20 to 199, independent of each other."""
    rng = np.random.default_rng(seed)
    truth_N = rng.normal(size=NUM_PARAMETERS)
    deviation_S, cases_S = rng.uniform(0.1, 2.0, NUM_SITES), rng.integers(20, 200, NUM_SITES)
    estimate_SN = truth_N + rng.normal(size=(NUM_SITES, NUM_PARAMETERS)) * deviation_S[:, None]
    return Cohort(truth_N, estimate_SN, deviation_S**2, cases_S)


def _liars(number: int) -> Callable[[int], Cohort]:
    def make(seed: int) -> Cohort:
        cohort = honest(seed)
        cohort.estimate_SN[:number] = cohort.truth_N + SHIFT
        cohort.variance_S[:number] = CLAIM
        return cohort

    return make


def _noisy_labels(seed: int) -> Cohort:
    cohort = honest(seed)
    cohort.estimate_SN[0] += (NOISE - 1) * (cohort.estimate_SN[0] - cohort.truth_N)
    cohort.variance_S[0] *= NOISE**2
    return cohort


def _broken_scanner(seed: int) -> Cohort:
    cohort = honest(seed)
    cohort.estimate_SN[0] += SHIFT
    return cohort


SCENARIOS: Mapping[str, Callable[[int], Cohort]] = {
    "honest": honest,
    "one liar": _liars(1),
    "two liars": _liars(2),
    "noisy labels": _noisy_labels,
    "broken scanner": _broken_scanner,
}


@dataclass(frozen=True)
class Way:
    """A strategy with its cap; `distance_hard` of the screen for far sites, or None to do without the screen."""

    strategy: str
    cap: float = 4.0
    distance_hard: float | None = None


DEFAULT, STRICT = 3.0, 2.0  # distance_hard as configured by default, and where every doubted site is left out

WAYS: Mapping[str, Way] = {
    "FedAvg": Way("masked_fedavg"),
    "FedAvg + screen": Way("masked_fedavg", distance_hard=DEFAULT),
    "FedAvg + strict screen": Way("masked_fedavg", distance_hard=STRICT),
    "precision, uncapped": Way("precision_weighted", cap=1e12),
    "precision, cap 4": Way("precision_weighted"),
    "precision, cap 4 + screen": Way("precision_weighted", distance_hard=DEFAULT),
    "precision, cap 4 + strict screen": Way("precision_weighted", distance_hard=STRICT),
    "median": Way("median"),
    "trimmed mean": Way("trimmed_mean"),
    "Krum": Way("krum"),
}
"""Rows of the table; everything they do not name is as configured by default, and the same in every scenario."""


def liars_table(
    seeds: int, scenarios: Sequence[str] = tuple(SCENARIOS), ways: Sequence[str] = tuple(WAYS)
) -> list[Row]:
    """Every way of aggregating in every scenario, over seeds 0 to `seeds` - 1 (at least 2), the same for all."""
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        for way in ways:
            config = load_config([f"strategy={WAYS[way].strategy}", f"strategy.cap={WAYS[way].cap}"])
            for scenario in scenarios:
                cohorts = (SCENARIOS[scenario](seed) for seed in range(seeds))
                found = [_play(cohort, config, WAYS[way].distance_hard, Path(folder)) for cohort in cohorts]
                error, left_out = np.array(found).T
                half = 1.96 * float(error.std(ddof=1)) / seeds**0.5
                mean = float(error.mean())
                rows.append(Row(scenario, way, mean, mean - half, mean + half, float(left_out.mean())))
    return rows


def _play(cohort: Cohort, config: Config, distance_hard: float | None, folder: Path) -> tuple[float, int]:
    """One round as `server.rounds.tally` plays it: (mean squared error, sites left out)."""
    reference = {PARAMETER: np.zeros(NUM_PARAMETERS, np.float32)}
    spool = Spool(folder, reference)
    spool.clear()
    for number, estimate_N in enumerate(cohort.estimate_SN):
        spool.add(f"site-{number}", {PARAMETER: (estimate_N * UNIT).astype(np.float32)})
    voices = [_voice(cohort, site) for site in range(NUM_SITES)]
    plain = strategy_of("masked_fedavg").weigh(voices, config.strategy, {})
    doubtful: set[str] = set()
    if distance_hard is not None:
        far = far_sites(spool, plain, reference, replace(config.screening, distance_hard=distance_hard))
        doubtful = set(far.doubts)
        for site in far.left_out:
            spool.drop(site)
        voices = [voice for voice in voices if voice.site not in far.left_out]
    strategy = strategy_of(config.strategy.name)
    loudness = strategy.weigh(voices, config.strategy, {})
    held = hold_to_plain_share(loudness, {site: plain[site] for site in loudness}, doubtful)
    mean = (strategy.combine or weighted_mean)(spool, held, reference, config.strategy)
    return float(np.mean((mean[PARAMETER] / UNIT - cohort.truth_N) ** 2)), NUM_SITES - len(voices)


def _voice(cohort: Cohort, site: int) -> Voice:
    variance, cases = float(cohort.variance_S[site]), int(cohort.cases_S[site])
    return Voice(
        site=f"site-{site}",
        num_cases=cases,
        seen={GROUP: cases},
        uncertainty={},
        metrics={f"signal.gradient_variance.{GROUP}": Sum(variance * NUM_STEPS, NUM_STEPS)},
        norms={GROUP: float(np.linalg.norm(cohort.estimate_SN[site]))},
    )


def as_markdown(rows: Sequence[Row]) -> str:
    """Ways down, scenarios across; mean error with its interval."""
    scenarios = list(dict.fromkeys(row.scenario for row in rows))
    cells = {(row.strategy, row.scenario): f"{row.mean:.3f} ({row.low:.3f} to {row.high:.3f})" for row in rows}
    lines = ["| | " + " | ".join(scenarios) + " |", "|---" * (len(scenarios) + 1) + "|"]
    for strategy in dict.fromkeys(row.strategy for row in rows):
        lines.append(f"| {strategy} | " + " | ".join(cells[strategy, scenario] for scenario in scenarios) + " |")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    sys.stdout.write(as_markdown(liars_table(int(sys.argv[1]) if len(sys.argv) > 1 else 500)))
