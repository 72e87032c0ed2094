"""Paired differences: by hand on made-up scores, and the whole command on phantoms."""

import json
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest
import typer
from typer.testing import CliRunner, Result

from client.commands.model import register
from client.models.comparison import BETTER, TOO_FEW, UNCLEAR, WORSE, compare, train_local_only
from client.site import read_site
from gmmas_core.checkpoint import load_model
from gmmas_core.data.phantom import write_federation
from gmmas_core.metrics.evaluation import CaseScore, RegionScore
from gmmas_core.reporting.wording import NOT_ASSESSABLE
from gmmas_core.types import DISCLAIMER, REGIONS, UNKNOWN, DataError, Task

TASKS = (Task.IDH,)
MakeRelease = Callable[..., Path]
Command = Callable[..., Result]


def score(case_id: str, dice: float | None, probability: float, label: int, patient: str = "") -> CaseScore:
    region = None if dice is None else RegionScore(dice=dice, hd95_mm=1.0, lesion_dice=dice, lesion_hd95_mm=1.0)
    return CaseScore(
        case_id=case_id,
        patient_id=patient or case_id,
        has_reference=dice is not None,
        regions=dict.fromkeys(REGIONS, region),
        not_assessable=frozenset(),
        probability={Task.IDH: probability},
        label={Task.IDH: label},
        abstained=frozenset(),
        age=None,
    )


def rows_of(ours: Sequence[CaseScore], theirs: Sequence[CaseScore]) -> dict[str, dict[str, object]]:
    return {str(row["measure"]): row for row in compare(ours, theirs, TASKS, 500, 0)}


def test_differences_are_paired_by_case_whatever_the_order() -> None:
    ours = [score("a", 0.9, 0.9, 1), score("b", 0.5, 0.2, 0), score("c", 0.7, 0.6, 1), score("only-here", 0.0, 0.0, 1)]
    theirs = [score("c", 0.6, 0.3, 1), score("a", 0.5, 0.4, 1), score("b", 0.6, 0.35, 0), score("only-there", 1, 1, 1)]
    rows = rows_of(ours, theirs)
    dice = rows["Dice, whole tumour"]
    assert (dice["n"], dice["release"], dice["other"]) == (3, pytest.approx(0.7), pytest.approx(1.7 / 3))
    assert dice["difference"] == pytest.approx((0.4 - 0.1 + 0.1) / 3)
    assert dice["interval"] is None  # three patients
    assert rows["AUROC, IDH"]["difference"] == pytest.approx(1.0 - 0.5)
    brier = (0.01 + 0.04 + 0.16) / 3 - (0.49 + 0.36 + 0.1225) / 3
    assert rows["Brier score, IDH"]["difference"] == pytest.approx(brier)
    assert {row["verdict"] for row in rows.values()} == {TOO_FEW}


def test_the_interval_is_of_the_paired_difference_and_decides_the_verdict() -> None:
    """Dice differs widely between cases and by exactly 0.1 between the models: pairing makes that certain."""
    rng = np.random.default_rng(0)
    dice, label = rng.uniform(0.1, 0.8, 20), rng.integers(0, 2, 20)
    better = [score(f"c{k}", dice[k] + 0.1, 0.9 * label[k] + 0.05, int(label[k])) for k in range(20)]
    worse = [score(f"c{k}", dice[k], 0.6 * label[k] + 0.2, int(label[k])) for k in range(20)]
    rows = rows_of(better, worse)
    assert rows["Dice, whole tumour"]["interval"] == pytest.approx([0.1, 0.1])
    assert rows["Dice, whole tumour"]["verdict"] == BETTER
    assert rows["Brier score, IDH"]["verdict"] == BETTER  # less is better
    assert rows["AUROC, IDH"]["verdict"] == UNCLEAR  # both rank perfectly
    back = rows_of(worse, better)
    assert {back[name]["verdict"] for name in ("Dice, whole tumour", "Brier score, IDH")} == {WORSE}


