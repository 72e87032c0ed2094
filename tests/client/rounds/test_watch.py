"""A request ends within a case too: leaving and `duration_s` are looked at whenever the network reads a crop."""

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
import torch

from client.node.attendance import LEFT, stay_away
from client.policy.limits import Limits
from client.rounds.watch import Watch
from client.site import write_site
from gmmas_core.config import load_config
from gmmas_core.model.gmmas import GMMAS, build_model
from gmmas_core.types import FederationError


@pytest.fixture
def model() -> GMMAS:
    config = load_config(
        ["experiment=smoke", "model.crop_size=16", "model.context_size=16", "model.channels=[8,8,8,8]"]
    )
    return build_model(config.model, config.task_list, loss=config.loss, seed=0)


def read(model: GMMAS) -> None:
    shown, volume = torch.ones(1, 4, dtype=torch.bool), torch.zeros(1, 4, 16, 16, 16)
    with torch.inference_mode():
        context = model.read_context(volume, shown)
        model.read_crop(volume, shown, context, torch.tensor([[[-0.5] * 3, [0.5] * 3]]))


def test_a_case_of_any_number_of_crops_ends_when_its_time_is_up(tmp_path: Path, model: GMMAS) -> None:
    seconds = 0.0
    site = replace(write_site(tmp_path, "north", "brats2021"), limits=Limits(duration_s=60))
    Watch(site, lambda: seconds).over_model(model)
    read(model)
    seconds = 61.0
    with pytest.raises(FederationError, match="duration_s"):
        read(model)


def test_a_case_ends_when_its_hospital_leaves(tmp_path: Path, model: GMMAS) -> None:
    site = write_site(tmp_path, "north", "brats2021")
    Watch(site).over_model(model)
    read(model)
    stay_away(site, LEFT, "enough", datetime.now(UTC))
    with pytest.raises(FederationError, match="has left"):
        read(model)
