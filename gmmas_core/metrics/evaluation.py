"""The front door of evaluation: score a case, merge scores, add sites, and put numbers into words.

At a site: `score_case` per case, `merge` for the wire, `local_summary`
and `subgroups` for its own report. At the coordinator:
`pool`, `summarise`, `worst_site`. The same functions serve the untrained, the local-only and the global model, so
that their numbers can be compared.
"""

from gmmas_core.metrics.case_score import CaseScore, RegionScore, score_case
from gmmas_core.metrics.entries import Summary
from gmmas_core.metrics.local_summary import local_summary
from gmmas_core.metrics.merging import add, merge, pool
from gmmas_core.metrics.sites import value_of, worst_site
from gmmas_core.metrics.subgroups import subgroups
from gmmas_core.metrics.summary import summarise

__all__ = [
    "CaseScore",
    "RegionScore",
    "Summary",
    "add",
    "local_summary",
    "merge",
    "pool",
    "score_case",
    "subgroups",
    "summarise",
    "value_of",
    "worst_site",
]
