"""The hospital's own report: exact, complete, with pictures, and never outside its folder."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from client.data.local_data import LocalData, open_local_data
from client.evaluation.overlay import largest_slice
from client.evaluation.report import write_local_report
from client.rounds.local_evaluation import evaluate_locally, score_one
from client.site import Site, read_site
from gmmas_core.config import Config, load_config
from gmmas_core.data.phantom import write_federation
from gmmas_core.metrics.evaluation import CaseScore, RegionScore
from gmmas_core.model.gmmas import GMMAS, build_model
from gmmas_core.types import EvaluationPlan, FederationError, Task

PLAN = EvaluationPlan(
    run_id="ab12cd",
    round=2,
    seed=0,
    weights_hash="",
    split="train",
    subject="global",
    config_hash="",
    core_fingerprint="",
    deadline_s=60.0,
)


@pytest.fixture(scope="module")
def config() -> Config:
    return load_config(["experiment=smoke", "notice='Phantoms <of nobody>'", "evaluation.bootstrap=20"])


@pytest.fixture(scope="module")
def model(config: Config) -> GMMAS:
    return build_model(config.model, config.task_list, loss=config.loss, seed=0)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Site:
    (folder,) = write_federation(tmp_path_factory.mktemp("lab") / "sites", sites=1, cases=2, size=32, seed=3)
    table = folder / "participants.tsv"
    table.write_text(table.read_text().replace("\tn/a\n", "\ttrain\n"))  # both cases in one split
    return read_site(folder)


@pytest.fixture(scope="module")
def data(site: Site, config: Config) -> LocalData:
    return open_local_data(site, config)


@pytest.fixture(scope="module")
def scores(site: Site, config: Config, model: GMMAS, data: LocalData) -> list[CaseScore]:
    return evaluate_locally(site, PLAN, config, model, data, {})[1]


@pytest.fixture(scope="module")
def page(site: Site, config: Config, model: GMMAS, data: LocalData, scores: list[CaseScore]) -> Path:
    return write_local_report(site, PLAN, config, model, data, scores, {})


def numbers(page: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(page.with_suffix(".json").read_text())
    return found


def test_it_lies_in_the_sites_own_state(site: Site, page: Path) -> None:
    assert page == site.state / "reports" / "ab12cd" / "train-global.html"
    assert sorted(file.name for file in page.parent.iterdir()) == ["train-global.html", "train-global.json"]


def test_it_has_every_case_and_exact_means(page: Path, scores: list[CaseScore]) -> None:
    found = numbers(page)
    assert {case["case_id"] for case in found["cases"]} == {score.case_id for score in scores}
    regions = [score.regions["wt"] for score in scores]
    expected = np.mean([region.dice for region in regions if region is not None])
    assert found["summary"]["segmentation"]["wt"]["dice"]["mean"] == pytest.approx(expected)
    assert found["summary"]["segmentation"]["wt"]["dice"]["interval"] is None  # two patients give none
    html = page.read_text()
    assert all(score.case_id in html for score in scores)
    assert "Phantoms &lt;of nobody&gt;" in html


def test_groups_below_the_cohort_floor_are_suppressed(
    site: Site, config: Config, model: GMMAS, data: LocalData, scores: list[CaseScore], tmp_path: Path
) -> None:
    careful = replace(site, state=tmp_path / "state", cohort_floor=3)
    page = write_local_report(careful, PLAN, config, model, data, scores, {})
    groups = numbers(page)["subgroups"]
    assert groups.keys() == {"sex", "age"}
    leaves = [group["dice_wt"] for by_name in groups.values() for group in by_name.values()]
    assert leaves
    assert all(leaf == {"value": None, "n": None, "suppressed": True} for leaf in leaves)
    html = page.read_text()
    assert "Numbers about fewer than 3 patients (the site's cohort floor) are" in html
    assert html.count(">fewer than 3</td>") == len(leaves)
    assert html.count(">suppressed</td>") >= len(leaves)


def test_groups_and_sex_as_the_table_has_them(page: Path, data: LocalData) -> None:
    found = numbers(page)
    assert {case["case_id"]: case["sex"] for case in found["cases"]} == {case.case_id: case.sex for case in data.cases}
    sizes = [group["n"]["value"] for group in found["subgroups"]["sex"].values()]
    assert sum(sizes) == len(data.cases)


def test_doubt_is_shown_where_it_was_measured(
    site: Site, config: Config, model: GMMAS, data: LocalData, scores: list[CaseScore], page: Path, tmp_path: Path
) -> None:
    elsewhere = replace(site, state=tmp_path / "state")
    unsure = [replace(score, epistemic={Task.IDH: 0.125}) for score in scores]
    html = write_local_report(elsewhere, PLAN, config, model, data, unsure, {}).read_text()
    assert html.count("doubt 0.125") == len(scores)
    assert "<br>doubt" not in page.read_text()  # no stochastic passes were made: no number at all
    assert all(case["tasks"]["idh"]["epistemic"] is None for case in numbers(page)["cases"])


def test_outlines_are_ranked_by_the_models_doubt(
    site: Site, config: Config, model: GMMAS, data: LocalData, scores: list[CaseScore], tmp_path: Path
) -> None:
    elsewhere = replace(site, state=tmp_path / "state")
    region = RegionScore(dice=0.75, hd95_mm=1.0, lesion_dice=0.5, lesion_hd95_mm=1.0)
    ranked = [
        replace(score, regions={**score.regions, "wt": replace(region, dice=dice)}, region_uncertainty={"wt": nats})
        for score, dice, nats in zip(scores, (0.75, 0.25), (0.1, 0.5), strict=True)
    ]
    html = write_local_report(elsewhere, PLAN, config, model, data, ranked, {}).read_text()
    assert "risk 0.50 over all cases, 0.25 over the surer half" in html  # 1 - Dice: 0.25 where sure, 0.75 where not


def test_best_and_worst_case_are_pictured_and_the_page_is_self_contained(page: Path) -> None:
    html = page.read_text()
    assert numbers(page)["pictures"].keys() == {"best", "worst"}
    assert html.count("<image") == 6  # three regions of two cases
    assert "mm² in the reference" in html
    assert "<script" not in html
    assert "src=" not in html
    assert 'href="http' not in html


def test_a_site_without_cases_gets_a_page_that_says_so(
    site: Site, config: Config, model: GMMAS, data: LocalData
) -> None:
    page = write_local_report(site, replace(PLAN, split="holdout"), config, model, data, [], {})
    assert "There are no holdout cases at this hospital" in page.read_text()
    assert numbers(page)["cases"] == []


def test_the_untrained_models_page_is_another_one(site: Site, config: Config, model: GMMAS, data: LocalData) -> None:
    page = write_local_report(site, replace(PLAN, round=0, split="holdout"), config, model, data, [], {})
    assert page.name == "holdout-untrained.html"


def test_a_picture_that_cannot_be_drawn_costs_the_picture_only(
    site: Site, config: Config, model: GMMAS, data: LocalData, scores: list[CaseScore], tmp_path: Path
) -> None:
    elsewhere = replace(site, state=tmp_path / "state")
    broken = LocalData(tuple(replace(case, mask=site.folder / "gone.nii.gz") for case in data.cases), data.cache)
    page = write_local_report(elsewhere, PLAN, config, model, broken, scores, {})
    assert page.read_text().count("The picture could not be drawn") == 2
    assert len(numbers(page)["cases"]) == 2
    assert (elsewhere.state / "failures.log").read_text().count("Traceback") == 2


@pytest.mark.parametrize(
    "changed", [{"run_id": "../../x"}, {"run_id": ""}, {"run_id": "a" * 65}, {"split": "../x"}, {"subject": "x/y"}]
)
def test_nothing_from_the_wire_becomes_a_path_unchecked(
    site: Site, config: Config, model: GMMAS, data: LocalData, changed: dict[str, str]
) -> None:
    before = set(site.folder.parent.rglob("*"))
    with pytest.raises(FederationError, match="expected"):
        write_local_report(site, replace(PLAN, **changed), config, model, data, [], {})  # type: ignore[arg-type]
    assert set(site.folder.parent.rglob("*")) == before


def test_the_slice_is_the_one_with_most_tumour_and_keeps_left_and_right(
    site: Site, config: Config, model: GMMAS, data: LocalData
) -> None:
    case = data.cases[0]
    result, _ = score_one(site, config, model, data, case, {})
    prepared = data.cache.open(case).full()
    shown = largest_slice(site, case, result)
    assert prepared.seg_XYZ is not None
    assert shown.image_XY.shape == shown.reference_XY.shape == shown.result_XY.shape
    voxels_mm2 = np.count_nonzero(shown.reference_XY) * np.prod(shown.spacing_mm)
    largest = np.count_nonzero(prepared.seg_XYZ, axis=(0, 1)).max() * prepared.spacing_mm**2
    assert voxels_mm2 == pytest.approx(largest, rel=0.25)
    # The prepared grid is RAS+ as well: the tumour's centre must lie on the same side of the brain in both.
    side = np.argwhere(shown.reference_XY)[:, 0].mean() - np.argwhere(shown.image_XY)[:, 0].mean()
    brain, tumour = (np.argwhere(array)[:, 0].mean() for array in (prepared.image_CXYZ[3], prepared.seg_XYZ))
    assert np.sign(side) == np.sign(tumour - brain)
