"""The strategy study: who is in trouble, what is withheld or wrong, what the truth is, and what a verdict means."""

import csv
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from client.data.local_data import open_local_data
from client.site import read_site
from gmmas_core.checkpoint import load_model
from gmmas_core.config import load_config
from gmmas_core.data.geometry import load_volume
from gmmas_core.model.parameter_groups import group_of
from gmmas_core.types import DISCLAIMER, UNKNOWN, Case, ConfigError, Task
from server.lab.study.arms import curriculum_overrides
from server.lab.study.data import Variant, shared_test_sites, variant_sites
from server.lab.study.faults import broken_image, wrong_labels, wrong_mask
from server.lab.study.hard_sites import HARD_SITES, SITE_NAMES, cases_per_site
from server.lab.study.own_models import reading_models
from server.lab.study.running import Request
from server.lab.study.strategies import study_strategies
from server.lab.study.strategy_arms import BASELINE, STRATEGY_ARMS, strategy_arms_of
from server.lab.study.strategy_data import strategy_cases, strategy_recipe, write_strategy_data
from server.lab.study.strategy_findings import find_strategies, outcome_of
from server.lab.study.strategy_measures import STRATEGY_MEASURES
from server.lab.study.strategy_report import conclusion
from server.lab.study.strategy_sizes import STRATEGY_SIZES, strategy_size_of
from server.lab.study.tables import arm_table
from server.lab.study.traffic import traffic_of
from server.ledger import Ledger
from server.records.run_folder import RunFolder

SIZE = replace(STRATEGY_SIZES["quick"], mode="micro", voxels=24, train=40, validation=1, test=2)


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("strategies") / "data"
    drawn: list[None] = []
    write_strategy_data(folder, SIZE, lambda: drawn.append(None))
    assert len(drawn) == strategy_cases(SIZE)
    write_strategy_data(folder, SIZE, lambda: pytest.fail("written twice"))
    return folder


def cases_of(site: Path) -> tuple[Case, ...]:
    return open_local_data(read_site(site), load_config(["experiment=strategies_quick"])).cases


def trained_cases(data: Path, name: str) -> list[Case]:
    (site,) = [path for path in variant_sites(data, Variant("federated", 100, masks=True)) if path.name == name]
    return [case for case in cases_of(site) if case.split == "train"]


def test_two_hospitals_hold_71_percent() -> None:
    for total in (200, 800):
        cases = cases_per_site(total)
        assert sum(cases.values()) == total
        assert sum(sorted(cases.values())[-2:]) / total == pytest.approx(0.71)
    assert sum(site.share for site in HARD_SITES) == pytest.approx(1)


def test_each_hospital_lacks_what_it_is_said_to_lack(data: Path) -> None:
    assert all("t1" not in case.images for case in trained_cases(data, "no-t1"))
    assert all("t2" not in case.images for case in trained_cases(data, "no-t2"))
    assert all(case.labels[Task.CODEL] == UNKNOWN != case.labels[Task.IDH] for case in trained_cases(data, "no-1p19q"))
    for case in trained_cases(data, "unlabelled"):
        assert case.mask is None
        assert all(case.labels[task] == UNKNOWN for task in (Task.IDH, Task.CODEL, Task.HISTOLOGY))
    complete = trained_cases(data, "large-clean")
    assert all(len(case.images) == 4 and case.mask and case.labels[Task.CODEL] != UNKNOWN for case in complete)


def test_every_test_case_has_its_true_labels_and_mask(data: Path) -> None:
    sites = shared_test_sites(data)
    assert sorted(site.name for site in sites) == sorted(SITE_NAMES)
    for site in sites:
        for case in cases_of(site):
            assert case.split == "holdout"
            assert case.mask is not None
            assert UNKNOWN not in {case.labels[task] for task in (Task.IDH, Task.CODEL, Task.HISTOLOGY)}


