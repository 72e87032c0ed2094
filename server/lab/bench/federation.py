"""A round of many sites at the coordinator: memory, time and bytes from the messages to the new weights.

Synthetic updates of a real preset's parameters walk the path of a round (decoding, screening, suspicion, strategy,
accumulator or spool, server optimizer) without Flower's transport. Every update is made when its turn comes and dropped
afterwards; making it is not timed. Each row is a process of its own, so that its peak memory is its own.

Bytes are counted alike for every way, per update and parameter: the update is read, the accumulator read and written.
Ours adds in int64 (4 + 8 + 8 bytes), axpy in float32 (4 + 4 + 4); the spool's detour over the disk is not counted,
though it costs time.
"""

import json
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import psutil
from flwr.app import Array, ArrayRecord, MetricRecord, RecordDict
from flwr.serverapp.strategy.strategy_utils import aggregate_arrayrecords
from numpy.typing import NDArray

from client.app import app as client_app
from gmmas_core import wire
from gmmas_core.config import load_config
from gmmas_core.model.gmmas import build_training_model
from gmmas_core.model.log_variances import SEGMENTATION
from gmmas_core.model.parameter_groups import GROUPS
from gmmas_core.types import SEQUENCES, ConfigError, RoundPlan, SiteStatus, SiteUpdate, Sum
from gmmas_core.weights import weights_hash, weights_of
from server.aggregation.server_optimizer import OPTIMIZERS
from server.lab.bench.measuring import in_own_process, own_peak, peak_rss_mb
from server.lab.in_process_grid import InProcessGrid
from server.records.run_folder import RunFolder
from server.rounds.exchange import Collected
from server.rounds.tally import Tally
from server.run import Run, open_run

Weights = dict[str, NDArray[np.float32]]

SITES = (4, 32, 128, 512)
LARGE, SMALL = "paper", "tiny"
LARGEST_PAPER = 128  # sites up to which the large preset is measured; the estimate is for more
ESTIMATED = 1000
CASES, LR, STEPS = 40, 1e-3, 10
FREE_SHARE = 0.8  # of disk and memory that a row may take

STREAMING, SPOOLED, FLOWER, AXPY = "streaming (masked_fedavg)", "spooled (uncertainty_weighted)", "flwr", "axpy (numpy)"
_STRATEGY = {STREAMING: "masked_fedavg", SPOOLED: "uncertainty_weighted"}
_BYTES_PER_PARAMETER = {STREAMING: 20, SPOOLED: 20, FLOWER: 12, AXPY: 12}


def bench_federation(repeats: int, seed: int, sites: Sequence[int] = ()) -> list[dict[str, Any]]:
    """Measure every way for both presets.

    Args:
        repeats: processes per row; medians are reported.
        seed: of the values.
        sites: numbers of updates; none for SITES.

    Returns:
        One row per way, preset and sites: `seconds` from messages to weights, `ms_per_site`, `peak_rss_mb` (and without
        pages of mapped files, which the system takes back at need, `peak_own_mb`), `gb_per_s`, `of_axpy` (its gb_per_s
        over axpy's, target 0.5), `flwr_ratio` (Flower's seconds over these, target 2). Then a row per way and preset:
        the straight line through the others, read off at 1,000 sites.

    Raises:
        ConfigError: a number of sites below 1.
    """
    wanted = tuple(sorted(set(sites or SITES)))
    if wanted[0] < 1:
        raise ConfigError(f"--sites: found {wanted[0]}; expected numbers of at least 1")
    sizes = {preset: _parameters(preset) for preset in (LARGE, SMALL)}
    rows = []
    for preset, parameters in sizes.items():
        measured = [
            _row(way, preset, number, parameters, repeats, seed)
            for number in wanted
            for way in WAYS
            if _fits(way, preset, number, parameters)
        ]
        for row in measured:
            _compare(row, measured)
        rows += measured + _estimates(measured, parameters)
    return rows


def _parameters(preset: str) -> int:
    config = load_config([f"model={preset}"])
    return sum(value.size for value in weights_of(build_training_model(config)).values())


