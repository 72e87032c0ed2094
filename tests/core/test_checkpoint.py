"""A model folder comes back bit for bit, or is refused with the reason."""

import dataclasses
import errno
import hashlib
import json
import os
import pickle
import resource
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import safetensors.numpy
import torch

from gmmas_core.checkpoint import (
    CALIBRATION,
    CARD,
    CONFIG,
    PROVENANCE,
    WEIGHTS,
    load_model,
    save_model,
    temperatures_of,
    weights_hash,
    weights_of,
)
from gmmas_core.config import Config, config_hash
from gmmas_core.model.gmmas import GMMAS, build_model
from gmmas_core.types import DISCLAIMER, ConfigError, DataError, GmmasError, Task

FACTS = {
    "run_id": "r1",
    "rounds": 2,
    "sites": ["site-a", "site-b"],
    "cases": {"site-a": 3},
    "holdout": {"dice.wt": 0.5123456},
}


@pytest.fixture
def model(tiny_config: Config) -> GMMAS:
    return build_model(tiny_config.model, tiny_config.task_list, loss=tiny_config.loss, seed=3)


@pytest.fixture
def folder(tmp_path: Path, model: GMMAS, tiny_config: Config) -> Path:
    save_model(tmp_path / "model", model, tiny_config, FACTS)
    return tmp_path / "model"


def resign(folder: Path, change: Callable[[dict[str, Any]], None] = lambda record: None) -> None:
    """What an author of a hostile folder can do: make provenance.json fit the files again."""
    record = json.loads((folder / PROVENANCE).read_text())
    for name in record["files"]:
        record["files"][name] = hashlib.sha256((folder / name).read_bytes()).hexdigest()
    change(record)
    (folder / PROVENANCE).write_text(json.dumps(record))


def test_round_trip_is_exact(folder: Path, model: GMMAS, tiny_config: Config) -> None:
    loaded = load_model(folder)
    assert weights_hash(weights_of(loaded.model)) == weights_hash(weights_of(model))
    assert config_hash(loaded.config) == config_hash(tiny_config)
    assert (loaded.calibration, loaded.warnings) == ({}, ())
    assert loaded.provenance["training"] == FACTS
    assert not loaded.model.training
    image, available = torch.rand(1, 4, 32, 32, 32), torch.ones(1, 4, dtype=torch.bool)
    box = torch.tensor([[[-1.0] * 3, [1.0] * 3]])
    model.eval()
    with torch.inference_mode():
        ours, theirs = (m(image, available, image, box) for m in (model, loaded.model))
    assert torch.equal(ours.seg_logits_BKXYZ, theirs.seg_logits_BKXYZ)
    assert all(torch.equal(ours.class_logits[task], theirs.class_logits[task]) for task in tiny_config.task_list)


def test_identity_depends_on_all_that_decides_an_answer(tmp_path: Path, model: GMMAS, tiny_config: Config) -> None:
    def identity(config: Config = tiny_config, calibration: dict[str, Any] | None = None) -> str:
        return save_model(tmp_path / "m", model, config, {}, calibration)

    first = identity()
    assert first.startswith("smoke-")
    assert identity() == first
    assert identity(calibration={"temperature": {"idh": 2.0}}) != first
    drier = dataclasses.replace(tiny_config, model=dataclasses.replace(tiny_config.model, head_dropout=0.0))
    assert identity(drier) != first
    with torch.no_grad():
        next(model.parameters()).add_(1)
    assert identity() != first


def test_identity_is_in_the_file_and_the_result(folder: Path) -> None:
    assert load_model(folder).model_id == json.loads((folder / PROVENANCE).read_text())["model_id"]


def test_the_labs_own_folder_is_not_published(tmp_path: Path, model: GMMAS, tiny_config: Config) -> None:
    config = dataclasses.replace(tiny_config, data=dataclasses.replace(tiny_config.data, root="/home/somebody/mri"))
    save_model(tmp_path / "m", model, config, {})
    assert not any(b"somebody" in file.read_bytes() for file in (tmp_path / "m").iterdir())
    assert config.data.root == "/home/somebody/mri"


def test_same_model_gives_the_same_bytes(tmp_path: Path, model: GMMAS, tiny_config: Config) -> None:
    for name in ("a", "b"):
        save_model(tmp_path / name, model, tiny_config, FACTS, {"temperature": {"idh": 1.5}})
    for file in sorted((tmp_path / "a").iterdir()):
        assert file.read_bytes() == (tmp_path / "b" / file.name).read_bytes()


