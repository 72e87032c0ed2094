"""The MONAI bundle is read and run by MONAI alone, and answers as we do."""

import dataclasses
import json
from pathlib import Path
from typing import Any, cast

import nibabel as nib
import numpy as np
import pytest
import torch
from monai.bundle import ConfigParser, run, verify_metadata

from client.exporting.context_volume import axis_weights, context_box, make_context
from client.exporting.model import WRITERS, export_model
from client.predicting.prediction import case_from_folder, prepare, read_case
from gmmas_core.checkpoint import LoadedModel
from gmmas_core.data import geometry
from gmmas_core.data.preprocess import Prepared
from gmmas_core.data.preprocess import make_context as our_context
from gmmas_core.inference.classify import class_logits, probabilities
from gmmas_core.inference.locate import locate
from gmmas_core.inference.reading import read_prepared
from gmmas_core.inference.segment import logits_by_window
from gmmas_core.types import DISCLAIMER, SEQUENCES, DataError, Task

LPS = np.array([[-1.0, 0, 0, 12.0], [0, -1.0, 0, 15.0], [0, 0, 1.0, -10.0], [0, 0, 0, 1.0]])
SHAPE = (26, 31, 23)


@pytest.fixture(scope="session")
def bundle(model_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("bundles") / "gmmas"
    export_model(model_folder, "monai", out)
    return out


def write_case(folder: Path, absent: tuple[str, ...] = ()) -> Path:
    """A case in which an absent sequence is a file of zeros, as the bundle wants it."""
    folder.mkdir(parents=True)
    axes = np.meshgrid(*(np.linspace(-1, 1, n) for n in SHAPE), indexing="ij")
    inside = sum((axis / r) ** 2 for axis, r in zip(axes, (0.8, 0.9, 0.7), strict=True)) < 1
    for number, name in enumerate(SEQUENCES):
        image = np.random.default_rng(number).gamma(4.0, 50.0, SHAPE) * inside * (name not in absent)
        nib.save(nib.Nifti1Image(image.astype(np.int16), LPS), folder / f"{folder.name}_{name}.nii.gz")
    return folder


def prepared_of(folder: Path, loaded: LoadedModel, absent: tuple[str, ...] = ()) -> Prepared:
    case = case_from_folder(folder)
    images = {name: path for name, path in case.images.items() if name not in absent}
    return prepare(dataclasses.replace(case, images=images), loaded.config)


@pytest.mark.slow
@pytest.mark.parametrize("absent", [(), ("t1", "t2"), ("t1c", "t2", "flair")])
def test_the_program_answers_as_the_network_does(
    bundle: Path, loaded: LoadedModel, tmp_path: Path, absent: tuple[str, ...]
) -> None:
    prepared = prepared_of(write_case(tmp_path / "c1"), loaded, absent)
    program = torch.jit.load(bundle / "models" / "model.ts")
    image = torch.from_numpy(prepared.image_CXYZ.astype(np.float32))[None]
    with torch.jit.optimized_execution(False):  # compiling it better takes longer than running it
        logits, probability = program.read(image)
        torch.testing.assert_close(program(image), logits)
    reading, config = read_prepared(prepared, "cpu"), loaded.config
    with torch.no_grad():
        expected = logits_by_window(loaded.model, reading, config.model, config.evaluation)
        start = locate(loaded.model, reading, config, spacing_mm=1.0).start
        answers = class_logits(loaded.model, reading, start, config.model.crop_size, config.evaluation)
    torch.testing.assert_close(logits[0], expected, rtol=0, atol=1e-4)
    ours = probabilities(answers, {Task.IDH: 2.0})
    torch.testing.assert_close(probability[0], torch.cat([ours[task] for task in config.task_list]), rtol=0, atol=1e-4)
    assert expected.std() > 0.01
    assert program.tumour_start(logits) == list(start)


@pytest.mark.slow
def test_monai_runs_the_bundle_and_writes_our_labels(
    bundle: Path, loaded: LoadedModel, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    case = write_case(tmp_path / "cases" / "c1")
    given = {
        "config_file": str(bundle / "configs" / "inference.json"),
        "bundle_root": str(bundle),
        "dataset_dir": str(tmp_path / "cases"),
        "output_dir": str(tmp_path / "out"),
    }
    with torch.jit.optimized_execution(False):
        run(**given)
        run(run_id="classify", **given)
    [written] = (tmp_path / "out").iterdir()
    image: Any = nib.load(written)
    ours = read_case(case_from_folder(case), loaded, loaded.config, "cpu")
    np.testing.assert_array_equal(image.affine, LPS)
    assert len(np.unique(ours.seg_XYZ)) > 1
    # Both round to half precision, MONAI from z-scores that differ in their last digit.
    assert (np.asarray(image.dataobj) != ours.seg_XYZ).mean() < 1e-3
    said = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert said["probability"] == pytest.approx({t.value: p for t, p in ours.probability.items()}, abs=1e-3)


@pytest.mark.slow
def test_the_metadata_are_what_the_specification_demands(bundle: Path, loaded: LoadedModel, tmp_path: Path) -> None:
    path = bundle / "configs" / "metadata.json"
    told = json.loads(path.read_text())
    # MONAI downloads its schema where none lies; this one says what its specification calls mandatory.
    (tmp_path / "schema.json").write_text(json.dumps(SPECIFIED))
    verify_metadata(meta_file=str(path), filepath=str(tmp_path / "schema.json"))
    path_without = tmp_path / "without.json"
    path_without.write_text(json.dumps({key: value for key, value in told.items() if key != "network_data_format"}))
    with pytest.raises(ValueError, match="network_data_format"):
        verify_metadata(meta_file=str(path_without), filepath=str(tmp_path / "schema.json"))
    channels = told["network_data_format"]["inputs"]["image"]["channel_def"]
    assert channels == {"0": "t1", "1": "t1c", "2": "t2", "3": "flair"}
    assert told["temperature"] == {"histology": None, "idh": 2.0, "codel_1p19q": None}
    assert (told["model_id"], told["intended_use"]) == (loaded.model_id, DISCLAIMER)
    readme = (bundle / "docs" / "README.md").read_text()
    assert DISCLAIMER in readme
    assert "idh 2.0" in readme
    assert f"pip install fire=={told['required_packages_version']['fire']}" in readme
    parser = ConfigParser()
    parser.read_config(str(bundle / "configs" / "inference.json"))
    assert parser.get("preprocessing")["transforms"][0]["_target_"] == "LoadImaged"


def test_the_context_is_made_as_ours() -> None:
    rng = np.random.default_rng(3)
    image = rng.normal(size=(4, 21, 34, 17)).astype(np.float16)
    frame, expected, _ = our_context(image, None, 16)
    found = make_context(torch.from_numpy(image.astype(np.float32))[None], 16)[0].numpy()
    np.testing.assert_allclose(found, expected, rtol=0, atol=2e-3)
    box = context_box(torch.from_numpy(image)[None].float(), [-2, 5, 1], 16)[0].numpy()
    np.testing.assert_array_equal(box, frame.box((-2, 5, 1), (16, 16, 16)))
    for given in ((34, 16, 34 / 16, 0.5625, 34 / 16), (9, 16, 0.75, -0.6, 1.0), (5, 8, 1.0, -2.0, 1.0)):
        np.testing.assert_array_equal(axis_weights(*given).numpy(), geometry.axis_weights(*given))


def test_half_a_model_of_a_killed_command_is_gone_with_the_next(
    model_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "gmmas"

    def killed(loaded: LoadedModel, folder: Path) -> dict[str, Any]:
        (folder / "models").mkdir()
        (folder / "models" / "half.ts").write_bytes(b"x")
        raise KeyboardInterrupt

    monkeypatch.setitem(cast(dict[str, Any], WRITERS), "onnx", killed)
    with pytest.raises(KeyboardInterrupt):
        export_model(model_folder, "onnx", out)
    monkeypatch.setitem(cast(dict[str, Any], WRITERS), "onnx", lambda loaded, folder: {"seen": [*folder.rglob("*.ts")]})
    assert export_model(model_folder, "onnx", out)["seen"] == []
    assert [path.name for path in tmp_path.iterdir()] == ["gmmas"]


def test_nothing_that_is_there_is_replaced(model_folder: Path, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="there already"):
        export_model(model_folder, "monai", model_folder)
    with pytest.raises(DataError, match="no such folder"):
        export_model(tmp_path / "nothing", "monai", tmp_path / "out")
    assert list(tmp_path.iterdir()) == []


_SPECIFIERS = (
    *("type", "format", "num_channels", "spatial_shape"),
    *("dtype", "value_range", "is_patch_data", "channel_def"),
)
_TENSOR = {
    "type": "object",
    "required": list(_SPECIFIERS),
    "properties": {
        "type": {"enum": ["image", "series", "tuples", "probabilities"]},
        "num_channels": {"type": "integer"},
        "spatial_shape": {"type": "array", "items": {"type": ["integer", "string"]}},
        "value_range": {"type": "array"},
        "is_patch_data": {"type": "boolean"},
        "channel_def": {"type": "object", "additionalProperties": {"type": "string"}},
    },
}
_TEXTS = ["version", "monai_version", "pytorch_version", "numpy_version", "task", "description", "authors", "copyright"]
SPECIFIED = {
    "type": "object",
    "required": [*_TEXTS, "network_data_format"],
    "properties": {
        **{name: {"type": "string"} for name in _TEXTS},
        "network_data_format": {
            "type": "object",
            "required": ["inputs", "outputs"],
            "additionalProperties": {"type": "object", "minProperties": 1, "additionalProperties": _TENSOR},
        },
    },
}
