"""Distances to the coordinate median: hand-computed, with masks, and far sites among honest ones."""

import itertools
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from gmmas_core.config import ScreeningConfig
from gmmas_core.fixed_point import BLOCK
from server.aggregation.spool import Spool
from server.screening.cohort import FarSites, _add_square_distances, far_sites

TRUNK, HEAD = "encoder.conv.weight", "heads.of.idh.weight"
CONFIG = ScreeningConfig(
    window=50,
    warm_up=6,
    norm_soft=3,
    norm_hard=10,
    direction_soft=-0.5,
    distance_soft=2,
    distance_hard=4,
    max_log_variance=20,
    quarantine_after=3,
)


def judge(
    folder: Path, updates: Mapping[str, Mapping[str, Any]], silent: Mapping[str, set[str]] | None = None
) -> FarSites:
    """Spool the updates of one round and judge them; everyone speaks for everything but what `silent` says."""
    arrays = {site: {name: np.asarray(v, np.float32) for name, v in update.items()} for site, update in updates.items()}
    reference = {name: np.zeros_like(value) for name, value in next(iter(arrays.values())).items()}
    spool = Spool(folder, reference)
    for site, update in arrays.items():
        spool.add(site, update)
    muted = silent or {}
    plain = {
        site: {group: 0 if group in muted.get(site, set()) else 7 for group in ("trunk", "head.idh")} for site in arrays
    }
    return far_sites(spool, plain, reference, CONFIG)


def trunks(*values: float) -> dict[str, dict[str, list[float]]]:
    """One site per value, named a, b, c, ...; a trunk of one element."""
    return {chr(ord("a") + number): {TRUNK: [value]} for number, value in enumerate(values)}


@pytest.mark.parametrize(
    ("last", "doubted", "left_out"),
    [
        # Median 0 for any last value beyond 1; distances 1, 1, 0, 1, last: the typical one is 1.
        (1.9, [], []),
        (2.1, ["e"], []),
        (3.9, ["e"], []),
        (4.1, [], ["e"]),
        (1e6, [], ["e"]),
    ],
)
def test_factors_count_typical_distances(tmp_path: Path, last: float, doubted: list[str], left_out: list[str]) -> None:
    found = judge(tmp_path / "s", trunks(-1, -1, 0, 1, last))
    assert sorted(found.doubts) == doubted
    assert sorted(found.left_out) == left_out


def test_reasons_show_no_value(tmp_path: Path) -> None:
    found = judge(tmp_path / "s", trunks(-1, -1, 0, 1, 123456))
    assert found.left_out["e"].startswith("distance: found more than 4 times the typical distance")
    assert "123456" not in found.left_out["e"]


def test_three_sites_leave_nobody_out_and_two_are_not_judged(tmp_path: Path) -> None:
    three = judge(tmp_path / "three", trunks(0, 0.5, 1000))
    assert three.left_out == {}
    assert list(three.doubts) == ["c"]
    assert judge(tmp_path / "two", trunks(0, 1000)) == FarSites()


def test_identical_updates_are_not_judged(tmp_path: Path) -> None:
    assert judge(tmp_path / "s", trunks(1, 1, 1, 1, 5)) == FarSites()


def test_a_silent_site_is_neither_far_nor_part_of_the_median(tmp_path: Path) -> None:
    """Its stale head would be far from the others' heads, and would move their median."""
    updates = {site: {TRUNK: [t], HEAD: [h]} for site, t, h in zip("abcde", (0, 1, 2, 3, 4), (10, 11, 12, 13, 0))}
    assert judge(tmp_path / "heard", updates).left_out == {"e": judge(tmp_path / "again", updates).left_out["e"]}
    assert judge(tmp_path / "silent", updates, {"e": {"head.idh"}}) == FarSites()


def test_a_group_of_two_voices_is_not_judged(tmp_path: Path) -> None:
    """Two lie at the same distance of their median: the honest one would be as far as the other."""
    updates = {site: {TRUNK: [t], HEAD: [h]} for site, t, h in zip("abcd", (0, 1, 2, 3), (0, 0, 0, 1e5))}
    assert judge(tmp_path / "s", updates, {"a": {"head.idh"}, "b": {"head.idh"}}) == FarSites()


def test_a_site_that_speaks_for_the_quiet_group_alone_is_measured_by_it(tmp_path: Path) -> None:
    """Heads move a thousand times as far as trunks; a site without labels must not pass for a near one."""
    updates = {site: {TRUNK: [t], HEAD: [1000 * t]} for site, t in zip("abcd", (0, 1, 2, 3))}
    updates["e"] = {TRUNK: [30], HEAD: [0]}
    assert list(judge(tmp_path / "s", updates, {"e": {"head.idh"}}).left_out) == ["e"]


def test_the_distance_is_that_to_numpys_median() -> None:
    rng = np.random.default_rng(0)
    for voices in (3, 4, 5, 8):
        rows_SN = rng.standard_normal((voices, BLOCK + 17)).astype(np.float32)
        squares = np.zeros(voices)
        _add_square_distances(list(rows_SN), squares)
        expected = np.square(rows_SN - np.median(rows_SN.astype(np.float64), axis=0)).sum(axis=1)
        np.testing.assert_allclose(squares, expected, rtol=1e-6)


def test_honest_noise_of_unequal_sites_is_not_far(tmp_path: Path) -> None:
    """Sites whose updates differ by half in size, as after unequal data, are all counted without a doubt."""
    rng = np.random.default_rng(1)
    updates = {site: {TRUNK: s * rng.standard_normal(500)} for site, s in zip("abcdef", (1, 1.2, 1.5, 0.8, 1, 1.4))}
    assert judge(tmp_path / "s", updates) == FarSites()


def test_a_flipped_update_among_agreeing_ones_is_far(tmp_path: Path) -> None:
    rng = np.random.default_rng(2)
    common = rng.standard_normal(500)
    updates = {site: {TRUNK: common + 0.3 * rng.standard_normal(500)} for site in "abcd"}
    updates["e"] = {TRUNK: -updates["d"][TRUNK]}
    del updates["d"]
    assert list(judge(tmp_path / "s", updates).left_out) == ["e"]


def test_the_order_of_arrival_does_not_matter(tmp_path: Path) -> None:
    updates = trunks(-1, 0.5, 0, 1, 3)
    found = [
        judge(tmp_path / str(number), {site: updates[site] for site in order})
        for number, order in enumerate(itertools.islice(itertools.permutations(updates), 0, 120, 17))
    ]
    assert all(each == found[0] for each in found)
