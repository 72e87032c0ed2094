"""How many sites may speak for each parameter group of a round: a number fixed before any of them has trained.

The sum of changes is divided by it, so it must not depend on what training did, nor on who answered in the end: what
each site said of itself when it joined (sequences, labels, cases), which sites are asked and what a stage trains are
public. A group with speakers gets its noise even if none of them spoke; one without is not touched.
"""

from collections.abc import Iterable, Mapping

from gmmas_core.config import Config
from gmmas_core.model.parameter_groups import GROUPS
from gmmas_core.types import SiteStatus
from server.screening.updates import most_seen

_CONTRAST = "contrast"
_ALL_BUT_CONTRAST = ("",)
TRAINS: Mapping[str, tuple[str, ...]] = {
    "global_pretrain": ("global", "norm"),
    **dict.fromkeys(("supervised", "semi_supervised", "distill", "finetune"), _ALL_BUT_CONTRAST),
    _CONTRAST: (*_ALL_BUT_CONTRAST, _CONTRAST),
}
"""Stage -> beginnings of the names of the groups that it trains; a stage that is not here trains none."""


def speakers(stage: str, asked: Iterable[SiteStatus], config: Config) -> dict[str, int]:
    """Parameter group -> asked sites that may speak for it, without groups that stay at the sites or that nobody has.

    Args:
        stage: of the round.
        asked: what each asked site said when it joined.
        config: of the run.
    """
    statuses = list(asked)
    counts = {
        group: sum(most_seen(group, stage, status) > 0 for status in statuses)
        for group in GROUPS(config.task_list)
        if _trains(stage, group) and not _stays(group, config.strategy.local_groups)
    }
    return {group: count for group, count in counts.items() if count}


def _trains(stage: str, group: str) -> bool:
    begins = TRAINS.get(stage, ())
    return group.startswith(begins) and (group != _CONTRAST or _CONTRAST in begins)


def _stays(group: str, local_groups: Iterable[str]) -> bool:
    return any(group == entry or group.startswith(f"{entry}.") for entry in local_groups)
