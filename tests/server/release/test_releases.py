"""Releases of a hand-written run with a real network: chosen, judged, signed, listed, rolled back."""

import dataclasses
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.testing import CliRunner, Result

from gmmas_core.checkpoint import load_model
from gmmas_core.config import Config, config_hash, load_config, save_config
from gmmas_core.model.gmmas import build_training_model
from gmmas_core.provenance import core_fingerprint
from gmmas_core.signing import make_key, read_private_key, read_public_key, verify_folder
from gmmas_core.types import DISCLAIMER, DataError, FederationError
from gmmas_core.weights import weights_hash, weights_of
from server.commands.release import register
from server.ledger import Ledger, verify
from server.records.checkpoints import save_round
from server.records.run_folder import RunFolder
from server.records.run_lock import run_lock
from server.release.checklists import CLAIM, NOT_REPORTED, TRIPOD
from server.release.releases import choose, current, publish, roll_back, versions

Entry = dict[str, Any]
Make = Callable[..., Entry]


@pytest.fixture(scope="module")
def key(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("keys") / "key"
    make_key(path)
    return path


@pytest.fixture(scope="module")
def config() -> Config:
    small = ("model.channels=[8,8,8,8]", "model.embed_dim=16", "model.mlp_dim=16", "model.head_channels=16")
    return load_config(["experiment=smoke", *small, "release.max_ece=0.4", "notice='Phantoms | of nobody'"])


@pytest.fixture
def run(tmp_path: Path, config: Config, ledger_entries: list[Entry], played_round: Make, evaluation: Make) -> RunFolder:
    """Two rounds of which the first is better on validation; its holdouts were scored, its weights were calibrated."""
    folder = RunFolder(tmp_path / "run")
    folder.path.mkdir()
    save_config(config, folder.config)
    model = build_training_model(config)
    ledger = Ledger(folder.ledger)
    fingerprint = core_fingerprint(model, config).digest
    ledger.append(
        "begun", run_id="ab12", name="smoke", config_hash=config_hash(config), fingerprint=fingerprint, seed=0
    )
    ledger.append("enlisted", sites=ledger_entries[1]["sites"], left_out={})
    dice = {1: 0.1, 2: 0.8, 3: 0.8}
    calibration = {"temperature": {"idh": 2.0}, "region_temperature": {}, "fit": {}}
    for number in (1, 2, 3):
        if number != 2:
            weights = {name: value + number for name, value in weights_of(model).items()}
        entry = played_round(number, {"north": (9, 5, dice[number]), "east": (9, 5, dice[number])})
        entry |= {"weights_hash": weights_hash(weights)} | (
            {"stage": "calibrate", "calibration": calibration} if number == 2 else {}
        )
        entry = {"bytes": {"sent": 1, "received": 1}, "late": [], "asked": ["east", "north"], "phases": {}} | entry
        entry["sites"] = {site: {"norm": 1.0, "bytes": 1, "doubts": []} | part for site, part in entry["sites"].items()}
        ledger.append(**entry)
        save_round(folder.checkpoints, number, weights, {}, {})
    worse = evaluation({"north": (5, 0.2, 0), "east": (5, 0.2, 0)}, subject="global", round=3, split="validation")
    ledger.append(**worse)
    scored = {"north": (20, 0.8, 2), "east": (20, 0.7, 2), "south": (20, 0.75, 2)}
    ledger.append(**evaluation(scored, subject="global", round=2))
    return folder


def published(run: RunFolder, key: Path, **more: Any) -> Entry:
    return publish(run, read_private_key(key), **more)


def test_the_best_round_is_released_with_its_calibration(run: RunFolder, key: Path) -> None:
    line = published(run, key)
    assert (line["version"], line["round"], line["override"]) == ("v1", 2, None)
    folder = run.releases / "v1"
    about = verify_folder(folder, read_public_key(key.with_name("key.pub")))
    loaded = load_model(folder)
    assert about == {"version": "v1", "model_id": loaded.model_id, "run_id": "ab12", "round": 2}
    assert loaded.calibration["temperature"] == {"idh": 2.0}
    assert loaded.provenance["training"]["calibrated_in"] == 2
    entry = list(Ledger(run.ledger).entries())[-1]
    assert (entry["kind"], entry["model_id"]) == ("version-released", loaded.model_id)
    assert {gate["state"] for gate in entry["gates"]} == {"passed"}
    assert verify(run.ledger) == []
    assert current(run) == "v1"
    assert sorted(path.name for path in run.releases.iterdir()) == ["current", "v1"]


def test_the_card_has_what_was_measured_and_says_what_was_not(run: RunFolder, key: Path) -> None:
    published(run, key)
    card = (run.releases / "v1" / "model_card.md").read_text()
    assert card.count(DISCLAIMER) == 2
    assert "Phantoms \\| of nobody" in card
    assert "\n- calibration: round 2\n" in card
    assert "calibrated_in" not in card
    assert "Worst site by whole-tumour Dice: **east**" in card
    assert "| 2 (released) |" in card
    for site in ("north", "east", "south", "all sites, pooled"):
        assert f"| {site} | Dice whole tumour |" in card
    for title, items in (("CLAIM 2024", CLAIM), ("TRIPOD+AI", TRIPOD)):
        part = card.split(f"## {title} checklist")[1].split("## ")[0]
        rows = [line for line in part.splitlines() if line.startswith("| ")][1:]
        assert [row.split(" | ")[0].strip("| ") for row in rows] == [number for number, _, _ in items]
        answered = sum(NOT_REPORTED not in row for row in rows)
        assert f"{answered} of {len(items)} items" in part
    assert "| 44 | Funding | not reported by this run |" in card
    assert len(CLAIM) == 44
    assert len({number.rstrip("abcdefg") for number, _, _ in TRIPOD}) == 27


def test_a_round_whose_holdouts_nobody_scored_is_refused(run: RunFolder, key: Path) -> None:
    with pytest.raises(FederationError, match=r"(?s)round 3.*holdout-cases: unknown.*--override"):
        published(run, key, number=3)
    assert not run.releases.exists()
    line = published(run, key, number=3, override="Dr. Ada Example: needed for the drill of Thursday")
    assert line["override"] == {"name": "Dr. Ada Example", "reason": "needed for the drill of Thursday"}
    assert {gate["state"] for gate in line["gates"]} == {"unknown"}
    card = (run.releases / "v1" / "model_card.md").read_text()
    assert "Dr. Ada Example answers for it: needed for the drill of Thursday" in card
    assert "Not measured for this round." in card
    assert "\n- calibration: not calibrated\n" in card
    assert ": None\n" not in card
    assert load_model(run.releases / "v1").calibration == {}


@pytest.mark.parametrize(
    "override", ["", "nobody", "A: because it must be", "Dr. Ada: short", ":  a long enough reason"]
)
def test_an_override_needs_a_name_and_a_reason(run: RunFolder, key: Path, override: str) -> None:
    with pytest.raises(FederationError, match="override: found no name and reason"):
        published(run, key, number=3, override=override)


def test_an_override_that_was_not_needed_is_not_recorded(run: RunFolder, key: Path) -> None:
    assert published(run, key, override="Dr. Ada Example: just in case of doubt")["override"] is None


def test_versions_are_never_written_over_and_can_be_rolled_back(run: RunFolder, key: Path) -> None:
    published(run, key)
    first = {path.name: path.read_bytes() for path in (run.releases / "v1").iterdir()}
    published(run, key)
    assert [(entry["version"], entry["current"]) for entry in versions(run)] == [("v1", False), ("v2", True)]
    assert {path.name: path.read_bytes() for path in (run.releases / "v1").iterdir()} == first
    assert roll_back(run, "v1") == {"version": "v1", "before": "v2"}
    assert current(run) == "v1"
    assert [entry["current"] for entry in versions(run)] == [True, False]
    assert published(run, key)["version"] == "v3"
    with pytest.raises(FederationError, match="found no such version"):
        roll_back(run, "v9")


def test_a_run_that_is_being_played_is_left_alone(run: RunFolder, key: Path) -> None:
    with run_lock(run.path):
        with pytest.raises(FederationError, match="another coordinator at work"):
            published(run, key)
        with pytest.raises(FederationError, match="another coordinator at work"):
            roll_back(run, "v1")
        assert versions(run) == []


def test_a_checkpoint_that_is_not_the_ledgers_is_refused(run: RunFolder, key: Path, config: Config) -> None:
    save_round(run.checkpoints, 2, weights_of(build_training_model(config)), {}, {})
    with pytest.raises(FederationError, match="other weights than the ledger says"):
        published(run, key)
    (run.checkpoints / "round-000002" / "weights.safetensors").write_bytes(b"")
    with pytest.raises(DataError, match="altered"):
        published(run, key)
    assert not list(run.releases.glob("v*"))
    assert not list(run.releases.glob(".v*"))


def test_another_version_of_the_core_does_not_release(
    run: RunFolder, key: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import server.release.candidate

    def other(*args: Any) -> Any:
        return dataclasses.replace(core_fingerprint(*args), source={"losses.py": "0" * 16})

    monkeypatch.setattr(server.release.candidate, "core_fingerprint", other)
    with pytest.raises(FederationError, match="another version of the core"):
        published(run, key)


def test_a_broken_ledger_releases_nothing(run: RunFolder, key: Path) -> None:
    lines = run.ledger.read_bytes().split(b"\n")
    lines[3] = lines[3].replace(b'"north"', b'"n0rth"')
    run.ledger.write_bytes(b"\n".join(lines))
    with pytest.raises(FederationError, match="unbroken chain"):
        published(run, key)


def test_no_run_and_no_round(tmp_path: Path) -> None:
    with pytest.raises(FederationError, match="expected the folder of a run"):
        choose(RunFolder(tmp_path), None)
    Ledger(RunFolder(tmp_path).ledger).append("begun")
    with pytest.raises(FederationError, match="found no finished round"):
        choose(RunFolder(tmp_path), None)


@pytest.fixture
def type_in() -> Callable[..., Result]:
    app = typer.Typer()
    app.callback()(lambda: None)
    register(app)
    return lambda *arguments: CliRunner().invoke(app, list(map(str, arguments)))


def test_the_command_line(run: RunFolder, type_in: Callable[..., Result], tmp_path: Path) -> None:
    made = type_in("release-key", tmp_path / "k")
    assert made.exit_code == 0, made.output
    assert isinstance(type_in("release", run.path).exception, FederationError)
    assert "no release yet" in type_in("release", run.path, "--list").stdout
    done = type_in("release", run.path, "--key", tmp_path / "k")
    assert done.exit_code == 0, done.output
    assert done.stdout.startswith(DISCLAIMER)
    assert "worst-site-dice: passed: whole-tumour Dice at the worst site, east" in done.stdout
    assert json.loads(type_in("release", run.path, "--key", tmp_path / "k", "--json").stdout)["version"] == "v2"
    assert "current: v1 (before: v2)" in type_in("release", run.path, "--rollback", "v1").stdout
    assert "* v1: round 2" in type_in("release", run.path, "--list").stdout
    found = json.loads(type_in("release", run.path, "--list", "--json").stdout)["versions"]
    assert [entry["current"] for entry in found] == [True, False]
