"""How much a rare class counts: weights of the two classes of every task, from a site's own training cases.

Computed at the site and never sent: a class count of a small hospital says something about its patients.
"""

from collections.abc import Callable, Mapping, Sequence

from gmmas_core.types import Case, ConfigError, Task

Weights = dict[Task, tuple[float, float]]


def inverse_frequency(cases: Sequence[Case], tasks: Sequence[Task]) -> Weights:
    """Weight of a class = twice the share of the other class, so the two weights have mean 1 and never exceed 2.

    A task of which the site has seen one class only, or none, gets (1, 1): there is nothing to balance.

    Args:
        cases: the site's training cases; unknown labels are not counted.
        tasks: tasks to weigh.

    Source: GMMAS train.py passes the number of cases of the other class, e.g. [112, 245] for IDH; scaled here so that
    tasks of different size are comparable.
    """
    weights: Weights = {}
    for task in tasks:
        num_zero, num_one = (sum(case.labels[task] == label for case in cases) for label in (0, 1))
        total = num_zero + num_one
        weights[task] = (2 * num_one / total, 2 * num_zero / total) if num_zero and num_one else (1.0, 1.0)
    return weights


def equal(cases: Sequence[Case], tasks: Sequence[Task]) -> Weights:
    """Both classes weigh 1, for the ablation."""
    return dict.fromkeys(tasks, (1.0, 1.0))


_WEIGHTINGS: Mapping[str, Callable[[Sequence[Case], Sequence[Task]], Weights]] = {
    "inverse_frequency": inverse_frequency,
    "none": equal,
}


def class_weights(cases: Sequence[Case], tasks: Sequence[Task], weighting: str) -> Weights:
    """Weights by the name that `loss.class_weighting` gives.

    Raises:
        ConfigError: unknown name.
    """
    if weighting not in _WEIGHTINGS:
        raise ConfigError(f"loss.class_weighting: found {weighting!r}; expected one of {sorted(_WEIGHTINGS)}")
    return _WEIGHTINGS[weighting](cases, tasks)
