"""A network's weights as named arrays: out of it, into it, and their hash. No files, no wire.

Everything is float32 by construction, so that a mean over sites can never corrupt a counter or a table of integers.
"""

import hashlib
import json
from collections.abc import Mapping

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from gmmas_core.types import ConfigError, DataError

Weights = Mapping[str, NDArray[np.float32]]


def weights_of(model: nn.Module) -> dict[str, NDArray[np.float32]]:
    """Copies of every entry of the state dict, in its order.

    Raises:
        ConfigError: an entry is not float32 (an integer buffer would be corrupted by any mean).
    """
    state = model.state_dict()
    wrong = [name for name, value in state.items() if value.dtype != torch.float32]
    if wrong:
        raise ConfigError(f"model: found {_some(wrong)} not in float32; expected float32 only")
    return {name: value.detach().cpu().numpy().copy() for name, value in state.items()}


def load_weights(model: nn.Module, weights: Weights) -> None:
    """Copy weights into a model; nothing is copied unless everything fits.

    Raises:
        DataError: other names, shapes or dtypes than the model's, or values that are not finite.
    """
    state = model.state_dict()
    problems = [f"{name} missing" for name in state if name not in weights]
    problems += [f"{name} unknown" for name in weights if name not in state]
    for name in (name for name in state if name in weights):
        array, shape = weights[name], tuple(state[name].shape)
        if array.dtype != np.float32 or array.shape != shape:
            problems.append(f"{name} is {array.dtype}{list(array.shape)} instead of float32{list(shape)}")
        elif not np.isfinite(array).all():
            problems.append(f"{name} holds NaN or infinity")
    if problems:
        raise DataError(f"weights: found {_some(problems)}; expected exactly this model's {len(state)} entries")
    with torch.no_grad():
        for name, target in state.items():
            target.copy_(torch.from_numpy(np.array(weights[name])))


def weights_hash(weights: Weights) -> str:
    """sha256 over sorted names, dtypes, shapes and little-endian bytes."""
    digest = hashlib.sha256()
    for name in sorted(weights):
        array = weights[name]
        little = array.astype(array.dtype.newbyteorder("<"), order="C", copy=False)
        digest.update(json.dumps([name, little.dtype.str, list(array.shape)]).encode())
        digest.update(little.reshape(-1).view(np.uint8).data)
    return digest.hexdigest()


def _some(items: list[str], shown: int = 4) -> str:
    more = f" and {len(items) - shown} more" if len(items) > shown else ""
    return ", ".join(items[:shown]) + more