def test_only_the_noisy_hospitals_labels_change(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same patients written without faults: labels differ at the noisy hospital alone, in about two of five."""
    small = replace(SIZE, train=100, validation=0, test=0)
    write_strategy_data(tmp_path / "faulty", small)
    honest = tuple(replace(site, wrong_idh=0.0, wrong_masks=0.0) for site in HARD_SITES)
    monkeypatch.setattr("server.lab.study.strategy_data.HARD_SITES", honest)
    write_strategy_data(tmp_path / "true", small)
    for name in SITE_NAMES:
        said, true = (_idh(tmp_path / kind / "complete" / name) for kind in ("faulty", "true"))
        wrong = np.mean([a != b for a, b in zip(said, true, strict=True)])
        assert (0.2 < wrong < 0.6) if name == "large-noisy" else wrong == 0


def _idh(site: Path) -> list[str]:
    with (site / "participants.tsv").open(newline="") as file:
        return [row["idh"] for row in csv.DictReader(file, delimiter="\t")]


def test_a_wrong_label_stays_possible() -> None:
    mutant = {Task.IDH: 1, Task.CODEL: 1, Task.HISTOLOGY: 0}
    assert wrong_labels(mutant) == {Task.IDH: 0, Task.CODEL: 0, Task.HISTOLOGY: 0}
    wildtype = {Task.IDH: 0, Task.CODEL: 0, Task.HISTOLOGY: 1}
    assert wrong_labels(wildtype) == {Task.IDH: 1, Task.CODEL: 0, Task.HISTOLOGY: 1}


def test_a_wrong_mask_is_displaced_or_grown() -> None:
    seg = np.zeros((12, 12, 12), np.uint8)
    seg[4:8, 4:8, 4:8] = 3
    sizes = set()
    for seed in range(12):
        wrong = wrong_mask(seg, np.random.default_rng(seed))
        assert (wrong != seg).any()
        sizes.add(int((wrong > 0).sum()))
        assert (wrong == 3).sum() == 64
    assert len(sizes) == 2
    assert min(sizes) == 64


def test_a_broken_scanner_keeps_the_brain_and_little_else(data: Path) -> None:
    (site,) = [path for path in shared_test_sites(data) if path.name == "broken-scanner"]
    volume = np.asarray(load_volume(cases_of(site)[0].images["flair"]).data)
    assert (volume > 0).any()
    smooth = np.zeros((16, 16, 16), np.int16)
    smooth[3:13, 3:13, 3:13] = np.linspace(500, 1500, 1000).reshape(10, 10, 10)
    broken = broken_image(smooth, np.random.default_rng(0))
    assert ((broken > 0) == (smooth > 0)).all()
    inside = smooth > 0
    assert abs(np.corrcoef(smooth[inside], broken[inside])[0, 1]) < 0.8


def test_equal_sizes_give_equal_recipes() -> None:
    assert strategy_recipe(SIZE) == strategy_recipe(replace(SIZE, resamples=1))
    assert strategy_recipe(SIZE) != strategy_recipe(replace(SIZE, train=41))


@pytest.mark.parametrize("arm", STRATEGY_ARMS, ids=lambda arm: arm.name)
@pytest.mark.parametrize("mode", STRATEGY_SIZES)
def test_every_arm_composes_and_differs_from_the_baseline_in_strategy_or_exchange_alone(arm: Any, mode: str) -> None:
    size = STRATEGY_SIZES[mode]
    base, own = (
        load_config([f"experiment={size.experiment}", *curriculum_overrides(each, 8), *each.overrides])
        for each in (STRATEGY_ARMS[0], arm)
    )
    assert replace(own, strategy=base.strategy, exchange=base.exchange) == base
    is_other = (own.strategy, own.exchange) != (base.strategy, base.exchange)
    assert is_other == (arm.name not in (BASELINE, "local-only", "pooled"))


def test_the_baseline_always_runs_and_unknown_arms_are_named() -> None:
    assert [arm.name for arm in strategy_arms_of(["median"])] == [BASELINE, "median"]
    assert strategy_arms_of([]) == STRATEGY_ARMS
    assert {name for size in STRATEGY_SIZES.values() for name in size.left_out} <= {arm.name for arm in STRATEGY_ARMS}
    with pytest.raises(ConfigError, match="median"):
        strategy_arms_of(["mediam"])
    with pytest.raises(ConfigError, match="quick, full"):
        strategy_size_of("huge")


def _record(site: str, number: int, dice: float) -> dict[str, Any]:
    return {
        "case": f"{site}-{number}",
        "patient": f"{site}-{number}",
        "site": site,
        "label": {"idh": number % 2},
        "dice": {"wt": dice, "tc": dice, "et": dice},
        "probability": {"idh": 0.5},
    }


def test_the_worst_hospital_is_the_one_with_the_least_mean() -> None:
    """Hospital number k scores k / 10 on average: 0 is the worst, and without its cases the next one is."""
    cases = [
        _record(name, number, place / 10 + (0.01, -0.01)[number])
        for place, name in enumerate(SITE_NAMES)
        for number in (0, 1)
    ]
    table = arm_table([{"seed": 0, "cases": cases}])
    whole = np.ones((1, len(cases)), np.int64)
    assert STRATEGY_MEASURES["worst_dice"].of(table, 0, whole) == pytest.approx([0.0])
    assert STRATEGY_MEASURES["dice_mean"].of(table, 0, whole) == pytest.approx([0.3])
    for place, name in enumerate(SITE_NAMES):
        assert STRATEGY_MEASURES[f"at_{name}"].of(table, 0, whole) == pytest.approx([place / 10])
    without_worst = np.array([[int(record["site"] != SITE_NAMES[0]) for record in table.records]])
    assert np.isnan(STRATEGY_MEASURES[f"at_{SITE_NAMES[0]}"].of(table, 0, without_worst)).all()
    assert STRATEGY_MEASURES["worst_dice"].of(table, 0, without_worst) == pytest.approx([0.1])


@pytest.mark.parametrize(
    ("arm", "said", "expected"),
    [
        ("median", ("better", "unresolved"), "win"),
        ("median", ("better", "worse"), "mixed"),
        ("median", ("unresolved", "unresolved"), "no gain"),
        ("median", ("unresolved", "worse"), "loss"),
        ("pooled", ("better", "better"), "bound, better"),
    ],
)
def test_an_arm_wins_only_when_nothing_got_worse(arm: str, said: tuple[str, ...], expected: str) -> None:
    assert outcome_of(arm, said) == expected


def _guesses(distance: float) -> list[dict[str, Any]]:
    """One seed; probabilities of 0.5 plus or minus a distance that have nothing to do with the label."""
    cases = []
    for name in SITE_NAMES:
        for number in range(12):
            record = _record(name, number, 0.5)
            record["probability"] = {"idh": 0.5 + distance * (-1) ** (number // 2)}
            cases.append(record)
    traffic = {"sent": 1, "received": 1, "rounds": 1, "float32_bytes": 1, "voice": {}, "left_out": {}, "doubted": {}}
    return [{"seed": 0, "cases": cases, "train_s": 1.0, "score_s": 1.0, "steps_per_site": 1, "traffic": traffic}]


def test_two_ways_of_guessing_are_not_better_or_worse_than_each_other() -> None:
    results = {BASELINE: _guesses(0.3), "median": _guesses(0.01)}
    study = find_strategies(SIZE, strategy_arms_of(["median"]), results, {}, load_config([]).federation)
    (row,) = study["differences"]
    low, high = row["measures"]["brier_idh"]["interval"]
    assert low < high < 0  # the Brier score does differ
    assert row["measures"]["brier_idh"]["verdict"] == "at chance"
    assert row["outcome"] == "no gain"
    learned = [{**results[BASELINE][0], "cases": [dict(record) for record in results[BASELINE][0]["cases"]]}]
    for record in learned[0]["cases"]:
        record["probability"] = {"idh": 0.1 + 0.8 * record["label"]["idh"]}
    study = find_strategies(
        SIZE, strategy_arms_of(["median"]), results | {"median": learned}, {}, load_config([]).federation
    )
    assert study["differences"][0]["measures"]["brier_idh"]["verdict"] == "better"
    assert study["differences"][0]["outcome"] == "win"


def test_the_conclusion_says_no_gain_when_nothing_won() -> None:
    study: dict[str, Any] = {
        "arms": [{"name": BASELINE, "title": "base"}, {"name": "median", "title": "the median"}],
        "differences": [{"arm": "median", "outcome": "loss"}],
    }
    assert conclusion(study)[0].startswith("No gain")
    assert conclusion(study)[1] == "Worse than masked FedAvg: the median."
    study["differences"][0]["outcome"] = "win"
    assert conclusion(study) == ["Better than masked FedAvg beyond the interval, and worse in nothing: the median."]


def _said(weight: int, doubts: tuple[str, ...] = ()) -> Mapping[str, Any]:
    return {"weights": {"decoder": weight}, "doubts": list(doubts)}


def test_traffic_counts_the_last_line_of_every_round(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path / "ledger.jsonl")
    repeated = {"a": _said(1), "b": _said(1)}
    ledger.append("round", round=1, sites=repeated, left_out={}, bytes={"sent": 9, "received": 9})
    ledger.append("round", round=1, sites={"a": _said(3), "b": _said(1)}, left_out={}, bytes={"sent": 4, "received": 2})
    ledger.append(
        "round", round=2, sites={"a": _said(1, ("far",))}, left_out={"b": "late"}, bytes={"sent": 4, "received": 1}
    )
    ledger.append("round", round=3, sites={"a": _said(0), "b": _said(0)}, left_out={}, bytes={"sent": 4, "received": 2})
    found = traffic_of(ledger.path)
    assert (found["rounds"], found["sent"], found["received"]) == (3, 12, 5)
    assert (found["left_out"], found["doubted"]) == ({"b": 1}, {"a": 1})
    assert found["voice"] == pytest.approx({"a": (0.75 + 1.0) / 2, "b": 0.25 / 2})


MICRO = (
    "rounds=2",
    "model.crop_size=16",
    "model.stem_stride=1",
    "model.channels=[8,8,8,8]",
    "model.embed_dim=16",
    "model.mlp_dim=16",
    "model.head_channels=16",
    "training.local_steps=1",
    "training.batch_size=2",
    "evaluation.max_validation_cases=1",
)


@pytest.mark.slow
def test_a_study_end_to_end_is_resumed_and_reads_with_each_hospitals_own_norms(tmp_path: Path) -> None:
    folder = tmp_path / "study"
    request = Request(arms=["median", "fedbn", "float16"], repeats=1, overrides=MICRO)
    study = study_strategies(SIZE, folder, request)
    by_name = {arm["name"]: arm for arm in study["arms"]}
    assert list(by_name) == [BASELINE, "median", "fedbn", "float16"]
    assert study["test_cases"] == 2 * len(SITE_NAMES)
    received = {name: arm["traffic"]["received_mb"] for name, arm in by_name.items()}
    assert received["float16"] < 0.6 * received[BASELINE]
    assert {row["arm"]: row["outcome"] for row in study["differences"]}.keys() == {"median", "fedbn", "float16"}
    page = (folder / "study.html").read_text()
    assert DISCLAIMER in page
    assert "FeTS" in page
    assert "<script" not in page
    assert DISCLAIMER in (folder / "study.md").read_text()

    before = {path.name: path.stat().st_mtime_ns for path in (folder / "cells").iterdir()}
    again = study_strategies(SIZE, folder, replace(request, arms=["median"]))
    assert {path.name: path.stat().st_mtime_ns for path in (folder / "cells").iterdir()} == before
    assert [row for row in study["differences"] if row["arm"] == "median"] == again["differences"]

    (run,) = [path for path in (folder / "runs").iterdir() if _local_norms(path)]
    loaded = load_model(RunFolder(run).model)
    config = loaded.config
    read = list(reading_models(loaded, config, run / "sites", shared_test_sites(folder / "data")))
    assert len(read) == len(SITE_NAMES)
    norms = [own.model.state_dict()[_a_norm(own.model.state_dict())].numpy() for _, own in read]
    assert any((one != norms[0]).any() for one in norms[1:])


def _local_norms(run: Path) -> bool:
    return "norm" in load_model(RunFolder(run).model).config.strategy.local_groups


def _a_norm(names: Mapping[str, object]) -> str:
    return next(name for name in names if group_of(name) == "norm" and name.endswith("weight"))
