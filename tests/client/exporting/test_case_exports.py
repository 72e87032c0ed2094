"""A site's masks for other tools: legal, complete, whole or resumed, and known to whoever has to leave."""

import json
import os
import shutil
from collections.abc import Callable
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
import pytest
from nnunetv2.experiment_planning.verify_dataset_integrity import verify_dataset_integrity
from nnunetv2.imageio.nibabel_reader_writer import NibabelIO
from nnunetv2.imageio.simpleitk_reader_writer import SimpleITKIO
from nnunetv2.utilities.label_handling.label_handling import LabelManager
from typer.testing import CliRunner

from client.cli import app
from client.exporting.workplace import DONE, REQUEST
from client.predicting.prediction import predict_folders
from client.privacy.pseudonyms import KEY
from client.site import read_site
from client.withdrawal.withdraw import look_up, withdraw
from gmmas_core.checkpoint import load_model, save_model
from gmmas_core.config import load_config
from gmmas_core.data.phantom import write_federation
from gmmas_core.model.gmmas import build_model
from gmmas_core.types import DISCLAIMER, SEQUENCES

SPLITS = ("train", "train", "validation", "holdout", "train", "train", "train")
Export = Callable[..., tuple[int, str]]


@pytest.fixture
def north(tmp_path: Path) -> Path:
    """Seven phantoms: one without T1c, one without mask, two studies of one patient, one header a little off."""
    (folder,) = write_federation(tmp_path / "sites", sites=1, cases=7, size=24, seed=1)
    lines = (folder / "participants.tsv").read_text().splitlines()
    ids = [line.split("\t")[0] for line in lines[1:]]
    table = [f"{lines[0]}\tcase_id"]
    for place, line in enumerate(lines[1:]):
        cells = line.split("\t")
        cells[0] = ids[5] if place == 6 else cells[0]
        table.append("\t".join([*cells[:-1], SPLITS[place], ids[place]]))
    (folder / "participants.tsv").write_text("\n".join(table) + "\n")
    for case_id in ids:
        if not (folder / case_id / f"{case_id}_t1ce.nii.gz").exists():
            shutil.copy(folder / case_id / f"{case_id}_t1.nii.gz", folder / case_id / f"{case_id}_t1ce.nii.gz")
    (folder / ids[0] / f"{ids[0]}_t1ce.nii.gz").unlink()
    (folder / ids[1] / f"{ids[1]}_seg.nii.gz").unlink()
    _shift(folder / ids[5] / f"{ids[5]}_flair.nii.gz")
    return folder


def _shift(path: Path) -> None:
    """Half a millimetre of eight: one grid for us, not for nnU-Net."""
    image: Any = nib.load(path)
    affine = image.affine.copy()
    affine[0, 3] += 0.5
    moved = nib.Nifti1Image(np.asarray(image.dataobj), affine)
    nib.save(moved, path)


def names_in(folder: Path) -> list[str]:
    return sorted(case.name for case in folder.iterdir() if case.is_dir() and case.name.startswith("sub-"))


@pytest.fixture
def export() -> Export:
    def run(source: Path, out: Path, *options: str) -> tuple[int, str]:
        done = CliRunner().invoke(app, ["export", str(source), "--out", str(out), *options])
        return done.exit_code, done.output if done.exception is None else f"{done.output}{done.exception}"

    return run


def values(path: Path) -> Any:
    image: Any = nib.load(path)
    return np.asarray(image.dataobj)


def test_masks_become_derivatives_of_legal_names(
    north: Path, export: Export, is_legal: Callable[[str], bool], tmp_path: Path
) -> None:
    out, ids = tmp_path / "bids", names_in(north)
    code, told = export(north, out, "--to", "bids", "--json")
    assert code == 0, told
    summary = json.loads(told)
    assert summary == json.loads((out / "gmmas-export.json").read_text())
    assert (summary["cases"], summary["subjects"]) == (6, 5)
    assert summary["skipped"] == {ids[1]: "no mask"}
    files = [path.relative_to(out).as_posix() for path in out.rglob("*") if path.is_file()]
    ignored = (out / ".bidsignore").read_text().split()
    assert [name for name in files if not is_legal(name)] == [
        name for name in files if name == ".bidsignore" or any(fnmatch(name, pattern) for pattern in ignored)
    ]
    number = ids[5].removeprefix("sub-")
    studies = sorted(path.name for path in (out / f"sub-{number}").iterdir())
    assert len(studies) == 2
    assert all(name.startswith("ses-") for name in studies)
    stem = f"sub-{ids[2].removeprefix('sub-')}"
    written = out / stem / "anat" / f"{stem}_desc-site_dseg.nii.gz"
    own = values(north / ids[2] / f"{ids[2]}_seg.nii.gz")
    np.testing.assert_array_equal(values(written), np.where(own == 4, 3, own))
    told_of = json.loads((out / "dataset_description.json").read_text())
    assert told_of["DatasetType"] == "derivative"
    assert DISCLAIMER in told_of["GeneratedBy"][0]["Description"]
    assert str(tmp_path) not in "".join(p.read_text() for p in out.rglob("*") if p.suffix in (".json", ".tsv"))