def _fits(way: str, preset: str, sites: int, parameters: int) -> bool:
    if preset == LARGE and sites > LARGEST_PAPER:
        return False
    need = 4 * parameters * sites
    if way == SPOOLED:
        return need < FREE_SHARE * psutil.disk_usage(tempfile.gettempdir()).free
    return way != FLOWER or 2.5 * need < FREE_SHARE * psutil.virtual_memory().available


def _row(way: str, preset: str, sites: int, parameters: int, repeats: int, seed: int) -> dict[str, Any]:
    runs = [
        in_own_process(
            "server.lab.bench.federation", way, preset, sites, seed + repeat, environment={"OMP_NUM_THREADS": "1"}
        )
        for repeat in range(repeats)
    ]
    seconds = statistics.median(run["seconds"] for run in runs)
    return {
        "way": way,
        "preset": preset,
        "sites": sites,
        "seconds": round(seconds, 3),
        "ms_per_site": round(1e3 * seconds / sites, 2),
        "peak_rss_mb": round(statistics.median(run["peak_rss_mb"] for run in runs)),
        "peak_own_mb": round(statistics.median(run["peak_own_mb"] for run in runs)),
        "gb_per_s": round(1e-9 * _BYTES_PER_PARAMETER[way] * parameters * sites / seconds, 3),
    }


def _compare(row: dict[str, Any], rows: Sequence[Mapping[str, Any]]) -> None:
    beside = {other["way"]: other for other in rows if other["sites"] == row["sites"]}
    row["of_axpy"] = round(row["gb_per_s"] / beside[AXPY]["gb_per_s"], 2) if AXPY in beside else None
    row["flwr_ratio"] = round(beside[FLOWER]["seconds"] / row["seconds"], 2) if FLOWER in beside else None


def _estimates(rows: Sequence[Mapping[str, Any]], parameters: int) -> list[dict[str, Any]]:
    """A straight line through a way's rows, read off at 1,000 sites; memory is the largest measured."""
    found = []
    for way in (STREAMING, SPOOLED):
        own = [row for row in rows if row["way"] == way]
        if len(own) < 2:
            continue
        slope, start = np.polyfit([row["sites"] for row in own], [row["seconds"] for row in own], 1)
        seconds = float(start + slope * ESTIMATED)
        found.append(
            {
                "way": f"{way}, estimated",
                "preset": own[0]["preset"],
                "sites": ESTIMATED,
                "seconds": round(seconds, 1),
                "ms_per_site": round(1e3 * seconds / ESTIMATED, 2),
                "peak_own_mb": max(row["peak_own_mb"] for row in own),
                "disk_gb": round(4e-9 * parameters * ESTIMATED, 1) if way == SPOOLED else 0.0,
            }
        )
    return found


def measure(way: str, preset: str, sites: int, seed: int) -> dict[str, float]:
    """Run one way in this process."""
    with tempfile.TemporaryDirectory(prefix="gmmas-bench-") as folder, own_peak() as own:
        seconds = WAYS[way](way, preset, sites, seed, Path(folder))
    return {"seconds": seconds, "peak_rss_mb": peak_rss_mb(), "peak_own_mb": own[0]}


def _tallied(way: str, preset: str, sites: int, seed: int, folder: Path) -> float:
    """Seconds that the coordinator itself spends on a round."""
    run = _opened(preset, _STRATEGY[way], sites, folder)
    names = [f"site-{number:04d}" for number in range(sites)]
    run.enlisted = {name: _status(name, run) for name in names}
    plan = _plan(run)
    rng = np.random.default_rng(seed)
    started = time.perf_counter()
    tally = Tally(run, plan, names)
    seconds = time.perf_counter() - started
    for name in names:
        content = wire.update_to_content(_update(name, run, plan, rng))
        started = time.perf_counter()
        tally.count(name, content)
        seconds += time.perf_counter() - started
        del content
    started = time.perf_counter()
    mean = tally.combine(Collected(counted=list(names)), "round 1")
    settings = run.config.strategy.server_optimizer
    OPTIMIZERS[settings.name](run.weights, mean, tally.spoken_groups, run.memory.moments, settings)
    seconds += time.perf_counter() - started
    tally.close()
    return seconds


