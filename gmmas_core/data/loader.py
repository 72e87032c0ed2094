"""From prepared cases to training batches, deterministic by seed.

An epoch visits every case once, in a shuffled order; epochs follow one another without end and a batch may span two.
`crops` says how a sample is drawn from a case. Every draw comes from one generator, in a fixed order.

With data.tumor_cutmix, a share of the samples become composites of their case (the host) and another one of the stream
(see tumor_cutmix); where the two make none, the plain sample is taken. Sequences are dropped, and intensities and axes
changed, after that. A model's pseudo-labels fill in where a case has no label or no mask of its own.
"""

import itertools
from collections.abc import Iterator, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from gmmas_core.config import DataConfig, ModelConfig
from gmmas_core.data.cache import PreparedCache
from gmmas_core.data.crops import Sample, composite_sample, draw_start
from gmmas_core.data.opened_cases import NO_PSEUDO, OpenedCases
from gmmas_core.data.pseudo_labels import PseudoCase
from gmmas_core.data.targets import Targets
from gmmas_core.data.tumor_cutmix import FORMS, choose_donor, draw_composite
from gmmas_core.types import UNKNOWN, Batch, Case, DataError, Task


class BatchStream:
    """Endless training batches of a set of cases; iterating again starts the same sequence again."""

    def __init__(
        self,
        cases: Sequence[Case],
        cache: PreparedCache,
        *,
        model: ModelConfig,
        data: DataConfig,
        tasks: Sequence[Task],
        batch_size: int,
        seed: int,
        pseudo: Mapping[str, PseudoCase] = NO_PSEUDO,
        pseudo_weight: float = 1.0,
    ) -> None:
        """Open every case behind memory maps; those not in the cache are prepared now.

        Args:
            cases, cache, model, tasks, pseudo, pseudo_weight: see `OpenedCases`.
            data: the same, and tumor_cutmix and cutmix_share.
            batch_size: samples per batch.
            seed: of everything random here.

        Raises:
            ConfigError: the cache was made for another context size.
            DataError: there is no case, one cannot be prepared, a pseudo-mask is not on its case's prepared crop, or
                composites are asked for and a case is not in the training split.
        """
        if not cases:
            raise DataError("training cases: found none; expected at least one; check the split column and the cases")
        if data.tumor_cutmix != "none":
            _require_training(cases)
        self._cases = OpenedCases(
            cases, cache, model=model, data=data, tasks=tasks, pseudo=pseudo, pseudo_weight=pseudo_weight
        )
        self._data = data
        self._batch_size = batch_size
        self._seed = seed
        self._has_tumour_N = np.array([len(case.tumour_N3) > 0 for case in self._cases.opened])
        self._available_NC = np.stack([case.available_C for case in self._cases.opened])
        self._labels_NT = np.stack([_classes(target) for target in self._cases.targets])

    def __iter__(self) -> Iterator[Batch]:
        rng = np.random.default_rng(self._seed)
        order = _shuffled_epochs(rng, len(self._cases.cases))
        draw = self._cases.draw if self._data.tumor_cutmix == "none" else self._draw_mixed
        while True:
            picks = list(itertools.islice(order, self._batch_size))
            yield self._cases.collate(picks, [draw(k, rng) for k in picks])

    def batches(self, num: int) -> Iterator[Batch]:
        """The first `num` batches."""
        return itertools.islice(iter(self), num)

    def _draw_mixed(self, pick: int, rng: np.random.Generator) -> tuple[Sample, Targets]:
        """A composite with probability cutmix_share, where one can be made."""
        name, cases = self._data.tumor_cutmix, self._cases
        if rng.random() >= self._data.cutmix_share:
            return cases.draw(pick, rng)
        donor = choose_donor(
            name,
            pick,
            has_tumour_N=self._has_tumour_N,
            available_NC=self._available_NC,
            labels_NT=self._labels_NT,
            rng=rng,
        )
        if donor is None:
            return cases.draw(pick, rng)
        host = cases.opened[pick]
        start = draw_start(host, cases.size, max(self._data.tumour_share, FORMS[name].least_tumour_share), rng)
        composite = draw_composite(name, host, cases.opened[donor], start=start, size=cases.size, rng=rng)
        if composite is None:
            return cases.draw(pick, rng)
        targets = FORMS[name].targets(cases.targets[pick], cases.targets[donor], composite.lam)
        box_23 = host.box_in_context(start, cases.size)
        return composite_sample(composite, box_23, cases.size, self._data, rng), targets


def _shuffled_epochs(rng: np.random.Generator, num: int) -> Iterator[int]:
    while True:
        yield from rng.permutation(num).tolist()


def _classes(targets: Targets) -> NDArray[np.int64]:
    """Known class per task, UNKNOWN elsewhere."""
    return np.where(targets.known_T.numpy(), targets.target_TK.argmax(dim=1).numpy(), UNKNOWN)


def _require_training(cases: Sequence[Case]) -> None:
    others = sorted({case.split for case in cases} - {"train"})
    if others:
        raise DataError(
            f"data.tumor_cutmix: found cases of the split {', '.join(others)}; expected training cases alone, or a "
            "composite would carry a case across splits; give the stream training cases or set data.tumor_cutmix=none"
        )
