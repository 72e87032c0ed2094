"""Preflight: each way to spoil a folder is found, all at once, and nothing is written."""

import gzip
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
import pytest
from numpy.typing import NDArray

from client.checks.report import problem_lines
from client.checks.site_folder import check_site, read_site_manifest, summarise
from client.site import Site, write_site
from gmmas_core.config import Config
from gmmas_core.data.problems import Problem

EDGE = 16
LPS = np.diag([-1.0, -1.0, 1.0, 1.0])


def brain(seed: int) -> NDArray[np.int16]:
    """A ball of noise in an empty background, 16³."""
    grid = np.indices((EDGE,) * 3) - (EDGE - 1) / 2
    inside = (grid**2).sum(axis=0) < (0.4 * EDGE) ** 2
    return (inside * np.random.default_rng(seed).integers(100, 1000, (EDGE,) * 3)).astype(np.int16)


def tumour(*values: int) -> NDArray[np.uint8]:
    """A mask with a few voxels of each value near the centre."""
    mask = np.zeros((EDGE,) * 3, np.uint8)
    for place, value in enumerate(values):
        mask[6 + place, 6:10, 6:10] = value
    return mask


def save(path: Path, data: NDArray[Any], affine: NDArray[np.float64] = LPS) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    nib.save(nib.Nifti1Image(data, affine), path)


def add_case(folder: Path, case: str, seed: int, mask: NDArray[Any] | None = None) -> None:
    for place, name in enumerate(("t1", "t1ce", "t2", "flair")):
        save(folder / case / f"{case}_{name}.nii.gz", brain(10 * seed + place))
    save(folder / case / f"{case}_seg.nii.gz", tumour(1, 2, 4) if mask is None else mask)


@pytest.fixture
def site(tmp_path: Path) -> Site:
    """Four sound cases of four patients; tests spoil them."""
    for seed, case in enumerate("abcd"):
        add_case(tmp_path, case, seed)
    rows = "a\ttrain\tmutant\nb\ttrain\tn/a\nc\tvalidation\twildtype\nd\tholdout\twildtype\n"
    (tmp_path / "participants.tsv").write_text("participant_id\tsplit\tidh\n" + rows)
    return write_site(tmp_path, "north", "brats2021", cohort_floor=2)


def check(site: Site, config: Config) -> list[Problem]:
    return check_site(site, config.data)


