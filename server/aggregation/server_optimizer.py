"""What becomes of a round's mean: the new global weights themselves, or the direction of an adaptive step.

    Delta = mean - x                    the sites' common step, a negative gradient for the server
    m' = beta1 m + (1 - beta1) Delta
    v' = beta2 v + (1 - beta2) Delta^2                       adam
    v' = v - (1 - beta2) Delta^2 sign(v - Delta^2)           yogi: forgets large steps slowly
    x' = x + lr m' / (sqrt(v') + tau)                        m starts at 0, v at tau^2, no bias correction

Every operation is elementwise in float32 and correctly rounded, so the same round gives the same bytes everywhere.

Source: Reddi et al. 2021, Adaptive Federated Optimization (arXiv 2003.00295), algorithm 2.
"""

from collections.abc import Callable, Mapping, Set
from functools import partial

import numpy as np
from numpy.typing import NDArray

from gmmas_core.config import ServerOptimizerConfig
from gmmas_core.model.parameter_groups import group_of

Floats = NDArray[np.float32]
Weights = dict[str, Floats]

Optimizer = Callable[
    [Mapping[str, Floats], Mapping[str, Floats], Set[str], Mapping[str, Floats], ServerOptimizerConfig],
    tuple[Weights, Weights],
]
"""(previous weights, mean, groups anyone spoke for, moments, config) -> (new weights, new moments).

Moments are named "m.<parameter>" and "v.<parameter>". A parameter whose group nobody spoke for keeps weight and
moments: silence is not a step of length 0.
"""

_SecondMoment = Callable[[Floats, Floats, float], Floats]


def none(
    previous: Mapping[str, Floats],
    mean: Mapping[str, Floats],
    spoken: Set[str],
    moments: Mapping[str, Floats],
    config: ServerOptimizerConfig,
) -> tuple[Weights, Weights]:
    """The mean is the new model."""
    return {name: (mean if group_of(name) in spoken else previous)[name].copy() for name in previous}, {}


def _adaptive(
    previous: Mapping[str, Floats],
    mean: Mapping[str, Floats],
    spoken: Set[str],
    moments: Mapping[str, Floats],
    config: ServerOptimizerConfig,
    second: _SecondMoment,
) -> tuple[Weights, Weights]:
    weights: Weights = {}
    kept = dict(moments)
    for name, x in previous.items():
        if group_of(name) not in spoken:
            weights[name] = x.copy()
            continue
        delta = mean[name] - x
        m = moments.get(f"m.{name}", np.zeros_like(x))
        v = moments.get(f"v.{name}", np.full_like(x, config.tau**2))
        m = np.asarray(config.beta1 * m + (1 - config.beta1) * delta, np.float32)
        v = np.asarray(second(v, delta * delta, config.beta2), np.float32)
        weights[name] = np.asarray(x + config.lr * m / (np.sqrt(v) + config.tau), np.float32)
        kept[f"m.{name}"], kept[f"v.{name}"] = m, v
    return weights, kept


def _adam_moment(v: Floats, square: Floats, beta2: float) -> Floats:
    return beta2 * v + (1 - beta2) * square


def _yogi_moment(v: Floats, square: Floats, beta2: float) -> Floats:
    forgotten: Floats = (1 - beta2) * square * np.sign(v - square)
    return v - forgotten


OPTIMIZERS: Mapping[str, Optimizer] = {
    "none": none,
    "adam": partial(_adaptive, second=_adam_moment),
    "yogi": partial(_adaptive, second=_yogi_moment),
}
