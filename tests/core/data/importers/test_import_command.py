"""`gmmas-site import` from end to end: every tree becomes a site folder in which `gmmas-site check` finds no error."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
import pytest
from typer.testing import CliRunner

from client.checks.site_folder import check_site
from client.cli import app
from client.site import read_site
from gmmas_core.config import load_config
from gmmas_core.data.importers.registry import IMPORTERS
from gmmas_core.types import DataError

Draw = Callable[..., None]


def run(*words: object) -> tuple[int, dict[str, Any]]:
    """Exit code and JSON of an import."""
    result = CliRunner().invoke(app, ["import", "--json", *map(str, words)])
    if isinstance(result.exception, DataError):
        raise result.exception
    assert result.exception is None or isinstance(result.exception, SystemExit), result.output
    return result.exit_code, json.loads(result.stdout)


def errors(folder: Path) -> list[str]:
    """What `gmmas-site check` would call an error."""
    return [str(problem) for problem in check_site(read_site(folder), load_config([]).data) if problem.is_error]


def make_msd(draw: Draw, source: Path) -> None:
    """A 4-D case, dataset.json and MSD's values."""
    for folder in ("imagesTr", "labelsTr"):
        (source / folder).mkdir(parents=True)
    draw(source / "labelsTr", {}, "BRATS_001.nii.gz", (1, 2, 3))
    draw(source, {str(index): f"{index}.nii" for index in range(4)})
    volumes = [np.asarray(nib.load(source / f"{index}.nii").dataobj) for index in range(4)]
    image = nib.Nifti1Image(np.stack(volumes, -1), nib.load(source / "0.nii").affine)
    nib.save(image, source / "imagesTr" / "BRATS_001.nii.gz")
    description = {
        "modality": {"0": "FLAIR", "1": "T1w", "2": "t1gd", "3": "T2w"},
        "labels": {"0": "background", "1": "edema", "2": "non-enhancing tumor", "3": "enhancing tumour"},
        "training": [{"image": "./imagesTr/BRATS_001.nii.gz", "label": "./labelsTr/BRATS_001.nii.gz"}],
    }
    (source / "dataset.json").write_text(json.dumps(description))


@pytest.fixture
def source(draw: Draw, brats: Draw, tmp_path: Path) -> Callable[[str], Path]:
    """`source(data_set)` writes a tree of one or two cases."""

    def make(data_set: str) -> Path:
        folder = tmp_path / "download"
        if data_set == "msd":
            make_msd(draw, folder)
        elif data_set == "bids":
            draw(folder / "sub-1" / "anat", {"t2": "sub-1_T2w.nii", "t1": "sub-1_T1w.nii"}, "sub-1_dseg.nii", (1, 2, 3))
        elif data_set.startswith("brats2023"):
            draw(folder / "BraTS-GLI-00001-000", {"t1n": "a-t1n.nii.gz", "t2f": "a-t2f.nii.gz"}, "a-seg.nii.gz", (1, 3))
        elif data_set == "brats2024-post":
            draw(folder / "BraTS-GLI-00001-100", {"t1n": "a-t1n.nii.gz"}, "a-seg.nii.gz", (1, 2, 3, 4))
        else:
            stem = {"brats2020": "BraTS20_Training_00", "brats2021": "BraTS2021_0000", "fets2022": "FeTS2022_0000"}
            for number in (1, 2):
                brats(folder, f"{stem[data_set]}{number}")
        return folder

    return make


@pytest.mark.parametrize(
    "data_set", ["brats2020", "brats2021", "brats2023", "brats2024-post", "fets2022", "msd", "bids"]
)
def test_every_tree_passes_the_check(data_set: str, source: Callable[[str], Path], tmp_path: Path) -> None:
    out = tmp_path / "out"
    more = ["--label-convention", "brats2023"] if data_set == "bids" else []
    code, told = run("--from", data_set, source(data_set), out, *more)
    assert code == 0
    (site,) = told["sites"]
    assert errors(out) == []
    assert site["counts"]["cases"] == site["new"] == site["counts"]["masks"] == len(list(out.glob("*/*seg.nii*")))
    declared = IMPORTERS[data_set].label_convention or "brats2023"
    assert site["label_convention"] == declared
    expected = "canonical" if data_set == "brats2024-post" else declared
    assert read_site(out).label_convention == expected


