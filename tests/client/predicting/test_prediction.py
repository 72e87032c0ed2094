"""`gmmas-site predict`: from a folder of NIfTI files to two files beside each other, or one clear reason why not."""

import errno
import gzip
import hashlib
import json
import os
import resource
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
import pytest
import torch
import typer
from typer.testing import CliRunner, Result

from client.commands.predict import register
from client.predicting.prediction import case_from_folder
from client.predicting.result_files import nifti_bytes, require_writable
from gmmas_core.checkpoint import save_model
from gmmas_core.config import load_config
from gmmas_core.inference import POSTPROCESS
from gmmas_core.model.gmmas import build_model
from gmmas_core.types import DISCLAIMER, ConfigError, DataError

LPS = np.array([[-4.0, 0, 0, 90.0], [0, -4.0, 0, 120.0], [0, 0, 4.0, -70.0], [0, 0, 0, 1.0]])
SHAPE = (30, 36, 26)
CALIBRATION = {"temperature": {"idh": 2.0}, "region_temperature": {"wt": 1.5}}

Predict = Callable[..., Result]


@pytest.fixture(scope="module")
def model_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    config = load_config(["experiment=smoke"])
    model = build_model(config.model, config.task_list, loss=config.loss, seed=4)
    folder = tmp_path_factory.mktemp("run") / "model"
    save_model(folder, model, config, {"rounds": 0}, CALIBRATION)
    return folder


def write_case(
    folder: Path,
    spellings: Sequence[str] = ("t1", "t1ce", "t2", "flair"),
    *,
    shape: Sequence[int] = SHAPE,
    affine_44: np.ndarray = LPS,
) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    axes = np.meshgrid(*(np.linspace(-1, 1, n) for n in shape), indexing="ij")
    inside = sum(axis**2 for axis in axes) < 1
    for number, name in enumerate(spellings):
        image = np.random.default_rng(number).gamma(4.0, 50.0, shape) * inside
        nib.save(nib.Nifti1Image(image.astype(np.int16), affine_44), folder / f"{folder.name}_{name}.nii.gz")
    return folder


@pytest.fixture
def predict(model_folder: Path) -> Predict:
    """The command in this process; errors stay exceptions."""
    app = typer.Typer()
    app.callback()(lambda: None)
    register(app)

    def run(*arguments: object, out: Path, model: Path = model_folder) -> Result:
        given = ["predict", *map(str, arguments), "--model", str(model), "--out", str(out), "--device", "cpu"]
        return CliRunner().invoke(app, given)

    return run


def failure(result: Result) -> str:
    assert isinstance(result.exception, DataError), (result.exception, result.output)
    return str(result.exception)


def read(path: Path) -> dict[str, Any]:
    value: dict[str, Any] = json.loads(path.read_text())
    return value


def test_two_files_on_the_native_grid(predict: Predict, tmp_path: Path) -> None:
    case = write_case(tmp_path / "sub-7")
    result = predict(case, out=tmp_path / "out")
    assert result.exit_code == 0, result.output
    assert sorted(file.name for file in (tmp_path / "out").iterdir()) == ["sub-7.json", "sub-7_seg.nii.gz"]
    mask, source = nib.load(tmp_path / "out" / "sub-7_seg.nii.gz"), nib.load(case / "sub-7_t1.nii.gz")
    assert mask.shape == source.shape
    assert mask.get_data_dtype() == np.uint8
    np.testing.assert_array_equal(mask.affine, source.affine)
    np.testing.assert_array_equal(mask.get_qform(), source.affine)
    assert mask.header.get_zooms() == (4.0, 4.0, 4.0)
    facts = read(tmp_path / "out" / "sub-7.json")
    values = np.asarray(mask.dataobj)
    assert facts["volume_ml"]["wt"] == pytest.approx((values > 0).sum() * 0.064)
    assert facts["volume_ml"]["et"] == pytest.approx((values == 3).sum() * 0.064)
    assert DISCLAIMER in result.output


