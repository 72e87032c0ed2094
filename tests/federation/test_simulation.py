"""Flower's Simulation Engine (Ray) plays the very same federation as the in-process grid."""

import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from gmmas_core.weights import weights_hash
from server.lab.engines import flower, in_process
from server.records.checkpoints import newest_valid
from server.records.run_folder import RunFolder

STAGES = ("supervised", "calibrate", "pseudo_label", "semi_supervised")
"""One of each kind of work; how every stage is played by processes of its own is in test_processes.py."""


def nothing(kind: str, fields: Mapping[str, Any]) -> None:
    """A watcher that does not look."""


def final_hash(folder: Path) -> str:
    checkpoint = newest_valid(RunFolder(folder).checkpoints)
    assert checkpoint is not None
    return weights_hash(checkpoint.weights)


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_the_simulation_engine_computes_the_same_bytes(
    sites: list[Path], overrides: Sequence[str], curriculum: Sequence[str], tmp_path: Path
) -> None:
    """On one thread per site; a site's stored replies would hide a difference, so each engine has its own copy."""
    few = ",".join(f"{{stage:{stage},rounds:1}}" for stage in STAGES)
    chosen = [*overrides, *curriculum, f"curriculum.stages=[{few}]"]
    for name, engine in (("one", in_process), ("ray", flower)):
        copies = [shutil.copytree(site, tmp_path / name / site.name) for site in sites]
        for copy in copies:
            shutil.rmtree(copy / ".gmmas" / "replies", ignore_errors=True)
            with (copy / "site.yaml").open("a") as file:
                file.write("threads: 1\n")
        report = engine(copies, chosen, RunFolder(tmp_path / f"run-{name}"), nothing)
        assert [entry["stage"] for entry in report["rounds"]] == list(STAGES)
        assert [sorted(entry["sites"]) for entry in report["rounds"]] == [["east", "north", "south"]] * len(STAGES)
    assert final_hash(tmp_path / "run-ray") == final_hash(tmp_path / "run-one")
