"""Declared label conventions: translated, checked, never guessed."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from gmmas_core.data.labels import LABEL_CONVENTIONS, conventions_fitting, from_canonical, to_canonical
from gmmas_core.types import DataError


@pytest.mark.parametrize(
    ("convention", "on_disk", "canonical"),
    [
        ("brats2021", [0, 1, 2, 4], [0, 1, 2, 3]),
        ("brats2023", [0, 1, 2, 3], [0, 1, 2, 3]),
        ("msd", [0, 1, 2, 3], [0, 2, 1, 3]),
        ("canonical", [0, 1, 2, 3], [0, 1, 2, 3]),
    ],
)
@pytest.mark.parametrize("dtype", [np.uint8, np.int16, np.float32, np.float64])
def test_translation_by_hand(convention: str, on_disk: list[int], canonical: list[int], dtype: type) -> None:
    values = np.array(on_disk, dtype=dtype).reshape(1, 2, 2)  # (1, 2, 2)
    translated = to_canonical(values, convention)
    assert translated.dtype == np.uint8
    assert translated.ravel().tolist() == canonical
    assert from_canonical(translated, convention).ravel().tolist() == on_disk


@given(st.sampled_from(sorted(LABEL_CONVENTIONS)), st.lists(st.integers(0, 3), max_size=30))
def test_there_and_back(convention: str, labels: list[int]) -> None:
    seg = np.array(labels, dtype=np.uint8)
    assert to_canonical(from_canonical(seg, convention), convention).tolist() == labels


@given(st.sampled_from(sorted(LABEL_CONVENTIONS)), st.integers(-300, 300))
def test_a_value_is_translated_or_refused(convention: str, value: int) -> None:
    values = np.array([0, value], dtype=np.int16)
    if value in LABEL_CONVENTIONS[convention]:
        assert to_canonical(values, convention)[1] == LABEL_CONVENTIONS[convention][value]
    else:
        with pytest.raises(DataError, match="found label values"):
            to_canonical(values, convention)


def test_the_wrong_convention_is_refused_with_the_ones_that_fit() -> None:
    with pytest.raises(DataError, match=r"brats2021.*declare that as label_convention") as refusal:
        to_canonical(np.array([0, 1, 2, 4]), "brats2023")
    assert "expected only 0, 1, 2, 3 (brats2023)" in str(refusal.value)
    with pytest.raises(DataError, match="brats2023"):
        to_canonical(np.array([0, 3]), "brats2021")


def test_resection_cavities_fit_no_convention() -> None:
    assert conventions_fitting({0, 1, 2, 3, 4}) == ()
    with pytest.raises(DataError, match="resection cavity"):
        to_canonical(np.array([0, 1, 2, 3, 4]), "brats2021")


@pytest.mark.parametrize("bad", [[0.0, 0.5], [0.0, np.nan], [0.0, np.inf], [0.0, 1e9]])
def test_interpolated_and_broken_masks_are_refused(bad: list[float]) -> None:
    with pytest.raises(DataError):
        to_canonical(np.array(bad, dtype=np.float32), "brats2021")


def test_whole_numbers_with_storage_error_are_accepted() -> None:
    stored: NDArray[np.float32] = np.array([0.0, 1.0000001, 3.9999], dtype=np.float32)
    assert to_canonical(stored, "brats2021").tolist() == [0, 1, 3]


def test_empty_and_unknown_convention() -> None:
    assert to_canonical(np.zeros((0, 2, 2)), "msd").shape == (0, 2, 2)
    with pytest.raises(DataError, match="expected one of canonical, brats2021, brats2023, msd"):
        to_canonical(np.zeros(3), "whole_tumour")
    with pytest.raises(ValueError, match="not canonical"):
        from_canonical(np.array([4]), "brats2021")