def test_json_says_all_there_is(predict: Predict, tmp_path: Path, model_folder: Path) -> None:
    case = write_case(tmp_path / "sub-7", ("t1", "t2", "flair"))
    assert predict(case, "--mc-passes", 2, out=tmp_path).exit_code == 0
    facts = read(tmp_path / "sub-7.json")
    record = read(model_folder / "provenance.json")
    assert facts["disclaimer"] == DISCLAIMER
    assert facts["model"] == {
        "model_id": record["model_id"],
        "config_hash": record["config_hash"],
        "warnings": [],
    }
    assert facts["sequences_used"] == ["t1", "t2", "flair"]
    assert facts["sequences_missing"] == ["t1c"]
    assert facts["volume_ml"]["et"] is None
    assert facts["not_assessable"]["et"] == "no t1c: enhancement shows only after contrast"
    assert set(facts["probability"]) == set(facts["epistemic"]) == {"histology", "idh", "codel_1p19q"}
    assert facts["probability_of"]["idh"] == "mutant"
    assert facts["calibrated"] == ["idh"]
    assert facts["reading"]["mc_passes"] == 2
    assert facts["reading"]["postprocess"] == "none"
    assert facts["region_temperature"] == {"wt": 1.5}
    assert facts["region_epistemic"]["et"] is None
    parts = facts["region_epistemic"]["wt"] + facts["region_aleatoric"]["wt"]
    assert facts["region_uncertainty"]["wt"] == pytest.approx(parts, abs=1e-6)
    assert facts["uncertainty_map"] is None
    content = (tmp_path / facts["segmentation"]["file"]).read_bytes()
    assert facts["segmentation"]["sha256"] == hashlib.sha256(content).hexdigest()


def test_map_of_uncertainty_lies_on_the_native_grid(predict: Predict, tmp_path: Path) -> None:
    case, out = write_case(tmp_path / "sub-7"), tmp_path / "out"
    result = predict(case, "--mc-passes", 2, "--uncertainty-map", out=out)
    assert result.exit_code == 0, result.output
    assert DISCLAIMER in result.output
    facts, source = read(out / "sub-7.json"), nib.load(case / "sub-7_t1.nii.gz")
    assert facts["disclaimer"] == DISCLAIMER
    written = facts["uncertainty_map"]
    assert (written["file"], written["unit"]) == ("sub-7_uncertainty.nii.gz", "nat")
    assert written["sha256"] == hashlib.sha256((out / written["file"]).read_bytes()).hexdigest()
    found = nib.load(out / written["file"])
    assert found.get_data_dtype() == np.float32
    assert found.shape == source.shape
    np.testing.assert_array_equal(found.affine, source.affine)
    entropy, labels = np.asarray(found.dataobj), np.asarray(nib.load(out / "sub-7_seg.nii.gz").dataobj)
    assert 0 <= entropy.min() < entropy.max() <= np.log(4) + 1e-6
    for region, values in (("tc", (1, 3)), ("et", (3,))):  # without a temperature; the voxels are the model's own
        assert entropy[np.isin(labels, values)].mean() == pytest.approx(facts["region_uncertainty"][region], abs=1e-5)


def test_map_needs_passes(predict: Predict, tmp_path: Path) -> None:
    case = write_case(tmp_path / "sub-7", ("t2",))
    result = predict(case, "--uncertainty-map", out=tmp_path / "out")
    assert isinstance(result.exception, ConfigError)
    assert "add --mc-passes 10" in str(result.exception)
    assert not (tmp_path / "out").exists()


def test_post_processing_is_applied_and_stated(predict: Predict, tmp_path: Path) -> None:
    case, cautious = write_case(tmp_path / "sub-7"), tmp_path / "cautious"
    config = load_config(["experiment=smoke"])
    model = build_model(config.model, config.task_list, loss=config.loss, seed=4)
    with torch.no_grad():
        model.decoder.head.conv.bias[0] = 1.0  # one large component and a hundred specks
    save_model(cautious, model, config, {"rounds": 0}, {})
    masks = {}
    for name in ("none", "multifocal"):
        assert predict(case, "--postprocess", name, out=tmp_path / name, model=cautious).exit_code == 0
        assert read(tmp_path / name / "sub-7.json")["reading"]["postprocess"] == name
        masks[name] = np.asarray(nib.load(tmp_path / name / "sub-7_seg.nii.gz").dataobj)
    expected = POSTPROCESS["multifocal"](masks["none"], 0.064)
    assert (expected != masks["none"]).any()
    np.testing.assert_array_equal(masks["multifocal"], expected)


