"""What each sequence is worth: how every answer changes when it is left out, summed over a site's cases."""

from collections.abc import Mapping, Sequence
from typing import Any

from client.data.local_data import LocalData
from client.site import Site
from gmmas_core.config import Config
from gmmas_core.inference import predict_case
from gmmas_core.inference.subsets import changes, with_sequences
from gmmas_core.model.gmmas import GMMAS
from gmmas_core.training.precision import choose_device
from gmmas_core.types import REGIONS, SEQUENCES, Case, Metric, Sum, Task


def no_significance(tasks: Sequence[Task]) -> dict[str, Sum]:
    """The keys of `significance`, all empty."""
    outputs = (*REGIONS, *(task.value for task in tasks))
    return {_key(sequence, output): Sum(0.0, 0) for sequence in SEQUENCES for output in outputs}


def significance(
    site: Site,
    config: Config,
    model: GMMAS,
    data: LocalData,
    cases: Sequence[Case],
    calibration: Mapping[str, Any],
) -> dict[str, Metric]:
    """Drop-one changes of every output.

    Returns:
        "drop-one.<sequence>.<task or region>" -> Sum of |change of P(class 1)|, or of 1 - Dice between the two
        segmentations, over the cases that have the sequence and at least one other.
    """
    found = no_significance(config.task_list)
    device = choose_device(site.device)
    for case in cases:
        prepared = data.cache.open(case).full()
        there = tuple(sequence for sequence in SEQUENCES if sequence in case.images)
        if len(there) < 2:
            continue
        full, *without = (
            predict_case(
                with_sequences(prepared, kept),
                model,
                config,
                model_id="federated",
                device=device,
                calibration=calibration,
            )
            for kept in (there, *(tuple(other for other in there if other != dropped) for dropped in there))
        )
        for sequence, result in zip(there, without, strict=True):
            for output, change in changes(full, result).items():
                key = _key(sequence, output)
                found[key] = found[key] + Sum(change, 1)
    return dict(found)


def _key(sequence: str, output: str) -> str:
    return f"drop-one.{sequence}.{output}"
