"""Which stage runs in which round, with which learning rate: the curriculum, flattened."""

from dataclasses import dataclass

from gmmas_core.config import Config


@dataclass(frozen=True)
class Slot:
    """One round of the curriculum."""

    round: int
    stage: str
    lr: float
    local_steps: int


def schedule(config: Config) -> tuple[Slot, ...]:
    """All rounds of a run, counted from 1.

    Within a stage of R rounds the learning rate decays as lr * lr_scale * (1 - (r - 1) / R) ** poly_power,
    r = 1..R (poly decay as in the published training scripts, here per round instead of per epoch).
    """
    slots: list[Slot] = []
    for entry in config.curriculum.stages:
        for index in range(entry.rounds):
            decay = (1 - index / entry.rounds) ** config.training.poly_power
            lr = config.training.lr * entry.lr_scale * decay
            steps = entry.local_steps or config.training.local_steps
            slots.append(Slot(round=len(slots) + 1, stage=entry.stage, lr=lr, local_steps=steps))
    return tuple(slots)
