"""Parameter groups that never leave a site: its log-variances by default, norms (FedBN) or heads where configured.

A learned log-variance says how noisy this site's own labels are; averaged over sites it would say nothing about any of
them. Each site keeps its values from round to round, trains on from them and reads its own cases with them; what it
sends in their place are the values it received, and it speaks for none of these groups.

Source: FedBN (Li et al. 2021, arXiv 2102.07623) for norms; the same idea for the others.
"""

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from gmmas_core.config import Config
from gmmas_core.model.gmmas import GMMAS
from gmmas_core.model.parameter_groups import GROUPS, group_of
from gmmas_core.types import ConfigError, Task
from gmmas_core.weights import load_weights, weights_of

Weights = Mapping[str, NDArray[np.float32]]


def is_local(group: str, entries: Sequence[str]) -> bool:
    """Whether a group is one of the entries or begins with one of them and a dot."""
    return any(group == entry or group.startswith(f"{entry}.") for entry in entries)


def require_known(config: Config) -> None:
    """Refuse an entry that names nothing: a mistyped one would send what was meant to stay.

    Raises:
        ConfigError: an entry that no parameter group matches.
    """
    groups = GROUPS(tuple(Task))
    unknown = [entry for entry in config.strategy.local_groups if not any(is_local(group, [entry]) for group in groups)]
    if unknown:
        raise ConfigError(
            f"strategy.local_groups: found {unknown}; expected parameter groups or their first words, such as "
            "uncertainty, norm, head"
        )


def local_values(weights: Weights, config: Config) -> dict[str, NDArray[np.float32]]:
    """Those of some weights that belong to local groups."""
    entries = config.strategy.local_groups
    return {name: value for name, value in weights.items() if is_local(group_of(name), entries)}


def put_local(model: GMMAS, own: Weights, config: Config) -> None:
    """Put the site's own values in the place of received ones; those of groups that are not local are ignored.

    Raises:
        DataError: values that do not fit the model.
    """
    own = local_values(own, config)
    if own:
        load_weights(model, {**weights_of(model), **own})


def without_local(trained: Weights, received: Weights, config: Config) -> dict[str, NDArray[np.float32]]:
    """Trained weights as they may leave: of local groups, the received ones."""
    entries = config.strategy.local_groups
    return {name: received[name] if is_local(group_of(name), entries) else value for name, value in trained.items()}


def spoken_for(seen: Mapping[str, int], config: Config) -> dict[str, int]:
    """Cases per group with 0 for the local ones."""
    entries = config.strategy.local_groups
    return {group: 0 if is_local(group, entries) else count for group, count in seen.items()}
