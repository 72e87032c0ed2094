"""Label shares: what is withheld is withheld, what is linked is whole, and no test patient is trained on."""

from dataclasses import replace
from pathlib import Path

import pytest

from client.data.local_data import open_local_data
from client.site import read_site
from gmmas_core.config import load_config
from gmmas_core.data.geometry import load_volume
from gmmas_core.types import UNKNOWN, Case
from server.lab.study.data import Variant, labelled_cases, shared_test_sites, variant_sites, write_data
from server.lab.study.sizes import SIZES, StudySize

SIZE = replace(SIZES["quick"], mode="micro", voxels=24, train=10, validation=2, test=3)


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("study") / "data"
    write_data(folder, SIZE)
    return folder


def cases_of(site: Path) -> tuple[Case, ...]:
    return open_local_data(read_site(site), load_config(["experiment=study_quick"])).cases


def test_a_fifth_keeps_labels_and_masks(data: Path) -> None:
    sites = variant_sites(data, Variant("federated", 20, masks=True))
    assert [site.name for site in sites] == ["east", "north", "south"]
    for site in sites:
        train = [case for case in cases_of(site) if case.split == "train"]
        known = [case for case in train if case.mask is not None]
        assert (len(train), len(known)) == (10, 2)
        for case in train:
            assert all((label != UNKNOWN) == (case in known) for task, label in case.labels.items() if task != "mgmt")
        validation = [case for case in cases_of(site) if case.split == "validation"]
        assert len(validation) == 2
        assert all(case.mask is not None for case in validation)


def test_everything_is_there_at_a_hundred_percent_and_links_open(data: Path) -> None:
    for site in variant_sites(data, Variant("federated", 100, masks=True)):
        for case in cases_of(site):
            assert case.mask is not None
            assert case.labels["codel_1p19q"] != UNKNOWN
            assert ("t1" in case.images) == (site.name != "south")
        assert load_volume(next(iter(case.images.values()))).data.shape == (24, 24, 24)


def test_no_test_patient_is_trained_on(data: Path) -> None:
    tested = {case.patient_id for site in shared_test_sites(data) for case in cases_of(site)}
    trained = {case.patient_id for site in (data / "complete").iterdir() for case in cases_of(site)}
    assert (len(tested), len(trained)) == (9, 36)
    assert not tested & trained
    assert {case.split for site in shared_test_sites(data) for case in cases_of(site)} == {"holdout"}


def test_groups_hold_whom_they_name(data: Path) -> None:
    names = {
        group: [site.name for site in variant_sites(data, Variant(group, 100, masks=False))]
        for group in ("pooled", "only-north", "without-north")
    }
    assert names == {"pooled": ["pooled"], "only-north": ["north"], "without-north": ["east", "south"]}
    pooled = cases_of(data / "variants" / "pooled-100-unmasked" / "pooled")
    assert len(pooled) == 36
    assert not any(case.mask for case in pooled)


def test_label_shares_are_nested() -> None:
    names = [f"c{number}" for number in range(50)]
    assert labelled_cases(names, 20) < labelled_cases(names, 60) < labelled_cases(names, 100) == frozenset(names)


def test_phantoms_are_written_once_and_again_for_another_size(tmp_path: Path) -> None:
    small: StudySize = replace(SIZE, sites=1, train=1, validation=1, test=1)
    written: list[int] = []
    for size in (small, small, replace(small, test=2)):
        drawn: list[None] = []
        write_data(tmp_path / "data", size, lambda drawn=drawn: drawn.append(None))  # type: ignore[misc]
        written.append(len(drawn))
    assert written == [3, 0, 4]
