"""Where every random stream of local training starts, and what makes a run repeat itself.

Two sites of one round must not draw the same crops, and a site asked twice for the same round must draw the same ones.
"""

import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager

import torch


def stream_seed(seed: int, round: int, site: str) -> int:
    """A seed of 63 bits that differs between runs, rounds and sites.

    Hashed, not added: seed + round would make round 2 of run 0 repeat round 1 of run 1.
    """
    digest = hashlib.sha256(f"{seed}/{round}/{site}".encode()).digest()
    return int.from_bytes(digest[:8], "big") >> 1


def set_deterministic(seed: int, threads: int) -> None:
    """Make this process compute the same bytes again on the same machine with the same number of threads.

    On a GPU some backward passes (trilinear interpolation, cross-entropy over volumes) have no deterministic form;
    PyTorch then warns and the last bits may differ.

    Args:
        seed: of torch's global stream, which dropout and initialisation draw from.
        threads: of torch's CPU kernels; 0 leaves the default. Sums change their order with it.
    """
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    torch.use_deterministic_algorithms(True, warn_only=True)
    # Costs a pass over every new tensor, and nothing reads memory that it has not written.
    torch.utils.deterministic.fill_uninitialized_memory = False  # type: ignore[attr-defined]
    torch.backends.cudnn.benchmark = False
    if threads > 0:
        torch.set_num_threads(threads)
    torch.manual_seed(seed)


@contextmanager
def seeded(seed: int) -> Iterator[None]:
    """Inside, torch's global streams start at `seed`; afterwards they go on where they were.

    Dropout draws from the global stream only. With this, a stage's result depends on its plan, not on what ran before
    it.
    """
    devices = list(range(torch.cuda.device_count()))
    with torch.random.fork_rng(devices=devices):
        torch.manual_seed(seed)
        yield
