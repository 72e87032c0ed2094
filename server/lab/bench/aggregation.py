"""Exact averaging beside its peers: time, memory and traffic, on the same messages.

A site's reply arrives as bytes in numpy's format, so every way begins with these bytes and decodes them itself: ours
in place, the others as Flower does. Creating the replies is not timed. Each way runs in a process of its own, so that
peak memory is its own; processes of different ways alternate, so that a busy machine disturbs all alike.
"""

import json
import os
import statistics
import sys
import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import psutil
import torch
from flwr.app import Array, ArrayRecord, MetricRecord, RecordDict
from flwr.serverapp.strategy.strategy_utils import aggregate_arrayrecords
from numpy.typing import NDArray

from gmmas_core.npy_bytes import read_npy
from server.aggregation.exact_mean import Accumulator
from server.lab.bench.measuring import in_own_process, peak_rss_mb

PARAMETERS = 20_000_000
SITES = (4, 16, 64)
WEIGHT = 37
_LAYERS = (64, 256, 4_096, 110_592, 442_368, 1_769_472)  # sizes of a 3-D network's tensors

Arrays = dict[str, NDArray[np.float32]]
Timed = tuple[float, float]


def bench_aggregation(
    repeats: int,
    seed: int,
    *,
    parameters: int = PARAMETERS,
    sites: Sequence[int] = SITES,
    ways: Collection[str] | None = None,
) -> list[dict[str, Any]]:
    """Average updates of one network from several numbers of sites, in every way.

    Args:
        repeats: processes per row; medians are reported.
        seed: of the values.
        parameters: of the network.
        sites: numbers of updates.
        ways: of WAYS; None for all.

    Returns:
        One row per way, threads and sites: `seconds` wall clock and `cpu_seconds` of all threads, from bytes to mean;
        `peak_rss_mb` of the process; `gb_per_s` of updates; `ratio` Flower's seconds over these, for as many sites.
        Ways that hold all updates are left out where memory does not suffice.
    """
    plan = [
        (way, threads, number)
        for number in sites
        for way, threads in _ways_and_threads()
        if (ways is None or way in ways) and _HOLDS[way] * 4 * parameters * number < psutil.virtual_memory().available
    ]
    runs: dict[tuple[str, int, int], list[dict[str, float]]] = {entry: [] for entry in plan}
    for repeat in range(repeats):
        for way, threads, number in plan:
            runs[way, threads, number].append(_in_own_process(way, threads, number, parameters, seed + repeat))
    rows = [_row(*entry, parameters, measured) for entry, measured in runs.items()]
    for row in rows:
        flower = [peer["seconds"] for peer in rows if peer["way"] == "flwr" and peer["sites"] == row["sites"]]
        row["ratio"] = round(flower[0] / row["seconds"], 2) if flower else None
    return rows


def _ways_and_threads() -> list[tuple[str, int]]:
    cores = os.cpu_count() or 1
    alone = [(way, 1) for way in WAYS]
    return alone + [(way, cores) for way in ("ours", "float64 in place", "bandwidth (axpy)")] * (cores > 1)


def _row(way: str, threads: int, sites: int, parameters: int, runs: list[dict[str, float]]) -> dict[str, Any]:
    median = {name: statistics.median(run[name] for run in runs) for name in runs[0]}
    return {
        "way": way,
        "threads": threads,
        "sites": sites,
        "seconds": round(median["seconds"], 4),
        "cpu_seconds": round(median["cpu_seconds"], 4),
        "peak_rss_mb": round(median["peak_rss_mb"]),
        "gb_per_s": round(4e-9 * parameters * sites / median["seconds"], 2),
    }


def _in_own_process(way: str, threads: int, sites: int, parameters: int, seed: int) -> dict[str, float]:
    limits = {"OMP_NUM_THREADS": str(threads), "OPENBLAS_NUM_THREADS": "1"}
    return in_own_process("server.lab.bench.aggregation", way, threads, sites, parameters, seed, environment=limits)


def measure(way: str, threads: int, sites: int, parameters: int, seed: int) -> dict[str, float]:
    """Run one way twice in this process and time the second: the first touches the memory and fills the caches."""
    torch.set_num_threads(threads)
    template = _template(parameters, seed)
    WAYS[way](template, sites, threads)
    seconds, cpu_seconds = WAYS[way](template, sites, threads)
    return {"seconds": seconds, "cpu_seconds": cpu_seconds, "peak_rss_mb": peak_rss_mb()}


