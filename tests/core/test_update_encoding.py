"""What the coordinator reads is what the site meant, up to a rounding that the next rounds make up for."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gmmas_core import wire
from gmmas_core.types import FederationError, SiteUpdate
from gmmas_core.update_encoding import DTYPES, Encoded, decode, encode

LOSSY = ("float16", "int8")
RNG = np.random.default_rng(0)
REFERENCE = {
    "encoder.a": RNG.normal(size=(4, 3)).astype(np.float32),
    "heads.of.idh.weight": RNG.normal(size=5).astype(np.float32),
    "norm.weight": np.array(2.5, np.float32),
}
TRAINED = {
    name: np.asarray(value + 0.01 * RNG.normal(size=value.shape), np.float32) for name, value in REFERENCE.items()
}
ALL = {"trunk", "head.idh", "norm"}


def update(**changes: Any) -> SiteUpdate:
    base = SiteUpdate(site="north", run_id="r", round=1, weights=TRAINED, num_cases=3, seen={}, uncertainty={})
    return replace(base, **changes)


def test_whole_weights_are_exact_and_owe_nothing() -> None:
    encoded, residual = encode("float32", TRAINED, REFERENCE, {}, ALL)
    assert residual == {}
    received = wire.read_update(wire.update_to_content(update(), encoded), REFERENCE).weights
    assert all(np.array_equal(received[name], TRAINED[name]) for name in TRAINED)


def test_int8_by_hand() -> None:
    reference, trained = {"encoder.a": np.zeros(3, np.float32)}, {"encoder.a": np.array([1.27, -0.634, 0], np.float32)}
    encoded, residual = encode("int8", trained, reference, {}, {"trunk"})
    assert encoded.arrays["encoder.a"].tolist() == [127, -63, 0]
    assert encoded.scales["encoder.a"] == pytest.approx(0.01)
    np.testing.assert_allclose(residual["encoder.a"], [0, -0.004, 0], atol=1e-6)
    assert encoded.nbytes == 3 + 4


@pytest.mark.parametrize(("encoding", "error"), [("float16", 2.0**-11), ("int8", 0.5 / 127)])
def test_the_error_is_within_half_a_step_of_the_largest_change(encoding: str, error: float) -> None:
    encoded, residual = encode(encoding, TRAINED, REFERENCE, {}, ALL)
    received = wire.read_update(wire.update_to_content(update(), encoded), REFERENCE, encoding=encoding).weights
    for name, value in TRAINED.items():
        largest = np.abs(value - REFERENCE[name]).max()
        assert np.abs(received[name] - value).max() <= error * largest + 2.0**-22
        np.testing.assert_array_equal(received[name] + residual[name], value.astype(np.float32))
        assert received[name].dtype == np.float32
        assert received[name].shape == value.shape


@pytest.mark.parametrize("encoding", LOSSY)
def test_what_is_owed_is_made_up_for(encoding: str) -> None:
    """A change of a thousandth beside one of 1 is below half an int8 step: it only arrives because it adds up."""
    change, current, residual = np.array([1, 1e-3], np.float32), {"encoder.a": np.zeros(2, np.float32)}, {}
    rounds = 200
    for _ in range(rounds):
        trained = {"encoder.a": current["encoder.a"] + change}
        encoded, residual = encode(encoding, trained, current, residual, {"trunk"})
        current = decode(encoded, current)
    np.testing.assert_allclose(current["encoder.a"], rounds * change, rtol=0, atol=0.5 / 127 + 1e-3)


@pytest.mark.parametrize("encoding", LOSSY)
def test_a_group_without_a_say_sends_no_change_and_its_debt_waits(encoding: str) -> None:
    owed = {"heads.of.idh.weight": np.full(5, 0.25, np.float32)}
    encoded, residual = encode(encoding, TRAINED, REFERENCE, owed, {"trunk", "norm"})
    assert not encoded.arrays["heads.of.idh.weight"].any()
    np.testing.assert_array_equal(decode(encoded, REFERENCE)["heads.of.idh.weight"], REFERENCE["heads.of.idh.weight"])
    np.testing.assert_array_equal(residual["heads.of.idh.weight"], owed["heads.of.idh.weight"])


@pytest.mark.parametrize(("encoding", "bytes_per_value"), [("float32", 4), ("float16", 2), ("int8", 1)])
def test_an_encoding_saves_what_it_says(encoding: str, bytes_per_value: int) -> None:
    big = {"encoder.a": np.ones(50_000, np.float32)}
    encoded, _ = encode(encoding, big, {"encoder.a": np.zeros(50_000, np.float32)}, {}, {"trunk"})
    size = wire.content_bytes(wire.update_to_content(update(), encoded))
    assert 50_000 * bytes_per_value <= size <= 50_000 * bytes_per_value + 1000


@pytest.mark.parametrize("sent", DTYPES)
@pytest.mark.parametrize("expected", DTYPES)
def test_another_encoding_than_the_runs_is_refused(sent: str, expected: str) -> None:
    content = wire.update_to_content(update(), encode(sent, TRAINED, REFERENCE, {}, ALL)[0])
    if sent == expected:
        wire.read_update(content, REFERENCE, encoding=expected)
        return
    with pytest.raises(FederationError, match=f"another encoding.*expected {expected}"):
        wire.read_update(content, REFERENCE, encoding=expected)
    content["reply"]["encoding"] = expected  # a lie about what is inside
    with pytest.raises(FederationError):
        wire.read_update(content, REFERENCE, encoding=expected)


def changed(encoding: str, **parts: np.ndarray) -> Any:
    """An update whose record's arrays were tampered with."""
    from flwr.app import Array

    content = wire.update_to_content(update(), encode(encoding, TRAINED, REFERENCE, {}, ALL)[0])
    for name, array in parts.items():
        content["weights"][name] = Array(array)
    return content


