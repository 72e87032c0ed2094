"""One untrained model folder with a temperature, whose smallest network reads 1 mm brains."""

from pathlib import Path

import pytest

from gmmas_core.checkpoint import LoadedModel, load_model, save_model
from gmmas_core.config import load_config
from gmmas_core.model.gmmas import build_model


@pytest.fixture(scope="session")
def model_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    config = load_config(["experiment=smoke", "model=smallest", "data.spacing_mm=1"])
    model = build_model(config.model, config.task_list, loss=config.loss, seed=4)
    folder = tmp_path_factory.mktemp("run") / "model"
    save_model(folder, model, config, {"rounds": 0}, {"temperature": {"idh": 2.0}})
    return folder


@pytest.fixture(scope="session")
def loaded(model_folder: Path) -> LoadedModel:
    return load_model(model_folder)
