"""A release as the coordinator makes it, small and real, and the key it is signed with; the rules of BIDS names."""

import re
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


@pytest.fixture(scope="session")
def is_legal() -> Callable[[str], bool]:
    """Whether a file of a derivative data set has a name that the BIDS schema knows."""
    from bidsschematools.rules import regexify_filename_rules
    from bidsschematools.schema import load_schema

    schema = load_schema()
    files = schema.rules.files
    rules = [
        rule["regex"]
        for group in (files.deriv, files.common)
        for rule in regexify_filename_rules(group, schema, level=2)
        if "regex" in rule
    ]
    return lambda name: any(re.fullmatch(rule, name) for rule in rules)