@pytest.mark.parametrize("encoding", LOSSY)
@pytest.mark.parametrize(
    "scales",
    [
        np.array([np.nan, 1, 1], "<f4"),
        np.array([np.inf, 1, 1], "<f4"),
        np.array([-1, 1, 1], "<f4"),
        np.ones(2, "<f4"),
        np.ones(4, "<f4"),
        np.ones((3, 1), "<f4"),
        np.ones(3, "<f8"),
        np.ones(3, np.int8),
    ],
)
def test_hostile_scales_are_refused(encoding: str, scales: np.ndarray) -> None:
    with pytest.raises(FederationError, match="weights"):
        wire.read_update(changed(encoding, scales=scales), REFERENCE, encoding=encoding)


@pytest.mark.parametrize(
    ("encoding", "values"),
    [
        ("int8", np.zeros(17, np.int8)),
        ("int8", np.zeros(19, np.int8)),
        ("int8", np.full(18, -128, np.int8)),
        ("int8", np.zeros(18, np.uint8)),
        ("float16", np.full(18, np.nan, "<f2")),
        ("float16", np.full(18, 2, "<f2")),
        ("float16", np.zeros(18, "<f4")),
    ],
)
def test_hostile_values_are_refused(encoding: str, values: np.ndarray) -> None:
    with pytest.raises(FederationError, match="weights"):
        wire.read_update(changed(encoding, values=values), REFERENCE, encoding=encoding)


@given(st.binary(max_size=200), st.sampled_from(["values", "index", "scales"]))
def test_bytes_that_are_no_arrays_are_refused(data: bytes, part: str) -> None:
    content = changed("int8")
    content["weights"][part].data = data
    with pytest.raises(FederationError, match="weights"):
        wire.read_update(content, REFERENCE, encoding="int8")


def test_changes_of_other_parameters_are_refused() -> None:
    content = changed("int8")
    for other in ({}, None, {**REFERENCE, "norm.weight": np.zeros(1, np.float32)}):
        with pytest.raises(FederationError, match="other parameters or shapes"):
            wire.read_update(content, other, encoding="int8")


def test_a_scale_that_overflows_is_not_hidden() -> None:
    """The largest finite scale gives infinity, which the screening refuses by its bound on every value."""
    encoded = Encoded(
        encoding="int8",
        arrays={"encoder.a": np.full(1, 127, np.int8)},
        scales={"encoder.a": float(np.finfo(np.float32).max)},
    )
    assert np.isinf(decode(encoded, {"encoder.a": np.zeros(1, np.float32)})["encoder.a"]).all()
