"""How large a study of the detector is, by mode."""

from collections.abc import Mapping
from dataclasses import dataclass

from server.lab.study.sizes import by_mode


@dataclass(frozen=True, kw_only=True)
class NoveltySize:
    """Everything that decides the data and the precision of the study.

    Attributes:
        mode: name of this size.
        voxels: edge of a phantom; the field of view is 192 mm.
        train, validation, test: patients per hospital of the federation.
        strangers: patients of each hospital that had no part in it.
        new_hospitals: of those drawn within the federation's range.
        floor: cohort floor of every hospital.
        resamples: of the bootstrap.
    """

    mode: str
    voxels: int
    train: int
    validation: int
    test: int
    strangers: int
    new_hospitals: int
    floor: int = 5
    resamples: int = 1000


NOVELTY_SIZES: Mapping[str, NoveltySize] = {
    "quick": NoveltySize(mode="quick", voxels=48, train=40, validation=30, test=30, strangers=15, new_hospitals=4),
    "full": NoveltySize(mode="full", voxels=128, train=150, validation=75, test=75, strangers=30, new_hospitals=8),
}
"""Mode -> size."""


def novelty_size_of(mode: str) -> NoveltySize:
    """`by_mode` for the study of the detector."""
    return by_mode(NOVELTY_SIZES, mode)