def test_calibration_travels(tmp_path: Path, model: GMMAS, tiny_config: Config) -> None:
    save_model(tmp_path / "m", model, tiny_config, {}, {"temperature": {"idh": 1.5}})
    loaded = load_model(tmp_path / "m")
    assert temperatures_of(loaded.calibration, loaded.config.task_list) == {Task.IDH: 1.5}
    card = (tmp_path / "m" / CARD).read_text()
    assert "`idh`: probability of mutant (else wildtype); temperature 1.500." in card
    assert "Not calibrated: histology, codel_1p19q" in card


@pytest.mark.parametrize(
    "calibration",
    [
        {"temperature": {"idh": 0}},
        {"temperature": {"idh": float("nan")}},
        {"temperature": {"idh": True}},
        {"temperature": {"idh": "1"}},
        {"temperature": {"mgmt": 1.0}},
        {"temperature": 2.0},
        {"scale": {"idh": 1.0}},
    ],
)
def test_a_calibration_that_does_not_fit_is_refused(calibration: dict[str, Any]) -> None:
    with pytest.raises(DataError, match=r"calibration\.json: found"):
        temperatures_of(calibration, (Task.IDH,))


def test_card_states_what_is_known_and_what_is_not(folder: Path) -> None:
    card = (folder / CARD).read_text()
    assert DISCLAIMER in card
    assert "cannot tell whether a case's images look like those that it was trained on" in card
    assert "- rounds: 2" in card
    assert "- sites: site-a, site-b" in card
    assert "| dice.wt | 0.5123 |" in card
    assert "Not calibrated: histology, idh, codel_1p19q" in card


def test_card_cannot_be_broken_by_what_a_run_recorded(tmp_path: Path, model: GMMAS, tiny_config: Config) -> None:
    save_model(tmp_path / "m", model, tiny_config, {"table": {"a|b": "x\n# Approved\n"}})
    assert "| a\\|b | x # Approved |" in (tmp_path / "m" / CARD).read_text()


def test_everybody_may_read_a_model(folder: Path) -> None:
    assert folder.stat().st_mode & 0o777 == 0o755
    assert {file.stat().st_mode & 0o777 for file in folder.iterdir()} == {0o644}


@pytest.mark.parametrize("name", [WEIGHTS, CONFIG, PROVENANCE, CALIBRATION])
def test_a_missing_file_is_named(folder: Path, name: str) -> None:
    (folder / name).unlink()
    with pytest.raises(DataError, match=name):
        load_model(folder)


@pytest.mark.parametrize("name", [WEIGHTS, CONFIG, PROVENANCE, CALIBRATION])
@pytest.mark.parametrize("share", [0.0, 0.01, 0.5, 0.999])
def test_a_truncated_file_is_refused(folder: Path, name: str, share: float) -> None:
    content = (folder / name).read_bytes()
    (folder / name).write_bytes(content[: min(int(len(content) * share), len(content) - 3)])
    with pytest.raises(DataError, match=name):
        load_model(folder)


@pytest.mark.parametrize("name", [WEIGHTS, CONFIG, CALIBRATION])
def test_one_flipped_bit_is_found(folder: Path, name: str) -> None:
    content = bytearray((folder / name).read_bytes())
    content[-2] ^= 1
    (folder / name).write_bytes(bytes(content))
    with pytest.raises(DataError, match=f"{name}: found .* another sha256"):
        load_model(folder)


def test_a_card_may_be_annotated(folder: Path) -> None:
    with (folder / CARD).open("a") as card:
        card.write("\nReviewed by the local board.\n")
    load_model(folder)


class Bomb:
    """Unpickling this would leave a file behind."""

    def __init__(self, trace: Path) -> None:
        self.trace = trace

    def __reduce__(self) -> tuple[Callable[..., Any], tuple[Any, ...]]:
        return os.mkdir, (str(self.trace),)


def test_pickle_is_not_opened(folder: Path, tmp_path: Path) -> None:
    (folder / WEIGHTS).write_bytes(pickle.dumps(Bomb(tmp_path / "exploded")))
    resign(folder)
    with pytest.raises(DataError, match="safetensors"):
        load_model(folder)
    assert not (tmp_path / "exploded").exists()


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\xff" * 64,
        (2**62).to_bytes(8, "little") + b"{}",
        (2).to_bytes(8, "little") + b"{}",
        (70).to_bytes(8, "little") + b'{"x":{"dtype":"BF16","shape":[1],"data_offsets":[0,2]}}'.ljust(70) + b"ab",
    ],
    ids=["empty", "noise", "endless-header", "no-arrays", "bfloat16"],
)
def test_hostile_weights_are_refused(folder: Path, content: bytes) -> None:
    (folder / WEIGHTS).write_bytes(content)
    resign(folder)
    with pytest.raises(DataError, match=r"model.safetensors|weights: found"):
        load_model(folder)