@pytest.mark.slow
def test_predictions_become_derivatives_only_of_what_may_be_told_apart(
    north: Path, export: Export, tmp_path: Path
) -> None:
    config = load_config(["experiment=smoke", "model=smallest", "data.spacing_mm=8", "evaluation.overlap=0"])
    model = build_model(config.model, config.task_list, loss=config.loss, seed=4)
    save_model(tmp_path / "model", model, config, {"rounds": 0})
    loaded, ids = load_model(tmp_path / "model"), names_in(north)
    predict_folders(
        [north / ids[0], north / ids[2]],
        tmp_path / "predicted",
        loaded=loaded,
        config=config,
        convention="brats2021",
        uncertainty_map=False,
        device="cpu",
        on_progress=lambda done, total: None,
    )
    given = ("--to", "bids", "--predictions", str(tmp_path / "predicted"))
    code, told = export(north, tmp_path / "bids", *given)
    assert code == 0, told
    assert told.count("no prediction") == 5
    [without_t1c] = (tmp_path / "bids").glob(f"*{ids[0].removeprefix('sub-')}*/anat/*_dseg.nii.gz")
    [complete] = (tmp_path / "bids").glob(f"*{ids[2].removeprefix('sub-')}*/anat/*_dseg.nii.gz")
    predicted = values(tmp_path / "predicted" / f"{ids[2]}_seg.nii.gz")
    np.testing.assert_array_equal(values(complete), np.where(predicted == 4, 3, predicted))
    assert set(np.unique(values(without_t1c))) <= {0, 2, 4}
    sidecar = json.loads(Path(str(without_t1c).replace("nii.gz", "json")).read_text())
    assert (sidecar["Model"], sidecar["Manual"]) == (loaded.model_id, False)
    assert "enhancing tumour" in sidecar["NotAssessable"]
    (tmp_path / "predicted" / f"{ids[2]}_seg.nii.gz").write_bytes(b"another")
    code, told = export(north, tmp_path / "again", *given)
    assert (code, "missing or changed" in told) == (1, True)


def test_nnunet_reads_what_is_written_for_it(north: Path, export: Export, tmp_path: Path) -> None:
    out, ids = tmp_path / "Dataset501_Glioma", names_in(north)
    code, told = export(north, out, "--to", "nnunet")
    assert code == 0, told
    assert f"{ids[0]}: no t1c: nnU-Net needs every channel" in told
    assert f"{ids[1]}: no mask to train with" in told
    [split] = json.loads((out / "splits_final.json").read_text())
    assert split == {"train": [ids[4], ids[5], ids[6]], "val": [ids[2]]}
    images = [str(out / "imagesTr" / f"{ids[5]}_{channel:04}.nii.gz") for channel in range(4)]
    for reader in (NibabelIO(), SimpleITKIO()):
        read, about = reader.read_images(images)
        seg, of_seg = reader.read_seg(str(out / "labelsTr" / f"{ids[5]}.nii.gz"))
        assert read.shape == (4, *seg.shape[1:])
        assert np.allclose(about["spacing"], of_seg["spacing"])
        own = values(north / ids[5] / f"{ids[5]}_seg.nii.gz").transpose(2, 1, 0)
        np.testing.assert_array_equal(seg[0], np.where(own == 4, 3, own))
        for channel, name in enumerate(("t1", "t1ce", "t2", "flair")):
            stored = values(north / ids[5] / f"{ids[5]}_{name}.nii.gz").transpose(2, 1, 0)
            np.testing.assert_array_equal(read[channel], stored)
    linked, moved = (out / "imagesTr" / f"{ids[5]}_{channel:04}.nii.gz" for channel in (0, 3))
    assert linked.samefile(north / ids[5] / f"{ids[5]}_t1.nii.gz")
    assert not moved.samefile(north / ids[5] / f"{ids[5]}_flair.nii.gz")
    np.testing.assert_array_equal(nib.load(moved).affine, nib.load(linked).affine)
    assert [path.name for path in (out / "labelsTs").iterdir()] == [f"{ids[3]}.nii.gz"]
    assert len(list((out / "imagesTs").iterdir())) == len(SEQUENCES)


