"""`gmmas-site evaluate`: a model folder on a site's own cases, with the real network, or one clear reason why not."""

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import typer
from typer.testing import CliRunner, Result

from client.commands.evaluate import register
from gmmas_core.checkpoint import save_model
from gmmas_core.config import load_config
from gmmas_core.data.phantom import write_federation
from gmmas_core.model.gmmas import build_model
from gmmas_core.subsets import SUBSETS
from gmmas_core.types import DISCLAIMER, SEQUENCES, DataError

TINY = (
    "experiment=smoke",
    "data.spacing_mm=6",
    "model=smallest",
    "evaluation.overlap=0",
    "evaluation.bootstrap=10",
)
CASES = 3
Evaluate = Callable[..., Result]


@pytest.fixture(scope="module")
def model_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    config = load_config([*TINY, "notice='Phantoms <of nobody>'"])
    model = build_model(config.model, config.task_list, loss=config.loss, seed=4)
    folder = tmp_path_factory.mktemp("run") / "model"
    save_model(folder, model, config, {"run_id": "ab12", "rounds": 3}, {"temperature": {"idh": 2.0}})
    return folder


@pytest.fixture(scope="module")
def site_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three holdout cases; the first lacks T1c."""
    (folder,) = write_federation(tmp_path_factory.mktemp("lab") / "sites", sites=1, cases=CASES, size=32, seed=3)
    table = folder / "participants.tsv"
    table.write_text(table.read_text().replace("\tn/a\n", "\tholdout\n"))
    for image in sorted(path for path in folder.glob("*/*") if "t1c" in path.name.lower())[:1]:
        image.unlink()
    return folder


@pytest.fixture(scope="module")
def evaluate() -> Evaluate:
    """The command as a user types it."""
    app = typer.Typer()
    app.callback()(lambda: None)
    register(app)
    runner = CliRunner()

    def run(*arguments: object) -> Result:
        return runner.invoke(app, ["evaluate", *map(str, arguments)])

    return run


@pytest.fixture(scope="module")
def found(evaluate: Evaluate, site_folder: Path, model_folder: Path) -> dict[str, Any]:
    result = evaluate(site_folder, "--model", model_folder, "--subsets", "--json")
    assert result.exit_code == 0, result.output
    content: dict[str, Any] = json.loads(result.stdout)
    return content


def local_report(site_folder: Path, found: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    page = site_folder / ".gmmas" / found["report"]
    content: dict[str, Any] = json.loads(page.with_suffix(".json").read_text())
    return page.read_text(), content


def row(found: dict[str, Any], *sequences: str) -> dict[str, Any]:
    (only,) = (part for part in found["subsets"] if part["sequences"] == list(sequences))
    return dict(only)


def test_every_subset_is_scored_on_the_cases_that_have_it(found: dict[str, Any]) -> None:
    assert [part["sequences"] for part in found["subsets"]] == [list(subset) for subset in SUBSETS]
    for part in found["subsets"]:
        assert part["n"] == (CASES if "t1c" not in part["sequences"] or len(part["sequences"]) == 4 else CASES - 1)
    assert row(found, *SEQUENCES)["counts"] | {"auroc.codel_1p19q": 0} == {
        "dice.wt": CASES,
        "dice.tc": CASES - 1,
        "dice.et": CASES - 1,
        "auroc.histology": CASES,
        "auroc.idh": CASES,
        "auroc.codel_1p19q": 0,
    }


def test_what_may_not_be_judged_has_no_number(found: dict[str, Any]) -> None:
    without = row(found, "t1", "t2", "flair")
    assert without["values"]["dice.et"] is without["values"]["dice.tc"] is None
    assert without["not_assessable"]["dice.et"] == without["not_assessable"]["dice.tc"] == CASES
    assert without["values"]["dice.wt"] is not None
    assert found["significance"]["drop_one"]["t1c"]["et"] == {"change": None, "n": 0}


def test_all_sequences_are_the_summary_itself(found: dict[str, Any]) -> None:
    full, summary = row(found, *SEQUENCES), found["summary"]
    for region in ("wt", "tc", "et"):
        assert full["values"][f"dice.{region}"] == pytest.approx(summary["segmentation"][region]["dice"]["mean"])
    assert full["values"]["auroc.idh"] == summary["classification"]["idh"]["auroc"]["value"]


def test_changes_and_weights_of_every_sequence(found: dict[str, Any]) -> None:
    changes = found["significance"]["drop_one"]
    assert {name: changes[name]["wt"]["n"] for name in ("t1", "t1c")} == {"t1": CASES, "t1c": CASES - 1}
    known = [part["change"] for by_output in changes.values() for part in by_output.values() if part["n"]]
    assert all(0 <= change <= 1 for change in known)
    assert any(change > 0 for change in known)
    assert found["significance"]["learned"]["local"] == pytest.approx(dict.fromkeys(SEQUENCES, 0.25))  # untrained


def test_the_report_stays_at_the_site_under_the_models_name(site_folder: Path, found: dict[str, Any]) -> None:
    assert found["report"] == f"reports/{found['model_id'].replace('-', '')}/holdout-global.html"
    html, content = local_report(site_folder, found)
    assert content["summary"] == found["summary"]
    assert content["subsets"] == found["subsets"]
    assert content["significance"] == found["significance"]
    assert f"Model <code>{found['model_id']}</code>" in html
    assert "after round" not in html
    assert "<h2>When sequences are missing</h2>" in html
    assert "<h2>What each sequence is worth</h2>" in html
    assert "Phantoms &lt;of nobody&gt;" in html
    assert "<script" not in html


def test_a_person_reads_each_number_beside_its_n(evaluate: Evaluate, site_folder: Path, model_folder: Path) -> None:
    result = evaluate(site_folder, "--model", model_folder, "--mc-passes", 2)
    assert result.exit_code == 0, result.output
    assert result.stdout.startswith(DISCLAIMER)
    assert f"(n = {CASES - 1})" in next(line for line in result.stdout.splitlines() if "Dice et" in line)
    page = Path(result.stdout.split("report: ")[1].strip())
    html = page.read_text()
    assert "<h2>When sequences are missing</h2>" not in html  # nobody asked
    assert "doubt " in html  # the passes were asked for
    cases = json.loads(page.with_suffix(".json").read_text())["cases"]
    assert all(0 <= case["tasks"]["idh"]["epistemic"] <= np.log(2) for case in cases)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("{lab}", "--model", "{model}"), "site.yaml: found no readable file"),
        (("{site}", "--model", "{site}"), r"provenance\.json: cannot be read"),
        (("{site}", "--model", "{model}", "--split", "validation"), "validation: found no case; expected at least one"),
    ],
)
def test_a_mistake_is_one_clear_sentence(
    evaluate: Evaluate, site_folder: Path, model_folder: Path, arguments: Sequence[str], message: str
) -> None:
    places = {"lab": site_folder.parent, "site": site_folder, "model": model_folder}
    result = evaluate(*(argument.format(**places) for argument in arguments))
    assert isinstance(result.exception, DataError)
    with pytest.raises(DataError, match=message):
        raise result.exception


@pytest.mark.parametrize("arguments", [("--split", "everything"), ("--mc-passes", "-1")])
def test_what_is_no_choice_is_refused(evaluate: Evaluate, site_folder: Path, arguments: Sequence[str]) -> None:
    assert evaluate(site_folder, "--model", "x", *arguments).exit_code == 2
