"""A whole federation under secure sums: missing sequences, every stage, pseudo-labels, an interruption and a resume."""

import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from gmmas_core.data.phantom import write_federation
from gmmas_core.weights import weights_hash
from server.lab.engines import in_process
from server.ledger import verify
from server.records.checkpoints import read_checkpoint
from server.records.run_folder import RunFolder

STAGES = ("supervised", "calibrate", "pseudo_label", "semi_supervised", "distill", "calibrate")
EXTRA = (
    "privacy=secure_sum",
    "training.local_steps=1",
    f"curriculum.stages=[{','.join(f'{{stage:{stage},rounds:1}}' for stage in STAGES)}]",
    "data.validation_share=0.25",
    "data.tumor_cutmix=paper",
    "pseudo_labels.mc_passes=2",
    "pseudo_labels.confidence=0.5",
    "pseudo_labels.deviation=1",
    "pseudo_labels.gate_accuracy=0",
    "pseudo_labels.gate_dice=0",
    "pseudo_labels.mask_volume_ml=0",
    "calibration.min_cases=2",
    "calibration.min_per_class=1",
)


class Stopped(Exception):
    """The coordinator's machine goes away."""


@pytest.mark.slow
def test_masks_pseudo_labels_secure_sums_and_resume_together(overrides: Sequence[str], tmp_path: Path) -> None:
    sites = sorted(write_federation(tmp_path / "sites", sites=3, cases=6, size=32, seed=1))
    for site in sites:
        with (site / "site.yaml").open("a") as file:
            file.write("privacy: {secure_sum: required, min_sites: 2}\n")
    settings = [*overrides, *EXTRA]
    folder, whole = RunFolder(tmp_path / "stopped"), RunFolder(tmp_path / "whole")

    def stop(kind: str, fields: Mapping[str, Any]) -> None:
        if kind == "site-counted" and fields["round"] == 4:
            raise Stopped

    with pytest.raises(Stopped):
        in_process(sites, settings, folder, stop)
    report = in_process(sites, settings, folder, lambda kind, fields: None)
    assert verify(folder.ledger) == []
    assert [entry["stage"] for entry in report["rounds"]] == list(STAGES)
    assert [entry["secure"]["sites"] for entry in report["rounds"]] == [["east", "north", "south"]] * len(STAGES)
    assert report["rounds"][3]["secure"]["attempt"] == 1  # begun before the stop, and begun anew with fresh keys
    assert all(list(entry["sites"]) == ["secure sum"] for entry in report["rounds"])
    weights = report["rounds"][0]["sites"]["secure sum"]["weights"]
    assert 0 < weights["stem.t1"] < weights["stem.t2"]  # south has no T1
    assert report["pseudo_labels"]["secure sum"]["segmentation"]["asked"] > 0
    assert report["calibration"]["fit"]
    assert any("per-site numbers are not known" in row["what"] for row in report["incidents"])
    assert "per-site numbers are not known to the coordinator" in folder.report_html.read_text()
    assert report["evaluations"][-1]["pooled"]["segmentation"]["wt"]["n"] > 0
    for site in sites:
        assert not (site / ".gmmas" / "replies").exists()  # nothing that could leave as a single update
        shutil.rmtree(site / ".gmmas" / "secure")
    in_process(sites, settings, whole, lambda kind, fields: None)
    last = f"round-{len(STAGES):06d}"
    assert weights_hash(read_checkpoint(folder.checkpoints / last).weights) == weights_hash(
        read_checkpoint(whole.checkpoints / last).weights
    )
