"""How large a study is, by mode."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeVar

from gmmas_core.types import ConfigError

Size = TypeVar("Size")


@dataclass(frozen=True, kw_only=True)
class StudySize:
    """Everything that decides the data and the precision of a study.

    Attributes:
        mode: name of this size.
        experiment: name in configs/experiment/ that every arm starts from.
        sites: phantom hospitals.
        voxels: edge of a phantom; the field of view is 192 mm.
        train, validation, test: cases per hospital.
        subset_cases: test cases with all four sequences that are read from all 15 subsets.
        resamples: of the bootstrap.
        equivalence: largest difference that counts as none, e.g. 0.01; None where the sample cannot show it.
        arms: names of the arms that run unless others are asked for; empty for all.
    """

    mode: str
    experiment: str
    sites: int
    voxels: int
    train: int
    validation: int
    test: int
    subset_cases: int
    resamples: int
    equivalence: float | None
    arms: tuple[str, ...]


SIZES: Mapping[str, StudySize] = {
    "quick": StudySize(
        mode="quick",
        experiment="study_quick",
        sites=3,
        voxels=32,
        train=60,
        validation=20,
        test=100,
        subset_cases=48,
        resamples=1000,
        equivalence=None,
        arms=("supervised-20", "cutmix-20", "pseudo-20", "gmmas-20", "supervised-100"),
    ),
    "full": StudySize(
        mode="full",
        experiment="study_full",
        sites=4,
        voxels=48,
        train=150,
        validation=50,
        test=250,
        subset_cases=200,
        resamples=2000,
        equivalence=0.01,
        arms=(),
    ),
}
"""Mode -> size."""


def by_mode(sizes: Mapping[str, Size], mode: str) -> Size:
    """The size of a mode, in a study's table of sizes.

    Raises:
        ConfigError: unknown mode.
    """
    if mode not in sizes:
        raise ConfigError(f"--mode: found {mode!r}; expected any of {', '.join(sizes)}")
    return sizes[mode]


def size_of(mode: str) -> StudySize:
    """`by_mode` for the study of the method."""
    return by_mode(SIZES, mode)
