"""A release as the coordinator makes it, small and real, and the key it is signed with."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from gmmas_core.checkpoint import save_model
from gmmas_core.config import load_config
from gmmas_core.model.gmmas import build_model
from gmmas_core.signing import make_key, read_private_key, sign_folder

TINY = (
    "experiment=smoke",
    "rounds=1",
    "data.spacing_mm=6",
    "model=smallest",
    "training.local_steps=1",
    "evaluation.overlap=0",
    "evaluation.bootstrap=20",
    "notice='Phantoms <of nobody>'",
)
MakeRelease = Callable[..., Path]


@pytest.fixture(scope="session")
def release_key(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A private key; the public one lies beside it as KEY.pub."""
    path = tmp_path_factory.mktemp("keys") / "coordinator.key"
    make_key(path)
    return path


@pytest.fixture(scope="session")
def make_release(release_key: Path) -> MakeRelease:
    """Maker of a signed release: `make_release(folder, version="v1", seed=4)`."""

    def make(folder: Path, version: str = "v1", seed: int = 4, **about: Any) -> Path:
        config = load_config(TINY)
        model = build_model(config.model, config.task_list, loss=config.loss, seed=seed)
        model_id = save_model(folder, model, config, {"run_id": "ab12", "rounds": 3}, {"temperature": {"idh": 2.0}})
        facts = {"version": version, "model_id": model_id, "run_id": "ab12", "round": 3} | about
        sign_folder(folder, read_private_key(release_key), facts)
        return folder

    return make