def test_repeating_gives_the_same_bytes(predict: Predict, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    case = write_case(tmp_path / "sub-7")
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "86400")
    for name in ("one", "two"):
        assert predict(case, "--mc-passes", 2, "--uncertainty-map", out=tmp_path / name).exit_code == 0
    for name in ("sub-7_seg.nii.gz", "sub-7_uncertainty.nii.gz", "sub-7.json"):
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes()
    assert read(tmp_path / "one" / "sub-7.json")["created_at"] == "1970-01-02T00:00:00+00:00"


def test_labels_in_the_declared_convention(predict: Predict, tmp_path: Path) -> None:
    case = write_case(tmp_path / "sub-7")
    assert predict(case, out=tmp_path / "a").exit_code == 0
    assert predict(case, "--label-convention", "brats2021", out=tmp_path / "b").exit_code == 0
    canonical, brats = (np.asarray(nib.load(tmp_path / x / "sub-7_seg.nii.gz").dataobj) for x in "ab")
    assert (canonical == 3).any()
    np.testing.assert_array_equal(np.where(canonical == 3, 4, canonical), brats)
    assert read(tmp_path / "b" / "sub-7.json")["segmentation"]["labels"]["4"] == "enhancing tumour"


def test_several_cases_and_json_on_the_screen(predict: Predict, tmp_path: Path) -> None:
    cases = [write_case(tmp_path / name, ("t1c", "flair")) for name in ("sub-1", "sub-2")]
    result = predict(*cases, "--json", out=tmp_path / "out")
    assert result.exit_code == 0
    assert [facts["case_id"] for facts in json.loads(result.stdout)["results"]] == ["sub-1", "sub-2"]
    assert len(list((tmp_path / "out").iterdir())) == 4


def test_a_bad_case_fails_alone(predict: Predict, tmp_path: Path) -> None:
    good, bad = write_case(tmp_path / "sub-1", ("t2",)), write_case(tmp_path / "sub-2", ("t2",))
    file = bad / "sub-2_t2.nii.gz"
    file.write_bytes(file.read_bytes()[:2000])
    result = predict(bad, good, tmp_path / "sub-3", "--json", out=tmp_path / "out")
    text = failure(result)
    assert "case sub-2: t2: found a truncated file" in text
    assert "case sub-3: found no such folder" in text
    assert [facts["case_id"] for facts in json.loads(result.stdout)["results"]] == ["sub-1"]
    assert (tmp_path / "out" / "sub-1.json").exists()
    assert not (tmp_path / "out" / "sub-2.json").exists()


def test_another_grid_is_named_and_registration_advised(predict: Predict, tmp_path: Path) -> None:
    case = write_case(tmp_path / "sub-7", ("t1", "t2"))
    write_case(case, ("flair",), shape=(30, 36, 13), affine_44=LPS @ np.diag([1, 1, 2, 1]))
    text = failure(predict(case, out=tmp_path / "out"))
    assert "case sub-7: flair: found 30x36x13 voxels of 4x4x8 mm" in text
    assert "register" in text
    assert not list((tmp_path / "out").iterdir())


def test_masks_in_the_folder_are_not_read(predict: Predict, tmp_path: Path) -> None:
    case = write_case(tmp_path / "sub-7", ("t2",))
    (case / "sub-7_seg.nii.gz").write_bytes(b"not a NIfTI file")
    assert predict(case, out=tmp_path / "out").exit_code == 0


@pytest.mark.parametrize(
    ("spellings", "told"),
    [
        ((), "found no known sequence"),
        (("dwi",), "found no known sequence"),
        (("t1c", "t1ce"), "found 2 files for t1c"),
    ],
)
def test_folder_without_a_usable_sequence(
    predict: Predict, tmp_path: Path, spellings: tuple[str, ...], told: str
) -> None:
    case = write_case(tmp_path / "sub-7", spellings)
    text = failure(predict(case, out=tmp_path / "out"))
    assert text.startswith("case sub-7: ")
    assert told in text


def test_same_name_twice_would_overwrite(predict: Predict, tmp_path: Path) -> None:
    cases = [write_case(tmp_path / place / "sub-7", ("t2",)) for place in "ab"]
    assert "found sub-7 more than once" in failure(predict(*cases, out=tmp_path / "out"))


def test_no_model(predict: Predict, tmp_path: Path) -> None:
    case = write_case(tmp_path / "sub-7", ("t2",))
    assert "found no such folder" in failure(predict(case, out=tmp_path, model=tmp_path / "nothing"))
    (tmp_path / "empty").mkdir()
    assert "provenance.json: cannot be read" in failure(predict(case, out=tmp_path, model=tmp_path / "empty"))


