"""How large a strategy study is, by mode."""

from collections.abc import Mapping
from dataclasses import dataclass

from server.lab.study.sizes import by_mode


@dataclass(frozen=True, kw_only=True)
class StrategySize:
    """Everything that decides the data and the precision of a strategy study.

    Attributes:
        mode: name of this size.
        experiment: name in configs/experiment/ that every arm starts from.
        voxels: edge of a phantom; the field of view is 192 mm.
        train: cases of all hospitals together.
        validation, test: cases per hospital.
        resamples: of the bootstrap.
        left_out: names of the arms that run only when they are asked for.
    """

    mode: str
    experiment: str
    voxels: int
    train: int
    validation: int
    test: int
    resamples: int
    left_out: tuple[str, ...] = ()


STRATEGY_SIZES: Mapping[str, StrategySize] = {
    "quick": StrategySize(
        mode="quick",
        experiment="strategies_quick",
        voxels=32,
        train=200,
        validation=6,
        test=24,
        resamples=1000,
        left_out=(
            "uncertainty-doubt",
            "uncertainty-homoscedastic",
            "adam",
            "yogi",
            "fedprox",
            "fedbn",
            "local-heads",
            "shared-variances",
        ),
    ),
    "full": StrategySize(
        mode="full", experiment="strategies_full", voxels=48, train=800, validation=20, test=120, resamples=2000
    ),
}
"""Mode -> size."""


def strategy_size_of(mode: str) -> StrategySize:
    """`by_mode` for the study of the strategies."""
    return by_mode(STRATEGY_SIZES, mode)
