"""The cache heals, never serves old content, and reads patches without reading volumes."""

import json
import multiprocessing
import os
import shutil
import time
from dataclasses import replace
from pathlib import Path

import nibabel as nib
import numpy as np
import psutil
import pytest

from gmmas_core.data.cache import PreparedCache, prepare_all
from gmmas_core.data.cache_entry import MAX_TUMOUR_VOXELS, open_entry, read_entry, write_entry
from gmmas_core.data.grid import Grid
from gmmas_core.data.preprocess import ContextFrame, Prepared, PrepareSettings, prepare_case
from gmmas_core.types import Case, DataError, Task

SETTINGS = PrepareSettings(spacing_mm=1.0, context_size=16, label_convention="canonical")
SHAPE = (26, 30, 24)


def make_case(folder: Path, case_id: str = "c1", seed: int = 0, mask: bool = True) -> Case:
    folder.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(seed)
    index = np.indices(SHAPE).astype(float)
    radius = np.sqrt(sum(((index[k] - n / 2) / (n / 2 - 3)) ** 2 for k, n in enumerate(SHAPE)))
    images = {}
    for sequence in ("t1", "flair"):
        images[sequence] = folder / f"{case_id}_{sequence}.nii.gz"
        data = np.where(radius < 1, rng.integers(100, 900, SHAPE), 0).astype(np.int16)
        nib.save(nib.Nifti1Image(data, np.diag([-1.0, -1.0, 1.0, 1.0])), images[sequence])
    seg = (radius < 0.4).astype(np.uint8) * 2 + (radius < 0.2).astype(np.uint8)
    if mask:
        nib.save(nib.Nifti1Image(seg, np.diag([-1.0, -1.0, 1.0, 1.0])), folder / f"{case_id}_seg.nii.gz")
    return Case(
        case_id=case_id,
        patient_id=case_id,
        site="a",
        images=images,
        mask=folder / f"{case_id}_seg.nii.gz" if mask else None,
        labels=dict.fromkeys(Task, -1),
        label_source={},
        split="train",
    )


def stamp(entry_folder: Path) -> int:
    """Changes when an entry was written again."""
    return (entry_folder / "meta.json").stat().st_ino * 10**20 + (entry_folder / "meta.json").stat().st_mtime_ns


def assert_same(one: Prepared, other: Prepared) -> None:
    for name in ("image_CXYZ", "seg_XYZ", "context_CXYZ", "context_seg_XYZ", "available_C"):
        np.testing.assert_array_equal(getattr(one, name), getattr(other, name))
    for name in ("native", "inside"):
        assert getattr(one, name).shape == getattr(other, name).shape
        np.testing.assert_array_equal(getattr(one, name).affine_44, getattr(other, name).affine_44)
    assert (one.case_id, one.crop_start, one.context_frame) == (other.case_id, other.crop_start, other.context_frame)


@pytest.fixture
def case(tmp_path) -> Case:
    return make_case(tmp_path / "data")


@pytest.fixture
def cache(tmp_path) -> PreparedCache:
    return PreparedCache(tmp_path / "cache", SETTINGS)


def test_what_is_read_is_what_was_prepared(case, cache):
    assert not cache.is_ready(case)
    opened = cache.open(case)
    assert cache.is_ready(case)
    assert_same(opened.full(), prepare_case(case, SETTINGS))
    assert isinstance(opened.image_CXYZ, np.memmap)
    assert opened.image_CXYZ.dtype == np.float16
    with pytest.raises(ValueError, match="read-only"):
        opened.image_CXYZ[0, 0, 0, 0] = 1
    assert opened.has_seg
    labels = opened.seg_XYZ[tuple(opened.tumour_N3.T)]
    assert set(labels.tolist()) == {2, 3}
    assert 0 < len(opened.tumour_N3) <= MAX_TUMOUR_VOXELS


def test_second_call_only_looks(case, cache):
    first = cache.ensure(case)
    mark = stamp(first.folder)
    assert stamp(cache.ensure(case).folder) == mark
    assert stamp(PreparedCache(cache.folder, SETTINGS).ensure(case).folder) == mark


