"""Which patients take part in a step, and what is shown of them: Poisson sampling over the patients of a site.

In every step each patient takes part with the same probability, whoever else does; a step may have none. One record is
one patient: of all studies that the patient has, one is drawn, and one crop of it. A patient with nothing to teach is
drawn like any other and shows nothing, so who has labels changes nothing for the others.

Every draw belongs to a step and a patient: it comes from the secret, the step's number and the patient's pseudonym, and
never from a common stream. A patient who leaves therefore changes no other patient's draws. The secret is not the
plan's seed: the coordinator knows that one, and that it does not know who took part is what makes sampling protect.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from torch import Tensor

from gmmas_core.data.opened_cases import OpenedCases
from gmmas_core.keyed import keyed_number
from gmmas_core.types import Batch

_GRID = 1 << 53
"""Values that a uniform number in [0, 1) can have."""

View = Callable[[Batch, np.random.Generator], Batch]
"""A drawn batch as the network is shown it; any number of views, the first view's samples first."""


class PoissonStream:
    """The patients of every step, in batches."""

    def __init__(
        self, cases: OpenedCases, patients: Sequence[str], *, rate: float, secret: int, view: View, batch_size: int
    ) -> None:
        """Take note of who could be drawn.

        Args:
            cases: those that teach something, of any of the patients.
            patients: all that are sampled, each once, with or without such a case.
            rate: probability with which each takes part in a step.
            secret: of the round at this site.
            view: applied patient by patient.
            batch_size: most patients in one batch.
        """
        self._cases, self._patients = cases, tuple(patients)
        self._rate, self._secret, self._view, self._batch_size = rate, secret, view, batch_size
        self._picks: dict[str, list[int]] = {}
        for index, case in enumerate(cases.cases):
            self._picks.setdefault(case.patient_id, []).append(index)

    def drawn(self, step: int) -> tuple[str, ...]:
        """The patients who take part in a step, in the order given."""
        return tuple(patient for patient in self._patients if self._coin(step, patient) < self._rate)

    def batches(self, step: int) -> Iterator[Batch]:
        """What the patients of a step show; nothing where none of them teaches anything."""
        teaching = [patient for patient in self.drawn(step) if patient in self._picks]
        for first in range(0, len(teaching), self._batch_size):
            part = teaching[first : first + self._batch_size]
            yield view_by_view([self._record(step, patient) for patient in part])

    def _coin(self, step: int, patient: str) -> float:
        """In [0, 1)."""
        return keyed_number(self._secret, "takes part", step, patient) % _GRID / _GRID

    def _record(self, step: int, patient: str) -> Batch:
        rng = np.random.default_rng(keyed_number(self._secret, "shows", step, patient))
        picks = self._picks[patient]
        pick = picks[int(rng.integers(len(picks)))]
        return self._view(self._cases.collate([pick], [self._cases.draw(pick, rng)]), rng)


def view_by_view(records: Sequence[Batch]) -> Batch:
    """Batches of one patient each, V views long, as one batch: all first views, then all second ones."""
    parts: dict[str, Any] = {
        name: torch.stack([getattr(record, name) for record in records], dim=1).flatten(0, 1)
        for name, value in vars(records[0]).items()
        if isinstance(value, Tensor)
    }
    names = zip(*(record.case_ids for record in records))
    return replace(records[0], **parts, case_ids=tuple(name for view in names for name in view))
