"""Reading brains together answers what reading each alone answers."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from client.data.local_data import open_local_data
from client.site import read_site
from gmmas_core.checkpoint import LoadedModel
from gmmas_core.config import Config, load_config
from gmmas_core.data.preprocess import Prepared
from gmmas_core.inference import predict_case
from gmmas_core.inference.subsets import with_sequences
from gmmas_core.model.gmmas import build_model
from server.lab.study.batch_reading import fits_one_window, read_all
from server.lab.study.data import shared_test_sites, write_data
from server.lab.study.scoring import score_test_set
from server.lab.study.sizes import SIZES

SIZE = replace(SIZES["quick"], mode="micro", voxels=32, train=1, validation=1, test=3)


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("study") / "data"
    write_data(folder, SIZE)
    return folder


@pytest.fixture(scope="module")
def config() -> Config:
    return load_config(["experiment=study_quick", "model.channels=[8,8,8,8]", "model.embed_dim=16"])


@pytest.fixture(scope="module")
def loaded(config: Config) -> LoadedModel:
    """Untrained: its segmentation is everywhere, which is the harder comparison."""
    model = build_model(config.model, config.task_list, loss=config.loss, seed=0).eval()
    calibration = {"temperature": {"idh": 2.0, "codel_1p19q": 0.5}}
    return LoadedModel(model=model, config=config, model_id="m", calibration=calibration, provenance={}, warnings=())


@pytest.fixture(scope="module")
def brains(data: Path, config: Config) -> list[Prepared]:
    opened = open_local_data(read_site(shared_test_sites(data)[0]), config)
    return [opened.cache.open(case).full() for case in opened.cases]


@pytest.mark.parametrize("postprocess", ["none", "paper", "multifocal"])
def test_together_is_as_alone(brains: list[Prepared], loaded: LoadedModel, config: Config, postprocess: str) -> None:
    config = replace(config, evaluation=replace(config.evaluation, postprocess=postprocess))
    cases = [brains[0], with_sequences(brains[0], ["flair"]), brains[1]]
    assert all(fits_one_window(case, config) for case in cases)
    for case, answer in zip(cases, read_all(cases, loaded, config, "cpu"), strict=True):
        alone = predict_case(case, loaded.model, config, model_id="m", calibration=loaded.calibration)
        assert answer.probability == pytest.approx(dict(alone.probability), abs=1e-5)
        assert np.mean(answer.seg_XYZ == alone.seg_XYZ) > 0.999  # arg max may tip where two classes are level


def test_what_one_window_does_not_hold_is_read_alone_in_its_place(
    brains: list[Prepared], loaded: LoadedModel, config: Config
) -> None:
    flipped = replace(config, evaluation=replace(config.evaluation, flips=True))
    assert not fits_one_window(brains[0], flipped)
    assert not fits_one_window(brains[0], replace(config, model=replace(config.model, crop_size=16)))
    answers = read_all(brains[:2], loaded, flipped, "cpu")
    for case, answer in zip(brains[:2], answers, strict=True):
        alone = predict_case(case, loaded.model, flipped, model_id="m", calibration=loaded.calibration)
        assert answer.probability == dict(alone.probability)


def test_every_test_case_is_scored_once_and_complete_ones_from_all_subsets(
    data: Path, loaded: LoadedModel, config: Config
) -> None:
    records = score_test_set(shared_test_sites(data), loaded, config, 2)
    assert len({record["case"] for record in records}) == len(records) == 9
    with_subsets = [record for record in records if "subsets" in record]
    assert [(record["site"], len(record["subsets"])) for record in with_subsets] == [("east", 15), ("north", 15)]
    for record in with_subsets:
        everything = record["subsets"]["t1+t1c+t2+flair"]
        assert everything["dice"] == pytest.approx(record["dice"], abs=1e-2)
        assert everything["probability"] == pytest.approx(record["probability"], abs=1e-5)