def test_patients_are_drawn_and_not_cases() -> None:
    ours = [score(f"c{k}", 0.5 + 0.01 * k, 0.5, 1, patient=f"p{k % 4}") for k in range(40)]
    theirs = [score(f"c{k}", 0.4, 0.5, 1, patient=f"p{k % 4}") for k in range(40)]
    assert rows_of(ours, theirs)["Dice, whole tumour"]["interval"] is None  # four patients


def test_what_cannot_be_compared_has_no_number() -> None:
    rows = rows_of([score("a", None, 0.4, UNKNOWN)], [score("a", 0.4, 0.4, UNKNOWN)])
    assert all((row["n"], row["difference"], row["verdict"]) == (0, None, NOT_ASSESSABLE) for row in rows.values())
    assert all(row["n"] == 0 for row in rows_of([], []).values())


@pytest.fixture(scope="module")
def site_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three holdout cases and two to train on."""
    (folder,) = write_federation(tmp_path_factory.mktemp("lab") / "sites", sites=1, cases=5, size=32, seed=3)
    with (folder / "site.yaml").open("a") as settings:
        settings.write("threads: 1\n")
    table = folder / "participants.tsv"
    head, *rows = table.read_text().splitlines()
    splits = ("holdout", "holdout", "holdout", "train", "train")
    assert all(row.endswith("\tn/a") for row in rows)
    table.write_text("\n".join([head, *(row[:-3] + split for row, split in zip(rows, splits, strict=True))]) + "\n")
    return folder


@pytest.fixture(scope="module")
def command() -> Command:
    app = typer.Typer()
    app.callback()(lambda: None)
    register(app)

    def run(*arguments: object, answer: str | None = None) -> Result:
        return CliRunner().invoke(app, ["model", *map(str, arguments)], input=answer)

    return run


@pytest.mark.slow
def test_from_arrival_to_use(
    command: Command, site_folder: Path, make_release: MakeRelease, release_key: Path, tmp_path: Path
) -> None:
    public = release_key.with_name(f"{release_key.name}.pub")
    site = ("--site", site_folder / "site.yaml")
    assert "no model installed" in command("list", *site).stdout
    for version, seed in (("v1", 4), ("v2", 5)):
        source = make_release(tmp_path / version, version=version, seed=seed)
        done = command("pull", source, *site, "--public-key", public)
        assert done.exit_code == 0, done.output
        assert done.stdout.startswith(f"{DISCLAIMER}\ninstalled: {version}-")
    again = command("pull", source, *site, "--public-key", public)
    assert again.stdout.startswith(f"{DISCLAIMER}\nalready installed: v2-")
    assert command("verify", *site).stdout.count("intact") == 2

    skipped = command("use", "v1", *site, "--without-local-only", answer="n\n")
    assert skipped.exit_code == 1
    assert "not compared with a model in use: there is none yet" in skipped.stdout
    assert "not compared with local training alone: skipped, as asked" in skipped.stdout
    assert "\n  Dice, whole tumour: 0." in skipped.stdout
    page = Path(skipped.stdout.split("page: ")[1].splitlines()[0])
    assert "What it was not compared with" in page.read_text()

    alone = command("use", "v1", *site, "--yes", "--json")
    assert alone.exit_code == 0, alone.output
    found = json.loads(alone.stdout)
    assert [part["with"] for part in found["comparisons"]] == ["local training alone"]
    assert found["cases"] == 3
    own = {row["measure"]: row for row in found["results"]}
    rows = {row["measure"]: row for row in found["comparisons"][0]["rows"]}
    assert list(own) == list(rows)
    assert own["Dice, whole tumour"]["value"] == rows["Dice, whole tumour"]["release"]
    assert rows["Dice, whole tumour"]["n"] == 3
    assert rows["Dice, whole tumour"]["difference"] == pytest.approx(
        rows["Dice, whole tumour"]["release"] - rows["Dice, whole tumour"]["other"]
    )

    refused = command("use", "v2", *site, "--without-local-only", answer="n\n")
    assert refused.exit_code == 1
    assert "beside the model in use, v1-" in refused.stdout
    assert "nothing was changed" in refused.stdout
    assert json.loads(command("list", *site, "--json").stdout)["models"][0]["in_use"] is True

    accepted = command("use", "v2", *site, "--without-local-only", answer="y\n")
    assert accepted.exit_code == 0, accepted.output
    models = json.loads(command("list", *site, "--json").stdout)["models"]
    assert [(model["version"], model["in_use"]) for model in models] == [("v1", False), ("v2", True)]
    page = Path(accepted.stdout.split("page: ")[1].splitlines()[0])
    html = page.read_text()
    assert html.count(DISCLAIMER) == 3
    assert "Phantoms &lt;of nobody&gt;" in html
    assert "<script" not in html
    assert 'href="http' not in html
    saved = json.loads(page.with_name("comparison.json").read_text())
    assert [part["with"] for part in saved["comparisons"]] == [f"the model in use, {models[0]['name']}"]


@pytest.mark.slow
def test_what_cannot_be_compared_keeps_nobody_from_the_new_model(
    command: Command, make_release: MakeRelease, release_key: Path, tmp_path: Path
) -> None:
    """The model in use is damaged, and there is no case to train on: both are said, and the switch is made."""
    (folder,) = write_federation(tmp_path / "sites", sites=1, cases=2, size=32, seed=3)
    table = folder / "participants.tsv"
    table.write_text(table.read_text().replace("\tn/a\n", "\tholdout\n"))
    site, public = ("--site", folder), release_key.with_name(f"{release_key.name}.pub")
    names = []
    for version, seed in (("v1", 4), ("v2", 5)):
        source = make_release(tmp_path / version, version=version, seed=seed)
        pulled = command("pull", source, *site, "--public-key", public, "--json")
        names.append(json.loads(pulled.stdout)["name"])
    assert command("use", "v1", *site, "--yes", "--without-local-only").exit_code == 0
    (folder / ".gmmas" / "models" / names[0] / "model_card.md").write_text("Approved.")
    done = command("use", "v2", *site, "--yes", "--json")
    assert done.exit_code == 0, done.output
    found = json.loads(done.stdout)
    assert (found["current"], found["comparisons"]) == (names[1], [])
    reasons = {part["with"]: part["reason"] for part in found["left_out"]}
    assert "not those signed" in reasons[f"the model in use, {names[0]}"]
    assert "found no training case" in reasons["local training alone"]
    again = json.loads(command("use", "v2", *site, "--yes", "--json", "--without-local-only").stdout)
    assert again["left_out"][0] == {"with": "the model in use", "reason": "it is this one"}


@pytest.mark.slow
def test_training_alone_tells_its_rounds(site_folder: Path, make_release: MakeRelease, tmp_path: Path) -> None:
    told: list[tuple[int, int]] = []
    loaded = load_model(make_release(tmp_path / "v1"))
    train_local_only(read_site(site_folder), loaded, lambda done, total: told.append((done, total)))
    assert told == [(0, 1), (1, 1)]


def test_a_mistake_is_one_clear_sentence(command: Command, site_folder: Path) -> None:
    site = ("--site", site_folder)
    for arguments, says in (
        (("use", "v9", *site, "--yes"), "found no installed model of that name"),
        (("use", "v9", *site, "--json"), "found --json without --yes"),
        (("pull", "nowhere.zip", *site, "--public-key", "x"), "found no such file or folder"),
    ):
        result = command(*arguments)
        assert isinstance(result.exception, DataError)
        with pytest.raises(DataError, match=says):
            raise result.exception


def test_verify_tells_damage_by_its_exit_code(
    command: Command, site_folder: Path, make_release: MakeRelease, release_key: Path, tmp_path: Path
) -> None:
    public = release_key.with_name(f"{release_key.name}.pub")
    source = make_release(tmp_path / "v7", version="v7", seed=7)
    site = ("--site", site_folder)
    installed = json.loads(command("pull", source, *site, "--public-key", public, "--json").stdout)
    (Path(installed["folder"]) / "model_card.md").write_text("Approved.")
    result = command("verify", "v7", *site, "--json")
    assert result.exit_code == 1
    assert "not those signed" in json.loads(result.stdout)["models"][installed["name"]]
    assert isinstance(command("use", "v7", *site, "--yes").exception, DataError)
