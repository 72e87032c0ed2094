"""The fingerprint is the same wherever the core is installed and says which part differs."""

import dataclasses
import json
import shutil
from pathlib import Path

import pytest
import torch

from gmmas_core.config import Config
from gmmas_core.model.gmmas import GMMAS, build_model
from gmmas_core.provenance import PARTS, Fingerprint, core_fingerprint, parameter_table, source_table, version_table
from gmmas_core.types import FederationError


def build(config: Config, seed: int = 0) -> GMMAS:
    return build_model(config.model, config.task_list, loss=config.loss, seed=seed)


def fingerprint(config: Config, seed: int = 0) -> Fingerprint:
    return core_fingerprint(build(config, seed), config)


def test_values_of_weights_do_not_matter(tiny_config: Config) -> None:
    one, other = fingerprint(tiny_config, seed=0), fingerprint(tiny_config, seed=1)
    assert one == other
    assert one.digest == other.digest
    assert one.difference(other) == []


def test_training_settings_do_not_matter(tiny_config: Config) -> None:
    other = dataclasses.replace(tiny_config, seed=7, training=dataclasses.replace(tiny_config.training, lr=0.5))
    assert fingerprint(tiny_config).digest == fingerprint(other).digest


def test_another_width_differs_in_config_and_parameters(tiny_config: Config) -> None:
    other = dataclasses.replace(tiny_config, model=dataclasses.replace(tiny_config.model, head_channels=48))
    one, two = fingerprint(tiny_config), fingerprint(other)
    assert one.digest != two.digest
    config_line, parameter_line = one.difference(two)
    assert config_line == "config: model.head_channels (32 against 48)"
    assert parameter_line.startswith("parameters: heads.")
    assert "more" in parameter_line
    assert [name for name in PARTS if one.parts[name] != two.parts[name]] == ["config", "parameters"]


def test_dropout_differs_in_config_alone(tiny_config: Config) -> None:
    other = dataclasses.replace(tiny_config, model=dataclasses.replace(tiny_config.model, head_dropout=0.5))
    assert fingerprint(tiny_config).difference(fingerprint(other)) == ["config: model.head_dropout (0.2 against 0.5)"]


def test_fewer_tasks_differ(tiny_config: Config) -> None:
    other = dataclasses.replace(tiny_config, tasks=["idh"])
    lines = fingerprint(tiny_config).difference(fingerprint(other))
    assert any(line.startswith("config: tasks") for line in lines)
    assert any("against absent" in line for line in lines if line.startswith("parameters:"))


def test_source_is_stable_across_places_and_line_ends(tmp_path: Path) -> None:
    for place in ("one", "two/deep"):
        (tmp_path / place / "sub").mkdir(parents=True)
        (tmp_path / place / "a.py").write_bytes(b"x = 1\n")
        (tmp_path / place / "sub" / "b.py").write_bytes(b"y = 2\n")
    one = source_table(tmp_path / "one")
    assert list(one) == ["a.py", "sub/b.py"]
    assert source_table(tmp_path / "two/deep") == one
    crlf = tmp_path / "crlf"
    shutil.copytree(tmp_path / "one", crlf)
    (crlf / "a.py").write_bytes(b"x = 1\r\n")
    assert source_table(crlf) == one
    changed = tmp_path / "changed"
    shutil.copytree(tmp_path / "one", changed)
    (changed / "sub" / "b.py").write_bytes(b"y = 3\n")
    assert [name for name, digest in source_table(changed).items() if one[name] != digest] == ["sub/b.py"]


def test_source_covers_the_whole_core_without_caches() -> None:
    table = source_table()
    assert {"types.py", "provenance.py", "model/gmmas.py", "inference/predict.py"} <= set(table)
    assert not any("__pycache__" in name for name in table)


def test_source_is_read_once_per_process(tiny_config: Config) -> None:
    fingerprint(tiny_config)
    before = source_table.cache_info()
    fingerprint(tiny_config)
    after = source_table.cache_info()
    assert (after.misses, after.hits) == (before.misses, before.hits + 1)


def test_parameter_table_spells_dtype_and_shape() -> None:
    layer = torch.nn.Linear(3, 2)
    assert parameter_table(layer) == {"bias": "float32[2]", "weight": "float32[2,3]"}
    assert parameter_table(layer.double())["bias"] == "float64[2]"


def test_versions_are_told_but_not_in_the_digest(tiny_config: Config) -> None:
    one = fingerprint(tiny_config)
    other = dataclasses.replace(one, versions={**one.versions, "torch": "1.0.0"})
    assert one.digest == other.digest
    assert one.difference(other) == [f"versions: torch ({one.versions['torch']} against 1.0.0)"]
    assert not any("+" in version for version in version_table().values())


def test_json_round_trip(tiny_config: Config) -> None:
    one = fingerprint(tiny_config)
    back = Fingerprint.from_json(one.to_json())
    assert back.digest == one.digest
    assert back.to_json() == one.to_json()


@pytest.mark.parametrize(
    "text",
    [
        "",
        "null",
        "[]",
        "{}",
        "[" * 100_000,
        json.dumps(dict.fromkeys(PARTS, 1)),
        json.dumps({part: {"a": 1} for part in PARTS}),
    ],
)
def test_what_is_no_fingerprint_is_refused(text: str) -> None:
    with pytest.raises(FederationError, match="fingerprint: found"):
        Fingerprint.from_json(text)
