"""A federation learns what its patients' images look like; the model folder knows it, and predict abstains by it."""

import json
import shutil
from collections.abc import Callable, Sequence
from functools import reduce
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from client.data.local_data import open_local_data
from client.predicting.prediction import case_from_folder, prepare, read_prepared
from client.reading_room.reading.without import read_without
from client.site import read_site
from gmmas_core.checkpoint import CARD, load_model
from gmmas_core.data.phantom import write_federation
from gmmas_core.data.preprocess import Prepared
from gmmas_core.metrics.evaluation import add
from gmmas_core.novelty.features import NAMES
from gmmas_core.novelty.gaussian import fit
from gmmas_core.novelty.sums import PREFIX, sum_key, sum_patients
from gmmas_core.quality import Verdict
from gmmas_core.signing import make_key, read_private_key
from gmmas_core.training.patient_features import features_at, first_studies
from gmmas_core.types import DataError, Sum
from server.distribution import distribution_of, fitted_of, unfit_distances
from server.ledger import Ledger
from server.records.ledger_entries import metrics_from_entry
from server.records.run_folder import RunFolder
from server.release.candidate import enlisted_sites
from server.release.releases import publish
from server.report.control import incidents

Play = Callable[..., dict[str, Any]]
CALIBRATED = (
    "curriculum.stages=[{stage:supervised,rounds:1},{stage:calibrate,rounds:1}]",
    "data.validation_share=0.45",
    "data.holdout_share=0.1",
)


