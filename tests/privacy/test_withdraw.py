"""A patient leaves one hospital: excluded, purged everywhere, and written down under a name only the hospital knows."""

import ast
import json
import re
import shutil
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from client.checks.site_folder import read_site_manifest
from client.cli import app as cli
from client.data.local_data import open_local_data
from client.node.heartbeat import at_work
from client.node.site_log import log_failure
from client.privacy.participation import FILE as PARTICIPATION
from client.privacy.participation import participation, remember_training
from client.privacy.pseudonyms import KEY, Pseudonyms
from client.raw.table import Row, write_rows
from client.site import Site, read_site
from client.statistics.stored_answer import changed, read_stored, store
from client.withdrawal import pseudo_tables, record
from client.withdrawal.departed import require_all_here, require_unmixed
from client.withdrawal.places import NAMELESS, PLACES
from client.withdrawal.withdraw import look_up, withdraw
from gmmas_core import atomic, hash_chain
from gmmas_core.config import load_config
from gmmas_core.data.importers.ledger import Ledger, read_ledger
from gmmas_core.data.phantom import write_federation
from gmmas_core.data.pseudo_labels import read_pseudo_labels
from gmmas_core.data.pseudo_table import PseudoLabel, PseudoMask, publish_table, unfinished_table, write_mask
from gmmas_core.statistics.form import FORM, Statistics
from gmmas_core.types import Case, DataError, FederationError, RoundPlan, Task

CONFIG = load_config(["experiment=smoke", "data.spacing_mm=8", "model=smallest"])


def plan(run_id: str = "aa", round: int = 1) -> RoundPlan:
    return RoundPlan(
        run_id=run_id,
        round=round,
        seed=0,
        weights_hash="00",
        stage="supervised",
        local_steps=1,
        lr=1e-3,
        tasks=CONFIG.task_list,
        deadline_s=1.0,
        config_hash="00",
        core_fingerprint="00",
    )