def test_touched_file_of_the_same_content_is_not_prepared_again(case, cache):
    mark = stamp(cache.ensure(case).folder)
    os.utime(case.images["t1"], ns=(1, 1))
    assert stamp(cache.ensure(case).folder) == mark
    moved = case.images["t1"].with_name("elsewhere.nii.gz")
    shutil.copy(case.images["t1"], moved)
    assert stamp(cache.ensure(replace(case, images={**case.images, "t1": moved})).folder) == mark


def test_changed_content_is_prepared_again_and_the_old_entry_goes(case, cache):
    old = cache.ensure(case).folder
    before = cache.open(case).full()
    make_case(case.images["t1"].parent, seed=5)
    new = cache.ensure(case).folder
    assert new != old
    assert not old.exists()
    assert_same(cache.open(case).full(), prepare_case(case, SETTINGS))
    assert (cache.open(case).full().image_CXYZ != before.image_CXYZ).any()


def test_a_mask_that_appears_or_a_sequence_that_goes_changes_the_entry(case, cache):
    assert not cache.open(replace(case, mask=None)).has_seg
    assert cache.open(case).has_seg
    only = replace(case, images={"flair": case.images["flair"]})
    assert cache.open(only).available_C.tolist() == [False, False, False, True]
    swapped = replace(case, images={"t1": case.images["flair"], "flair": case.images["t1"]})
    assert_same(cache.open(swapped).full(), prepare_case(swapped, SETTINGS))


@pytest.mark.parametrize("change", [{"spacing_mm": 2.0}, {"context_size": 8}, {"label_convention": "msd"}])
def test_other_settings_are_other_entries_side_by_side(case, cache, change):
    first = cache.ensure(case).folder
    other = PreparedCache(cache.folder, replace(SETTINGS, **change))
    assert not other.is_ready(case)
    assert other.ensure(case).folder != first
    assert cache.is_ready(case)
    assert_same(other.open(case).full(), prepare_case(case, other.settings))


@pytest.mark.parametrize("damage", ["truncated image", "lost file", "meta cut", "meta edited", "meta no object"])
def test_damaged_entry_is_rebuilt(case, cache, damage):
    folder = cache.ensure(case).folder
    if damage == "truncated image":
        os.truncate(folder / "image.npy", 1000)
    elif damage == "lost file":
        (folder / "context.npy").unlink()
    elif damage == "meta cut":
        os.truncate(folder / "meta.json", 40)
    elif damage == "meta edited":
        content = json.loads((folder / "meta.json").read_text())
        content["meta"]["crop_start"] = [9, 9, 9]
        (folder / "meta.json").write_text(json.dumps(content))
    else:
        (folder / "meta.json").write_text("[1, 2]")
    assert not cache.is_ready(case)
    assert_same(cache.open(case).full(), prepare_case(case, SETTINGS))


def test_leftovers_of_an_interrupted_write_are_ignored_and_removed(case, cache):
    home = cache.ensure(case).folder.parent
    shutil.rmtree(cache.ensure(case).folder)
    (home / "unfinished-abc").mkdir()
    (home / "unfinished-abc" / "image.npy").write_bytes(b"half")
    assert_same(cache.open(case).full(), prepare_case(case, SETTINGS))
    assert not list(home.glob("unfinished-*"))


def test_damaged_index_of_sources_only_costs_a_hash(case, cache):
    folder = cache.ensure(case).folder
    mark = stamp(folder)
    (folder.parent / "sources.json").write_text("{")
    assert stamp(cache.ensure(case).folder) == mark


def test_pseudonyms_with_odd_characters_stay_inside_the_cache(tmp_path, cache):
    for name in ("../up", "a/b", "..", "ä b", "x" * 300):
        case = replace(make_case(tmp_path / "data"), case_id=name)
        folder = cache.ensure(case).folder
        assert cache.folder.resolve() in folder.resolve().parents
    assert not (tmp_path / "up").exists()


