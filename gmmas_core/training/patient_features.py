"""The features of a site's patients, one vector per patient, for the sums that say what usual images are."""

from collections.abc import Sequence

from gmmas_core.data.cache import PreparedCache
from gmmas_core.novelty.features import Floats, features_of
from gmmas_core.types import Case


def first_studies(cases: Sequence[Case]) -> tuple[Case, ...]:
    """Every patient's first case, in the order given."""
    firsts: dict[str, Case] = {}
    for case in cases:
        firsts.setdefault(case.patient_id, case)
    return tuple(firsts.values())


def features_at(case: Case, cache: PreparedCache) -> Floats:
    """Features of one case.

    Raises:
        DataError: it cannot be prepared.
    """
    prepared = cache.open(case)
    return features_of(prepared.image_CXYZ, prepared.available_C, prepared.inside.spacing_mm[0])
