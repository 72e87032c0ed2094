"""A site's cases and their prepared cache, under one configuration."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from client.site import Site
from client.withdrawal.record import excluded
from gmmas_core.config import Config
from gmmas_core.data.cache import PreparedCache
from gmmas_core.data.manifest import read_cases
from gmmas_core.data.preprocess import PrepareSettings
from gmmas_core.types import SEQUENCES, UNKNOWN, Case, Task

Answered = Callable[[Sequence[Case]], tuple[Case, ...]]
"""Of cases that are asked about, those that what leaves may be about."""


def everybody(cases: Sequence[Case]) -> tuple[Case, ...]:
    """Nothing leaves, so nobody is left out."""
    return tuple(cases)


@dataclass(frozen=True)
class LocalData:
    """What a round needs of a site: its cases, and where they lie prepared.

    Attributes:
        answered: see Answered; everybody where a site works for itself.
    """

    cases: tuple[Case, ...]
    cache: PreparedCache
    answered: Answered = everybody

    def split(self, name: str) -> tuple[Case, ...]:
        """The cases of one split that may be worked on."""
        return self.answered([case for case in self.cases if case.split == name])


def open_local_data(site: Site, config: Config) -> LocalData:
    """Read the site's table; nothing is prepared yet, a case is prepared when it is first asked for.

    Cases of those who have left are not among them, whatever the table says.

    Raises:
        DataError: problems in the table, all at once; or the record of withdrawals was changed.
    """
    cases = read_cases(
        site.folder,
        site.name,
        holdout_share=config.data.holdout_share,
        validation_share=config.data.validation_share,
        is_excluded=excluded(site.state),
    )
    settings = PrepareSettings(
        spacing_mm=config.data.spacing_mm,
        context_size=config.model.context_size,
        label_convention=site.label_convention,
    )
    return LocalData(cases, PreparedCache(site.state / "prepared", settings))


def counts(data: LocalData, tasks: Sequence[Task]) -> tuple[dict[str, int], dict[str, int], dict[str, int]]:
    """Cases per split, training cases per sequence, and training cases per known label (with "segmentation")."""
    train = data.split("train")
    splits = {name: len(data.split(name)) for name in ("train", "validation", "holdout")}
    sequences = {name: sum(name in case.images for case in train) for name in SEQUENCES}
    labels = {str(task): sum(case.labels[task] != UNKNOWN for case in train) for task in tasks}
    return splits, sequences, labels | {"segmentation": sum(case.mask is not None for case in train)}
