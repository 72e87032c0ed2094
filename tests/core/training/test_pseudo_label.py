"""The stage that labels a site's own unlabelled cases, on phantoms, through the real network."""

import csv
import json
import logging
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import pytest
import torch

from gmmas_core.config import Config
from gmmas_core.data.cache import PreparedCache
from gmmas_core.data.manifest import read_cases
from gmmas_core.data.phantom.write import write_federation
from gmmas_core.data.preprocess import PrepareSettings
from gmmas_core.data.pseudo_labels import LABELS, read_pseudo_labels
from gmmas_core.model.gmmas import GMMAS
from gmmas_core.model.parameter_groups import GROUPS
from gmmas_core.training.stages.pseudo_label import no_pseudo_metrics, part_keys, pseudo_label
from gmmas_core.training.stages.stage import StageInput
from gmmas_core.types import UNKNOWN, Case, DataError, FederationError, RoundPlan, Sum, Task

TABLE = Path("pseudo_labels/run1/round-00004")


@pytest.fixture(scope="module")
def phantoms(tmp_path_factory: pytest.TempPathFactory) -> tuple[Case, ...]:
    """Four phantoms of one hospital; one to train on with all labels, two without any, one to check with."""
    (folder,) = write_federation(tmp_path_factory.mktemp("phantom") / "sites", sites=1, cases=4, size=32, seed=0)
    cases = read_cases(folder, "north", holdout_share=0.0, validation_share=0.0)
    labels = {Task.HISTOLOGY: 0, Task.IDH: 1, Task.CODEL: 0, Task.MGMT: UNKNOWN}
    source = {task: "pathology" for task in labels if labels[task] != UNKNOWN}
    return (
        replace(cases[0], labels=labels, label_source=source),
        *(replace(case, mask=None, labels=dict.fromkeys(Task, UNKNOWN), label_source={}) for case in cases[1:3]),
        replace(cases[3], split="validation", labels=labels, label_source=source),
    )


