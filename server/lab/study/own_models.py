"""Which model reads which hospital's test cases: its own, where parameter groups stay at the hospital.

With FedBN or local heads the released model is nobody's: every hospital reads with the values that it kept. A hospital
that took no part in the run reads with the released ones.
"""

import copy
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from client.rounds.local_groups import put_local
from client.rounds.state import state_before
from client.site import read_site
from gmmas_core.checkpoint import LoadedModel
from gmmas_core.config import Config
from gmmas_core.schedule import schedule

UNREAD = "uncertainty"
"""Log-variances weigh losses; no answer depends on them."""


def reading_models(
    loaded: LoadedModel, config: Config, trained: Path, tested: Sequence[Path]
) -> Iterator[tuple[Sequence[Path], LoadedModel]]:
    """Groups of test sites with the model that reads them.

    Args:
        loaded: the released model.
        config: of its run.
        trained: folder of the run's site folders, by name.
        tested: site folders of the test set.
    """
    if set(config.strategy.local_groups) <= {UNREAD}:
        yield tested, loaded
        return
    after_last = len(schedule(config)) + 1
    for site in tested:
        own = copy.deepcopy(loaded.model)
        if (trained / site.name).is_dir():
            state = read_site(trained / site.name).state
            put_local(own, state_before(state, loaded.provenance["training"]["run_id"], after_last).local, config)
        yield [site], replace(loaded, model=own)
