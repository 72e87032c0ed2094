"""The gate for an evaluation."""

from dataclasses import replace

from client.egress.floor import above_floor
from client.site import Site
from gmmas_core.types import SiteScores


def gate_scores(scores: SiteScores, site: Site) -> SiteScores:
    """The scores as they may leave."""
    return replace(scores, metrics=above_floor(scores.metrics, site.cohort_floor))
