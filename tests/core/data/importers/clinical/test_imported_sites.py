"""From trees with clinical tables to site folders: no errors in the check, labels as a manifest reads them."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from client.checks.site_folder import check_site
from client.cli import app
from client.site import read_site
from gmmas_core.config import load_config
from gmmas_core.data.manifest import read_cases
from gmmas_core.types import UNKNOWN, Case, Task

Draw = Callable[..., None]
FOUR = {"t1": "T1", "t1c": "T1GD", "t2": "T2", "flair": "FLAIR"}


def named(stem: str, names: dict[str, str]) -> dict[str, str]:
    return {sequence: f"{stem}{name}.nii.gz" for sequence, name in names.items()}


def make_ucsf(draw: Draw, root: Path) -> list[list[str]]:
    for case in ("UCSF-PDGM-0391", "UCSF-PDGM-0391_FU016d", "UCSF-PDGM-0004"):
        names = named(f"{case}_", {**FOUR, "t1c": "T1c"})
        draw(root / f"{case}_nifti", names, f"{case}_tumor_segmentation.nii.gz")
    grade, diagnosis = "WHO CNS Grade", "Final pathologic diagnosis (WHO 2021)"
    return [
        ["ID", "Sex", "Age at MRI", grade, diagnosis, "MGMT status", "1p/19q", "IDH", "BraTS21 ID"],
        ["UCSF-PDGM-391", "F", "59", "4", "Glioblastoma, IDH-wildtype", "positive", "unknown", "wildtype", ""],
        ["UCSF-PDGM-0391_FU016d", "F", "59", "4", "Glioblastoma, IDH-wildtype", "", "", "wildtype", ""],
        ["UCSF-PDGM-004", "M", "66", "3", "Astrocytoma, IDH-mutant", "hm", "intact", "IDH1 p.R132H", "BraTS2021_00097"],
    ]


def make_upenn(draw: Draw, root: Path) -> list[list[str]]:
    for case in ("UPENN-GBM-00001_11", "UPENN-GBM-00001_21"):
        draw(root / "images_structural" / case, named(f"{case}_", FOUR))
    draw(root / "images_segm", {}, "UPENN-GBM-00001_11_segm.nii.gz")
    rows = [[case, "F", "52.16", "Wildtype", "Indeterminate"] for case in ("UPENN-GBM-00001_11", "UPENN-GBM-00001_21")]
    return [["ID", "Gender", "Age_at_scan_years", "IDH1", "MGMT"], *rows]


def make_tcga(draw: Draw, root: Path) -> list[list[str]]:
    stem = "TCGA-CS-5396_2001.03.02_"
    names = named(stem, {"t1": "t1", "t1c": "t1Gd", "t2": "t2", "flair": "flair"})
    draw(root / "Pre-operative_TCGA_LGG_NIfTI_and_Segmentations" / "TCGA-CS-5396", names, f"{stem}GlistrBoost.nii.gz")
    return [
        ["Case", "Histology", "Grade", "IDH status", "1p/19q codeletion", "Gender"],
        ["TCGA-CS-5396", "oligodendroglioma", "G3", "Mutant", "codel", "female"],
    ]


def make_egd(draw: Draw, root: Path) -> list[list[str]]:
    draw(root / "SUBJECTS" / "EGD-0001", named("", FOUR), "MASK.nii.gz", (1,))
    return [["Subject", "IDH", "1p19q", "Grade"], ["EGD-0001", "1", "-1", "2"]]


def make_utsw(draw: Draw, root: Path) -> list[list[str]]:
    names = named("brain_", {"t1": "t1", "t1c": "t1ce", "t2": "t2", "flair": "fl"})
    draw(root / "BT0001", names, "tumorseg_FeTS.nii.gz")
    draw(root / "BT0001", {}, "rtumorseg_manual_correction.nii.gz", (1, 3, 5))
    return [["Subject ID", "Tumor Grade", "IDH", "1p19Q CODEL"], ["BT0001", "2", "mutated", "NA"]]


# Task values in the order histology, IDH, 1p/19q, MGMT.
EXPECTED: dict[str, tuple[Callable[[Draw, Path], list[list[str]]], dict[str, tuple[int, ...]]]] = {
    "ucsf-pdgm": (
        make_ucsf,
        {
            "UCSF-PDGM-0391": (UNKNOWN, 0, UNKNOWN, 1),
            "UCSF-PDGM-0391_FU016d": (UNKNOWN, 0, UNKNOWN, UNKNOWN),
            "UCSF-PDGM-0004": (0, 1, 0, UNKNOWN),
        },
    ),
    "upenn-gbm": (make_upenn, {"UPENN-GBM-00001_11": (1, 0, UNKNOWN, UNKNOWN)}),
    "upenn-gbm-post": (make_upenn, {"UPENN-GBM-00001_21": (1, 0, UNKNOWN, UNKNOWN)}),
    "tcga": (make_tcga, {"TCGA-CS-5396_2001.03.02": (0, 1, 1, UNKNOWN)}),
    "egd": (make_egd, {"EGD-0001": (0, 1, UNKNOWN, UNKNOWN)}),
    "utsw-glioma": (make_utsw, {"BT0001": (0, 1, UNKNOWN, UNKNOWN)}),
}
WITHOUT_MASK = ("upenn-gbm-post", "egd")


def run(*words: object) -> dict[str, Any]:
    result = CliRunner().invoke(app, ["import", "--json", *map(str, words)])
    assert result.exit_code == 0, (result.output, result.exception)
    (site,) = json.loads(result.stdout)["sites"]
    return dict(site)


def cases_of(folder: Path) -> dict[str, Case]:
    return {case.case_id: case for case in read_cases(folder, "x", holdout_share=0, validation_share=0)}


@pytest.mark.parametrize("data_set", list(EXPECTED))
def test_every_data_set_becomes_a_site(
    data_set: str, draw: Draw, write_table: Callable[..., Path], tmp_path: Path
) -> None:
    make, expected = EXPECTED[data_set]
    table = write_table("table.tsv" if data_set == "utsw-glioma" else "table.csv", make(draw, tmp_path / "tree"))
    out = tmp_path / "site"
    told = run("--from", data_set, tmp_path / "tree", out, "--table", table)
    problems = check_site(read_site(out), load_config([]).data)
    assert [str(problem) for problem in problems if problem.is_error] == []
    cases = cases_of(out)
    assert {name: tuple(case.labels[task] for task in Task) for name, case in cases.items()} == expected
    assert all((case.mask is None) == (data_set in WITHOUT_MASK) for case in cases.values())
    assert all(list(case.images) == ["t1", "t1c", "t2", "flair"] for case in cases.values())
    assert told["counts"]["cases"] == len(expected)


def test_what_a_person_reads_of_ucsf(draw: Draw, write_table: Callable[..., Path], tmp_path: Path) -> None:
    table = write_table("table.csv", make_ucsf(draw, tmp_path / "tree"))
    out = tmp_path / "site"
    told = run("--from", "ucsf-pdgm", tmp_path / "tree", out, "--table", table)
    assert told["unread"] == {"mgmt": {"hm": 1}}
    statements = "\n".join(told["statements"])
    assert "this label has one class here" in statements
    assert "grade 4 may count molecular findings" in statements
    lines = [line.split("\t") for line in (out / "participants.tsv").read_text().splitlines()]
    rows = {line[1]: dict(zip(lines[0], line)) for line in lines[1:]}
    assert rows["UCSF-PDGM-0391_FU016d"]["participant_id"] == "UCSF-PDGM-0391"
    first = rows["UCSF-PDGM-0391"]
    assert (first["published_grade"], first["published_diagnosis"]) == ("4", "Glioblastoma, IDH-wildtype")
    assert (first["who_cns_grade_histologic"], first["histology"], first["grade_schema"]) == ("n/a", "n/a", "WHO 2021")
    splits = {case.patient_id: {case.split} for case in cases_of(out).values()}
    assert all(len(split) == 1 for split in splits.values())


def test_a_patient_of_brats_2021_does_not_come_in_again(
    draw: Draw, brats: Draw, write_table: Callable[..., Path], tmp_path: Path
) -> None:
    brats(tmp_path / "brats", "BraTS2021_00097")
    run("--from", "brats2021", tmp_path / "brats", tmp_path / "held")
    table = write_table("table.csv", make_ucsf(draw, tmp_path / "tree"))
    told = run("--from", "ucsf-pdgm", tmp_path / "tree", tmp_path / "s", "--table", table, "--also", tmp_path / "held")
    assert told["counts"]["cases"] == 2
    assert told["duplicates"] == [{"case": "UCSF-PDGM-0004", "same_patient_as": "BraTS2021_00097", "in": "held"}]
