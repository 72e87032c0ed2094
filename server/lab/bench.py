"""`gmmas-lab bench`: ours beside the peer on the same input in one run, as a table or JSON.

Targets are ratios within one run, never seconds: another machine, or a busy one, moves both sides.
"""

import platform
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from rich.console import Console
from rich.table import Table

from gmmas_core.provenance import version_table
from gmmas_core.types import ConfigError

Row = Mapping[str, Any]


def _network(repeats: int, seed: int, threads: int) -> Sequence[Row]:
    from server.lab.bench_network import bench_network

    return bench_network(repeats, seed, threads)


def _learning(repeats: int, seed: int, threads: int) -> Sequence[Row]:
    from server.lab.bench_learning import bench_learning

    torch.set_num_threads(threads)
    return bench_learning(repeats, seed)


def _data(repeats: int, seed: int, threads: int) -> Sequence[Row]:
    from server.lab.bench_data import bench_data

    return bench_data(repeats, seed)


def _aggregation(repeats: int, seed: int, threads: int) -> Sequence[Row]:
    from server.lab.bench_aggregation import bench_aggregation

    return bench_aggregation(repeats, seed)


def _round(repeats: int, seed: int, threads: int) -> Sequence[Row]:
    from server.lab.bench_round import bench_round

    return bench_round(repeats, seed)


def _inference(repeats: int, seed: int, threads: int) -> Sequence[Row]:
    from server.lab.bench_inference import bench_inference

    return bench_inference(repeats, seed, threads)


BENCHES: Mapping[str, tuple[Callable[[int, int, int], Sequence[Row]], str]] = {
    "network": (
        _network,
        "one training step of the base preset; target: at most 0.6 x SegResNet, 0.2 x SwinUNETR",
    ),
    "learning": (_learning, "Dice on the same phantoms after equal CPU seconds of training"),
    "data": (_data, "one sample; target: cached patch 300 x MONAI's chain, 50 x its PersistentDataset"),
    "aggregation": (_aggregation, "averaging updates; target: 2 x Flower's speed, memory at 64 sites within 10 % of 4"),
    "round": (_round, "a round beyond local training; target: at most 5 s with real processes at 3 sites"),
    "inference": (_inference, "one whole case; target: at most 0.35 x MONAI's sliding window of SegResNet"),
}
"""Name -> what measures it, and what it is measured against."""


def bench(name: str, repeats: int, seed: int, threads: int) -> dict[str, Any]:
    """Run one benchmark.

    Returns:
        The machine, the settings, the target and the rows.

    Raises:
        ConfigError: unknown name or a bad number.
    """
    if name not in BENCHES:
        raise ConfigError(f"bench: found {name!r}; expected any of {sorted(BENCHES)}")
    if repeats < 1 or threads < 1:
        raise ConfigError("bench: found repeats or threads below 1; expected at least 1")
    measure, target = BENCHES[name]
    rows = [dict(row) for row in measure(repeats, seed, threads)]
    machine = {
        "processor": platform.processor() or platform.machine(),
        "cores": torch.get_num_threads(),
        **version_table(),
    }
    return {
        "bench": name,
        "about": target,
        "machine": machine,
        "repeats": repeats,
        "seed": seed,
        "threads": threads,
        "rows": rows,
    }


def show(result: Mapping[str, Any]) -> None:
    """Print a benchmark's table."""
    table = Table(title=f"{result['bench']}: {result['about']}", title_justify="left")
    rows: Sequence[Row] = result["rows"]
    columns = list(dict.fromkeys(key for row in rows for key in row))
    for column in columns:
        table.add_column(column, justify="left" if column == columns[0] else "right")
    for row in rows:
        table.add_row(*(_text(row.get(column)) for column in columns))
    Console(width=None if Console().is_terminal else 160).print(table)


def _text(value: object) -> str:
    if isinstance(value, float):
        return f"{value:.4g}"
    return "" if value is None else str(value)
