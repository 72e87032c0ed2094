"""The whole curriculum in one process: every stage, a hospital without any label, and resuming wherever it was cut."""

import json
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from gmmas_core.checkpoint import load_model
from gmmas_core.data.phantom import write_federation
from gmmas_core.types import ConfigError
from gmmas_core.weights import weights_hash
from server.lab.engines import in_process
from server.ledger import verify
from server.records.checkpoints import newest_valid
from server.records.run_folder import RunFolder


@pytest.fixture(scope="module")
def hospitals(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """east, north and south; south has neither masks nor labels."""
    folders = sorted(write_federation(tmp_path_factory.mktemp("fed") / "sites", sites=3, cases=8, size=32, seed=2))
    south = next(folder for folder in folders if folder.name == "south")
    for mask in south.glob("*/*_seg.nii.gz"):
        mask.unlink()
    lines = [line.split("\t") for line in (south / "participants.tsv").read_text().splitlines()]
    unlabelled = [lines[0], *([*cells[:3], "n/a", "n/a", "n/a", *cells[6:]] for cells in lines[1:])]
    assert lines[0][3:6] == ["idh", "codel_1p19q", "histology"]
    (south / "participants.tsv").write_text("\n".join("\t".join(cells) for cells in unlabelled) + "\n")
    return folders


@pytest.fixture(scope="module")
def whole(
    hospitals: list[Path], overrides: Sequence[str], curriculum: Sequence[str], tmp_path_factory: pytest.TempPathFactory
) -> tuple[dict[str, Any], RunFolder]:
    """One uninterrupted run of all stages, scored on all subsets of the sequences."""
    folder = RunFolder(tmp_path_factory.mktemp("whole") / "run")
    report = in_process(hospitals, [*overrides, *curriculum, "evaluation.subsets=true"], folder, lambda *_: None)
    return report, folder


def entry(report: dict[str, Any], stage: str) -> dict[str, Any]:
    found: dict[str, Any] = next(part for part in report["rounds"] if part["stage"] == stage)
    return found


def test_every_stage_is_played_by_every_site(whole: tuple[dict[str, Any], RunFolder], stages: Sequence[str]) -> None:
    report, folder = whole
    assert [part["stage"] for part in report["rounds"]] == list(stages)
    assert all(sorted(part["sites"]) == ["east", "north", "south"] for part in report["rounds"])
    assert verify(folder.ledger) == []


def test_a_site_without_labels_is_silent_until_it_has_pseudo_labels(whole: tuple[dict[str, Any], RunFolder]) -> None:
    report, _ = whole
    assert set(entry(report, "supervised")["sites"]["south"]["weights"].values()) == {0}
    accepted = report["pseudo_labels"]["south"]
    assert accepted["segmentation"]["accepted"]["masks"] > 0
    assert sum(accepted["idh"]["accepted"].values()) > 0
    speaks = entry(report, "semi_supervised")["sites"]["south"]["weights"]
    assert speaks["decoder"] > 0
    assert speaks["head.idh"] > 0
    assert speaks["contrast"] == 0


@pytest.mark.parametrize("stage", ["calibrate", "pseudo_label"])
def test_stages_that_train_nothing_change_no_weight(whole: tuple[dict[str, Any], RunFolder], stage: str) -> None:
    _, folder = whole
    lines = [json.loads(line) for line in folder.ledger.read_text().splitlines()]
    rounds = [line for line in lines if line["kind"] == "round"]
    place = next(index for index, line in enumerate(rounds) if line["stage"] == stage)
    assert rounds[place]["weights_hash"] == rounds[place - 1]["weights_hash"]


def test_the_pseudo_labels_stay_at_the_site(whole: tuple[dict[str, Any], RunFolder], hospitals: list[Path]) -> None:
    _, folder = whole
    (south,) = (site for site in hospitals if site.name == "south")
    (table,) = (south / ".gmmas" / "pseudo_labels").glob("*/round-00004/labels.tsv")
    cases = {line.split("\t")[0] for line in table.read_text().splitlines()[1:]}
    assert cases
    text = folder.ledger.read_text() + folder.report_json.read_text()
    assert not any(case in text for case in cases)


def test_the_released_model_is_calibrated_and_without_projector(whole: tuple[dict[str, Any], RunFolder]) -> None:
    report, folder = whole
    loaded = load_model(folder.model)
    assert not any(name.startswith("contrast.") for name in loaded.model.state_dict())
    assert loaded.calibration == report["calibration"]
    assert set(loaded.calibration["region_temperature"]) <= {"wt", "tc", "et"}
    assert loaded.calibration["fit"]["wt"]["cases"] > 0
    checkpoint = newest_valid(folder.checkpoints)
    assert checkpoint is not None
    assert any(name.startswith("contrast.") for name in checkpoint.weights)


def test_all_subsets_and_the_worth_of_each_sequence_are_reported(whole: tuple[dict[str, Any], RunFolder]) -> None:
    report, _ = whole
    assert len(report["subsets"]) == 15
    assert report["subsets"][-1]["sequences"] == ["t1", "t1c", "t2", "flair"]
    without_t1c = [row for row in report["subsets"] if "t1c" not in row["sequences"]]
    assert len(without_t1c) == 7
    assert all(row["values"]["dice.et"] is None for row in without_t1c)
    assert sum(report["significance"]["learned"]["local"].values()) == pytest.approx(1)
    assert report["significance"]["drop_one"]["flair"]["idh"]["n"] > 0


def test_a_run_cut_after_every_round_ends_where_an_uninterrupted_one_does(
    whole: tuple[dict[str, Any], RunFolder],
    hospitals: list[Path],
    overrides: Sequence[str],
    curriculum: Sequence[str],
    stages: Sequence[str],
    tmp_path: Path,
) -> None:
    class Cut(Exception):
        pass

    def cut(kind: str, fields: Any) -> None:
        if kind == "round-finished":
            raise Cut

    folder = RunFolder(tmp_path / "run")
    for _ in stages:
        with pytest.raises(Cut):
            in_process(hospitals, [*overrides, *curriculum, "evaluation.subsets=true"], folder, cut)
    _, uninterrupted = whole
    ends = [newest_valid(run.checkpoints) for run in (folder, uninterrupted)]
    assert ends[0] is not None
    assert ends[1] is not None
    assert ends[0].round == len(stages)
    assert weights_hash(ends[0].weights) == weights_hash(ends[1].weights)
    assert ends[0].state["calibration"] == ends[1].state["calibration"]


def test_a_site_that_lost_its_pseudo_labels_trains_on_what_it_has(
    hospitals: list[Path], overrides: Sequence[str], curriculum: Sequence[str], tmp_path: Path
) -> None:
    def lose(kind: str, fields: Any) -> None:
        if kind == "round-finished" and fields["round"] == 4:
            shutil.rmtree(south / ".gmmas" / "pseudo_labels")

    (south,) = (site for site in hospitals if site.name == "south")
    report = in_process(hospitals, [*overrides, *curriculum], RunFolder(tmp_path / "run"), lose)
    assert set(entry(report, "semi_supervised")["sites"]["south"]["weights"].values()) == {0}
    assert set(entry(report, "semi_supervised")["sites"]) == {"east", "north", "south"}


def test_an_unknown_stage_is_refused_before_anything_is_trained(play: Callable[..., dict[str, Any]]) -> None:
    with pytest.raises(ConfigError, match="global_pretrain"):
        play("curriculum.stages=[{stage:supervise,rounds:1}]")


def test_what_a_hospital_learns_alone_walks_the_same_curriculum(
    hospitals: list[Path], overrides: Sequence[str], curriculum: Sequence[str], tmp_path: Path
) -> None:
    report = in_process(
        hospitals, [*overrides, *curriculum, "evaluation.local_only=true"], RunFolder(tmp_path / "run"), lambda *_: None
    )
    assert [part["model"] for part in report["evaluations"]] == ["global", "local_only"]
    assert list((hospitals[0] / ".gmmas" / "pseudo_labels").glob("*alone/round-00004"))