def test_weights_of_another_network_are_refused(folder: Path, model: GMMAS) -> None:
    weights = weights_of(model)
    name = next(iter(weights))
    (folder / WEIGHTS).write_bytes(safetensors.numpy.save({**weights, name: np.zeros((1, 2), np.float32)}))
    resign(folder)
    with pytest.raises(DataError, match=r"is float32\[1, 2\] instead of"):
        load_model(folder)


def test_swapped_weights_are_found_even_when_the_file_hash_was_mended(folder: Path, model: GMMAS) -> None:
    weights = {name: array * 2 for name, array in weights_of(model).items()}
    (folder / WEIGHTS).write_bytes(safetensors.numpy.save(weights))
    resign(folder)
    with pytest.raises(DataError, match="identity of another model"):
        load_model(folder)


def test_another_version_of_the_source_is_a_warning(folder: Path) -> None:
    resign(folder, lambda record: record["fingerprint"]["source"].update({"losses.py": "0" * 16}))
    (warning,) = load_model(folder).warnings
    assert "source: losses.py (0000000000000000 against " in warning


def test_another_network_is_an_error_that_names_the_parameter(folder: Path) -> None:
    resign(folder, lambda record: record["fingerprint"]["parameters"].update({"trunk.extra": "float32[3]"}))
    with pytest.raises(ConfigError, match=r"parameters: trunk.extra \(float32\[3\] against absent\)"):
        load_model(folder)


@pytest.mark.parametrize("fingerprint", [None, [], {"source": {}}, "x"])
def test_a_broken_fingerprint_is_an_error(folder: Path, fingerprint: object) -> None:
    resign(folder, lambda record: record.update(fingerprint=fingerprint))
    with pytest.raises(DataError, match=r"provenance\.json: fingerprint: found"):
        load_model(folder)


def test_another_format_is_refused(folder: Path) -> None:
    resign(folder, lambda record: record.update(format=99))
    with pytest.raises(DataError, match="found format 99; expected 1"):
        load_model(folder)


@pytest.mark.parametrize(
    "text", ["[]", "7", "{", "[" * 200_000, "\udcff".encode("utf-8", "surrogateescape").decode("latin1")]
)
def test_broken_json_is_refused(folder: Path, text: str) -> None:
    (folder / PROVENANCE).write_bytes(text.encode("latin1"))
    with pytest.raises(DataError, match=r"provenance\.json: found something else"):
        load_model(folder)


def test_a_config_with_code_or_unknown_keys_is_refused(folder: Path) -> None:
    for text in ("!!python/object/apply:os.mkdir [boom]", "name: x\nextra: 1\n"):
        (folder / CONFIG).write_text(text)
        resign(folder)
        with pytest.raises(ConfigError):
            load_model(folder)


def test_a_file_too_large_is_not_read(folder: Path) -> None:
    with (folder / CALIBRATION).open("wb") as file:
        file.truncate(2**40)
    with pytest.raises(DataError, match="expected at most"):
        load_model(folder)


def test_no_such_folder(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="found no such folder"):
        load_model(tmp_path / "nothing")


def test_a_place_that_cannot_be_written_is_told(tmp_path: Path, model: GMMAS, tiny_config: Config) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(DataError, match=r"model folder: cannot be written \(.+\); expected a writable folder"):
        save_model(tmp_path / "file" / "model", model, tiny_config, {})


def test_a_full_disk_leaves_the_older_model(folder: Path, model: GMMAS, tiny_config: Config) -> None:
    before = load_model(folder).model_id
    with torch.no_grad():
        next(model.parameters()).add_(1)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, hard))
    try:
        with pytest.raises(DataError, match=os.strerror(errno.EFBIG)):
            save_model(folder, model, tiny_config, {})
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert load_model(folder).model_id == before
    assert [entry.name for entry in folder.parent.iterdir()] == ["model"]


def test_replacing_leaves_nothing_else(folder: Path, model: GMMAS, tiny_config: Config) -> None:
    save_model(folder, model, tiny_config, {})
    assert [entry.name for entry in folder.parent.iterdir()] == ["model"]


def test_every_error_is_one_a_person_can_read(tmp_path: Path) -> None:
    (tmp_path / "model").mkdir()
    with pytest.raises(GmmasError) as caught:
        load_model(tmp_path / "model")
    assert str(tmp_path) not in str(caught.value)