def test_institutions_become_hospitals(source: Callable[[str], Path], tmp_path: Path) -> None:
    folder, out = source("fets2022"), tmp_path / "hospitals"
    table = tmp_path / "partitioning_1.csv"
    table.write_text("Partition_ID,Subject_ID\n7,FeTS2022_00001\n18,FeTS2022_00002\n18,FeTS2022_00009\n")
    asked = ("--from", "fets2022", folder, out, "--table", table)
    code, told = run(*asked, "--dry-run")
    assert (code, out.exists(), [site["new"] for site in told["sites"]]) == (0, False, [1, 1])
    code, told = run(*asked)
    assert [site["folder"] for site in told["sites"]] == ["institution_07", "institution_18"]
    assert [read_site(out / name).name for name in ("institution_07", "institution_18")] == [
        "institution_07",
        "institution_18",
    ]
    assert errors(out / "institution_18") == []
    assert [item["name"] for item in told["sites"][0]["skipped"]] == ["FeTS2022_00009"]
    assert [site["new"] for site in run(*asked)[1]["sites"]] == [0, 0]
    table.write_text("Partition_ID,Subject_ID\n7,FeTS2022_00001\n30,FeTS2022_00002\n")
    with pytest.raises(DataError, match="found 1 cases in other institutions"):  # it would lie in two hospitals
        run(*asked)
    with pytest.raises(DataError, match="--name: found one"):
        run("--from", "fets2022", folder, tmp_path / "named", "--table", table, "--name", "north")
    with pytest.raises(DataError, match="OUT: found Not a directory"):
        run("--from", "fets2022", folder, table / "inside", "--table", table)
    with pytest.raises(DataError, match="one per institution"):
        run("--from", "fets2022", folder, out)
    other = ("--from", "fets2022", folder, tmp_path / "other", "--also")
    assert len(run(*other, out)[1]["sites"][0]["duplicates"]) == 2
    with pytest.raises(DataError, match="--also: found no participants"):
        run(*other, tmp_path)


def test_a_second_data_set_in_the_same_folder(
    source: Callable[[str], Path], tmp_path: Path, brats: Draw, draw: Draw
) -> None:
    out = tmp_path / "out"
    run("--from", "brats2021", source("brats2021"), out)
    fets, msd = tmp_path / "fets", tmp_path / "msd"
    brats(fets, "FeTS2022_00002")
    brats(fets, "FeTS2022_00003")
    make_msd(draw, msd)
    _, told = run("--from", "fets2022", fets, out)
    assert told["sites"][0]["duplicates"] == [
        {"case": "FeTS2022_00002", "same_patient_as": "BraTS2021_00002", "in": "out"}
    ]
    _, told = run("--from", "msd", msd, out)
    assert told["sites"][0]["masks"] == "brats2021"  # rewritten into what this folder's site.yaml declares
    assert any("MSD and BraTS 2021 share patients" in text for text in told["sites"][0]["statements"])
    assert errors(out) == []
    assert len((out / "participants.tsv").read_text().splitlines()) == 5


def test_two_first_patients_are_not_one(source: Callable[[str], Path], tmp_path: Path, draw: Draw) -> None:
    out, other = tmp_path / "out", tmp_path / "other"
    declared = ("--label-convention", "brats2023")
    first = source("bids")
    (first / "participants.tsv").write_text("participant_id\tidh\nsub-1\tmutant\n")
    draw(other / "sub-1" / "anat", {"t2": "sub-1_T2w.nii", "t1": "sub-1_T1w.nii"})
    draw(other / "sub-2" / "anat", {"t2": "sub-2_T2w.nii"})
    run("--from", "bids", first, out, *declared)
    code, told = run("--from", "bids", other, out, *declared)
    assert (code, told["sites"][0]["counts"]["cases"], told["sites"][0]["new"]) == (0, 1, 1)
    assert "other images is here" in told["sites"][0]["skipped"][0]["reason"]
    # What is counted is what the table says, which a table that comes later does not change.
    (first / "participants.tsv").write_text("participant_id\tidh\nsub-1\twildtype\n")
    for words in ((), ("--dry-run",)):
        told = run("--from", "bids", first, out, *declared, *words)[1]["sites"][0]
        assert told["counts"]["labels"]["idh"] == {"wildtype": 0, "mutant": 1, "unknown": 0}
        assert "1 rows of participants.tsv say something else" in told["statements"][-1]


