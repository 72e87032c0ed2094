"""A study from nothing to its report: resumed, redrawn, refused, and honest about what failed."""

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from gmmas_core.types import DISCLAIMER, ConfigError, DataError, FederationError
from server.lab.study.arms import arms_of
from server.lab.study.breakdown import reliabilities, without_temperature
from server.lab.study.cells import cell_path, plan_cells, read_result, write_result
from server.lab.study.method import ground_of, study_method
from server.lab.study.running import Request
from server.lab.study.sizes import SIZES

SIZE = replace(
    SIZES["quick"],
    mode="micro",
    voxels=32,
    train=10,
    validation=3,
    test=4,
    subset_cases=2,
    resamples=40,
    arms=("supervised-20", "supervised-100"),
)
OVERRIDES = (
    "rounds=1",
    "model=smallest",
    "training.local_steps=2",
    "training.batch_size=2",
    "data.workers=1",
)
RESULT = {"cases": [{}], "temperature": {}, "train_s": 1.0, "score_s": 1.0}


def test_a_finished_cell_is_known_and_a_damaged_one_is_not(tmp_path: Path) -> None:
    cell, other = plan_cells(ground_of(SIZE), arms_of(["supervised-20"]), 2, OVERRIDES)
    assert read_result(tmp_path, cell) is None
    write_result(tmp_path, cell, RESULT)
    found = read_result(tmp_path, cell)
    assert found is not None
    assert found["seed"] == 0
    assert read_result(tmp_path, other) is None
    path = cell_path(tmp_path, cell)
    for damage in (path.read_text()[:-9], "[]", json.dumps(found | {"format": 0}), json.dumps(found | {"cases": []})):
        path.write_text(damage)
        assert read_result(tmp_path, cell) is None


def test_another_setting_is_another_cell() -> None:
    arms = arms_of(["supervised-20"])
    keys = {
        plan_cells(ground_of(size), arms, 1, overrides)[0].key
        for size, overrides in (
            (SIZE, OVERRIDES),
            (SIZE, (*OVERRIDES, "training.lr=0.0123")),
            (replace(SIZE, train=11), OVERRIDES),
            (replace(SIZE, subset_cases=3), OVERRIDES),
        )
    }
    assert len(keys) == 4


def test_foreign_folders_and_other_studies_are_refused(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("precious")
    with pytest.raises(DataError, match=r"thesis\.txt"):
        study_method(SIZE, tmp_path, Request(overrides=OVERRIDES))
    assert os.listdir(tmp_path) == ["thesis.txt"]
    (tmp_path / "thesis.txt").rename(tmp_path / "about.json")
    with pytest.raises(DataError, match="name another folder"):
        study_method(SIZE, tmp_path, Request(overrides=OVERRIDES))


@pytest.mark.parametrize(("arms", "repeats"), [(["nope"], 1), ([], 0)])
def test_bad_requests_touch_nothing(arms: Sequence[str], repeats: int, tmp_path: Path) -> None:
    with pytest.raises(ConfigError):
        study_method(SIZE, tmp_path / "study", Request(arms=arms, repeats=repeats, overrides=OVERRIDES))
    assert not (tmp_path / "study").exists()


def test_a_temperature_can_be_taken_back() -> None:
    """Said 1 / (1 + e^-z) with z = 2 and T = 4 calibrated to z = 0.5; of 1p/19q each factor by its own."""

    def sigmoid(z: float) -> float:
        return float(1 / (1 + np.exp(-z)))

    calibrated = {"idh": sigmoid(0.5), "codel_1p19q": sigmoid(0.5) * sigmoid(1.5), "histology": 1.0}
    raw = without_temperature(calibrated, {"idh": 4.0, "codel_1p19q": 2.0})
    assert raw == pytest.approx({"idh": sigmoid(2.0), "codel_1p19q": sigmoid(2.0) * sigmoid(3.0), "histology": 1.0})


def test_reliability_counts_every_prediction_and_skips_unknown_labels() -> None:
    cases = [{"label": {"idh": label}, "probability": {"idh": 0.85}} for label in (1, 1, 0, -1)]
    found = reliabilities([{"cases": cases, "temperature": {"idh": 1.0}}], ["idh", "mgmt"])
    assert list(found) == ["idh"]
    assert found["idh"]["after"]["reliability"][8] == pytest.approx(
        {"n": 3, "mean_probability": 0.85, "observed_share": 2 / 3}
    )


def test_a_mistyped_mode_ends_with_one_sentence_and_exit_code_1(tmp_path: Path) -> None:
    code = "from server.lab.cli import main; main()"
    command = [sys.executable, "-c", code, "study", "method", "--mode", "huge"]
    done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, check=False)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == "error: --mode: found 'huge'; expected any of quick, full\n"
    assert not os.listdir(tmp_path)


@pytest.mark.slow
def test_a_study_end_to_end(tmp_path: Path) -> None:
    request = Request(repeats=2, overrides=OVERRIDES)
    study = study_method(SIZE, tmp_path / "study", request)
    folder = tmp_path / "study"
    assert [arm["runs"] for arm in study["arms"]] == [2, 2]
    assert (study["test_cases"], study["seeds"]) == (12, [0, 1])
    assert len(study["arms"][0]["subsets"]) == 15
    assert study["expectations"][0]["arm"] == "supervised-100"
    page = (folder / "study.html").read_text()
    assert DISCLAIMER in page
    assert "images of nobody" in page
    assert "<script" not in page
    assert DISCLAIMER in (folder / "study.md").read_text()

    cells = sorted((folder / "cells").iterdir())
    before = {path.name: path.stat().st_mtime_ns for path in cells}
    cells[0].write_text("{damaged")
    again = study_method(SIZE, folder, request)
    changed = [path.name for path in cells if path.stat().st_mtime_ns != before[path.name]]
    assert changed == [cells[0].name]
    assert again["expectations"] == study["expectations"]  # the run was kept, its scores are the same

    hopeless = Request(arms=["supervised-20"], repeats=1, overrides=[*OVERRIDES, "federation.deadline_s=0.0001"])
    with pytest.raises(FederationError, match=r"1 of 1 runs failed \(supervised-20 \(federated, seed 0\)"):
        study_method(SIZE, folder, hopeless)
    assert "supervised-20 (federated, seed 0)" in json.loads((folder / "study.json").read_text())["failures"]