@pytest.fixture(scope="module")
def hospital(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Six patients, the first of whom is leaving; everything a node writes of a case, by the node's own writers."""
    (folder,) = write_federation(tmp_path_factory.mktemp("leave") / "sites", sites=1, cases=6, size=24, seed=1)
    site = read_site(folder)
    data = open_local_data(site, CONFIG)
    leaving, *others = data.cases
    for case in data.cases[:3]:
        data.cache.ensure(case)
    _write_pseudo_labels(site, data.cases[:3])
    for run_id in ("aa", "bb"):
        cases = data.cases if run_id == "aa" else others
        remember_training(site, plan(run_id), cases, ())
        atomic.write_bytes(site.state / "replies" / run_id / "00001-00.safetensors", b"weights")
        atomic.write_bytes(site.state / "rounds" / run_id / "00001.safetensors", b"weights")
    atomic.write_bytes(site.state / "secure" / "replies" / "aa" / "00001-00.safetensors", b"weights")
    atomic.write_json(site.state / "secure" / "opened.json", {})
    atomic.write_json(site.state / "statistics" / "measured.json", {leaving.case_id: 1, others[0].case_id: 2})
    scores = {"cases": [{"case_id": case.case_id} for case in data.cases]}
    atomic.write_json(site.state / "reports" / "aa" / "holdout-global.json", scores)
    atomic.write_text(site.state / "reports" / "aa" / "holdout-global.html", f"<td>{leaving.case_id}</td>")
    atomic.write_json(site.state / "reports" / "bb" / "holdout-global.json", {"cases": []})
    log_failure(site.state, DataError(f"case {leaving.case_id}: t1: found no file"))
    return folder


def _write_pseudo_labels(site: Site, cases: Sequence[Case]) -> None:
    with unfinished_table(site.state, "aa") as table:
        for case in cases:
            write_mask(table, case.case_id, np.full((2, 2, 2), 3, np.uint8))
        labels = [
            PseudoLabel(case_id=case.case_id, task=Task.IDH, label=1, confidence=0.9, deviation=0.01) for case in cases
        ]
        masks = [PseudoMask(case_id=case.case_id, entropy=0.1, volume_ml=9.0) for case in cases]
        publish_table(table, round=2, model_id="m", labels=labels, masks=masks, about={"gate": True})


@pytest.fixture
def site(hospital: Path, tmp_path: Path) -> Site:
    return read_site(shutil.copytree(hospital, tmp_path / "north"))


@pytest.fixture
def leaving(site: Site) -> str:
    return open_local_data(site, CONFIG).cases[0].case_id


def run(*arguments: str) -> tuple[int, str]:
    done = CliRunner().invoke(cli, ["withdraw", *arguments])
    return done.exit_code, done.output if done.exception is None else f"{done.output}{done.exception}"


def bytes_with(folder: Path, name: str) -> list[str]:
    """Files that hold a name, in themselves or in their own."""
    found = [
        path
        for path in folder.rglob("*")
        if name in path.name or (path.is_file() and name.encode() in path.read_bytes())
    ]
    return [path.relative_to(folder).as_posix() for path in found]


def test_nothing_of_the_patient_stays_and_everybody_else_does(site: Site, leaving: str) -> None:
    others = [case.case_id for case in open_local_data(site, CONFIG).cases[1:]]
    kept = {path.relative_to(site.state) for path in site.state.rglob("*.npy") if others[0] in str(path)}
    before = {path for path in site.state.parent.rglob("*") if ".gmmas" not in str(path)}
    code, told = run(str(site.folder), leaving, "--yes", "--reason", "consent withdrawn")
    assert code == 0, told
    assert bytes_with(site.state, leaving) == []
    assert kept
    assert all((site.state / path).exists() for path in kept)
    assert sorted(read_pseudo_labels(site.state, "aa")) == sorted(others[:2]), "the table is whole for those who stay"
    assert not list((site.state / "replies" / "aa").iterdir())
    assert (site.state / "replies" / "bb" / "00001-00.safetensors").exists(), (
        "a run without the patient keeps its reply"
    )
    assert (site.state / "reports" / "bb" / "holdout-global.json").exists()
    assert "found no file" in (site.state / "failures.log").read_text(), "a log loses the name, not the line"
    assert {path for path in site.state.parent.rglob("*") if ".gmmas" not in str(path)} == before, "the hospital's own"
    assert "seen by run aa: 1 round(s)" in told
    assert "run bb" not in told
    assert "no bound can be stated" in told


def test_the_patient_is_never_read_again_though_the_files_lie_there(site: Site, leaving: str) -> None:
    everybody = {case.case_id: case.split for case in open_local_data(site, CONFIG).cases}
    assert run(str(site.folder), leaving, "--yes")[0] == 0
    left = {case.case_id: case.split for case in open_local_data(site, CONFIG).cases}
    assert left == {case: split for case, split in everybody.items() if case != leaving}, "nobody else is dealt anew"
    (folder,) = (path for path in site.folder.iterdir() if path.name == leaving)
    shutil.rmtree(folder)
    manifest = read_site_manifest(site, CONFIG.data)
    assert not [problem for problem in manifest.problems if problem.is_error], "a deleted folder is no error then"


def test_the_record_names_the_patient_by_a_keyed_name_alone(site: Site, leaving: str) -> None:
    run(str(site.folder), leaving, "--yes", "--by", "DPO", "--reason", "asked to")
    begun, finished = hash_chain.verify(site.state / record.FILE).entries
    names = Pseudonyms((site.state / KEY).read_bytes())
    assert begun["patients"] == [names.of_patient(leaving)]
    assert begun["cases"] == [names.of_case(leaving)] != begun["patients"]
    assert (begun["by"], begun["reason"]) == ("DPO", "asked to")
    assert finished["purged"]["prepared"] == 1
    assert (site.state / KEY).stat().st_mode & 0o777 == 0o600
    code, told = run(str(site.folder), "--list", "--json")
    assert code == 0
    assert [line["kind"] for line in json.loads(told)["withdrawals"]] == ["begun", "finished"]
    code, told = run(str(site.folder), leaving, "--yes", "--reason", f"{leaving} asked")
    assert code == 1
    assert "found the patient's id in it" in told


@pytest.mark.parametrize("killed_at", ["purge", "publish_folder", "finish"])
def test_killed_half_way_the_same_command_finishes(
    site: Site, leaving: str, killed_at: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def die(*_: object) -> None:
        raise KeyboardInterrupt

    home = {"purge": shutil, "publish_folder": pseudo_tables.atomic, "finish": record}[killed_at]
    with monkeypatch.context() as patch:
        patch.setattr(home, "rmtree" if killed_at == "purge" else killed_at, die)
        with pytest.raises(KeyboardInterrupt):
            withdraw(look_up(site, leaving, ()))
    assert leaving not in [case.case_id for case in open_local_data(site, CONFIG).cases], "excluded before all else"
    withdraw(look_up(site, leaving, ()))
    assert bytes_with(site.state, leaving) == []
    assert [line["kind"] for line in record.withdrawals(site.state)] == ["begun", "finished"]
    read_pseudo_labels(site.state, "aa")


def test_the_last_statistics_no_longer_say_in_which_cells_the_patient_was(site: Site, leaving: str) -> None:
    counts = {table.name: (0,) * len(table.cells) for table in FORM}
    told = Statistics(site=site.name, floor=5, epsilon=0.0, counts=counts)
    before = store(site, told, {leaving: {"sex": 1}, "another": {"sex": 0}}, None)
    withdraw(look_up(site, leaving, ()))
    after = read_stored(site)
    assert after is not None
    assert (after.told, after.key) == (before.told, before.key)
    assert sum(before.patients[name] == cells for name, cells in after.patients.items()) == 1, "another's stays"
    assert "" in after.patients.values()
    assert changed(after, {"another": {"sex": 0}}) == 1, "that somebody left counts as a change"
    assert not look_up(site, leaving, ()).traces["statistics"]


def test_a_dry_run_changes_nothing(site: Site, leaving: str) -> None:
    before = {path: path.read_bytes() for path in site.state.rglob("*") if path.is_file()}
    code, told = run(str(site.folder), leaving, "--dry-run", "--json")
    assert code == 0, told
    found = json.loads(told)["found"]
    once = ("prepared", "pseudo_labels", "replies", "rounds", "secure", "statistics", "failures.log")
    assert found == {"reports": 2, **dict.fromkeys(once, 1)}
    assert {path: path.read_bytes() for path in site.state.rglob("*") if path.is_file()} == before


def test_a_trace_where_nobody_knew_of_one_is_an_error(site: Site, leaving: str) -> None:
    (site.state / "new_writer.txt").write_text(f"{leaving} was here")
    code, told = run(str(site.folder), leaving, "--yes")
    assert code == 1
    assert "still named in 1 files" in told
    assert "new_writer.txt" in told
    assert [line["kind"] for line in record.withdrawals(site.state)] == ["begun"], "not called finished"


def test_what_importing_and_preparing_wrote_goes_too(site: Site, leaving: str) -> None:
    """import.json, sequences.tsv, raw.json and what a killed run left; the others' entries stay."""
    folder = site.folder / leaving
    folder.mkdir(exist_ok=True)
    (folder / "raw.json").write_text(json.dumps({"case_id": leaving}))
    (site.folder / ".raw-killed" / "converted").mkdir(parents=True)
    ledger = Ledger(
        imports={"egd": {"skipped": [{"name": leaving, "reason": "x"}, {"name": "other", "reason": "x"}]}},
        cases={case: {"from": "egd", "patient": case, "aliases": []} for case in (leaving, "other")},
    )
    ledger.save(site.folder)
    about = {"key": "s0", "label": "T1", "thickest_mm": 1.0, "sequence": "t1", "confidence": 0.9, "reasons": ""}
    write_rows(site.folder, [Row(case=case, used=True, decided="", **about) for case in (leaving, "other")])  # type: ignore[arg-type]
    code, told = run(str(site.folder), leaving, "--yes")
    assert code == 0, told
    assert not list(site.folder.glob(".raw-*"))
    assert not (folder / "raw.json").exists()
    for name in ("import.json", "sequences.tsv"):
        text = (site.folder / name).read_text()
        assert leaving not in text
        assert "other" in text
    kept = read_ledger(site.folder)
    assert kept is not None
    assert (list(kept.cases), kept.imports["egd"]["skipped"]) == (["other"], [{"name": "other", "reason": "x"}])
    raw = site.folder.parent / "raw" / leaving
    raw.mkdir(parents=True)
    done = CliRunner().invoke(cli, ["prepare", str(site.folder), "--raw", str(raw.parent), "--json"])
    assert (done.exit_code, json.loads(done.stdout)["failed"]) == (0, {}), "nobody who has left is prepared again"


def test_every_place_of_the_state_folder_is_in_the_table(site: Site, leaving: str) -> None:
    run(str(site.folder), leaving, "--yes")
    known = {*PLACES, *NAMELESS}
    assert {re.sub(r"\.\d$", "", path.name) for path in site.state.iterdir() if path.name[0] != "."} <= known


def test_a_folder_that_cannot_be_written_is_told_loudly(
    site: Site, leaving: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def forbidden(*_: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(shutil, "rmtree", forbidden)
    code, told = run(str(site.folder), leaving, "--yes")
    assert code == 1
    assert "cannot purge prepared (Permission denied)" in told
    assert [line["kind"] for line in record.withdrawals(site.state)] == ["begun"]


def test_a_full_disk_excludes_nobody_and_purges_nothing(
    site: Site, leaving: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> int:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(hash_chain.os, "write", full)
        with pytest.raises(DataError, match="No space left"):
            withdraw(look_up(site, leaving, ()))
    assert bytes_with(site.state, leaving), "what is not excluded is not purged: it would come back"


def test_a_lost_key_or_a_changed_record_stops_all_reading(site: Site, leaving: str) -> None:
    run(str(site.folder), leaving, "--yes")
    key = (site.state / KEY).read_bytes()
    (site.state / KEY).unlink()
    with pytest.raises(DataError, match="found none beside"):
        open_local_data(site, CONFIG)
    (site.state / KEY).write_bytes(key)
    lines = (site.state / record.FILE).read_text()
    (site.state / record.FILE).write_text(lines.replace("begun", "bogus"))
    with pytest.raises(DataError, match=r"withdrawals\.jsonl line 1"):
        open_local_data(site, CONFIG)


def test_a_node_at_work_sends_nothing_about_who_has_left(site: Site, leaving: str) -> None:
    cases = open_local_data(site, CONFIG).cases
    with at_work(site.state, "training", "aa", 3), pytest.raises(DataError, match="expected it idle"):
        withdraw(look_up(site, leaving, ()))
    with pytest.raises(FederationError, match="changed during the work"):
        require_all_here(site, cases)
    withdraw(look_up(site, leaving, ()))
    with pytest.raises(FederationError, match="has trained before"):
        require_unmixed(site, plan("aa", 1))
    require_unmixed(site, plan("aa", 2))
    require_unmixed(site, plan("bb", 1))


def test_participation_names_cases_by_keyed_names(site: Site, leaving: str) -> None:
    first, second = participation(site.state)
    names = Pseudonyms((site.state / KEY).read_bytes())
    assert names.of_case(leaving) in first["cases"]["train"]
    assert names.of_case(leaving) not in second["cases"]["train"]
    assert leaving not in (site.state / PARTICIPATION).read_text()


def test_whoever_reads_the_table_asks_who_has_left() -> None:
    """The reading room's look at a single new case is the one exception: `give` asks for itself."""
    root = Path(__file__).resolve().parents[2] / "client"
    forgetful = []
    for path in sorted(root.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            is_read = isinstance(node, ast.Call) and ast.unparse(node.func) in ("read_cases", "read_manifest")
            if is_read and "is_excluded" not in [keyword.arg for keyword in node.keywords]:
                forgetful.append(path.relative_to(root).as_posix())
    assert forgetful == ["reading_room/contributions/give.py"]


def test_somebody_unknown_is_an_error_and_so_is_an_id_no_table_can_hold(site: Site) -> None:
    for given, words in (("nobody-1", "found nobody of that id"), ("../north", "found other characters")):
        code, told = run(str(site.folder), given, "--yes")
        assert code == 1
        assert words in told
    assert not (site.state / record.FILE).exists()
