"""Codeletion is shown as a marginal that cannot exceed the probability of a mutation."""

import math

import pytest
import torch

from gmmas_core.model.probability import class_probabilities
from gmmas_core.types import ConfigError, Task


def test_codeletion_is_the_product() -> None:
    logits = {
        Task.IDH: torch.tensor([[0.0, math.log(3.0)], [50.0, -50.0]]),  # P(mutant) 0.75, 0
        Task.CODEL: torch.tensor([[0.0, math.log(4.0)], [-50.0, 50.0]]),  # P(codeleted | mutant) 0.8, 1
        Task.HISTOLOGY: torch.tensor([[math.log(9.0), 0.0], [0.0, 0.0]]),
    }
    probability = class_probabilities(logits)
    torch.testing.assert_close(probability[Task.IDH], torch.tensor([0.75, 0.0]))
    torch.testing.assert_close(probability[Task.CODEL], torch.tensor([0.6, 0.0]))
    torch.testing.assert_close(probability[Task.HISTOLOGY], torch.tensor([0.1, 0.5]))
    assert list(probability) == list(logits)


def test_codeletion_without_idh_is_refused() -> None:
    with pytest.raises(ConfigError, match="without idh"):
        class_probabilities({Task.CODEL: torch.zeros(1, 2)})