@pytest.mark.realdata
def test_a_patient_of_three_data_sets_comes_in_once(real_data: Path, tmp_path: Path, brats: Draw, draw: Draw) -> None:
    """UCSF's own table names its BraTS 2021 cases; TCGA's patients are found by BraTS' crosswalk alone."""
    out, ucsf, tcga, challenge = (tmp_path / name for name in ("out", "ucsf", "tcga", "brats2021"))
    for case in ("UCSF-PDGM-0116", "UCSF-PDGM-0005"):
        draw(ucsf / f"{case}_nifti", {"t1": f"{case}_T1.nii.gz"}, f"{case}_tumor_segmentation.nii.gz")
    draw(tcga / "TCGA-CS-4942", {"t1": "TCGA-CS-4942_1997.02.22_t1.nii.gz"})
    for case in ("BraTS2021_00006", "BraTS2021_01476", "BraTS2021_00000"):
        brats(challenge, case)
    crosswalk = tmp_path / "crosswalk.csv"
    titles = "Data Collection (as on TCIA+additional),PatientID on TCIA Radiology Portal,BraTS2021 ID"
    crosswalk.write_text(f"{titles}\nTCGA-LGG,TCGA-CS-4942,BraTS2021_01476\n")
    run("--from", "ucsf-pdgm", ucsf, out, "--table", real_data / "tables" / "UCSF-PDGM-metadata_v2.csv")
    run("--from", "tcga", tcga, out)
    asked = ("--from", "brats2021", challenge, out)
    unaware, aware = run(*asked, "--dry-run")[1], run(*asked, "--dry-run", "--crosswalk", crosswalk)[1]
    for told, expected in ((unaware, {"BraTS2021_00006"}), (aware, {"BraTS2021_00006", "BraTS2021_01476"})):
        assert {twin["case"] for twin in told["sites"][0]["duplicates"]} == expected
    unknown = [text for text in unaware["sites"][0]["statements"] if "unknown" in text]
    assert len(unknown) == 1
    assert unknown[0].startswith("BraTS 2021 and TCGA share patients")
    assert not [text for text in aware["sites"][0]["statements"] if "unknown" in text]


def test_the_list_and_what_is_asked_wrongly(tmp_path: Path) -> None:
    told = CliRunner().invoke(app, ["import", "--list"])
    assert all(f"{name}: {one.title}" in told.output and one.doi in told.output for name, one in IMPORTERS.items())
    for words, message in (
        (("--from", "brats1999", tmp_path, tmp_path / "o"), "--from: found 'brats1999'"),
        (("--from", "brats2021", tmp_path / "none", tmp_path / "o"), "no such folder"),
        (("--from", "brats2021", tmp_path, tmp_path / "inside"), "the source in it or around it"),
        ((tmp_path, tmp_path / "o"), "found too little"),
        (
            ("--from", "brats2021", tmp_path, tmp_path / "o", "--label-convention", "brats2023"),
            "the makers of brats2021 declare brats2021",
        ),
        (("--from", "brats2021", tmp_path, tmp_path / "o", "--name", "St. Mary's"), "letters, digits, dashes"),
    ):
        with pytest.raises(DataError, match=message):
            run(*words)


def test_nothing_taken_is_no_success(tmp_path: Path, draw: Draw) -> None:
    draw(tmp_path / "source" / "UCSF-PDGM-0004_nifti", {"t1": "UCSF-PDGM-0004_T1.nii.gz"})
    with pytest.raises(DataError, match=r"found no case of brats2021 .* not named like a case"):
        run("--from", "brats2021", tmp_path / "source", tmp_path / "out")
    assert not (tmp_path / "out").exists()


@pytest.mark.realdata
@pytest.mark.slow
def test_real_cases_pass_the_check(real_data: Path, tmp_path: Path) -> None:
    code, told = run("--from", "brats2021", real_data / "brats2021", tmp_path / "out")
    assert (code, told["sites"][0]["counts"]["masks"]) == (0, 8)
    assert errors(tmp_path / "out") == []
