"""`gmmas-lab bench`: ours beside the peer on the same input in one run, as a table or JSON.

Targets are ratios within one run, never seconds: another machine, or a busy one, moves both sides.
"""

import platform
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from rich.console import Console
from rich.table import Table

from gmmas_core.provenance import version_table
from gmmas_core.types import ConfigError

Row = Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class Settings:
    """What a benchmark may be told; each takes what concerns it.

    Attributes:
        repeats: measurements per row.
        seed: of all inputs and weights.
        threads: of torch.
        sites: numbers of sites of `federation` and `secure-sum`; none for their own.
        rounds: of `endurance`.
    """

    repeats: int
    seed: int
    threads: int
    sites: tuple[int, ...] = ()
    rounds: int = 300


def _network(settings: Settings) -> Sequence[Row]:
    from server.lab.bench.network import bench_network

    return bench_network(settings.repeats, settings.seed, settings.threads)


def _learning(settings: Settings) -> Sequence[Row]:
    from server.lab.bench.learning import bench_learning

    torch.set_num_threads(settings.threads)
    return bench_learning(settings.repeats, settings.seed)


def _data(settings: Settings) -> Sequence[Row]:
    from server.lab.bench.data import bench_data
    from server.lab.bench.prepare import bench_prepare

    return [*bench_data(settings.repeats, settings.seed), *bench_prepare(settings.repeats, settings.seed)]


def _aggregation(settings: Settings) -> Sequence[Row]:
    from server.lab.bench.aggregation import bench_aggregation

    return bench_aggregation(settings.repeats, settings.seed)


def _round(settings: Settings) -> Sequence[Row]:
    from server.lab.bench.round import bench_round

    return bench_round(settings.repeats, settings.seed)


def _inference(settings: Settings) -> Sequence[Row]:
    from server.lab.bench.inference import bench_inference

    return bench_inference(settings.repeats, settings.seed, settings.threads)


def _reading_room(settings: Settings) -> Sequence[Row]:
    from server.lab.bench.reading_room import bench_reading_room

    return bench_reading_room(settings.repeats, settings.seed, settings.threads)


def _federation(settings: Settings) -> Sequence[Row]:
    from server.lab.bench.federation import bench_federation

    return bench_federation(settings.repeats, settings.seed, settings.sites)


def _secure_sum(settings: Settings) -> Sequence[Row]:
    from server.lab.bench.secure_sum import bench_secure_sum

    return bench_secure_sum(settings.repeats, settings.sites)


def _endurance(settings: Settings) -> Sequence[Row]:
    from server.lab.bench.endurance import bench_endurance

    return bench_endurance(settings.rounds, settings.seed)


BENCHES: Mapping[str, tuple[Callable[[Settings], Sequence[Row]], str]] = {
    "network": (
        _network,
        "one training step of the base preset; target: at most 0.6 x SegResNet, 0.2 x SwinUNETR",
    ),
    "learning": (_learning, "Dice on the same phantoms after equal CPU seconds of training"),
    "data": (
        _data,
        "one sample, and one case prepared; target: cached patch 300 x MONAI's chain, 50 x its PersistentDataset",
    ),
    "aggregation": (_aggregation, "averaging updates; target: 2 x Flower's speed, memory at 64 sites within 10 % of 4"),
    "round": (_round, "a round beyond local training; target: at most 5 s with real processes at 3 sites"),
    "federation": (
        _federation,
        "a round of many sites at the coordinator; targets: flat memory, linear time, 0.5 x axpy, 2 x Flower",
    ),
    "secure-sum": (
        _secure_sum,
        "a sum under masks at 5 M parameters, none and a third dropped; target: coordinator's memory flat in the sites",
    ),
    "endurance": (_endurance, "many rounds of the tiny network; target: memory that does not grow"),
    "reading-room": (
        _reading_room,
        "a 240x240x155 study; targets: first look no later than MONAI's sliding window, first picture within 2 s",
    ),
    "inference": (_inference, "one whole case; target: at most 0.35 x MONAI's sliding window of SegResNet"),
}
"""Name -> what measures it, and what it is measured against."""


def bench(name: str, settings: Settings) -> dict[str, Any]:
    """Run one benchmark.

    Returns:
        The machine, the settings, the target and the rows.

    Raises:
        ConfigError: unknown name or a bad number.
    """
    if name not in BENCHES:
        raise ConfigError(f"bench: found {name!r}; expected any of {sorted(BENCHES)}")
    if settings.repeats < 1 or settings.threads < 1:
        raise ConfigError("bench: found repeats or threads below 1; expected at least 1")
    measure, target = BENCHES[name]
    rows = [dict(row) for row in measure(settings)]
    machine = {
        "processor": platform.processor() or platform.machine(),
        "cores": torch.get_num_threads(),
        **version_table(),
    }
    return {
        "bench": name,
        "about": target,
        "machine": machine,
        "repeats": settings.repeats,
        "seed": settings.seed,
        "threads": settings.threads,
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
