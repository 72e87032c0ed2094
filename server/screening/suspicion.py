"""How far an update moves and where to, against what this run has seen: doubts, and a bound on the step.

Form is the screening's affair; this file judges size and direction of an update that is well-formed.

**Size is judged as a pace.** A norm alone means little from round to round: it shrinks with the learning rate, grows
with the number of steps, and a stage that trains the whole network moves more parameters than one that trains a branch.
The local optimiser (AdamW) moves an element by about `lr` per step at most, so

    pace = ||theta - reference|| / (lr * local_steps * sqrt(number of elements the site speaks for))

is about 1 when every step went the same way, 1/sqrt(steps) when the steps were noise, and does not depend on lr, on the
masks of a site or on the number of parameters a stage trains. A stage that raises the learning rate thus looks like the
one before it, and a federation cannot be stopped by its own curriculum: two honest rounds differ in pace by at most
sqrt(local_steps) or so, and only from pure noise to pure agreement. (Measured on phantoms, three hospitals, 21 rounds
of all stages, the last at three times the learning rate: honest paces lie between 0.88 and 1.48 of the rolling median.
Honest cosines with the last step lie between -0.2 and 0.5, so a flipped update is often, not always, below the bound
for direction; the distance between the sites of a round is the better judge of it.) The pace is compared with the
rolling median of accepted paces: a median, because up to half of what it remembers may be odd. What remains is slow
drift: a site may move at a little less than the soft bound for ever; capped weights and the distance between the sites
of a round are for that.
"""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from statistics import median

import numpy as np
from numpy.typing import NDArray

from gmmas_core.config import ScreeningConfig
from gmmas_core.fixed_point import BLOCK
from gmmas_core.model.parameter_groups import group_of
from gmmas_core.types import RoundPlan, SiteUpdate
from server.screening.memory import ScreenMemory
from server.screening.updates import Rejected

Floats = NDArray[np.float32]


@dataclass(frozen=True)
class Suspicion:
    """What an update looks like from outside.

    Attributes:
        norms: parameter group -> L2 norm of the update; 0 where the site does not speak.
        norm: L2 norm over all groups for which it speaks.
        pace: the norm per element and unit of learning rate and steps, what `ScreenMemory.norms` remembers.
        doubts: why it is odd, free of values; empty for most.
    """

    norms: dict[str, float]
    norm: float
    pace: float
    doubts: tuple[str, ...] = ()


def suspect(
    update: SiteUpdate,
    reference: Mapping[str, Floats],
    last_step: Mapping[str, Floats],
    memory: ScreenMemory,
    config: ScreeningConfig,
    plan: RoundPlan,
) -> Suspicion:
    """Measure a screened update and judge it; nobody is judged during warm-up.

    Args:
        update: passed `screen`; finite.
        reference: the weights that the sites were sent.
        last_step: parameter -> global weights after the last training round minus before; {} before the first.
        memory: paces of accepted updates.
        config: of the screening.
        plan: of the round; gives the learning rate and the steps.

    Raises:
        Rejected: its pace is beyond `norm_hard` times the median of the remembered ones.
    """
    squares: dict[str, float] = dict.fromkeys(update.seen, 0.0)
    along = last_square = 0.0
    num_elements = 0
    for name, sent in reference.items():
        group = group_of(name)
        if not update.seen[group]:
            continue
        num_elements += sent.size
        for step, last in _blocks(update.weights[name], sent, last_step.get(name)):
            squares[group] += float(np.dot(step, step))
            along += float(np.dot(step, last))
            last_square += float(np.dot(last, last))
    norm = math.sqrt(sum(squares.values()))
    pace = norm / (plan.lr * plan.local_steps * math.sqrt(num_elements)) if num_elements else 0.0
    direction = along / (norm * math.sqrt(last_square)) if norm and last_square else 0.0
    norms = {group: math.sqrt(square) for group, square in squares.items()}
    return Suspicion(norms, norm, pace, _doubts(pace, direction, memory, config))


def _doubts(pace: float, direction: float, memory: ScreenMemory, config: ScreeningConfig) -> tuple[str, ...]:
    usual = median(memory.norms) if len(memory.norms) >= config.warm_up else 0.0
    if not usual:
        return ()
    if pace > config.norm_hard * usual:
        raise Rejected(
            f"norm: found a step more than {config.norm_hard:g} times the usual one of this run; expected a smaller "
            "one; look at its data and its training log"
        )
    doubts = []
    if pace > config.norm_soft * usual:
        doubts.append(f"norm: its step is more than {config.norm_soft:g} times the usual one")
    if direction < config.direction_soft:
        doubts.append("direction: it goes against the federation's last step")
    return tuple(doubts)


def _blocks(weights: Floats, sent: Floats, last: Floats | None) -> Iterator[tuple[Floats, Floats]]:
    """Step and last global step, a cache-sized stretch at a time; zeros where there was no last step.

    In float32: of screened values no square of a stretch overflows it, its sums are right to about 1e-6, and judging
    costs half of what float64 would.
    """
    flat, origin = weights.reshape(-1), sent.reshape(-1)
    before = None if last is None else last.reshape(-1)
    for start in range(0, origin.size, BLOCK):
        stretch = slice(start, start + BLOCK)
        step = flat[stretch] - origin[stretch]
        yield step, np.zeros_like(step) if before is None else before[stretch]
