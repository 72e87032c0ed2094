"""How benchmarks measure: each way in a process of its own, CPU seconds beside wall seconds, the program's own peak."""

import ctypes
import gc
import json
import os
import re
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from typing import Any

from gmmas_core.types import GmmasError


def in_own_process(module: str, *arguments: object, environment: Mapping[str, str] | None = None) -> dict[str, Any]:
    """Run `python -m MODULE ARGUMENTS`, whose last line of output is one JSON object, and return that object.

    Raises:
        GmmasError: the process failed; the message ends with the last line it said.
    """
    words = [str(argument) for argument in arguments]
    done = subprocess.run(
        [sys.executable, "-m", module, *words],
        env=os.environ | (environment or {}),
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        reason = (done.stderr.strip().splitlines() or ["no message"])[-1]
        raise GmmasError(f"bench {words[0]}: the measuring process ended with {done.returncode}: {reason}")
    measured: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return measured


def best_of(repeats: int, work: Callable[[], object]) -> tuple[float, float]:
    """Least CPU and wall seconds of `repeats` runs; a first one warms up, unless only one is asked for."""
    if repeats > 1:
        work()
    cpu, wall = [], []
    for _ in range(repeats):
        cpu_before, wall_before = time.process_time(), time.perf_counter()
        work()
        cpu.append(time.process_time() - cpu_before)
        wall.append(time.perf_counter() - wall_before)
    return min(cpu), min(wall)


def peak_rss_mb() -> float:
    """The most memory this program ever held, MiB; `getrusage` would report the larger process that started it."""
    found = re.search(r"VmHWM:\s+(\d+) kB", Path("/proc/self/status").read_text())
    return int(found[1]) / 1024 if found else float("nan")


@contextmanager
def own_peak(every_s: float = 0.01) -> Iterator[list[float]]:
    """Watch this process's anonymous memory; afterwards the list holds its peak, MiB.

    Pages of memory-mapped files count as resident too, but the system takes them back whenever it needs them.
    """
    peak, stopped = [_anonymous_mb()], threading.Event()

    def sample() -> None:
        while not stopped.wait(every_s):
            peak[0] = max(peak[0], _anonymous_mb())

    watcher = threading.Thread(target=sample, daemon=True)
    watcher.start()
    try:
        yield peak
    finally:
        stopped.set()
        watcher.join()


def _anonymous_mb() -> float:
    found = re.search(r"RssAnon:\s+(\d+) kB", Path("/proc/self/status").read_text())
    return int(found[1]) / 1024 if found else float("nan")


def settle_memory() -> None:
    """Collect garbage and let the C library give back what it keeps for later: what stays is in use, or leaked."""
    gc.collect()
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)  # glibc alone has it
    if trim is not None:
        trim(0)


def timing_rows(measured: Mapping[str, Sequence[tuple[float, float]]], reference: str) -> list[dict[str, Any]]:
    """One row per way from its (wall, CPU) milliseconds; ratios are the reference's median over the way's."""
    wall_of = {way: median(wall for wall, _ in times) for way, times in measured.items()}
    cpu_of = {way: median(cpu for _, cpu in times) for way, times in measured.items()}
    return [
        {
            "way": way,
            "median_ms": round(wall_of[way], 3),
            "min_ms": round(min(wall for wall, _ in times), 3),
            "max_ms": round(max(wall for wall, _ in times), 3),
            "cpu_ms": round(cpu_of[way], 3),
            "ratio": round(wall_of[reference] / wall_of[way], 2),
            "cpu_ratio": round(cpu_of[reference] / cpu_of[way], 2),
        }
        for way, times in measured.items()
    ]