@pytest.fixture(scope="module")
def cache_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Shared by the tests: a case is prepared once."""
    return tmp_path_factory.mktemp("cache")


@pytest.fixture
def given(
    tiny_config: Config, phantoms: tuple[Case, ...], cache_folder: Path, model: GMMAS, tmp_path: Path
) -> StageInput:
    """Round 4; thresholds that an untrained network passes."""
    tiny_config.model.crop_size = 16
    tiny_config.evaluation.inference = "one_pass"
    settings = PrepareSettings(
        spacing_mm=12.0, context_size=tiny_config.model.context_size, label_convention="brats2021"
    )
    rules = tiny_config.pseudo_labels
    rules.mc_passes, rules.balance, rules.gate_cases = 2, 10.0, 5
    rules.confidence = rules.codel_confidence = 0.5
    rules.deviation = rules.codel_deviation = 1.0
    rules.mask_volume_ml, rules.mask_entropy_quantile = 0.0, 1.0
    plan = RoundPlan(
        run_id="run1",
        round=4,
        seed=0,
        weights_hash="abc123",
        stage="pseudo_label",
        local_steps=1,
        lr=1e-3,
        tasks=tiny_config.task_list,
        deadline_s=60.0,
        config_hash="",
        core_fingerprint="",
    )
    return StageInput(
        model=model,
        cases=phantoms[:3],
        cache=PreparedCache(cache_folder, settings),
        config=tiny_config,
        plan=plan,
        site_name="north",
        validation=phantoms[3:],
        state=tmp_path,
    )


def rows(state: Path) -> list[dict[str, str]]:
    with (state / TABLE / LABELS).open(newline="") as file:
        return list(csv.DictReader(file, dialect="excel-tab"))


def contents(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_of_the_audit_only_what_may_be_answered_leaves_and_the_gate_looks_at_all(given: StageInput) -> None:
    """Thresholds choose the audited cases: moved a little, they would add a single case to the sum."""
    asked: list[list[str]] = []

    def nobody(cases: Sequence[Case]) -> Sequence[Case]:
        asked.append([case.case_id for case in cases])
        return ()

    output = pseudo_label(replace(given, answered=nobody))
    assert [given.validation[0].case_id] in asked
    names = ("codel_1p19q", "segmentation")
    assert [output.metrics[f"pseudo-audit.{name}"] for name in names] == [Sum(0.0, 0)] * 2
    about = json.loads((given.state / TABLE / "about.json").read_bytes())
    assert [about["audit"][name]["count"] for name in names] == [1, 1]


def test_labels_what_the_site_lacks_and_nothing_else(given: StageInput) -> None:
    start = {name: value.clone() for name, value in given.model.state_dict().items()}
    output = pseudo_label(given)
    unlabelled = [case.case_id for case in given.cases[1:]]
    tasks = [task.value for task in given.config.task_list]
    asked = {(row["case_id"], row["task"]) for row in rows(given.state)}
    assert asked == {(case_id, name) for case_id in unlabelled for name in (*tasks, "segmentation")}
    assert all(torch.equal(value, start[name]) for name, value in given.model.state_dict().items())
    assert not given.model.training
    assert output.seen == dict.fromkeys(GROUPS(given.config.task_list), 0)
    found = read_pseudo_labels(given.state, "run1")
    assert sorted(found) == sorted(unlabelled)
    for case in given.cases[1:]:
        mask_XYZ = found[case.case_id].mask_XYZ
        assert set(found[case.case_id].labels) == {Task.HISTOLOGY, Task.IDH, Task.CODEL}
        assert mask_XYZ is not None
        assert mask_XYZ.shape == given.cache.open(case).shape
    assert found[unlabelled[0]].labels[Task.CODEL] == 0  # the marginal of an untrained network is about a quarter
    assert output.metrics["pseudo-accepted.codel_1p19q.0"] == Sum(2.0, 2)
    assert output.metrics["pseudo-accepted.codel_1p19q.1"] == Sum(0.0, 2)
    assert output.metrics["pseudo-accepted.segmentation"] == Sum(2.0, 2)
    assert output.metrics["pseudo-audit.codel_1p19q"] == Sum(1.0, 1)
    assert output.metrics["pseudo-audit.segmentation"].count == 1
    assert output.metrics["pseudo-gated.idh"] == Sum(0.0, 2)
    assert tuple(sorted(output.metrics)) == tuple(sorted(part_keys(given.config.task_list)))


def test_repeats_itself_whatever_the_order_and_however_often(given: StageInput, tmp_path: Path) -> None:
    first = pseudo_label(given)
    written = contents(given.state)
    torch.rand(7)  # what ran before must not matter
    assert pseudo_label(given).metrics == first.metrics
    assert contents(given.state) == written
    turned = replace(given, cases=given.cases[::-1], state=tmp_path / "other")
    assert pseudo_label(turned).metrics == first.metrics
    by_case = sorted(rows(given.state), key=lambda row: (row["case_id"], row["task"]))
    assert sorted(rows(turned.state), key=lambda row: (row["case_id"], row["task"])) == by_case
    later = replace(given, plan=replace(given.plan, round=5), state=tmp_path / "later")
    pseudo_label(later)
    assert contents(later.state)["pseudo_labels/run1/round-00005/labels.tsv"] != written[f"{TABLE}/{LABELS}"]


def test_pathology_is_never_overridden(given: StageInput) -> None:
    """A case with a mask and a known wildtype gets no mask, no IDH and no codeletion."""
    case = replace(
        given.cases[0],
        labels={**dict.fromkeys(Task, UNKNOWN), Task.IDH: 0},
        label_source={Task.IDH: "pathology"},
    )
    pseudo_label(replace(given, cases=[case]))
    assert {row["task"] for row in rows(given.state)} == {"histology", "codel_1p19q"}
    found = read_pseudo_labels(given.state, "run1")[case.case_id]
    assert found.mask_XYZ is None
    assert Task.IDH not in found.labels
    assert found.labels.get(Task.CODEL, 0) == 0


def test_answers_are_calibrated_and_the_passes_differ(given: StageInput) -> None:
    pseudo_label(given)
    plain = [row for row in rows(given.state) if row["task"] == "idh"]
    assert all(float(row["deviation"]) > 0 for row in plain)
    assert any(float(row["confidence"]) > 0.5001 for row in plain)
    calibration = {"temperature": {"idh": 1e6}}
    pseudo_label(replace(given, calibration=calibration))
    assert {row["confidence"] for row in rows(given.state) if row["task"] == "idh"} == {"0.500000"}
    assert json.loads((given.state / TABLE / "about.json").read_text())["calibration"] == calibration


def test_a_gate_that_shuts_drops_the_task_and_says_so(given: StageInput, caplog: pytest.LogCaptureFixture) -> None:
    given.config.pseudo_labels.gate_cases = 1
    truth = given.validation[0]
    wrong = replace(truth, labels={**truth.labels, Task.CODEL: 1})  # the network says intact
    with caplog.at_level(logging.WARNING):
        output = pseudo_label(replace(given, validation=[wrong]))
    assert "site north, round 4: all pseudo-labels for codel_1p19q are dropped: on 1 labelled validation" in caplog.text
    assert output.metrics["pseudo-audit.codel_1p19q"] == Sum(0.0, 1)
    assert output.metrics["pseudo-gated.codel_1p19q"] == Sum(2.0, 2)
    assert output.metrics["pseudo-accepted.codel_1p19q.0"] == Sum(0.0, 2)
    found = read_pseudo_labels(given.state, "run1")
    assert all(Task.CODEL not in case.labels for case in found.values())
    reasons = {row["reason"] for row in rows(given.state) if row["task"] == "codel_1p19q"}
    assert reasons == {"audit: 0.000 over 1 audited cases, below 0.9"}
    about = json.loads((given.state / TABLE / "about.json").read_text())
    assert about["gate"]["codel_1p19q"]["dropped"]
    assert about["thresholds"] == asdict(given.config.pseudo_labels)
    assert (about["model"], about["site"]) == ("abc123", "north")


def test_refused_masks_leave_no_file(given: StageInput) -> None:
    given.config.pseudo_labels.mask_entropy_quantile = 0.5
    pseudo_label(given)
    masks = [row for row in rows(given.state) if row["task"] == "segmentation"]
    kept = min(masks, key=lambda row: float(row["entropy"]))
    assert [row["accepted"] for row in masks if row is not kept] == ["no"]
    assert len(list((given.state / TABLE / "masks").iterdir())) == 1
    found = read_pseudo_labels(given.state, "run1")
    assert [case_id for case_id, case in found.items() if case.mask_XYZ is not None] == [kept["case_id"]]


def test_a_site_that_lacks_nothing_answers_with_the_same_keys(given: StageInput) -> None:
    output = pseudo_label(replace(given, cases=given.cases[:1]))
    assert output.metrics == no_pseudo_metrics(given.config.task_list)
    assert rows(given.state) == []
    assert read_pseudo_labels(given.state, "run1") == {}


def test_damage_to_a_table_is_detected(given: StageInput) -> None:
    pseudo_label(given)
    mask = next((given.state / TABLE / "masks").iterdir())
    mask_XYZ = np.load(mask)
    np.save(mask, (mask_XYZ + 1).astype(np.uint8))
    with pytest.raises(DataError, match=rf"round-00004: masks/{mask.name}: found content"):
        read_pseudo_labels(given.state, "run1")


def test_other_splits_are_refused_before_anything_is_read(given: StageInput) -> None:
    for split in ("validation", "holdout"):
        with pytest.raises(DataError, match=f"found split {split}; expected train"):
            pseudo_label(replace(given, cases=[*given.cases, replace(given.cases[0], split=split)]))
    for split in ("train", "holdout"):
        with pytest.raises(DataError, match=f"found split {split}; expected validation"):
            pseudo_label(replace(given, validation=[replace(given.validation[0], split=split)]))
    assert not (given.state / "pseudo_labels").exists()


def test_a_plan_for_other_tasks_or_with_a_strange_run_id_is_refused(given: StageInput) -> None:
    with pytest.raises(FederationError, match=r"stage pseudo_label: found a plan for tasks idh; expected histology"):
        pseudo_label(replace(given, plan=replace(given.plan, tasks=(Task.IDH,))))
    with pytest.raises(FederationError, match="found a run id with unusual characters"):
        pseudo_label(replace(given, plan=replace(given.plan, run_id="../../elsewhere")))
