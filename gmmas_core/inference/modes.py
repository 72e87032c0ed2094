"""States that a network is put into while it reads, each put back afterwards: repeatable, or stochastic by dropout."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import nn


@contextmanager
def reading_mode(model: nn.Module) -> Iterator[None]:
    """No gradients, evaluation mode, and on a GPU neither timed kernels nor ones that add in varying order."""
    was_training = model.training
    model.eval()
    try:
        with torch.inference_mode(), torch.backends.cudnn.flags(enabled=True, benchmark=False, deterministic=True):
            yield
    finally:
        model.train(was_training)


@contextmanager
def dropout_on(model: nn.Module) -> Iterator[None]:
    """Only dropout layers in training mode, everything else stays as it is."""
    layers = [m for m in model.modules() if isinstance(m, nn.modules.dropout._DropoutNd)]
    before = [layer.training for layer in layers]
    for layer in layers:
        layer.train()
    try:
        yield
    finally:
        for layer, was in zip(layers, before, strict=True):
            layer.train(was)


@contextmanager
def seeded(seed: int, device: torch.device) -> Iterator[None]:
    """Dropout draws from torch's own generator; it is seeded here and put back afterwards."""
    with torch.random.fork_rng(devices=[device] if device.type == "cuda" else []):
        torch.manual_seed(seed)
        yield