@pytest.fixture(scope="module")
def sites(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Four hospitals of twenty-two; south has no T1."""
    return sorted(write_federation(tmp_path_factory.mktemp("fed") / "sites", sites=4, cases=22, size=32, seed=2))


@pytest.fixture(scope="module")
def played(sites: list[Path], overrides: Sequence[str], tmp_path_factory: pytest.TempPathFactory) -> RunFolder:
    from server.lab.engines import in_process

    folder = RunFolder(tmp_path_factory.mktemp("run") / "run")
    in_process(sites, [*overrides, *CALIBRATED], folder, lambda kind, fields: None)
    return folder


@pytest.mark.slow
def test_the_model_folder_knows_the_gaussian_of_all_training_patients(played: RunFolder, sites: list[Path]) -> None:
    loaded = load_model(played.model)
    assert loaded.distribution is not None
    found = loaded.distribution.gaussian
    rows = []
    for folder in sites:
        data = open_local_data(read_site(folder), loaded.config)
        rows += [features_at(case, data.cache) for case in first_studies(data.split("train"))]
    pooled = fit(sum_patients(rows))
    assert pooled is not None
    np.testing.assert_allclose(found.mean_F, pooled.mean_F, atol=1e-9)
    np.testing.assert_allclose(found.covariance_FF, pooled.covariance_FF, atol=1e-9)
    assert found.patients == pooled.patients
    assert found.patients["t1"] < found.patients["t1c"]
    assert {"t1c+t2+flair", "t2", "flair"} <= set(loaded.distribution.limits)
    card = (played.model / CARD).read_text()
    assert f"sequences than {', '.join(sorted(loaded.distribution.limits))}." in card
    make_key(played.path.parent / "key")
    line = publish(played, read_private_key(played.path.parent / "key"), override="Ada Example: walks a path in a test")
    released = load_model(played.releases / line["version"]).distribution
    assert released is not None
    assert released.limits == loaded.distribution.limits


def _all_state_but_prepared(folder: str, names: list[str]) -> set[str]:
    return {*names} - {"prepared"} if Path(folder).name == ".gmmas" else set()


@pytest.mark.slow
def test_under_secure_sums_and_record_level_noise_only_unprotected_hospitals_are_in_it(
    played: RunFolder, sites: list[Path], overrides: Sequence[str], tmp_path: Path
) -> None:
    """The same run once more, whole, under masks; west has a budget now, so its exact sums stay where they are."""
    from server.lab.engines import in_process

    copied = tmp_path / "sites"
    shutil.copytree(sites[0].parent, copied, ignore=_all_state_but_prepared)
    secure = [copied / site.name for site in sites]
    with (copied / "west" / "site.yaml").open("a") as file:
        file.write("privacy: {epsilon: 50, delta: 0.001, noise_multiplier: 1, secure_sum: required, min_sites: 2}\n")
    folder = RunFolder(tmp_path / "run")
    separable = ("data.tumor_cutmix=none", "loss.class_weighting=none", "evaluation.local_only=false")
    in_process(secure, [*overrides, *CALIBRATED, *separable, "privacy=secure_sum"], folder, lambda kind, fields: None)
    (summed,) = (entry for entry in Ledger(folder.ledger).entries() if entry.get("stage") == "calibrate")
    assert summed["secure"]["sites"] == [site.name for site in sites]
    assert list(summed["sites"]) == ["secure sum"]
    found = load_model(folder.model).distribution
    (line,) = (entry for entry in Ledger(played.ledger).entries() if entry.get("stage") == "calibrate")
    parts = {name: metrics_from_entry(part["metrics"]) for name, part in line["sites"].items()}
    others = fit(reduce(add, [part for name, part in parts.items() if name != "west"]))
    assert found is not None
    assert others is not None
    assert parts["west"][sum_key(NAMES.index("t2-low"), ("t2",))] != Sum(0.0, 0)
    assert found.gaussian.patients == others.patients
    np.testing.assert_allclose(found.gaussian.mean_F, others.mean_F, atol=1e-5)
    np.testing.assert_allclose(found.gaussian.covariance_FF, others.covariance_FF, atol=1e-4)
    assert found.limits


@pytest.mark.slow
def test_a_case_is_held_against_it_and_a_strange_one_gets_no_answer(played: RunFolder, sites: list[Path]) -> None:
    loaded = load_model(played.model)
    folder = next(path for path in sorted(sites[0].iterdir()) if (path / f"{path.name}_t1.nii.gz").is_file())
    prepared = prepare(case_from_folder(folder), loaded.config)
    read = read_prepared(prepared, loaded, loaded.config, "cpu")
    assert read.unlike is not None
    assert read.unlike.verdict is not Verdict.NOT_ASSESSABLE
    rng = np.random.default_rng(0)
    noise = 3 * rng.standard_normal(prepared.image_CXYZ.shape) * (prepared.image_CXYZ != 0)
    values = {**vars(prepared), "image_CXYZ": (prepared.image_CXYZ + noise).astype(np.float16)}
    strange = read_prepared(Prepared(**values), loaded, loaded.config, "cpu")
    assert strange.unlike is not None
    assert strange.unlike.verdict is Verdict.FAIL
    assert {task.value for task in loaded.config.task_list} <= set(strange.result.abstained)
    line = read_without("t2", Prepared(**values), strange.result, loaded, loaded.config, "cpu")
    assert line["probability_change"] == {}, "no answer, and none by the way of its change"


@pytest.mark.slow
def test_a_site_whose_sums_no_patients_can_have_is_left_out(played: RunFolder) -> None:
    entries = [dict(entry) for entry in Ledger(played.ledger).entries()]
    config = load_model(played.model).config
    true = fitted_of(entries, config)
    assert true is not None
    assert true.refused == {}
    line = next(entry for entry in reversed(entries) if entry["kind"] == "round")
    line["sites"] = json.loads(json.dumps(line["sites"]))
    name, part = sorted(line["sites"].items())[0]
    sums = part["metrics"]["sums"]
    for key in sums:
        if key.startswith(f"{PREFIX}sum."):
            sums[key] = [1e12, sums[key][1]]
    lied = fitted_of(entries, config)
    assert lied is not None
    assert set(lied.refused) == {name}
    assert lied.distribution.gaussian.patients["t2"] < true.distribution.gaussian.patients["t2"]
    assert distribution_of(entries, config)["limits"] == {}, "distances were measured from another Gaussian"


@pytest.mark.slow
def test_a_site_that_claims_distances_of_more_patients_than_it_has_is_left_out_and_named(played: RunFolder) -> None:
    """Else one hospital that answers for a million patients sets everybody's limits."""
    entries = list(Ledger(played.ledger).entries())
    (line,) = (entry for entry in entries if entry["kind"] == "distances")
    cases = {site: part["cases"]["validation"] for site, part in enlisted_sites(entries).items()}
    assert unfit_distances(line["sites"], cases) == {}
    claims = {**cases, "west": line["sites"]["west"]["num_cases"] - 1}
    assert list(unfit_distances(line["sites"], claims)) == ["west"]
    rows = incidents([{**line, "refused": unfit_distances(line["sites"], claims)}])
    assert [(row["site"], "left out" in row["what"]) for row in rows] == [("west", True)]


@pytest.mark.slow
def test_a_damaged_or_foreign_distribution_makes_no_model_folder(played: RunFolder, tmp_path: Path) -> None:
    copy = tmp_path / "model"
    shutil.copytree(played.model, copy)
    content = json.loads((copy / "distribution.json").read_text())
    (copy / "distribution.json").write_text(json.dumps({**content, "shrinkage": 0.5}))
    with pytest.raises(DataError, match="sha256"):
        load_model(copy)
    (copy / "distribution.json").unlink()
    with pytest.raises(DataError, match=r"distribution\.json"):
        load_model(copy)
    record = json.loads((copy / "provenance.json").read_text())
    del record["files"]["distribution.json"]
    (copy / "provenance.json").write_text(json.dumps(record))
    with pytest.raises(DataError, match="identity"):
        load_model(copy)
