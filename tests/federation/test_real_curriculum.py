"""The whole curriculum on eight real gliomas, two of them stripped of masks and labels; contracts, not accuracy."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from client.predicting.prediction import case_from_folder, read_case
from gmmas_core.checkpoint import load_model
from server.lab.deal import deal_sites
from server.lab.engines import in_process
from server.records.run_folder import RunFolder

pytestmark = [pytest.mark.realdata, pytest.mark.slow]


def test_every_stage_runs_on_real_mri_and_the_model_reads_what_it_was_not_made_for(
    real_data: Path, overrides: Sequence[str], curriculum: Sequence[str], stages: Sequence[str], tmp_path: Path
) -> None:
    sites = deal_sites("brats_unlabelled", real_data, tmp_path / "sites")
    folder = RunFolder(tmp_path / "run")
    report = in_process(sites, [*overrides, *curriculum, "data.tumor_cutmix=anatomical"], folder, lambda *_: None)
    assert [entry["stage"] for entry in report["rounds"]] == list(stages)
    assert all(not entry["left_out"] for entry in report["rounds"])
    south = report["pseudo_labels"]["south"]
    assert south["idh"]["asked"] == south["segmentation"]["asked"] == 1
    assert report["pseudo_labels"]["east"]["idh"]["asked"] == 0
    loaded = load_model(folder.model)
    config = replace(loaded.config, evaluation=replace(loaded.config.evaluation, mc_passes=3))
    metastasis = read_case(case_from_folder(real_data / "ood" / "BraTS-MET-00110-000"), loaded, config, "cpu")
    assert metastasis.seg_XYZ.shape == (240, 240, 155)
    assert all(0 <= value <= np.log(2) for value in metastasis.epistemic.values())
    assert set(metastasis.epistemic) == set(config.task_list)
