"""Unequal hospitals of a real partition: sizes, whole patients, kept labels, a resumed run, and the real table."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest

from client.site import read_site
from gmmas_core.config import load_config
from gmmas_core.data.importers.ledger import Ledger
from gmmas_core.data.manifest import read_cases
from gmmas_core.types import ConfigError, DataError, Task
from server.lab.partition import apportion, partition_sites, told
from server.lab.simulate import find_sites

SIZES = [511, 6, 15, 47, 22, 34, 12, 8, 4, 8, 14, 11, 35, 6, 13, 30, 9, 382, 4, 33, 35, 7, 5]


@pytest.fixture
def source(tmp_path: Path) -> Callable[[str, list[tuple[str, str]]], Path]:
    """Make a source site folder: `source(name, [(participant, case), ...])` with an empty image per case."""

    def make(name: str, cases: list[tuple[str, str]], convention: str = "brats2021") -> Path:
        folder = tmp_path / "root" / name
        rows = ["participant_id\tcase_id\tidh\tsplit"]
        for participant, case in cases:
            (folder / case).mkdir(parents=True)
            image = nib.Nifti1Image(np.ones((2, 2, 2), np.int16), np.eye(4))
            nib.save(image, folder / case / f"{case}_flair.nii.gz")
            rows.append(f"{participant}\t{case}\tmutant\ttrain")
        (folder / "participants.tsv").write_text("\n".join(rows) + "\n")
        (folder / "site.yaml").write_text(f"site: {name}\nlabel_convention: {convention}\n")
        return folder

    return make


def test_shares_are_kept_exactly_where_they_can_be() -> None:
    assert apportion(SIZES, 1251) == SIZES
    for patients in (23, 46, 72, 500, 5000):
        counts = apportion(SIZES, patients)
        assert sum(counts) == patients
        assert min(counts) >= 1
        pairs = list(zip(SIZES, counts, strict=True))
        assert all(mine >= theirs for size, mine in pairs for other, theirs in pairs if size > other)
    with pytest.raises(DataError, match="22 patients"):
        apportion(SIZES, 22)


def test_phantoms_or_any_cases_are_dealt_by_size(
    source: Callable[[str, list[tuple[str, str]]], Path], tmp_path: Path
) -> None:
    source("a", [(f"sub-a{number:02d}", f"sub-a{number:02d}") for number in range(20)])
    two_times = [("sub-b1", "sub-b1_1"), ("sub-b1", "sub-b1_2")]
    source("b", [*two_times, *((f"sub-c{number:02d}", f"sub-c{number:02d}") for number in range(9))])
    config = load_config([f"data.root={tmp_path / 'root'}", "data.partition=fets"])
    sites = find_sites(config, tmp_path)
    assert [site.name for site in sites] == [f"institution_{number:02d}" for number in range(1, 24)]
    homes: dict[str, set[str]] = {}
    total = 0
    for folder in sites:
        site = read_site(folder)
        cases = read_cases(site.folder, site.name, holdout_share=0.2, validation_share=0.1)
        total += len(cases)
        assert all(case.labels[Task.IDH] == 1 and case.split == "train" and case.images for case in cases)
        for case in cases:
            homes.setdefault(case.patient_id, set()).add(site.name)
    assert total == 31
    assert all(len(home) == 1 for home in homes.values())  # both studies of sub-b1 went to one hospital
    record = json.loads((tmp_path / "sites" / "partition.json").read_text())
    assert (record["rule"], record["cases"]["institution_01"], record["left_out"]) == ("sizes", 5, [])
    (sites[0] / ".gmmas").mkdir()
    assert find_sites(config, tmp_path) == sites  # a resumed run keeps its hospitals


def test_what_an_import_noted_wins_over_sizes(source: Callable[..., Path], tmp_path: Path) -> None:
    for number in (4, 19):
        folder = source(f"institution_{number:02d}", [(f"FeTS2022_000{number:02d}", f"FeTS2022_000{number:02d}")])
        told = {"from": "fets2022", "patient": "x", "group": folder.name, "aliases": [], "notes": []}
        Ledger(cases={f"FeTS2022_000{number:02d}": told}).save(folder)
    sites = partition_sites("fets", tmp_path / "root", tmp_path / "out")
    assert [site.name for site in sites] == ["institution_04", "institution_19"]
    assert json.loads((tmp_path / "out" / "partition.json").read_text())["rule"] == "import"
    with pytest.raises(ConfigError, match="a deal and a partition"):
        load_config(["data.partition=fets", "data.deal=brats_unlabelled"])


def test_what_cannot_be_dealt_is_said(source: Callable[..., Path], tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="fets"):
        partition_sites("nobody", tmp_path, tmp_path / "out")
    with pytest.raises(DataError, match="no site folder"):
        partition_sites("fets", tmp_path, tmp_path / "out")
    source("a", [("sub-1", "sub-1")])
    source("b", [("sub-2", "sub-2")], convention="msd")
    with pytest.raises(DataError, match="brats2021 and msd"):
        partition_sites("fets", tmp_path / "root", tmp_path / "out")


def test_namesakes_and_another_partition_are_refused(source: Callable[..., Path], tmp_path: Path) -> None:
    root, out = tmp_path / "root", tmp_path / "out"
    cases = [(f"FeTS2022_{number:05d}", f"FeTS2022_{number:05d}") for number in range(30)]
    folder = source("a", cases)
    shutil.copytree(folder, root / "b")
    with pytest.raises(DataError, match="found 30 case ids more than once"):  # each would replace its namesake
        partition_sites("fets", root, out)
    shutil.rmtree(root / "b")
    table = folder / "participants.tsv"
    table.write_text(table.read_text().replace("idh\tsplit", "idh\tfolder").replace("\ttrain", "\tn/a"))
    sites = partition_sites("fets", folder, out)
    assert sum(len(list(site.glob("*/*_flair.nii.gz"))) for site in sites) == 30
    assert told(out) == "data.partition=fets: 30 cases dealt to 23 hospitals by sizes; 0 cases left out"
    (folder / "partitioning_1.csv").write_text("Partition_ID,Subject_ID\n33,FeTS2022_00001\n")  # it is partitioning_2
    with pytest.raises(DataError, match="found institution_33; expected at most institution_23; the table is of"):
        partition_sites("fets", folder, tmp_path / "other")


@pytest.mark.realdata
def test_the_real_table_puts_cases_where_they_came_from(
    source: Callable[..., Path], tmp_path: Path, real_data: Path
) -> None:
    folder = source("brats2021", [(name, name) for name in ("BraTS2021_00006", "FeTS2022_01341", "BraTS2021_01482")])
    (folder / "BraTS2021_99999").mkdir()
    with (folder / "participants.tsv").open("a") as table:
        table.write("BraTS2021_99999\tBraTS2021_99999\tn/a\ttrain\n")
    shutil.copy(real_data / "tables" / "fets2022_partitioning_1.csv", folder / "partitioning_1.csv")
    sites = partition_sites("fets", folder, tmp_path / "out")
    assert [site.name for site in sites] == ["institution_01", "institution_12", "institution_18"]
    record = json.loads((tmp_path / "out" / "partition.json").read_text())
    assert (record["rule"], record["left_out"]) == ("table", ["BraTS2021_99999"])
