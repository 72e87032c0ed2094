"""The gate for an evaluation."""

from collections.abc import Sequence
from dataclasses import replace

from client.egress.floor import emptied, floor_in_cases, without_small_parts
from client.egress.names import Tasks, require_known, score_names
from client.site import Site
from gmmas_core.types import Case, SiteScores


def gate_scores(scores: SiteScores, site: Site, tasks: Tasks, cases: Sequence[Case]) -> SiteScores:
    """The scores as they may leave; of fewer cases than the floor only the keys.

    Args:
        scores: over one population, see `populations`.
        site: its floor.
        tasks: of the run.
        cases: of the split that was asked for.

    Raises:
        DataError: a metric that this release does not know.
    """
    require_known(scores.metrics, score_names(tasks))
    floor = floor_in_cases(cases, site.cohort_floor)
    if scores.num_cases < floor:
        return replace(scores, num_cases=0, metrics={key: emptied(metric) for key, metric in scores.metrics.items()})
    return replace(scores, metrics=without_small_parts(scores.metrics, tasks, floor))