def snapshot(folder: Path) -> Mapping[str, bytes]:
    return {str(path): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def test_a_sound_folder_has_no_problem_and_stays_untouched(site: Site, tiny_config: Config) -> None:
    before = snapshot(site.folder)
    calls: list[tuple[int, int]] = []
    assert check_site(site, tiny_config.data, lambda done, total: calls.append((done, total))) == []
    assert calls == [(1, 4), (2, 4), (3, 4), (4, 4)]
    assert snapshot(site.folder) == before


def test_everything_wrong_with_files_is_listed_at_once(site: Site, tiny_config: Config) -> None:
    root = site.folder
    whole = (root / "a" / "a_t1.nii.gz").read_bytes()
    (root / "a" / "a_t1.nii.gz").write_bytes(whole[: len(whole) // 2])
    (root / "a" / "a_t1ce.nii.gz").write_bytes(gzip.compress(b"no image at all" * 100))
    save(root / "a" / "a_t2.nii.gz", np.stack([brain(1), brain(2)], axis=-1))
    save(root / "a" / "a_flair.nii.gz", np.where(brain(3) > 500, np.nan, brain(3)).astype(np.float32))
    save(root / "b" / "b_t1.nii.gz", np.zeros((EDGE,) * 3, np.int16))
    save(root / "b" / "b_t2.nii.gz", brain(12), np.diag([1.0, 1.0, 1.0, 1.0]))
    save(root / "b" / "b_seg.nii.gz", tumour())
    save(root / "c" / "c_seg.nii.gz", tumour(1, 2, 3))
    save(root / "d" / "d_seg.nii.gz", tumour(1, 2, 4)[:-1])
    save(root / "d" / "d_t1.nii.gz", brain(31))  # the voxels of d_t1ce
    lines = [str(problem) for problem in check(site, tiny_config) if problem.is_error]
    for start, part in (
        ("case a, t1: ", ""),
        ("case a, t1c: ", "NIfTI"),
        ("case a, t2: ", "4-D"),
        ("case a, flair: ", "NaN"),
        ("case b, t1: ", "found the value 0 in every voxel"),
        ("case b, t2: ", "expected the grid of t1: 16x16x16 voxels of 1x1x1 mm, LPS"),
        ("case b, mask: ", "found an empty mask; expected an outlined tumour, or no mask"),
        ("case c, mask: ", "found label values 0, 1, 2, 3; expected only 0, 1, 2, 4 (brats2021); if these are"),
        ("case d, mask: ", "found 15x16x16 voxels"),
        ("case d, t1c: ", "found the same image as t1"),
    ):
        assert any(line.startswith(start) and part in line for line in lines), (start, part, lines)
    assert len(lines) == 10
    assert all(str(root) not in line for line in lines)
    assert all("; expected " in line for line in lines)


def test_no_mask_is_fine_where_an_empty_one_is_not(site: Site, tiny_config: Config) -> None:
    (site.folder / "b" / "b_seg.nii.gz").unlink()
    assert check(site, tiny_config) == []


def test_any_subset_of_sequences_is_fine(site: Site, tiny_config: Config) -> None:
    for name in ("t1", "t1ce", "t2"):
        (site.folder / "b" / f"b_{name}.nii.gz").unlink()
    assert check(site, tiny_config) == []


def test_one_patient_under_two_names_is_found_by_the_voxels(site: Site, tiny_config: Config) -> None:
    image = nib.load(site.folder / "a" / "a_t2.nii.gz")
    (site.folder / "d" / "d_t2.nii.gz").unlink()
    nib.save(image, site.folder / "d" / "d_t2.nii")  # not compressed: other bytes, same voxels
    (problem,) = check(site, tiny_config)
    assert str(problem).startswith("case d, t2: found the same image as in case a")
    assert problem.is_error


def test_skull_cut_view_and_misplaced_mask_are_warnings(site: Site, tiny_config: Config) -> None:
    noise = np.random.default_rng(0).integers(1, 50, (EDGE,) * 3).astype(np.int16)
    save(site.folder / "a" / "a_flair.nii.gz", brain(3) + noise)
    cut = brain(10)
    cut[:, :, : EDGE // 2] = 0
    save(site.folder / "b" / "b_t1.nii.gz", cut)
    save(site.folder / "c" / "c_seg.nii.gz", np.roll(tumour(1, 2, 4), 8, axis=1))
    problems = check(site, tiny_config)
    assert [problem.severity for problem in problems] == ["warning"] * 3
    lines = [str(problem) for problem in problems]
    assert any(line.startswith("case a: found hardly any empty background in flair") for line in lines)
    assert any(line.startswith("case b, t1: found signal in 50% of the brain") for line in lines)
    assert any(line.startswith("case c, mask: found") and "where every image is 0" in line for line in lines)


def test_whole_lesion_masks_are_suspected(site: Site, tiny_config: Config) -> None:
    for case in "abcd":
        save(site.folder / case / f"{case}_seg.nii.gz", tumour(1))
    (problem,) = check(site, tiny_config)
    assert "necrotic core and nothing else in all 4 masks" in problem.found


def test_flat_images_are_refused(site: Site, tiny_config: Config) -> None:
    for path in (site.folder / "a").iterdir():
        save(path, np.asarray(nib.load(path).dataobj)[:, :, 6:9])
    found = {problem.where: problem.found for problem in check(site, tiny_config) if problem.is_error}
    assert found["t1"] == "only 3 slices along one axis"


def test_a_site_below_its_own_floor_is_told(site: Site, tiny_config: Config) -> None:
    (problem,) = check(replace(site, cohort_floor=3), tiny_config)
    assert str(problem).startswith("site.yaml: found 2 training cases with a cohort_floor of 3")
    assert not problem.is_error


def test_the_table_s_problems_come_along(site: Site, tiny_config: Config) -> None:
    with (site.folder / "participants.tsv").open("a") as file:
        file.write("e\tfold3\tperhaps\n")
    save(site.folder / "b" / "b_seg.nii.gz", tumour())
    lines = [str(problem) for problem in check(site, tiny_config)]
    assert sum("participants.tsv line 6" in line for line in lines) == 3  # split, idh, no such folder
    assert any(line.startswith("case b, mask") for line in lines)


def test_equal_problems_of_many_cases_take_one_line(site: Site, tiny_config: Config) -> None:
    for case in "abcd":
        save(site.folder / case / f"{case}_seg.nii.gz", tumour(1, 2, 3))
    problems = check(site, tiny_config)
    assert len(problems) == 4
    (line,) = problem_lines(problems)
    assert line.startswith("error: cases a, b, c and 1 more, mask: found label values 0, 1, 2, 3; expected only")


def test_summary_counts_by_split(site: Site, tiny_config: Config) -> None:
    (site.folder / "b" / "b_t1ce.nii.gz").unlink()
    summary = summarise(read_site_manifest(site, tiny_config.data).cases)
    assert summary.cases == {"train": 2, "validation": 1, "holdout": 1}
    assert summary.labels["idh"] == {"train": 1, "validation": 1, "holdout": 1}
    assert summary.sequences["t1c"] == {"train": 1, "validation": 1, "holdout": 1}
    assert summary.masks == {"train": 2, "validation": 1, "holdout": 1}


@pytest.mark.realdata
@pytest.mark.slow
def test_real_folder(real_data: Path, tiny_config: Config, tmp_path: Path) -> None:
    table = "participant_id\tfolder\n" + "".join(
        f"{path.name}\t{path.relative_to(real_data)}\n"
        for path in (real_data / "brats2021" / "BraTS2021_01482", real_data / "tcga" / "TCGA-FG-6692")
    )
    raw = real_data / "raw" / "TCGA-FG-6692"
    for name in ("brats2021", "tcga"):
        (tmp_path / name).symlink_to(real_data / name)
    (tmp_path / "raw-6692").symlink_to(raw)
    (tmp_path / "participants.tsv").write_text(table + "raw-6692\traw-6692\n")
    site = write_site(tmp_path, "north", "brats2021")
    problems = check(site, tiny_config)
    lines = [str(problem) for problem in problems if problem.is_error]
    # Before preprocessing T2 and FLAIR lie on grids of their own; the other cases are sound.
    assert len(lines) == 2
    assert all(line.startswith("case raw-6692, ") and "expected the grid of t1" in line for line in lines)
    assert any("case raw-6692: found hardly any empty background" in str(problem) for problem in problems)
