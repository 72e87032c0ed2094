"""What this hospital tells so that models know what usual images are, and what its policy keeps here.

Two things are asked: in a calibrating round, sums over training patients' features (they travel with the round's other
metrics, in a secure sum where the round is one); and once a run, before its release, sums over validation patients'
distances from the Gaussian of all hospitals. The question carries that Gaussian. A coordinator that made one up could
learn what an average over at least the cohort floor's number of patients tells, as it could by made-up weights.

With record-level privacy the first is never told: exact sums would pass by the noise. Client-level privacy, which the
coordinator adds, does not cover either. Where `privacy.statistics` is "refused" neither is told, where it is "summed"
only what is in a secure sum, so not the second; where `statistics_epsilon` wants noise neither, for these have none.

Sums of two groups, or of two rounds between which patients came, differ by a sum over those who are in one alone. So
`populations` is asked about every group's first studies, and no difference is about fewer patients than the floor.
"""

from collections.abc import Sequence
from dataclasses import replace

from client.data.local_data import LocalData
from client.site import Site
from client.statistics.answer import PER_SITE, SUMMED
from gmmas_core.config import Config
from gmmas_core.novelty.held_out import no_distances, sum_distances
from gmmas_core.novelty.stored import read_pieces
from gmmas_core.novelty.sums import no_patients, sum_at, sum_patients
from gmmas_core.training.patient_features import features_at, first_studies
from gmmas_core.types import EvaluationPlan, Metric, RoundPlan, SiteScores

CALIBRATE = "calibrate"
"""Stage of the rounds that tell sums of features."""


def patient_sums(site: Site, plan: RoundPlan, config: Config, data: LocalData) -> dict[str, Metric]:
    """What a calibrating round tells of the training patients' images beside everything else; {} in any other round.

    Args:
        site: its policy and its floor.
        plan: of the round.
        config: composed at this site.
        data: its cases.

    Raises:
        DataError: a case that cannot be prepared.
    """
    if plan.stage != CALIBRATE:
        return {}
    is_summed = config.privacy.secure_sum.name != "none"
    if site.privacy.epsilon is not None or not _may_leave(site, (PER_SITE, SUMMED) if is_summed else (PER_SITE,)):
        return no_patients()
    patients = _Patients(data, "train")
    return sum_patients(patients.features, patients.chosen)


def measure_distances(site: Site, plan: EvaluationPlan, config: Config, data: LocalData) -> SiteScores:
    """How far this site's validation patients lie from the plan's Gaussian; nothing is read with a model.

    Args:
        site: its policy.
        plan: about the validation split.
        config: composed at this site.
        data: its cases.

    Returns:
        Before the egress gate; empty where policy keeps it here.

    Raises:
        FederationError: a distribution that cannot be used.
        DataError: a case that cannot be prepared.
    """
    distribution = read_pieces(plan.distribution, config.data.spacing_mm)
    scores = SiteScores(
        site=site.name,
        run_id=plan.run_id,
        round=plan.round,
        split=plan.split,
        subject=plan.subject,
        num_cases=0,
        metrics=no_distances(),
        core_fingerprint=plan.core_fingerprint,
    )
    if not _may_leave(site, (PER_SITE,)):
        return scores
    patients = _Patients(data, plan.split)
    told = sum_distances(distribution.gaussian, patients.features, patients.chosen)
    return replace(scores, num_cases=max(sum_at(told, key).count for key in told), metrics=told)


class _Patients:
    """First studies of a split, their features, and which of them a sum may be about."""

    def __init__(self, data: LocalData, split: str) -> None:
        self._cases, self._answered = first_studies(data.split(split)), data.answered
        self.features = [features_at(case, data.cache) for case in self._cases]

    def chosen(self, places: Sequence[int]) -> list[int]:
        """See `sums.Chosen`."""
        told = {case.case_id for case in self._answered([self._cases[place] for place in places])}
        return [place for place in places if self._cases[place].case_id in told]


def _may_leave(site: Site, settings: Sequence[str]) -> bool:
    return site.privacy.statistics in settings and site.privacy.statistics_epsilon is None
