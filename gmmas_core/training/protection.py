"""Record-level differential privacy of one round at one site: what is asked for, and what it costs."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Protection:
    """How single patients are hidden in what a round trains.

    Attributes:
        noise_multiplier: standard deviation of the noise on the summed gradients, in clipping norms.
        max_grad_norm: L2 norm to which one patient's gradient is clipped.
        secret: seeds the choice of patients and the noise; fresh from the operating system for every round that is
            trained, known to nobody else and kept by nobody.
    """

    noise_multiplier: float
    max_grad_norm: float
    secret: int


@dataclass(frozen=True, kw_only=True)
class Spent:
    """What a round of noisy steps costs, for the accountant.

    Attributes:
        noise_multiplier: as in Protection.
        sample_rate: probability with which each patient is part of a step.
        steps: noisy steps taken.
    """

    noise_multiplier: float
    sample_rate: float
    steps: int