def test_nnunet_is_given_folds_that_keep_patients_whole_where_the_site_has_none(
    north: Path, export: Export, tmp_path: Path
) -> None:
    """Left alone, nnU-Net divides by case, and two studies of a patient come to lie on both sides."""
    table, ids = north / "participants.tsv", names_in(north)
    table.write_text(table.read_text().replace("\tvalidation\t", "\ttrain\t").replace("\tholdout\t", "\ttrain\t"))
    code, told = export(north, tmp_path / "Dataset501_Glioma", "--to", "nnunet")
    assert code == 0, told
    folds = json.loads((tmp_path / "Dataset501_Glioma" / "splits_final.json").read_text())
    everybody = {ids[2], ids[3], ids[4], ids[5], ids[6]}
    assert len(folds) == 4
    for fold in folds:
        assert {*fold["train"]} | {*fold["val"]} == everybody
        assert not {*fold["train"]} & {*fold["val"]}
        assert (ids[5] in fold["val"]) == (ids[6] in fold["val"]), "one patient's two studies"
    assert sorted(case for fold in folds for case in fold["val"]) == sorted(everybody)


@pytest.mark.slow
@pytest.mark.parametrize("labels", ["regions", "plain"])
def test_nnunet_finds_the_data_set_sound(
    north: Path, export: Export, tmp_path: Path, labels: str, capfd: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "Dataset501_Glioma"
    code, told = export(north, out, "--to", "nnunet", "--labels", labels, "--images", "copy")
    assert code == 0, told
    verify_dataset_integrity(str(out), num_processes=1)
    said = capfd.readouterr().out
    assert "verify_dataset_integrity Done" in said
    assert "mismatch" not in said
    assert not any(path.stat().st_nlink > 1 for path in out.rglob("*.gz"))
    about = json.loads((out / "dataset.json").read_text())
    manager = LabelManager(about["labels"], about.get("regions_class_order"))
    assert manager.has_regions == (labels == "regions")


def test_regions_become_our_labels_again() -> None:
    from client.exporting.nnunet import LABELS

    manager = LabelManager(LABELS["regions"]["labels"], LABELS["regions"]["regions_class_order"])
    seg = np.arange(4).reshape(1, 1, 4)
    inside = np.stack([np.isin(seg, region) for region in manager.foreground_regions]).astype(np.float32)
    np.testing.assert_array_equal(manager.convert_probabilities_to_segmentation(inside), seg)


def test_a_killed_export_goes_on_and_forgets_who_left_meanwhile(north: Path, export: Export, tmp_path: Path) -> None:
    out, ids = tmp_path / "Dataset501_Glioma", names_in(north)
    unfinished = tmp_path / ".Dataset501_Glioma.unfinished"
    damaged = north / ids[6] / f"{ids[6]}_t2.nii.gz"
    whole = damaged.read_bytes()
    damaged.write_bytes(whole[:200])
    code, told = export(north, out, "--to", "nnunet", "--images", "copy")
    assert code == 1
    assert f"case {ids[6]}: t2" in told
    assert not out.exists()
    (unfinished / "imagesTr" / ".half-written").write_bytes(b"x")
    marks = {path: (path.stat().st_ino, path.stat().st_mtime_ns) for path in unfinished.rglob(f"{ids[2]}*")}
    assert len(marks) == 5
    code, told = export(north, out, "--to", "nnunet", "--labels", "plain")
    assert (code, "export of something else" in told) == (1, True)
    site = read_site(north)
    found = look_up(site, ids[4], ())
    assert [(each.to, each.folder, each.is_there) for each in found.exports] == [("nnunet", str(out), True)]
    withdraw(found)
    damaged.write_bytes(whole)
    os.utime(north / ids[3] / f"{ids[3]}_t1.nii.gz", ns=(1, 1))
    code, told = export(north, out, "--to", "nnunet", "--images", "copy")
    assert code == 0, told
    assert not unfinished.exists()
    for path, mark in marks.items():
        now = (out / path.relative_to(unfinished)).stat()
        assert (now.st_ino, now.st_mtime_ns) == mark
    names = [path.name for path in out.rglob("*")]
    assert not {".half-written", DONE, REQUEST, f"{ids[4]}.nii.gz"} & {*names}
    assert ids[4] not in (out / "splits_final.json").read_text()
    record = (site.state / "exports.jsonl").read_text()
    assert not [case for case in ids if case in record]
    assert (site.state / KEY).exists()


def test_foreign_folders_are_left_alone(north: Path, export: Export, tmp_path: Path) -> None:
    (tmp_path / "there").mkdir()
    code, told = export(north, tmp_path / "there", "--to", "bids")
    assert (code, "there already" in told) == (1, True)
    foreign = tmp_path / ".new.unfinished"
    foreign.mkdir()
    (foreign / "thesis.txt").write_text("mine")
    code, told = export(north, tmp_path / "new", "--to", "bids")
    assert (code, "no export of ours began" in told) == (1, True)
    assert (foreign / "thesis.txt").read_text() == "mine"
    code, told = export(north, tmp_path / "glioma", "--to", "nnunet")
    assert (code, "Dataset501_Glioma" in told) == (1, True)
    assert not (read_site(north).state / "exports.jsonl").exists()