def test_patch_copies_inside_and_pads_outside_with_zero(case, cache):
    opened = cache.open(case)
    full = np.zeros((4, *(n + 20 for n in opened.shape)), np.float16)
    full[:, 10:-10, 10:-10, 10:-10] = opened.image_CXYZ
    seg = np.zeros(full.shape[1:], np.uint8)
    seg[10:-10, 10:-10, 10:-10] = opened.seg_XYZ
    x, y, z = opened.shape
    for start in ((2, 3, 1), (-5, -1, -9), (x - 4, y - 1, z - 8), (-9, 4, z - 2), (-10, -10, -10), (x, y, z)):
        box = tuple(slice(s + 10, s + 20) for s in start)
        np.testing.assert_array_equal(opened.image_patch(start, (10, 10, 10)), full[:, *box])
        np.testing.assert_array_equal(opened.seg_patch(start, (10, 10, 10)), seg[box])
    patch = opened.image_patch((0, 0, 0), (4, 4, 4))
    patch[:] = 1
    np.testing.assert_array_equal(opened.image_patch((-10, -10, -10), full.shape[1:]), full)


def test_patch_of_a_case_without_mask_has_no_labels(tmp_path, cache):
    opened = cache.open(make_case(tmp_path / "data", mask=False))
    assert not opened.has_seg
    assert opened.tumour_N3.shape == (0, 3)
    assert opened.context_seg() is None
    with pytest.raises(ValueError, match="no mask"):
        opened.seg_patch((0, 0, 0), (4, 4, 4))


def resident_bytes(path: Path) -> int:
    """Bytes of this process' mappings of a file that are in memory because they were touched."""
    total, ours = 0, False
    for line in Path("/proc/self/smaps").read_text().splitlines():
        if "-" in line.split(" ")[0]:
            ours = line.endswith(str(path))
        elif ours and line.startswith("Rss:"):
            total += int(line.split()[1]) * 1024
    return total


def test_reading_a_patch_does_not_read_the_volume(tmp_path):
    shape = (160, 190, 150)
    grid = Grid(shape, np.eye(4))
    image = np.random.default_rng(0).integers(1, 9, (4, *shape)).astype(np.float16)
    prepared = Prepared(
        case_id="big",
        image_CXYZ=image,
        seg_XYZ=None,
        context_CXYZ=np.zeros((4, 8, 8, 8), np.float16),
        context_seg_XYZ=None,
        available_C=np.ones(4, dtype=bool),
        native=grid,
        inside=grid,
        crop_start=(0, 0, 0),
        context_frame=ContextFrame(origin_3=(0.0, 0.0, 0.0), edge=190.0),
    )
    write_entry(tmp_path, prepared)
    opened = open_entry(read_entry(tmp_path))
    path = tmp_path / "image.npy"
    assert resident_bytes(path) <= 128 * 1024
    patch = opened.image_patch((60, 70, 40), (32, 32, 32))
    np.testing.assert_array_equal(patch, image[:, 60:92, 70:102, 40:72])
    assert 0 < resident_bytes(path) < 0.5 * path.stat().st_size  # the kernel maps up to 2 MB around a touched page


def test_files_that_change_while_read_are_not_published(case, cache):
    from gmmas_core.data.cache_entry import Sources

    home = cache.ensure(case).folder.parent
    sources = Sources(case, home)
    time.sleep(0.02)
    make_case(case.images["t1"].parent, seed=3)
    with pytest.raises(DataError, match="case c1: found files that changed while they were read"):
        sources.require_unchanged()


def test_missing_source_is_named_and_nothing_is_left(case, cache):
    case.images["flair"].unlink()
    with pytest.raises(DataError, match="case c1: flair: found a file that cannot be read"):
        cache.ensure(case)
    assert not cache.is_ready(case)


def test_unwritable_cache_says_so(case, tmp_path):
    (tmp_path / "cache").write_text("a file where the folder should be")
    with pytest.raises(DataError, match="found the cache unusable"):
        PreparedCache(tmp_path / "cache", SETTINGS).ensure(case)