def _template(parameters: int, seed: int) -> dict[str, bytes]:
    """One update as bytes: the name and numpy file of every tensor."""
    rng = np.random.default_rng(seed)
    template: dict[str, bytes] = {}
    left = parameters
    while left > 0:
        size = min(left, _LAYERS[len(template) % len(_LAYERS)])
        values = rng.standard_normal(size, dtype=np.float32) * np.float32(0.05)
        template[f"layer{len(template)}.weight"] = Array(values).data
        left -= size
    return template


def _replies(template: Mapping[str, bytes], sites: int) -> Iterator[RecordDict]:
    """Fresh messages with bytes of their own, one after the other."""
    for _ in range(sites):
        arrays = {}
        for name, data in template.items():
            size = read_npy(data).size
            arrays[name] = Array(dtype="float32", shape=(size,), stype="numpy.ndarray", data=bytes(bytearray(data)))
        yield RecordDict({"weights": ArrayRecord(arrays), "counts": MetricRecord({"num-cases": WEIGHT})})


def _decoded(reply: RecordDict, decode: Callable[[Array], NDArray[np.float32]]) -> Arrays:
    return {name: decode(array) for name, array in reply.array_records["weights"].items()}


def _clocks() -> Timed:
    return time.perf_counter(), time.process_time()


def _since(start: Timed) -> Timed:
    now = _clocks()
    return now[0] - start[0], now[1] - start[1]


def _ours(template: Mapping[str, bytes], sites: int, threads: int) -> Timed:
    reference = {name: read_npy(data) for name, data in template.items()}
    start = _clocks()
    accumulator = Accumulator(reference, max_weight=1000, max_sites=sites, threads=threads)
    weight_of = dict.fromkeys(reference, WEIGHT)
    wall, cpu = _since(start)
    for reply in _replies(template, sites):
        start = _clocks()
        accumulator.add(_decoded(reply, lambda array: read_npy(array.data)), weight_of)
        spent = _since(start)
        wall, cpu = wall + spent[0], cpu + spent[1]
    start = _clocks()
    accumulator.result()
    spent = _since(start)
    return wall + spent[0], cpu + spent[1]


def _flwr(template: Mapping[str, bytes], sites: int, _threads: int) -> Timed:
    replies = list(_replies(template, sites))
    start = _clocks()
    aggregate_arrayrecords(replies, "num-cases")
    return _since(start)


def _plain_list(template: Mapping[str, bytes], sites: int, _threads: int) -> Timed:
    replies = list(_replies(template, sites))
    start = _clocks()
    updates = [_decoded(reply, lambda array: array.numpy()) for reply in replies]
    for name in template:
        sum(update[name] * np.float32(WEIGHT) for update in updates) / np.float32(WEIGHT * sites)
    return _since(start)


def _float64_in_place(template: Mapping[str, bytes], sites: int, _threads: int) -> Timed:
    totals = {name: torch.zeros(read_npy(data).size, dtype=torch.float64) for name, data in template.items()}
    wall = cpu = 0.0
    for reply in _replies(template, sites):
        start = _clocks()
        for name, array in reply.array_records["weights"].items():
            totals[name].add_(torch.from_numpy(array.numpy()), alpha=WEIGHT)
        spent = _since(start)
        wall, cpu = wall + spent[0], cpu + spent[1]
    start = _clocks()
    for total in totals.values():
        total.div_(WEIGHT * sites).float()
    spent = _since(start)
    return wall + spent[0], cpu + spent[1]


def _axpy(template: Mapping[str, bytes], sites: int, _threads: int) -> Timed:
    values = torch.ones(sum(read_npy(data).size for data in template.values()))
    total = torch.zeros_like(values)
    start = _clocks()
    for _ in range(sites):
        total.add_(values, alpha=WEIGHT)
    return _since(start)


WAYS: Mapping[str, Callable[[Mapping[str, bytes], int, int], Timed]] = {
    "ours": _ours,
    "flwr": _flwr,
    "plain list": _plain_list,
    "float64 in place": _float64_in_place,
    "bandwidth (axpy)": _axpy,
}
_HOLDS = {"ours": 0.0, "flwr": 1.2, "plain list": 2.4, "float64 in place": 0.0, "bandwidth (axpy)": 0.0}
"""Copies of every update that a way holds at once."""


if __name__ == "__main__":
    way, *numbers = sys.argv[1:]
    sys.stdout.write(json.dumps(measure(way, *map(int, numbers))) + "\n")
