"""A run's curves as TensorBoard events, for people who compare runs there."""

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from torch.utils.tensorboard import SummaryWriter


def write_events(folder: Path, report: Mapping[str, Any]) -> None:
    """Write the per-round numbers of a report; events of an earlier writing are replaced."""
    shutil.rmtree(folder, ignore_errors=True)
    with SummaryWriter(str(folder)) as writer:
        for played in report["rounds"]:
            number = played["round"]
            writer.add_scalar("schedule/lr", played["lr"], number)
            for name, value in played["pooled"].items():
                if value is not None:
                    writer.add_scalar(f"validation/{name}", value, number)
            for site, part in played["sites"].items():
                for name, value in part["train_loss"].items():
                    if value is not None:
                        writer.add_scalar(f"train-loss.{name}/{site}", value, number)
