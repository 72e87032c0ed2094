"""What is said beside a segmentation: plain JSON, flags where they belong, reasons instead of zeros."""

import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from client.predicting.findings import findings
from client.predicting.prediction import case_from_folder
from gmmas_core.checkpoint import LoadedModel, load_model, save_model
from gmmas_core.config import load_config
from gmmas_core.data.nifti import load_volume
from gmmas_core.data.phantom import write_federation
from gmmas_core.inference import CaseReading
from gmmas_core.model.gmmas import build_model
from gmmas_core.types import DISCLAIMER, Case, CaseResult, Task


@pytest.fixture(scope="module")
def loaded(tmp_path_factory: pytest.TempPathFactory) -> LoadedModel:
    config = load_config(["experiment=smoke"])
    model = build_model(config.model, config.task_list, loss=config.loss, seed=4)
    folder = tmp_path_factory.mktemp("run") / "model"
    save_model(folder, model, config, {"rounds": 0}, {"temperature": {"idh": 2.0}})
    return load_model(folder)


@pytest.fixture(scope="module")
def phantom(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A case folder with all sequences and a mask."""
    (site,) = write_federation(tmp_path_factory.mktemp("sites"), sites=1, cases=8, size=48, seed=0)
    folders = [folder for folder in sorted(site.glob("sub-*")) if len(list(folder.glob("*.nii.gz"))) == 5]
    return folders[0]


def read_of(phantom: Path, case: Case, *, is_empty: bool = False) -> CaseReading:
    """As a perfect model would give it: the phantom's own mask."""
    mask = load_volume(next(phantom.glob("*_seg.nii.gz")))
    seg_XYZ = np.where(mask.data == 4, 3, mask.data).astype(np.uint8) * (0 if is_empty else 1)
    result = CaseResult(
        case_id=case.case_id,
        seg_XYZ=seg_XYZ,
        affine_44=mask.affine_44,
        volume_ml={},
        probability={Task.HISTOLOGY: 0.2, Task.IDH: 0.9, Task.CODEL: 0.6},
        epistemic={},
        aleatoric={},
        region_uncertainty={},
        region_epistemic={},
        region_aleatoric={},
        sequences_used=tuple(case.images),
        sequences_missing=(),
        not_assessable={},
        abstained={"segmentation": "no tumour found"} if is_empty else {},
        model_id="m",
    )
    five = np.linspace(-0.04, 0.04, 5)
    return CaseReading(
        result=result,
        entropy_XYZ=torch.zeros(seg_XYZ.shape),
        prob_M={task: value + five for task, value in result.probability.items()},
        passes_ml={"wt": (10.0, 20.0, 30.0, 40.0, 5000.0)},
    )


def test_everything_is_json_and_types_are_ranked(phantom: Path, loaded: LoadedModel) -> None:
    case = case_from_folder(phantom)
    read = read_of(phantom, case)
    result = read.result
    facts = json.loads(json.dumps(findings(case, read, loaded), allow_nan=False))
    voxel_ml = abs(np.linalg.det(result.affine_44[:3, :3])) / 1000
    assert facts["measures"]["volume"]["wt"]["value"] == pytest.approx((result.seg_XYZ > 0).sum() * voxel_ml)
    assert facts["measures"]["disclaimer"] == DISCLAIMER
    interval = facts["measures"]["volume"]["wt"]["interval"]
    assert interval["low"] == pytest.approx(12.0)
    assert interval["high"] == pytest.approx(40.0 + 0.8 * 4960.0)
    assert facts["intervals"]["idh"] == {
        "low": pytest.approx(0.864),
        "high": pytest.approx(0.936),
        "num_passes": 5,
    }
    types = facts["suggested"]["types"]
    assert types[2]["interval"]["low"] == pytest.approx(1 - 0.936)
    assert [each["probability"] for each in types] == pytest.approx([0.6, 0.3, 0.1])
    assert "ligodendroglioma" in types[0]["name"]
    assert not any("grade" in each["name"].lower() for each in types)
    assert facts["suggested"]["uncalibrated"] == ["histology", "codel_1p19q"]
    assert {check["id"] for check in facts["checks"]} >= {"tumour_found", "skull", "duplicates"}


def test_no_tumour_fails_and_suggests_nothing(phantom: Path, loaded: LoadedModel) -> None:
    case = case_from_folder(phantom)
    facts = findings(case, read_of(phantom, case, is_empty=True), loaded)
    assert facts["verdict"] == "fail"
    assert facts["suggested"]["types"] == []
    assert set(facts["suggested"]["not_assessable"]) == {"histology", "idh", "codel_1p19q"}
    assert "reason" in facts["measures"]["volume"]["wt"]


def test_swapped_sequences_are_flagged(phantom: Path, loaded: LoadedModel, tmp_path: Path) -> None:
    folder = tmp_path / phantom.name
    shutil.copytree(phantom, folder)
    one, other = next(folder.glob("*_t2.nii.gz")), next(folder.glob("*_flair.nii.gz"))
    kept = one.read_bytes()
    one.write_bytes(other.read_bytes())
    other.write_bytes(kept)
    case = case_from_folder(folder)
    facts = findings(case, read_of(phantom, case), loaded)
    assert [check for check in facts["checks"] if check["id"] == "fluid" and check["verdict"] != "pass"]


def test_a_map_of_doubt_gives_the_volumes_a_range(phantom: Path, loaded: LoadedModel) -> None:
    case = case_from_folder(phantom)
    read = replace(read_of(phantom, case), passes_ml={})
    entropy_XYZ = np.where(read.result.seg_XYZ > 0, 0.9, 0.0).astype(np.float32)
    interval = findings(case, read, loaded, entropy_XYZ)["measures"]["volume"]["wt"]["interval"]
    assert interval["low"] < interval["high"]
