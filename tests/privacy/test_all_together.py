"""Missing sequences, pseudo-labels, record-level noise, secure sums, an interruption and a resume in one run."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from client.privacy.audit import departures
from client.privacy.budget import spent_epsilon
from client.site import read_site
from gmmas_core.data.phantom import write_federation
from gmmas_core.training.protection import GRADIENT_STAGES
from gmmas_core.types import Sum
from server.lab.engines import in_process
from server.ledger import Ledger, verify
from server.records.ledger_entries import metrics_from_entry
from server.records.run_folder import RunFolder

STAGES = ("supervised", "pseudo_label", "semi_supervised", "distill")
EXTRA = (
    "privacy=secure_sum",
    "evaluation.local_only=false",
    f"curriculum.stages=[{','.join(f'{{stage:{stage},rounds:1}}' for stage in STAGES)}]",
    "data.tumor_cutmix=none",
    "loss.class_weighting=none",
    "pseudo_labels.balance=0",
    "pseudo_labels.mask_entropy_quantile=1",
    "pseudo_labels.mc_passes=2",
    "pseudo_labels.confidence=0.5",
    "pseudo_labels.deviation=1",
    "pseudo_labels.gate_accuracy=0",
    "pseudo_labels.gate_dice=0",
    "pseudo_labels.mask_volume_ml=0",
    "adaptation.collapse_share=0",
)
POLICY = "privacy: {epsilon: 50, delta: 0.001, noise_multiplier: 1, secure_sum: required, min_sites: 2}\n"


class Stopped(Exception):
    """The coordinator's machine goes away."""


@pytest.mark.slow
def test_everything_holds_in_one_run(overrides: Sequence[str], tmp_path: Path) -> None:
    sites = sorted(write_federation(tmp_path / "sites", sites=3, cases=6, size=32, seed=1))
    for site in sites:
        with (site / "site.yaml").open("a") as file:
            file.write(POLICY)
    settings = [*overrides, *EXTRA]
    folder = RunFolder(tmp_path / "run")

    def stop(kind: str, fields: Mapping[str, Any]) -> None:
        if kind == "site-counted" and fields["round"] == 3:
            raise Stopped

    with pytest.raises(Stopped):
        in_process(sites, settings, folder, stop)
    report = in_process(sites, settings, folder, lambda kind, fields: None)
    assert verify(folder.ledger) == []
    assert [entry["stage"] for entry in report["rounds"]] == list(STAGES)
    assert [entry["secure"]["sites"] for entry in report["rounds"]] == [["east", "north", "south"]] * len(STAGES)
    assert report["rounds"][2]["secure"]["attempt"] == 1  # begun anew with fresh keys, and with the same update
    rounds = [entry for entry in Ledger(folder.ledger).entries() if entry["kind"] == "round"]
    told = [metrics_from_entry(entry["sites"]["secure sum"]["metrics"]) for entry in rounds]
    losses = [metric for metrics in told for key, metric in metrics.items() if key.startswith("train-")]
    assert losses
    assert set(losses) == {Sum(0.0, 0)}  # nothing is told of training patients but the noisy weights
    paid = sum(stage in GRADIENT_STAGES for stage in STAGES)
    for path in sites:
        site = read_site(path)
        spent = spent_epsilon(site)
        assert (spent.rounds, spent.steps, spent.unprotected_rounds) == (paid, 2 * paid, 0)  # the stop cost nothing
        assert 0 < spent.epsilon <= 50
        left = departures(site.state)
        assert not left.problem
        assert {"train.advertise", "train.share", "train.mask", "train.confirm", "train.unmask"} <= {
            entry["what"] for entry in left.entries
        }
        assert "train" not in {entry["what"] for entry in left.entries}  # no single update
