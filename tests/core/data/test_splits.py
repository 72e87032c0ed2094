"""Splits: disjoint, by patient, and nobody ever moves because of somebody else."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gmmas_core.data.splits import SPLITS, assign_splits, imbalances, position
from gmmas_core.types import UNKNOWN

IDS = st.one_of(
    st.text(min_size=1, max_size=20),
    st.builds("sub-{:04d}".format, st.integers(0, 9999)),
    st.builds("BraTS2021_{:05d}".format, st.integers(0, 2000)),
)
SHARES = st.tuples(st.floats(0, 0.5), st.floats(0, 0.49))


@given(st.lists(IDS, unique=True), st.lists(IDS), SHARES)
def test_nobody_moves_when_others_come_or_the_order_changes(
    patients: list[str], others: list[str], shares: tuple[float, float]
) -> None:
    holdout, validation = shares
    before = assign_splits(patients, holdout_share=holdout, validation_share=validation)
    more = sorted({*patients, *others}, reverse=True)
    after = assign_splits(more, holdout_share=holdout, validation_share=validation)
    assert set(before) == set(patients)  # everybody is dealt, to one split
    assert set(before.values()) <= set(SPLITS)
    assert {patient: after[patient] for patient in patients} == before


@given(st.lists(IDS, unique=True), st.data())
def test_the_tables_own_split_wins_and_moves_nobody_else(patients: list[str], data: st.DataObject) -> None:
    explicit = data.draw(st.dictionaries(st.sampled_from(patients), st.sampled_from(SPLITS))) if patients else {}
    drawn = assign_splits(patients, holdout_share=0.2, validation_share=0.1)
    dealt = assign_splits(patients, holdout_share=0.2, validation_share=0.1, explicit=explicit)
    assert dealt == drawn | explicit


@given(st.lists(IDS, unique=True), st.floats(0, 0.4), st.floats(0, 0.2))
def test_a_larger_share_only_adds_to_the_holdout(patients: list[str], share: float, more: float) -> None:
    small = assign_splits(patients, holdout_share=share, validation_share=0)
    large = assign_splits(patients, holdout_share=share + more, validation_share=0)
    assert all(large[p] == "holdout" for p in patients if small[p] == "holdout")


@given(st.text(alphabet="ab-_", max_size=5), st.integers(0, 10**6))
def test_every_aligned_ten_consecutive_numbers_are_cut_exactly(prefix: str, block: int) -> None:
    ids = [f"{prefix}{number:08d}" for number in range(10 * block, 10 * block + 10)]
    counts = Counter(assign_splits(ids, holdout_share=0.2, validation_share=0.1).values())
    assert counts == {"holdout": 2, "validation": 1, "train": 7}


def test_shares_hold_in_every_stratum_in_expectation() -> None:
    # Ids without numbers, 4,000 of two classes in 1:4; binomial standard deviations are 0.014 and 0.007.
    letters = "abcdefghijklmnopqrst"
    ids = [a + b + c for a in letters for b in letters for c in letters[:10]]
    dealt = assign_splits(ids, holdout_share=0.2, validation_share=0.1)
    for members in (ids[::5], [p for i, p in enumerate(ids) if i % 5]):
        counts = Counter(dealt[p] for p in members)
        assert counts["holdout"] / len(members) == pytest.approx(0.2, abs=0.045)
        assert counts["validation"] / len(members) == pytest.approx(0.1, abs=0.035)


def test_positions_are_frozen() -> None:
    """The same on every machine and in every version: a moved patient is a leaked patient."""
    assert position("sub-0001") == 0.20425594228214394
    assert position("Müller") == 0.3698039902898404
    assert position("sub-0001", salt="other") != position("sub-0001")


def test_no_shares_no_holdout() -> None:
    dealt = assign_splits(["a", "b1"], holdout_share=0, validation_share=0)
    assert set(dealt.values()) == {"train"}


def test_imbalances_name_what_chance_left_out() -> None:
    unknown = (UNKNOWN, UNKNOWN, UNKNOWN)
    nobody = imbalances({"a": "train", "b": "train"}, {"a": unknown, "b": unknown}, holdout_share=0.2)
    assert nobody == [("no patient in holdout among 2", "at least one")]
    assert imbalances({"a": "train"}, {"a": unknown}, holdout_share=0.2) == []
    assert imbalances({"a": "train", "b": "train"}, {}, holdout_share=0) == []
    only = imbalances({"a": "holdout", "b": "holdout"}, {"a": unknown, "b": unknown}, holdout_share=0.2)
    assert only == [("no patient in train", "at least one, else this site can only evaluate")]
    split_of = {f"m{i}": "train" for i in range(5)} | {"w": "holdout"}
    strata = {f"m{i}": (UNKNOWN, 1, UNKNOWN) for i in range(5)} | {"w": (UNKNOWN, 0, UNKNOWN)}
    assert imbalances(split_of, strata, holdout_share=0.2) == [
        ("none of 5 patients with idh mutant in holdout", "about 1")
    ]
    assert imbalances(split_of, strata, holdout_share=0.1) == []
