"""After every stage of the curriculum, every evaluation and every report: nothing of a withdrawn patient stays."""

import re
import shutil
from collections.abc import Sequence
from pathlib import Path

import pytest

from client.data.local_data import open_local_data
from client.site import read_site
from client.withdrawal.places import NAMELESS, PLACES
from client.withdrawal.withdraw import look_up, withdraw
from gmmas_core.config import load_config
from server.lab.engines import in_process
from server.records.run_folder import RunFolder

pytestmark = pytest.mark.slow


def named_in(folder: Path, name: str) -> list[str]:
    content = {path: path.read_bytes() if path.is_file() else b"" for path in folder.rglob("*")}
    return [path.name for path, text in content.items() if name in path.name or name.encode() in text]


def test_no_byte_of_the_patient_stays_and_the_federation_goes_on(
    sites: list[Path], overrides: Sequence[str], curriculum: Sequence[str], tmp_path: Path
) -> None:
    hospitals = [
        Path(shutil.copytree(site, tmp_path / site.name, ignore=shutil.ignore_patterns(".gmmas"))) for site in sites
    ]
    for hospital in hospitals:
        with (hospital / "site.yaml").open("a") as file:
            file.write("threads: 1\n")
    settings = [*overrides, *curriculum]
    in_process(hospitals, settings, RunFolder(tmp_path / "run"), lambda *_: None)
    site = read_site(hospitals[0])
    cases = open_local_data(site, load_config(settings)).cases
    for leaving in (next(case for case in cases if case.split == split) for split in ("train", "holdout")):
        found = look_up(site, leaving.patient_id, ())
        assert named_in(site.state, leaving.case_id)
        assert [run.trained for run in found.exposure.runs] == [9 if leaving.split == "train" else 0]
        withdraw(found)
        assert named_in(site.state, leaving.case_id) == []
    assert {re.sub(r"\.\d$", "", path.name) for path in site.state.iterdir()} <= {*PLACES, *NAMELESS}
    again = in_process(hospitals, [*overrides, "rounds=1"], RunFolder(tmp_path / "again"), lambda *_: None)
    assert all(len(part["sites"]) == 3 for part in again["rounds"]), "the others' cases train on"
    assert named_in(site.state, leaving.case_id) == []
