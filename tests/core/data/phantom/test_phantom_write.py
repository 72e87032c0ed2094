"""Site folders on disk: reproducible, stable when they grow, readable by the site's own reader."""

import hashlib
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
import yaml

from gmmas_core.data.manifest import read_cases
from gmmas_core.data.phantom import HOSPITALS, make_case, write_federation
from gmmas_core.data.phantom.write import TRUTH_FILE, draw_patient
from gmmas_core.errors import ConfigError, DataError
from gmmas_core.types import ENHANCING, SEQUENCES, Task

SEED, SITES, CASES, SIZE = 7, 4, 5, 24


@pytest.fixture(scope="module")
def federation(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("phantom") / "sites"
    write_federation(out, sites=SITES, cases=CASES, size=SIZE, seed=SEED)
    return out


def digests(folder: Path) -> dict[str, str]:
    """Path in the folder -> sha256, of every NIfTI file."""
    files = sorted(folder.rglob("*.nii.gz"))
    return {str(file.relative_to(folder)): hashlib.sha256(file.read_bytes()).hexdigest() for file in files}


def rows(folder: Path) -> list[dict[str, str]]:
    header, *lines = (folder / "participants.tsv").read_text().splitlines()
    return [dict(zip(header.split("\t"), line.split("\t"))) for line in lines]


def test_layout(federation: Path) -> None:
    names = [effects.name for effects in HOSPITALS]
    assert sorted(path.name for path in federation.iterdir()) == sorted([*names, TRUTH_FILE])
    for name in names:
        settings = yaml.safe_load((federation / name / "site.yaml").read_text())
        assert settings == {"site": name, "label_convention": "brats2021", "cohort_floor": 1}
        assert [row["split"] for row in rows(federation / name)] == ["n/a"] * CASES
        assert not list((federation / name).glob("*truth*"))


def test_same_seed_same_bytes(federation: Path, tmp_path: Path) -> None:
    write_federation(tmp_path / "again", sites=SITES, cases=CASES, size=SIZE, seed=SEED)
    assert digests(tmp_path / "again") == digests(federation)
    for name in (effects.name for effects in HOSPITALS):
        table = (tmp_path / "again" / name / "participants.tsv").read_bytes()
        assert table == (federation / name / "participants.tsv").read_bytes()


def test_other_seed_other_patients(federation: Path, tmp_path: Path) -> None:
    write_federation(tmp_path / "other", sites=1, cases=CASES, size=SIZE, seed=SEED + 1)
    assert not set(digests(tmp_path / "other").values()) & set(digests(federation).values())


def test_more_sites_and_cases_keep_the_earlier_ones(federation: Path, tmp_path: Path) -> None:
    write_federation(tmp_path / "fewer", sites=2, cases=3, size=SIZE, seed=SEED)
    fewer, more = digests(tmp_path / "fewer"), digests(federation)
    assert fewer
    assert fewer.items() <= more.items()
    assert rows(tmp_path / "fewer" / "east") == rows(federation / "east")[:3]


def test_the_sites_own_reader_takes_it(federation: Path) -> None:
    for effects in HOSPITALS:
        folder = federation / effects.name
        cases = read_cases(folder, effects.name, holdout_share=0.2, validation_share=0.0)
        assert len(cases) == CASES
        for number, (case, row) in enumerate(zip(cases, rows(folder))):
            latent, _ = draw_patient(effects, (SEED, HOSPITALS.index(effects), number))
            for task in (Task.IDH, Task.CODEL, Task.HISTOLOGY):
                assert case.labels[task] == (-1 if row[task] == "n/a" else latent.labels[task])
            assert case.age == pytest.approx(latent.age, abs=0.06)
            for path in case.images.values():
                assert nib.load(path).shape == (SIZE, SIZE, SIZE)


def test_missing_is_really_absent(federation: Path) -> None:
    south = read_cases(federation / "south", "south", holdout_share=0.2, validation_share=0.0)
    assert all("t1" not in case.images and len(case.images) == 3 for case in south)
    assert all(case.labels[Task.CODEL] == -1 for case in south)
    assert not list((federation / "south").rglob("*_t1.nii.gz"))
    assert any(case.mask is None for case in south)
    north = read_cases(federation / "north", "north", holdout_share=0.2, validation_share=0.0)
    assert all(case.mask is not None for case in north)


def test_orientations_agree_in_millimetres(federation: Path) -> None:
    """What a file says about a point in mm does not depend on the order of its axes."""
    for number, effects in enumerate(HOSPITALS):
        latent, rng = draw_patient(effects, (SEED, number, 0))
        drawn = make_case(latent, SIZE, rng, effects)
        name = f"sub-{number + 1:02d}0001"
        for sequence in set(SEQUENCES) - set(effects.missing):
            file = nib.load(federation / effects.name / name / f"{name}_{sequence.replace('t1c', 't1ce')}.nii.gz")
            assert "".join(nib.aff2axcodes(file.affine)) == effects.orientation
            assert file.header["sform_code"] > 0
            voxel = np.argwhere(drawn.brain_XYZ)[::500]
            point = (voxel - (SIZE - 1) / 2) * (192 / SIZE)
            there = np.rint(nib.affines.apply_affine(np.linalg.inv(file.affine), point)).astype(int)
            values = np.asarray(file.dataobj)[tuple(there.T)]
            assert np.array_equal(values, drawn.images[sequence][tuple(voxel.T)])


def test_masks_are_in_the_declared_convention(federation: Path) -> None:
    found: set[int] = set()
    for path in federation.rglob("*_seg.nii.gz"):
        found |= set(np.unique(np.asarray(nib.load(path).dataobj)).tolist())
    assert found == {0, 1, 2, 4}
    latent, rng = draw_patient(HOSPITALS[0], (SEED, 0, 0))
    drawn = make_case(latent, SIZE, rng, HOSPITALS[0])
    on_disk = nib.as_closest_canonical(nib.load(federation / "north" / "sub-010001" / "sub-010001_seg.nii.gz"))
    assert np.array_equal(np.asarray(on_disk.dataobj) == 4, drawn.seg_XYZ == ENHANCING)


def test_truth_lies_beside_the_sites(federation: Path) -> None:
    header, *lines = (federation / TRUTH_FILE).read_text().splitlines()
    assert len(lines) == SITES * CASES
    assert {"tumour_class", "enhancement", "mismatch"} <= set(header.split("\t"))


def test_six_cases_show_both_idh_classes(tmp_path: Path) -> None:
    for seed in range(20):
        for number, effects in enumerate(HOSPITALS):
            classes = {draw_patient(effects, (seed, number, case))[0].labels[Task.IDH] for case in range(6)}
            assert classes == {0, 1}


def test_progress_counts_every_case(tmp_path: Path) -> None:
    seen: list[tuple[int, int]] = []
    write_federation(tmp_path / "sites", sites=2, cases=2, size=24, seed=0, on_progress=lambda *step: seen.append(step))
    assert seen == [(1, 4), (2, 4), (3, 4), (4, 4)]


def test_a_folder_with_content_is_refused(tmp_path: Path) -> None:
    (tmp_path / "keep.txt").write_text("mine")
    with pytest.raises(DataError, match="not empty"):
        write_federation(tmp_path, sites=1, cases=1, size=24, seed=0)
    with pytest.raises(DataError, match="not empty"):
        write_federation(tmp_path / "keep.txt", sites=1, cases=1, size=24, seed=0)
    assert [path.name for path in tmp_path.iterdir()] == ["keep.txt"]


def test_an_unwritable_place_is_a_data_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(DataError, match="expected a folder to write in"):
        write_federation(tmp_path / "file" / "sites", sites=1, cases=1, size=24, seed=0)


def test_every_bad_number_is_named_at_once(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"sites: found 0.*cases: found -1.*size: found 8.*seed: found -3"):
        write_federation(tmp_path / "sites", sites=0, cases=-1, size=8, seed=-3)
    assert not (tmp_path / "sites").exists()


def test_an_interruption_leaves_nothing(tmp_path: Path) -> None:
    def interrupt(done: int, total: int) -> None:
        if done == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_federation(tmp_path / "sites", sites=2, cases=2, size=24, seed=0, on_progress=interrupt)
    assert list((tmp_path / "sites").iterdir()) == []
