"""Does a probability of 0.8 come true 8 times in 10? Reliability sums and the calibration error (ECE).

Binning: 10 bins of equal width on P(class 1), [0, 0.1) ... [0.9, 1]. An ECE means nothing without its binning and its
n: with these bins a perfectly calibrated model shows about 0.05 to 0.1 on 100 cases. So the ECE is always accompanied
by the value that perfect calibration would show at this n, and by an estimate that is corrected for it.

Bins of equal width leave most cases of a sure model in the two outer bins; bins of equal numbers of cases ("ACE") look
where the cases are. The largest gap (MCE) and the mean over classes (SCE) are the other two numbers that papers quote.

Shapes: R bins.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import special, stats

from gmmas_core.metrics.levels import Levels

RELIABILITY_BINS = 10
BINNING = f"{RELIABILITY_BINS} bins of equal width on P(class 1)"
CONFIDENCE_BINNING = f"{RELIABILITY_BINS} bins of equal width on [0, 1] of the confidence in the predicted class"
EQUAL_MASS_BINS = 10
EQUAL_MASS_BINNING = f"{EQUAL_MASS_BINS} bins of equal numbers of cases (fewer cases: one each) on P(class 1)"
CLASSWISE_BINNING = f"{RELIABILITY_BINS} bins of equal width on P(class k), mean over both classes"


@dataclass(frozen=True, kw_only=True)
class Reliability:
    """Sums per bin: how many cases, what the model said, what came true.

    Attributes:
        count_R: cases.
        probability_R: sum of the predicted probabilities.
        positives_R: cases of class 1; a fraction where cases of one probability were dealt to two bins.
    """

    count_R: NDArray[np.int64]
    probability_R: NDArray[np.float64]
    positives_R: NDArray[np.int64] | NDArray[np.float64]

    @property
    def gap_R(self) -> NDArray[np.float64]:
        """Observed share minus mean probability; 0 in empty bins."""
        return np.asarray((self.positives_R - self.probability_R) / np.maximum(self.count_R, 1))

    @property
    def weight_R(self) -> NDArray[np.float64]:
        """Share of the cases in each bin; the table must hold at least one case."""
        return np.asarray(self.count_R / self.count_R.sum())

    def mirrored(self) -> "Reliability":
        """The same cases seen from class 0: P(class 0), and how often class 0 came true."""
        return Reliability(
            count_R=self.count_R[::-1],
            probability_R=(self.count_R - self.probability_R)[::-1],
            positives_R=(self.count_R - self.positives_R)[::-1],
        )

    def confidence(self) -> "Reliability":
        """The same cases by confidence in the predicted class (threshold 0.5) and whether it was right.

        The five bins below 0.5 of the result are empty, as they must be for two classes.
        """
        half = RELIABILITY_BINS // 2
        flipped = slice(half - 1, None, -1)
        empty = np.zeros(half, dtype=np.int64)
        count, said, true = self.count_R, self.probability_R, self.positives_R
        return Reliability(
            count_R=np.concatenate([empty, count[half:] + count[flipped]]),
            probability_R=np.concatenate([empty.astype(np.float64), said[half:] + (count - said)[flipped]]),
            positives_R=np.concatenate([empty, true[half:] + (count - true)[flipped]]),
        )


def reliability(prob: NDArray[np.floating], label: NDArray[np.integer]) -> Reliability:
    """Sums per bin of P(class 1) (N,) and labels (N,) in {0, 1}."""
    said = np.asarray(prob, dtype=np.float64)
    place = np.minimum((said * RELIABILITY_BINS).astype(np.int64), RELIABILITY_BINS - 1)
    return Reliability(
        count_R=np.bincount(place, minlength=RELIABILITY_BINS),
        probability_R=np.bincount(place, weights=said, minlength=RELIABILITY_BINS).astype(np.float64),
        positives_R=np.bincount(place, weights=label, minlength=RELIABILITY_BINS).astype(np.int64),
    )


def equal_mass(levels: Levels, bins: int = EQUAL_MASS_BINS) -> Reliability:
    """Sums per bin of (nearly) equal numbers of cases, lowest probabilities first.

    Cases of one probability that straddle two bins are dealt to both in proportion, positives and negatives alike, so
    the order of the cases does not matter.

    Args:
        levels: of one question.
        bins: as many as there are cases at most; none without cases.
    """
    num_cases = levels.num_cases
    bins = min(bins, num_cases)
    edges = np.rint(np.arange(bins + 1) * num_cases / max(bins, 1))
    reached = np.concatenate([[0], np.cumsum(levels.count_L)])

    def dealt(of_L: NDArray[np.number]) -> NDArray[np.float64]:
        return np.diff(np.interp(edges, reached, np.concatenate([[0.0], np.cumsum(of_L)])))

    return Reliability(
        count_R=np.diff(edges).astype(np.int64),
        probability_R=dealt(levels.prob_L * levels.count_L),
        positives_R=dealt(levels.positive_L),
    )


def ece(table: Reliability) -> float | None:
    """Mean over cases of |observed share - mean probability| of their bin; None without cases."""
    if not table.count_R.sum():
        return None
    return float(table.weight_R @ np.abs(table.gap_R))


def ece_classwise(table: Reliability) -> float | None:
    """Mean over both classes of the ECE of P(class k), known as SCE; None without cases.

    With two classes the second says what the first says, seen from the other side: this equals the ECE, and is reported
    because papers on more classes quote it.

    Source: Nixon et al. 2019, Measuring Calibration in Deep Learning (arXiv 1904.01685).
    """
    sides = [ece(side) for side in (table, table.mirrored())]
    known = [side for side in sides if side is not None]
    return sum(known) / len(known) if known else None


def mce(table: Reliability) -> tuple[float, int] | None:
    """The largest gap of any bin that has cases, and the number of cases in it; None without cases."""
    if not table.count_R.sum():
        return None
    gap_R = np.where(table.count_R > 0, np.abs(table.gap_R), -1.0)
    worst = int(np.argmax(gap_R))
    return float(gap_R[worst]), int(table.count_R[worst])


def ece_if_calibrated(table: Reliability) -> float | None:
    """The ECE to expect at these counts if every probability were right.

    Exact for cases of one bin that share its mean probability: the mean absolute deviation of a binomial, by de Moivre.
    """
    if not table.count_R.sum():
        return None
    count = table.count_R
    share = np.clip(table.probability_R / np.maximum(count, 1), 0, 1)
    above = np.floor(count * share) + 1
    deviation = 2 * above * (1 - share) * stats.binom.pmf(above, count, share)
    return float(deviation.sum() / count.sum())


def ece_debiased(table: Reliability) -> float | None:
    """The ECE less an estimate of its small-sample bias, never below 0; about half of the bias remains.

    The bias is what a second draw of the outcomes around the observed shares would add, normal within each bin;
    shares are shrunk by one success and one failure so that bins of one outcome have a spread too.

    Source: Kumar et al. 2019, Verified Uncertainty Calibration (arXiv 1909.10155), its debiased L1 estimate.
    """
    plain = ece(table)
    if plain is None:
        return None
    count = np.maximum(table.count_R, 1)
    shrunk = (table.positives_R + 1) / (count + 2)
    spread = np.sqrt(shrunk * (1 - shrunk) / count)
    z = table.gap_R / spread
    redrawn = spread * np.sqrt(2 / np.pi) * np.exp(-(z**2) / 2) + table.gap_R * (1 - 2 * special.ndtr(-z))
    return max(0.0, 2 * plain - float(table.weight_R @ redrawn))