def _flower(way: str, preset: str, sites: int, seed: int, folder: Path) -> float:
    """Seconds of Flower's own average, which needs every reply at once."""
    reference = weights_of(build_training_model(load_config([f"model={preset}"])))
    replies = [
        RecordDict(
            {
                "weights": ArrayRecord({name: Array(value) for name, value in changed.items()}),
                "counts": MetricRecord({"num-cases": CASES}),
            }
        )
        for changed in _changed(reference, sites, seed)
    ]
    started = time.perf_counter()
    aggregate_arrayrecords(replies, "num-cases")
    return time.perf_counter() - started


def _axpy(way: str, preset: str, sites: int, seed: int, folder: Path) -> float:
    """Seconds of y += a x on one flat array, the least that an average could do."""
    x = np.random.default_rng(seed).standard_normal(_parameters(preset), dtype=np.float32)
    y = np.zeros_like(x)
    started = time.perf_counter()
    for _ in range(sites):
        y += np.float32(CASES) * x
    return time.perf_counter() - started


WAYS: Mapping[str, Callable[[str, str, int, int, Path], float]] = {
    STREAMING: _tallied,
    SPOOLED: _tallied,
    FLOWER: _flower,
    AXPY: _axpy,
}


def _opened(preset: str, strategy: str, sites: int, folder: Path) -> Run:
    overrides = [
        f"model={preset}",
        f"strategy={strategy}",
        f"federation.min_sites={sites}",
        f"federation.quorum={sites}",
        f"training.local_steps={STEPS}",
        f"training.lr={LR}",
    ]
    return open_run(
        InProcessGrid(client_app, []), load_config(overrides), overrides, RunFolder(folder), lambda kind, fields: None
    )


def _plan(run: Run) -> RoundPlan:
    return RoundPlan(
        run_id=run.run_id,
        round=1,
        seed=0,
        weights_hash=weights_hash(run.weights),
        stage="supervised",
        local_steps=STEPS,
        lr=LR,
        tasks=run.config.task_list,
        deadline_s=run.config.federation.deadline_s,
        config_hash=run.config_hash,
        core_fingerprint=run.fingerprint.digest,
    )


def _status(name: str, run: Run) -> SiteStatus:
    return SiteStatus(
        site=name,
        core_fingerprint=run.fingerprint.digest,
        fingerprint_parts=run.fingerprint.parts,
        config_hash=run.config_hash,
        num_cases={"train": CASES, "validation": 8, "holdout": 8},
        num_sequences=dict.fromkeys(SEQUENCES, CASES),
        num_labels=dict.fromkeys((SEGMENTATION, *(task.value for task in run.config.task_list)), CASES),
        **vars(run.software),
    )


def _update(name: str, run: Run, plan: RoundPlan, rng: np.random.Generator) -> SiteUpdate:
    parts = (SEGMENTATION, *(task.value for task in plan.tasks))
    seen = dict.fromkeys(GROUPS(plan.tasks), CASES) | {"contrast": 0}
    seen |= {group: 0 for group in seen if group.startswith("uncertainty.")}
    doubt = {f"signal.{kind}.{part}": Sum(0.8, 8) for kind in ("epistemic", "aleatoric") for part in parts}
    return SiteUpdate(
        site=name,
        run_id=plan.run_id,
        round=plan.round,
        weights=_moved(run.weights, rng),
        num_cases=CASES,
        seen=seen,
        uncertainty=dict.fromkeys(parts, 0.0),
        metrics=doubt if "doubt" in run.config.strategy.signals else {},
        duration_s=1.0,
        core_fingerprint=plan.core_fingerprint,
    )


def _moved(reference: Mapping[str, NDArray[np.float32]], rng: np.random.Generator) -> Weights:
    """Weights after local training: every element a little off."""
    return {
        name: value + np.float32(LR) * rng.standard_normal(value.shape, dtype=np.float32)
        for name, value in reference.items()
    }


def _changed(reference: Mapping[str, NDArray[np.float32]], sites: int, seed: int) -> Iterator[Weights]:
    rng = np.random.default_rng(seed)
    for _ in range(sites):
        yield _moved(reference, rng)


if __name__ == "__main__":
    chosen, model, *numbers = sys.argv[1:]
    sys.stdout.write(json.dumps(measure(chosen, model, *map(int, numbers))) + "\n")
