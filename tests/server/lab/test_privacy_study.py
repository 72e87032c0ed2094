"""The privacy study: its plan, its noise, and the whole command on a few tiny phantoms."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from gmmas_core.config import load_config
from gmmas_core.training.protection import require_separable
from gmmas_core.types import DISCLAIMER, ConfigError, DataError
from server.lab.study.privacy.findings import compare
from server.lab.study.privacy.noise import NoisySteps, accounted, noise_for
from server.lab.study.privacy.plan import INVERSION, SCENARIOS, PrivacyCell, plan_privacy, read_cell, write_cell
from server.lab.study.privacy.report import conclusion
from server.lab.study.privacy.shadow import members_of
from server.lab.study.privacy.sizes import PRIVACY_SIZES, privacy_size_of
from server.lab.study.privacy.study import study_privacy
from server.lab.study.running import Request

MICRO = replace(
    PRIVACY_SIZES["quick"],
    mode="micro",
    train=30,
    validation=1,
    test=6,
    delta=1e-2,
    queried=6,
    pool=8,
    shadow_steps=2,
    shadow_delta=0.05,
    models=1,
    inverted=1,
    inversion_steps=3,
    resamples=20,
)


@pytest.mark.parametrize("mode", PRIVACY_SIZES)
def test_every_mode_can_be_protected_and_keeps_delta_below_one_patient(mode: str) -> None:
    size = PRIVACY_SIZES[mode]
    require_separable(load_config([f"experiment={size.experiment}"]), "supervised")
    assert size.train >= 500
    assert size.delta < 1 / size.train
    assert size.shadow_delta < 2 / size.pool
    assert set(size.epsilons) == {1.0, 3.0, 8.0}
    with pytest.raises(ConfigError, match="quick, full"):
        privacy_size_of("huge")


def test_a_cell_survives_its_file_and_another_setting_is_another_cell(tmp_path: Path) -> None:
    cells = plan_privacy(MICRO, 2, [])
    assert len({cell.key for cell in cells}) == len(cells)
    assert [cell.arm for cell in cells if cell.kind == INVERSION] == list(SCENARIOS)
    cell = PrivacyCell.from_json(json.loads(json.dumps(cells[0].to_json())))
    assert cell == cells[0]
    write_cell(tmp_path, cell, {"seconds": 1.0})
    found = read_cell(tmp_path, cell)
    assert found is not None
    assert found["seconds"] == 1.0
    other = plan_privacy(replace(MICRO, delta=1e-3), 2, [])[0]
    assert read_cell(tmp_path, other) is None
    more = plan_privacy(replace(MICRO, models=9), 2, [])
    assert {each.key for each in cells} < {each.key for each in more}


def test_the_noise_for_a_budget_spends_no_more_than_it() -> None:
    noise = noise_for(8.0, 1e-3, 0.05, 40)
    found = accounted([NoisySteps(noise, 0.05, 10)] * 4, 1e-3)
    assert 7.5 < found["rdp"] <= 8.0
    assert found["prv"] < found["rdp"]


def test_half_the_pool_trains_a_model() -> None:
    drawn = [members_of(number, 20) for number in range(40)]
    assert all(len(set(each)) == 10 for each in drawn)
    assert set().union(*drawn) == set(range(20))
    assert members_of(3, 20) == members_of(3, 20) != members_of(4, 20)


def test_an_attack_that_fails_on_the_bare_gradient_is_not_called_a_protection() -> None:
    def row(scenario: str, own: float) -> dict[str, object]:
        return {"scenario": scenario, "likeness": {"guess": {"correlation": own}, "mean": {"correlation": 0.3}}}

    empty = {"utility": [], "membership": []}
    weak = conclusion(empty | {"inversion": [row("one-patient", 0.1), row("noise", 0.0)]})
    strong = conclusion(empty | {"inversion": [row("one-patient", 0.9), row("noise", 0.0)]})
    assert "too weak" in weak[-1]
    assert not any("too weak" in line for line in strong)
    unresolved = {"arm": "a", "attack": "b", "auroc": {"interval": (0.47, 0.71)}}
    assert "was not shown" in conclusion({"utility": [], "membership": [unresolved], "inversion": []})[0]


def test_what_was_never_learned_is_not_called_destroyed() -> None:
    def row(arm: str, dice: float, idh: float) -> dict[str, object]:
        areas = {"auroc_histology": {"interval": (0.4, 0.6)}, "auroc_idh": {"interval": (idh, 0.9)}}
        return {"arm": arm, "measures": {"dice_wt": {"value": dice}, **areas}}

    rows = compare([row("epsilon-none", 0.8, 0.7), row("epsilon-8", 0.01, 0.7), row("epsilon-1", 0.7, 0.4)])
    assert [each["verdict"] for each in rows] == [
        "not learned even without protection: histology",
        "destroyed: segmentation",
        "destroyed: idh",
    ]


@pytest.mark.slow
def test_the_command_runs_reports_and_is_continued(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    arms = ("epsilon-none", "epsilon-8", "shadow-none", "shadow-8", *SCENARIOS)
    small = ("rounds=1", "training.local_steps=2", "training.batch_size=4")
    request = Request(arms=arms, repeats=1, workers=2, overrides=small)
    study = study_privacy(MICRO, tmp_path / "study", request)
    assert [row["arm"] for row in study["utility"]] == ["epsilon-none", "epsilon-8"]
    plain, protected = study["utility"]
    assert plain["spent"] is None
    assert protected["spent"]["steps"] == 2
    assert protected["spent"]["again"]["prv"] <= protected["spent"]["epsilon"] + 0.01 <= 8.02
    assert study["utility"][0]["test_cases"] == 18
    assert {row["arm"] for row in study["membership"]} == {"epsilon-none", "epsilon-8", "shadow-none", "shadow-8"}
    assert [row["scenario"] for row in study["inversion"]] == list(SCENARIOS)
    page = (tmp_path / "study" / "study.html").read_text()
    text = (tmp_path / "study" / "study.md").read_text()
    assert DISCLAIMER in page
    assert DISCLAIMER in text
    assert "shadow-8" in text
    assert page.count("<svg") == 1
    monkeypatch.setattr("server.lab.study.privacy.study.run_jobs", lambda *_: pytest.fail("run twice"))
    assert study_privacy(MICRO, tmp_path / "study", request) == study
    with pytest.raises(ConfigError, match="shadow-none"):
        study_privacy(MICRO, tmp_path / "study", replace(request, arms=("shadow",)))
    with pytest.raises(DataError, match="another folder"):
        study_privacy(replace(MICRO, test=7), tmp_path / "study", request)
