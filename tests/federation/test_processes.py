"""The federation as real processes on loopback: SuperLink, three SuperNodes, a launched run; slow, refused and clean.

What happens when one of them is killed is in tests/faults.
"""

import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest

from server.lab.engines import engine_of, in_process
from server.ledger import Ledger
from server.records.checkpoints import newest_valid
from server.records.run_folder import RunFolder
from server.run import Watch

pytestmark = [pytest.mark.process, pytest.mark.timeout(1200)]


def nothing(kind: str, fields: Mapping[str, Any]) -> None:
    """A watcher that does not look."""


@pytest.fixture(scope="module")
def hospitals(sites: list[Path], tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Copies that compute on one thread, so that every engine computes the same bytes; one path holds a space."""
    root = tmp_path_factory.mktemp("three hospitals")
    for site in sites:
        shutil.copytree(site, root / site.name)
        shutil.rmtree(root / site.name / ".gmmas" / "replies", ignore_errors=True)
        with (root / site.name / "site.yaml").open("a") as file:
            file.write("threads: 1\n")
    return sorted(root.iterdir())


def play(hospitals: list[Path], overrides: Sequence[str], folder: Path, watch: Watch = nothing) -> dict[str, Any]:
    return engine_of("processes")(hospitals, overrides, RunFolder(folder), watch)


def final_weights(folder: Path) -> dict[str, Any]:
    checkpoint = newest_valid(RunFolder(folder).checkpoints)
    assert checkpoint is not None
    return dict(checkpoint.weights)


def processes_of(site: Path) -> list[psutil.Process]:
    """A site's keeper, node, worker and whatever answers a message just now."""
    wanted = f'site="{site / "site.yaml"}"'
    return [each for each in psutil.process_iter(["cmdline"]) if wanted in (each.info["cmdline"] or [])]


def left_behind(folder: Path, hospitals: list[Path]) -> list[str]:
    """Command lines of processes that still name the run or one of its sites."""
    names = (str(folder), str(hospitals[0].parent))
    lines = [" ".join(each.info["cmdline"] or []) for each in psutil.process_iter(["cmdline"])]
    return [line for line in lines if any(name in line for name in names)]


def test_processes_train_the_same_model_as_one_process(
    hospitals: list[Path],
    overrides: Sequence[str],
    curriculum: Sequence[str],
    stages: Sequence[str],
    tmp_path: Path,
) -> None:
    """Every stage of the curriculum, with real SuperNodes."""
    seen: list[str] = []
    chosen = [*overrides, *curriculum]
    report = play(hospitals, chosen, tmp_path / "run", lambda kind, _: seen.append(kind))
    assert [entry["stage"] for entry in report["rounds"]] == list(stages)
    assert [sorted(entry["sites"]) for entry in report["rounds"]] == [["east", "north", "south"]] * len(stages)
    assert (tmp_path / "run" / "report.html").is_file()
    assert (tmp_path / "run" / "model" / "model.safetensors").is_file()
    assert seen.count("round-finished") == len(stages)
    assert left_behind(tmp_path / "run", hospitals) == []
    for site in hospitals:
        shutil.rmtree(site / ".gmmas" / "replies", ignore_errors=True)
    in_process(hospitals, chosen, RunFolder(tmp_path / "one"), nothing)
    ours, theirs = final_weights(tmp_path / "run"), final_weights(tmp_path / "one")
    assert ours.keys() == theirs.keys()
    assert all(np.isfinite(ours[name]).all() and np.array_equal(ours[name], theirs[name]) for name in ours)


def test_a_round_closes_without_a_site_that_does_not_answer(
    hospitals: list[Path], overrides: Sequence[str], tmp_path: Path
) -> None:
    """Its processes are stopped, neither dead nor alive: nothing but the deadline tells."""
    frozen: list[psutil.Process] = []

    def watch(kind: str, fields: Mapping[str, Any]) -> None:
        if kind == "enlisted":
            # Whatever starts while the others are being stopped is stopped as well.
            while started := [each for each in processes_of(hospitals[2]) if each not in frozen]:
                for each in started:
                    each.suspend()
                frozen.extend(started)
        elif kind == "round-finished":
            for each in frozen:
                each.resume()

    chosen = [*overrides, "rounds=1", "federation.deadline_s=90", "federation.least_deadline_s=90"]
    report = play(hospitals, [*chosen, "acceptance.check=none"], tmp_path / "run", watch)
    assert frozen
    (only,) = report["rounds"]
    assert sorted(only["sites"]) == ["east", "north"]
    assert only["left_out"] == {"south": "no reply within 90 s"}
    assert all(np.isfinite(value).all() for value in final_weights(tmp_path / "run").values())
    assert left_behind(tmp_path / "run", hospitals) == []


def test_a_federation_below_its_quorum_fails_loudly(
    hospitals: list[Path], overrides: Sequence[str], tmp_path: Path
) -> None:
    """Two of three hospitals refuse by policy; the command ends with the reason and not with 0."""
    root = tmp_path / "sites"
    shutil.copytree(hospitals[0].parent, root)
    for name in ("east", "north"):
        with (root / name / "site.yaml").open("a") as file:
            file.write("allowed_stages: [something_else]\n")
    command = [sys.executable, "-c", "from server.lab.cli import main; main()", "simulate", *overrides, "rounds=1"]
    command += ["federation.void_repeats=0"]
    command += [f"data.root={root}", "data.workers=1", "--engine", "processes", "--run-dir", str(tmp_path / "run")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    said = " ".join(done.stderr.split())
    assert done.returncode == 1, said
    assert "found 1 good replies; expected the quorum of 2" in said
    assert "policy" in said
    assert "Traceback" not in said
    assert not (tmp_path / "run" / "model").exists()
    assert [entry["kind"] for entry in Ledger(tmp_path / "run" / "ledger.jsonl").entries()][-2:] == [
        "round-void",
        "paused",
    ]
    assert left_behind(tmp_path / "run", [root / "east"]) == []