def cases_with_one_broken(folder: Path) -> list[Case]:
    cases = [make_case(folder, f"c{k}", seed=k) for k in range(4)]
    cases[2].images["flair"].write_bytes(cases[2].images["flair"].read_bytes()[:300])
    return cases


def test_failing_case_fails_alone_and_the_rest_resumes(tmp_path, cache):
    cases = cases_with_one_broken(tmp_path / "data")
    seen = {}
    outcomes = prepare_all(cases, cache, workers=1, on_progress=seen.__setitem__)
    assert [case_id for case_id, _ in outcomes] == ["c0", "c1", "c2", "c3"]
    assert [error is None for _, error in outcomes] == [True, True, False, True]
    assert outcomes[2][1].startswith("case c2: flair: found ")
    assert seen == dict(outcomes)
    marks = [stamp(cache.ensure(cases[k]).folder) for k in (0, 1, 3)]
    make_case(tmp_path / "data", "c2", seed=2)
    assert [error for _, error in prepare_all(cases, cache, workers=1)] == [None] * 4
    assert [stamp(cache.ensure(cases[k]).folder) for k in (0, 1, 3)] == marks


@pytest.mark.slow
def test_processes_prepare_the_same_and_one_failure_stays_alone(tmp_path, cache):
    cases = cases_with_one_broken(tmp_path / "data")
    outcomes = prepare_all(cases, cache, workers=2)
    assert [error is None for _, error in outcomes] == [True, True, False, True]
    for k in (0, 1, 3):
        assert_same(cache.open(cases[k]).full(), prepare_case(cases[k], SETTINGS))


class DeadlyToOtherProcesses(dict):
    """Ordinary here; ends a process that receives it, as a kernel does that has run out of memory."""

    def __reduce__(self):
        return os._exit, (9,)


@pytest.mark.slow
def test_a_process_that_dies_takes_only_its_own_case_along(tmp_path, cache):
    cases = [make_case(tmp_path / "data", f"c{k}", seed=k) for k in range(3)]
    cases[1] = replace(cases[1], images=DeadlyToOtherProcesses(cases[1].images))
    outcomes = prepare_all(cases, cache, workers=2)
    assert [error is None for _, error in outcomes] == [True, False, True]
    assert outcomes[1][1].startswith("case c1: found its process killed")


@pytest.mark.slow
def test_two_processes_on_one_case_leave_one_good_entry(case, cache):
    context = multiprocessing.get_context("spawn")
    processes = [context.Process(target=cache.ensure, args=(case,)) for _ in range(2)]
    for process in processes:
        process.start()
    for process in processes:
        process.join(120)
    assert [process.exitcode for process in processes] == [0, 0]
    home = cache.ensure(case).folder.parent
    assert len([child for child in home.iterdir() if child.is_dir()]) == 1
    assert_same(cache.open(case).full(), prepare_case(case, SETTINGS))


@pytest.mark.slow
def test_a_killed_run_goes_on_and_leaves_what_was_finished_alone(tmp_path, cache):
    cases = [make_case(tmp_path / "data" / f"c{k}", f"c{k}", seed=k) for k in range(24)]
    prepare_all(cases[:4], cache, workers=1)
    run = multiprocessing.get_context("spawn").Process(target=prepare_all, args=(cases, cache, 2))
    run.start()
    while run.is_alive() and sum(cache.is_ready(case) for case in cases) < 8:
        time.sleep(0.01)
    workers = psutil.Process(run.pid).children()
    run.kill()
    run.join()
    assert len(workers) >= 2
    assert not psutil.wait_procs(workers, timeout=60)[1], "workers of a killed run end too"
    finished = {case.case_id: stamp(cache.ensure(case).folder) for case in cases if cache.is_ready(case)}
    assert 8 <= len(finished) < len(cases), "it was killed in the middle"
    assert [error for _, error in prepare_all(cases, cache, workers=2)] == [None] * len(cases)
    now = {case.case_id: stamp(cache.ensure(case).folder) for case in cases}
    assert {case_id: now[case_id] for case_id in finished} == finished
    assert_same(cache.open(cases[-1]).full(), prepare_case(cases[-1], SETTINGS))
