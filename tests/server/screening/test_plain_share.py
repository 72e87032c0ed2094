"""Doubtful sites are held to their share of the cases; everybody else keeps the strategy's proportions."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.screening.plain_share import hold_to_plain_share


def shares(loud: dict[str, float], plain: dict[str, float], doubtful: set[str]) -> dict[str, float]:
    """Shares of one group after holding."""
    held = hold_to_plain_share(
        {s: {"trunk": w} for s, w in loud.items()}, {s: {"trunk": w} for s, w in plain.items()}, doubtful
    )
    total = sum(groups["trunk"] for groups in held.values())
    return {site: groups["trunk"] / total for site, groups in held.items()}


def test_without_doubts_nothing_changes() -> None:
    loudness = {"a": {"trunk": 3.5, "decoder": 0.0}, "b": {"trunk": 1.0, "decoder": 2.0}}
    assert hold_to_plain_share(loudness, loudness, set()) == loudness


def test_a_loud_doubtful_site_gets_its_plain_share_and_the_others_keep_their_proportions() -> None:
    # Plain shares 1/4, 1/4, 1/2; c claims 8 of 10.
    found = shares({"a": 0.5, "b": 1.5, "c": 8}, {"a": 10, "b": 10, "c": 20}, {"c"})
    assert found == pytest.approx({"a": 0.125, "b": 0.375, "c": 0.5})


def test_a_quiet_doubtful_site_stays_quiet() -> None:
    loud = {"a": {"trunk": 5.0}, "b": {"trunk": 1.0}}
    assert hold_to_plain_share(loud, {"a": {"trunk": 1}, "b": {"trunk": 1}}, {"b"}) == loud


def test_what_one_gives_up_does_not_lift_another_doubtful_one_above_its_share() -> None:
    # b starts at 0.18 of a plain 0.25; once c is held to 0.25 it would rise to 0.75 * 2/3 = 0.5.
    found = shares({"a": 1, "b": 2, "c": 8}, {"a": 2, "b": 1, "c": 1}, {"b", "c"})
    assert found == pytest.approx({"a": 0.5, "b": 0.25, "c": 0.25})


def test_where_nobody_else_speaks_loudly_the_group_has_its_plain_weights() -> None:
    assert shares({"a": 0, "b": 9}, {"a": 3, "b": 1}, {"b"}) == pytest.approx({"a": 0.75, "b": 0.25})
    assert shares({"a": 1, "b": 9}, {"a": 3, "b": 1}, {"a", "b"}) == pytest.approx({"a": 0.75, "b": 0.25})


def test_a_site_that_is_alone_in_a_group_keeps_it() -> None:
    assert shares({"a": 0, "b": 9}, {"a": 0, "b": 1}, {"b"}) == {"a": 0, "b": 1}


def test_groups_are_held_one_by_one() -> None:
    loud = {"a": {"trunk": 1.0, "decoder": 4.0}, "b": {"trunk": 9.0, "decoder": 1.0}}
    plain = {site: {"trunk": 1, "decoder": 1} for site in "ab"}
    held = hold_to_plain_share(loud, plain, {"b"})
    assert held["a"] == loud["a"]
    assert held["b"] == pytest.approx({"trunk": 1.0, "decoder": 1.0})


WEIGHTS = st.lists(st.floats(0, 1e6), min_size=1, max_size=6)


@given(WEIGHTS, st.data())
def test_no_doubtful_site_is_ever_above_its_plain_share(loud: list[float], data: st.DataObject) -> None:
    plain = data.draw(st.lists(st.integers(1, 1000), min_size=len(loud), max_size=len(loud)))
    doubtful = {str(k) for k in range(len(loud)) if data.draw(st.booleans())}
    if not any(loud):
        return
    found = shares({str(k): w for k, w in enumerate(loud)}, {str(k): n for k, n in enumerate(plain)}, doubtful)
    for site in doubtful:
        assert found[site] <= plain[int(site)] / sum(plain) * (1 + 1e-9)
