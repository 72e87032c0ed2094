"""Hospitals dealt from one folder of cases: links, tables, what is withheld, and a resumed run's hospitals."""

from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
import yaml

from client.site import read_site
from gmmas_core.data.manifest import read_cases
from gmmas_core.types import SEQUENCES, UNKNOWN, ConfigError, DataError, Task
from server.lab.deal import deal_sites

DEAL = "brats_three_hospitals"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A folder laid out as the deal expects it, with tiny images."""
    from importlib import resources

    deal = yaml.safe_load((resources.files("configs.deal") / f"{DEAL}.yaml").read_text())
    cases = [case for site in deal["sites"].values() for split in ("train", "holdout") for case in site[split]]
    folder = tmp_path / "root"
    for case in cases:
        (folder / deal["cases"] / case).mkdir(parents=True)
        for name in ("t1", "t1ce", "t2", "flair", "seg"):
            image = nib.Nifti1Image(np.ones((4, 4, 4), np.int16), np.eye(4))
            nib.save(image, folder / deal["cases"] / case / f"{case}_{name}.nii.gz")
    header = "participant_id\tidh\tcodel_1p19q\twho_cns_grade_histologic\tage"
    rows = "\n".join(f"{case}\tmutant\tintact\t2\t40" for case in cases)
    (folder / deal["table"]).write_text(f"{header}\n{rows}\n")
    return folder


def test_three_hospitals_come_out_as_the_deal_says(root: Path, tmp_path: Path) -> None:
    folders = deal_sites(DEAL, root, tmp_path / "out")
    assert [folder.name for folder in folders] == ["east", "north", "south"]
    splits = {}
    for folder in folders:
        site = read_site(folder)
        cases = read_cases(site.folder, site.name, holdout_share=0.2, validation_share=0.1)
        splits[site.name] = [sum(case.split == name for case in cases) for name in ("train", "validation", "holdout")]
        expected = set(SEQUENCES) - ({"t1"} if site.name == "south" else set())
        assert all(set(case.images) == expected and case.mask is not None for case in cases)
        withheld = [case for case in cases if case.labels[Task.IDH] == UNKNOWN]
        assert [case.case_id for case in withheld] == (["BraTS2021_01479"] if site.name == "north" else [])
        assert site.cohort_floor == 1
    assert splits == {"east": [2, 0, 1], "north": [2, 0, 1], "south": [1, 0, 1]}


def test_withheld_cases_have_neither_mask_nor_label(root: Path, tmp_path: Path) -> None:
    stripped = {"BraTS2021_01479", "BraTS2021_01483"}
    for folder in deal_sites("brats_unlabelled", root, tmp_path / "out"):
        site = read_site(folder)
        for case in read_cases(site.folder, site.name, holdout_share=0.2, validation_share=0.1):
            is_known = [case.mask is not None, case.labels[Task.IDH] != UNKNOWN, case.labels[Task.CODEL] != UNKNOWN]
            assert is_known == [case.case_id not in stripped] * 3
            assert (case.split == "validation") == (case.case_id == "BraTS2021_01477")


def test_a_resumed_run_keeps_its_hospitals(root: Path, tmp_path: Path) -> None:
    first = deal_sites(DEAL, root, tmp_path / "out")
    (first[0] / ".gmmas").mkdir()
    assert deal_sites(DEAL, root, tmp_path / "out") == first
    assert (first[0] / ".gmmas").is_dir()


def test_what_is_missing_is_named(root: Path, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=DEAL):
        deal_sites("nobody", root, tmp_path / "out")
    (root / "participants.tsv").unlink()
    with pytest.raises(DataError, match=r"participants\.tsv"):
        deal_sites(DEAL, root, tmp_path / "out")
