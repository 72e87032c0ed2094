"""One training sample: our cache against MONAI's transform chain, on the same case, in one run.

The case (see `bench_case`) is written into a temporary folder. The ways take turns within every repeat, so that other
load on the machine hits all of them alike; torch is held to one thread, and CPU milliseconds stand beside wall-clock
ones because they suffer less from neighbours.
"""

import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from monai import transforms
from monai.data import PersistentDataset

from gmmas_core.config import load_config
from gmmas_core.data.cache import PreparedCache
from gmmas_core.data.crops import draw_sample, draw_start
from gmmas_core.data.loader import BatchStream
from gmmas_core.data.preprocess import PrepareSettings, prepare_case
from gmmas_core.types import SEQUENCES, Case
from server.lab.bench.case import write_case
from server.lab.bench.measuring import timing_rows
from server.lab.bench.prepare import one_torch_thread, timed_ms

PATCH = 64
REFERENCE = "MONAI chain from NIfTI, patch 64"

Row = dict[str, Any]


def bench_data(repeats: int, seed: int) -> list[Row]:
    """Time every way of getting a sample.

    Args:
        repeats: measurements per way, after one that is not counted (it fills the caches).
        seed: of the brain and of everything drawn.

    Returns:
        One row per way: way, median_ms, min_ms, max_ms (wall clock), cpu_ms (median), ratio (median of the MONAI chain
        over this way's, wall clock) and cpu_ratio.
    """
    with tempfile.TemporaryDirectory() as name, one_torch_thread():
        folder = Path(name)
        case = write_case(folder / "case", np.random.default_rng(seed))
        ways = {**_our_ways(case, folder / "cache", seed), **_monai_ways(case, folder / "monai", seed)}
        measured: dict[str, list[tuple[float, float]]] = {way: [] for way in ways}
        for repeat in range(repeats + 1):
            for way, call in ways.items():
                spent = timed_ms(call)
                if repeat > 0:
                    measured[way].append(spent)
    return timing_rows(measured, REFERENCE)


def _our_ways(case: Case, folder: Path, seed: int) -> dict[str, Callable[[], object]]:
    config = load_config(["model=base"])
    settings = PrepareSettings(spacing_mm=1.0, context_size=config.model.context_size, label_convention="canonical")
    cache = PreparedCache(folder, settings)
    opened = cache.open(case)
    rng = np.random.default_rng(seed)
    size = (PATCH, PATCH, PATCH)
    stream = BatchStream(
        [case], cache, model=config.model, data=config.data, tasks=config.task_list, batch_size=2, seed=seed
    )
    batches = iter(stream)

    def read_patch() -> object:
        start = draw_start(opened, size, config.data.tumour_share, rng)
        image = torch.from_numpy(opened.image_patch(start, size)).float()
        return image, torch.from_numpy(opened.seg_patch(start, size))

    return {
        "ours, cached patch (image and labels)": read_patch,
        "ours, cached patch with flips, intensity and context": lambda: draw_sample(opened, size, config.data, rng),
        "ours, batch of 2 with targets": lambda: next(batches),
        "ours, cache looked up, then patch": lambda: draw_sample(cache.open(case), size, config.data, rng),
        "ours, prepare one case from NIfTI": lambda: prepare_case(case, settings),
    }


def _monai_ways(case: Case, folder: Path, seed: int) -> dict[str, Callable[[], object]]:
    item = {"image": [str(case.images[sequence]) for sequence in SEQUENCES], "label": str(case.mask)}
    chain = _monai_chain(seed)
    cached = PersistentDataset([item], _monai_chain(seed), cache_dir=folder)
    return {REFERENCE: lambda: chain(item), "MONAI PersistentDataset": lambda: cached[0]}


def _monai_chain(seed: int) -> Any:
    """The same work in MONAI's transforms, as its BraTS examples order them."""
    both, patch = ["image", "label"], (PATCH, PATCH, PATCH)
    chain = transforms.Compose(
        [
            transforms.LoadImaged(both),
            transforms.EnsureChannelFirstd(both),
            transforms.Orientationd(both, axcodes="RAS"),
            transforms.CropForegroundd(both, source_key="image", margin=2),
            transforms.NormalizeIntensityd("image", nonzero=True, channel_wise=True),
            transforms.RandCropByPosNegLabeld(both, label_key="label", spatial_size=patch, pos=2, neg=1),
            *(transforms.RandFlipd(both, prob=0.5, spatial_axis=axis) for axis in range(3)),
            transforms.RandScaleIntensityd("image", factors=0.1, prob=1.0),
            transforms.RandShiftIntensityd("image", offsets=0.1, prob=1.0),
        ]
    )
    return chain.set_random_state(seed=seed)
