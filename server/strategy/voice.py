"""What a strategy knows of a site's screened update: everything but the weights themselves."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from gmmas_core.types import Metric


@dataclass(frozen=True, kw_only=True)
class Voice:
    """One site in one round.

    Attributes:
        site: its name.
        num_cases: its training cases.
        seen: parameter group -> training cases that inform it; 0 where the site has no say.
        uncertainty: task (and "segmentation") -> learned log-variance.
        metrics: mergeable, as in SiteUpdate; what was measured for a strategy is under "signal.".
        norms: parameter group -> L2 norm of the update (weights minus those sent).
        doubts: why the screening finds the update odd; empty for most.
    """

    site: str
    num_cases: int
    seen: Mapping[str, int]
    uncertainty: Mapping[str, float]
    metrics: Mapping[str, Metric]
    norms: Mapping[str, float]
    doubts: tuple[str, ...] = field(default=())
