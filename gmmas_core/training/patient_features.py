"""The features of a site's patients, one vector per patient, for the sums that say what usual images are."""

from collections.abc import Iterator, Sequence

from gmmas_core.data.cache import PreparedCache
from gmmas_core.novelty.features import Floats, features_of
from gmmas_core.types import Case


def first_studies(cases: Sequence[Case]) -> tuple[Case, ...]:
    """Every patient's first case, in the order given."""
    firsts: dict[str, Case] = {}
    for case in cases:
        firsts.setdefault(case.patient_id, case)
    return tuple(firsts.values())


def patient_features(cases: Sequence[Case], cache: PreparedCache) -> Iterator[Floats]:
    """Features of every patient's first case, in the order given.

    Args:
        cases: of a split; a patient's later ones are left out, so that nobody counts twice.
        cache: where they lie prepared.

    Raises:
        DataError: a case that cannot be prepared.
    """
    for case in first_studies(cases):
        prepared = cache.open(case)
        yield features_of(prepared.image_CXYZ, prepared.available_C, prepared.inside.spacing_mm[0])
