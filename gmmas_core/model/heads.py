"""The classifiers: every task reads encoder and bottleneck for itself, and decides on what all tasks have read.

The concatenation of all tasks' readings is the paper's explicit sharing between dependent tasks. Differences from the
published code: LeakyReLU between the linears (three linears in a row are one), readings keep the grid (padding 1) so
that a bottleneck of any size is legal, and logits leave the head. The codeletion head answers P(codeleted | IDH-
mutant); see `probability`.
"""

from collections.abc import Sequence
from typing import cast

import torch
from torch import Tensor, nn

from gmmas_core.config import ModelConfig
from gmmas_core.model.blocks import LEAK, conv3
from gmmas_core.types import Task

CLASSES = 2


class TaskHead(nn.Module):
    """Everything that belongs to one task: its two readings, its mix of all readings, its classifier."""

    def __init__(self, config: ModelConfig, num_tasks: int) -> None:
        super().__init__()
        width = config.head_channels
        encoded = config.channels[-1]
        of_encoder = max(8 * round(width * encoded / (encoded + config.embed_dim) / 8), 8)
        self.read_encoder = conv3(encoded, of_encoder)
        self.read_bottleneck = conv3(config.embed_dim, width - of_encoder)
        self.mix = nn.Conv3d(num_tasks * width, width, 1)
        hidden, last = 8 * width // 5, max(width // 10, 16)
        self.classify = nn.Sequential(
            nn.Dropout(config.head_dropout),
            nn.Linear(2 * width, hidden),
            nn.LeakyReLU(LEAK),
            nn.Linear(hidden, last),
            nn.LeakyReLU(LEAK),
        )
        self.logits = nn.Linear(last, CLASSES)

    def decide(self, shared_BCXYZ: Tensor) -> Tensor:
        """Readings of all tasks to this task's logits (B, 2)."""
        mixed: Tensor = self.mix(shared_BCXYZ)
        voxels = (2, 3, 4)
        pooled_BF = torch.cat([mixed.mean(dim=voxels), mixed.amax(dim=voxels)], dim=1)
        logits_B2: Tensor = self.logits(self.classify(pooled_BF))
        return logits_B2


class TaskHeads(nn.Module):
    """One TaskHead per task, in the order of the tasks."""

    def __init__(self, config: ModelConfig, tasks: Sequence[Task]) -> None:
        super().__init__()
        self.tasks = tuple(tasks)
        self.of = nn.ModuleDict({task.value: TaskHead(config, len(tasks)) for task in tasks})

    def __getitem__(self, task: Task) -> TaskHead:
        return cast(TaskHead, self.of[task.value])

    def forward(self, encoder_BCXYZ: Tensor, bottleneck_BCXYZ: Tensor) -> dict[Task, Tensor]:
        """Encoder and attended bottleneck features, same grid, to logits (B, 2) per task."""
        if not self.tasks:
            return {}
        readings = [self[task].read_encoder(encoder_BCXYZ) for task in self.tasks]
        readings += [self[task].read_bottleneck(bottleneck_BCXYZ) for task in self.tasks]
        shared_BCXYZ = torch.cat(readings, dim=1)
        return {task: self[task].decide(shared_BCXYZ) for task in self.tasks}
