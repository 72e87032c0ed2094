"""The study of the detector on a few phantoms, and on the real cases where they are: numbers, and no AUROC from one."""

import json
from pathlib import Path

import numpy as np
import pytest

from gmmas_core.checkpoint import save_model
from gmmas_core.config import load_config
from gmmas_core.data.sequences import find_sequences
from gmmas_core.model.gmmas import build_model
from gmmas_core.novelty.features import NAMES
from gmmas_core.novelty.gaussian import distance, fit
from gmmas_core.novelty.sums import sum_patients
from server.lab.study.novelty.findings import conclusion
from server.lab.study.novelty.groups import USUAL, Seen
from server.lab.study.novelty.network import K, compare
from server.lab.study.novelty.patients import read
from server.lab.study.novelty.ranked import share
from server.lab.study.novelty.sizes import NoveltySize
from server.lab.study.novelty.study import study_novelty


@pytest.mark.slow
def test_a_small_study_finds_what_is_gross_and_says_what_it_misses(tmp_path: Path) -> None:
    size = NoveltySize(
        mode="test", voxels=24, train=12, validation=12, test=6, strangers=3, new_hospitals=1, floor=3, resamples=50
    )
    config = load_config(["experiment=smoke", "model=smallest", "data.spacing_mm=8"])
    network = build_model(config.model, config.task_list, loss=config.loss, seed=0)
    save_model(tmp_path / "model", network, config, {"rounds": 0})
    study = study_novelty(size, tmp_path / "study", model=tmp_path / "model")
    rows = {row["name"]: row for row in study["groups"]}
    tried = {row["name"]: row for row in study["network"]["groups"]}
    assert 0 < tried["strong noise"]["cases"] < rows["strong noise"]["cases"], "south has no T1"
    assert tried["two tumours"]["gain"]["value"] == pytest.approx(
        tried["two tumours"]["both"]["value"] - tried["two tumours"]["images"]["value"]
    )
    assert sum(row["cases"] for row in study["alarms"]) == study["groups"][0]["cases"]
    usual = rows["unseen patients of the federation's hospitals"]
    assert usual["auroc"] is None
    assert usual["cases"] + usual["not_assessable"] == 24
    assert rows["inverted brightness"]["auroc"]["value"] > 0.9
    assert json.loads((tmp_path / "study" / "study.json").read_text()) == json.loads(json.dumps(study))
    assert study["disclaimer"] in (tmp_path / "study" / "study.html").read_text()
    assert "5 % are intended" in (tmp_path / "study" / "study.md").read_text()


def test_a_study_in_which_nobody_could_be_judged_says_so() -> None:
    row = {"name": "north", "auroc": None, "warned": share([]), "out": share([])}
    (line,) = conclusion({"groups": [row], "alarms": [row], "real": [], "network": None})
    assert "none could be judged" in line


def test_a_gain_of_the_networks_features_is_seen_and_told_from_none() -> None:
    rng = np.random.default_rng(0)

    def cases(count: int, shift: float) -> list[Seen]:
        features_NF = 0.3 + 0.2 * rng.standard_normal((count, len(NAMES)))
        network_NK = shift + 0.1 * rng.standard_normal((count, K))
        return [
            Seen(patient=f"{rng.random()}", hospital="north", features_F=images_F, network_K=network_K)
            for images_F, network_K in zip(features_NF, network_NK)
        ]

    train, held = cases(80, 0.0), cases(40, 0.0)
    gaussian = fit(sum_patients([case.features_F for case in train]))
    assert gaussian is not None
    groups = {USUAL: cases(40, 0.0), "strange inside": cases(40, 0.2), "the same": cases(40, 0.0)}
    found = compare(gaussian, train, held, groups, resamples=100)
    inside, same = found["groups"]
    assert inside["network"]["value"] > 0.95
    assert inside["gain"]["interval"][0] > 0
    assert same["gain"]["interval"][0] < 0 < same["gain"]["interval"][1]
    assert found["alarms"]["value"] < 0.2


@pytest.mark.slow
@pytest.mark.realdata
def test_a_raw_head_lies_far_from_prepared_gliomas(real_data: Path) -> None:
    """T1 alone of one head: the raw one is another patient's than those of the Gaussian. One case shows no rate."""

    def features(home: Path) -> np.ndarray:
        return read(home.name, {"t1": find_sequences(home).images["t1"]}, 1.0).features_F

    gliomas = [features(home) for home in sorted((real_data / "brats2021").iterdir()) if home.is_dir()]
    raw, twin = features(real_data / "raw" / "TCGA-FG-6692"), features(real_data / "tcga" / "TCGA-FG-6692")
    gaussian = fit(sum_patients(gliomas), fewest=2)
    assert gaussian is not None
    far, near = distance(gaussian, raw), distance(gaussian, twin)
    assert far is not None
    assert near is not None
    assert far > near + 5