def test_bad_settings_are_refused_before_any_work(predict: Predict, tmp_path: Path) -> None:
    case = write_case(tmp_path / "sub-7", ("t2",))
    assert "expected one of canonical" in failure(predict(case, "--label-convention", "brats", out=tmp_path / "out"))
    for option in (("--mc-passes", 1), ("--inference", "guess"), ("--postprocess", "all")):
        result = predict(case, *option, out=tmp_path / "out")
        assert "evaluation." in str(result.exception)
    assert not (tmp_path / "out").exists()


def test_output_that_cannot_be_a_folder(predict: Predict, tmp_path: Path) -> None:
    case = write_case(tmp_path / "sub-7", ("t2",))
    (tmp_path / "file").write_text("")
    assert "output folder: cannot be written" in failure(predict(case, out=tmp_path / "file"))
    with pytest.raises(DataError, match="choose another --out"):
        require_writable(tmp_path / "file" / "deeper")


def test_full_disk_leaves_the_older_result(predict: Predict, tmp_path: Path) -> None:
    case, out = write_case(tmp_path / "sub-7", ("t2",)), tmp_path / "out"
    assert predict(case, out=out).exit_code == 0
    before = {file.name: file.read_bytes() for file in out.iterdir()}
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100, hard))
    try:
        result = predict(case, out=out)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert os.strerror(errno.EFBIG) in failure(result)
    assert {file.name: file.read_bytes() for file in out.iterdir()} == before


def test_messages_hold_no_path(predict: Predict, tmp_path: Path) -> None:
    case = write_case(tmp_path / "sub-7", ("t2",))
    (case / "sub-7_t2.nii.gz").write_bytes(b"x" * 1000)
    assert str(tmp_path) not in failure(predict(case, out=tmp_path / "out"))


def test_mask_file_holds_no_date() -> None:
    content = nifti_bytes(np.zeros((3, 4, 5), np.uint8), LPS)
    assert content[4:8] == bytes(4)
    assert len(gzip.decompress(content)) == 352 + 60


def test_sheared_grid_keeps_its_affine(tmp_path: Path) -> None:
    sheared = LPS.copy()
    sheared[0, 1] = 1.0
    (tmp_path / "m.nii.gz").write_bytes(nifti_bytes(np.zeros((3, 4, 5), np.uint8), sheared))
    np.testing.assert_allclose(nib.load(tmp_path / "m.nii.gz").affine, sheared)


def test_case_takes_its_pseudonym_from_the_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = write_case(tmp_path / "sub-7", ("t1ce", "t2"))
    monkeypatch.chdir(folder)
    case = case_from_folder(Path("."))
    assert (case.case_id, list(case.images), case.mask) == ("sub-7", ["t1c", "t2"], None)


def test_the_installed_command_ends_without_a_traceback(tmp_path: Path) -> None:
    command = "import sys; from client.cli import main; sys.argv[0] = 'gmmas-site'; main()"
    arguments = ["predict", str(tmp_path / "sub-7"), "--model", str(tmp_path / "model"), "--out", str(tmp_path / "out")]
    done = subprocess.run([sys.executable, "-c", command, *arguments], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "model folder 'model': found no such folder" in done.stderr
    assert "Traceback" not in done.stderr
    assert done.stdout == ""


@pytest.mark.slow
@pytest.mark.realdata
def test_public_cases(predict: Predict, tmp_path: Path, real_data: Path) -> None:
    metastasis, glioma = real_data / "ood" / "BraTS-MET-00110-000", real_data / "tcga" / "TCGA-FG-6692"
    assert predict(metastasis, glioma, out=tmp_path).exit_code == 0
    for folder, source in ((metastasis, "BraTS-MET-00110-000-t1n"), (glioma, "TCGA-FG-6692_t1")):
        mask, image = nib.load(tmp_path / f"{folder.name}_seg.nii.gz"), nib.load(folder / f"{source}.nii.gz")
        assert mask.shape == image.shape
        np.testing.assert_allclose(mask.affine, image.affine)


@pytest.mark.realdata
def test_unregistered_case_is_refused(predict: Predict, tmp_path: Path, real_data: Path) -> None:
    text = failure(predict(real_data / "raw" / "TCGA-FG-6692", out=tmp_path / "out"))
    assert "TCGA-FG-6692" in text
    assert "one grid" in text
