"""A case of 240x240x155 voxels, four compressed sequences and a mask, to arrays: ours, MONAI's chain and TorchIO's.

Equal work in all three: axes turned to RAS+, 1 mm (the files are, so nothing is interpolated), cut to the brain,
z-scores over its voxels. Ours also checks every file, makes the context volume and rounds to half precision. The floor
is what nobody gets below: the bytes read and inflated by zlib, which all three call; `times_floor` says how far above
it a way is.

The ways take turns in one process with one torch thread; how much memory a worker takes is measured in a process that
does nothing else, its imports included.
"""

import json
import sys
import tempfile
import time
import zlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import torch

from gmmas_core.data.preprocess import MARGIN, PrepareSettings, prepare_case
from gmmas_core.types import SEQUENCES, Case
from server.lab.bench.case import case_in, write_case
from server.lab.bench.measuring import in_own_process, peak_rss_mb, timing_rows

MODULE = "server.lab.bench.prepare"
FLOOR, OURS, MONAI, TORCHIO = (
    "reading and inflating the files (the floor)",
    "ours, prepare one case with context",
    "MONAI, the same preparation",
    "TorchIO, the same preparation",
)
BRAIN = (140, 172, 124)
"""Voxels that TorchIO cuts to, as large as the brain that the others find."""

Row = dict[str, Any]
Work = Callable[[], object]


def bench_prepare(repeats: int, seed: int) -> list[Row]:
    """Prepare one case in every way.

    Args:
        repeats: measurements per way, after one that is not counted.
        seed: of the brain.

    Returns:
        One row per way: way, median_ms, min_ms, max_ms (wall clock), cpu_ms (median), ratio (median of the MONAI chain
        over this way's, wall clock), cpu_ratio, times_floor (CPU) and peak_rss_mb of a worker. TorchIO's row is absent
        where TorchIO is.
    """
    with tempfile.TemporaryDirectory() as name, one_torch_thread():
        case = write_case(Path(name) / "case", np.random.default_rng(seed))
        ways = {way: make(case) for way, make in WAYS.items() if way != TORCHIO or find_spec("torchio")}
        measured: dict[str, list[tuple[float, float]]] = {way: [] for way in ways}
        for repeat in range(repeats + 1):
            for way, work in ways.items():
                spent = timed_ms(work)
                if repeat > 0:
                    measured[way].append(spent)
        memory = {way: in_own_process(MODULE, way, Path(name) / "case")["peak_rss_mb"] for way in ways}
    rows = timing_rows(measured, MONAI)
    floor_ms = next(row["cpu_ms"] for row in rows if row["way"] == FLOOR)
    for row in rows:
        row["times_floor"] = round(row["cpu_ms"] / floor_ms, 2)
        row["peak_rss_mb"] = round(memory[row["way"]], 1)
    return rows


def _floor(case: Case) -> Work:
    paths = _files(case)

    def work() -> int:
        return sum(len(zlib.decompressobj(wbits=31).decompress(path.read_bytes())) for path in paths)

    return work


def _ours(case: Case) -> Work:
    settings = PrepareSettings(spacing_mm=1.0, context_size=64, label_convention="canonical")
    return lambda: prepare_case(case, settings)


def _monai(case: Case) -> Work:
    from monai import transforms

    both = ["image", "label"]
    chain = transforms.Compose(
        [
            transforms.LoadImaged(both),
            transforms.EnsureChannelFirstd(both),
            transforms.Orientationd(both, axcodes="RAS"),
            transforms.Spacingd(both, pixdim=(1.0, 1.0, 1.0), mode=("bilinear", "nearest")),
            transforms.CropForegroundd(both, source_key="image", margin=MARGIN),
            transforms.NormalizeIntensityd("image", nonzero=True, channel_wise=True),
        ]
    )
    item = {"image": [str(case.images[sequence]) for sequence in SEQUENCES], "label": str(case.mask)}
    return lambda: chain(item)


def _torchio(case: Case) -> Work:
    import torchio

    chain = torchio.Compose(
        [
            torchio.ToCanonical(),
            torchio.Resample(1.0),
            torchio.CropOrPad(BRAIN),
            torchio.ZNormalization(masking_method=_is_brain),
        ]
    )

    def work() -> object:
        images = {name: torchio.ScalarImage(path) for name, path in case.images.items()}
        return chain(torchio.Subject(**images, seg=torchio.LabelMap(case.mask)))

    return work


def _is_brain(image: torch.Tensor) -> torch.Tensor:
    return image != 0


WAYS: Mapping[str, Callable[[Case], Work]] = {FLOOR: _floor, OURS: _ours, MONAI: _monai, TORCHIO: _torchio}
"""Name of a row -> what prepares a case that way, whenever it is called."""


def _files(case: Case) -> list[Path]:
    return [*case.images.values(), *([case.mask] if case.mask else [])]


def timed_ms(call: Callable[[], object]) -> tuple[float, float]:
    """Wall-clock and CPU milliseconds of one call."""
    wall, cpu = time.perf_counter(), time.process_time()
    call()
    return (time.perf_counter() - wall) * 1e3, (time.process_time() - cpu) * 1e3


@contextmanager
def one_torch_thread() -> Iterator[None]:
    """Hold torch to one thread, so that every way has the same."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)


def _main(way: str, folder: str) -> None:
    """One way in a process of its own: print the most memory that it took."""
    with one_torch_thread():
        WAYS[way](case_in(Path(folder)))()
    sys.stdout.write(json.dumps({"peak_rss_mb": peak_rss_mb()}) + "\n")


if __name__ == "__main__":
    _main(*sys.argv[1:])
