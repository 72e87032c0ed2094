"""A run's curves as TensorBoard events, for people who compare runs there."""

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from torch.utils.tensorboard import SummaryWriter

from server.records.scalars import scalars


def write_events(folder: Path, report: Mapping[str, Any]) -> None:
    """Write the per-round numbers of a report; events of an earlier writing are replaced."""
    shutil.rmtree(folder, ignore_errors=True)
    with SummaryWriter(str(folder)) as writer:
        for key, value, step in scalars(report):
            writer.add_scalar(key, value, step)
