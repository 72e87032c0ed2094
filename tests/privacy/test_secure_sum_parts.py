"""The parts of a secure sum alone: pieces of secrets, graphs, terms, decoders of whatever comes from outside."""

import math
import os
from collections import Counter
from collections.abc import Iterator
from functools import partial
from itertools import combinations, product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gmmas_core.errors import ConfigError, FederationError
from gmmas_core.fixed_point import MAX_WEIGHT, from_integers, scale_of, to_integers
from gmmas_core.secure_sum import (
    Advert,
    Attempt,
    Member,
    Roster,
    Terms,
    degree_for,
    neighbours,
    terms_for,
    threshold_for,
)
from gmmas_core.secure_sum.encoding import pack, unpack
from gmmas_core.secure_sum.keys import public_of
from gmmas_core.secure_sum.masks import pair_mask, self_mask
from gmmas_core.secure_sum.member_state import read_state
from gmmas_core.secure_sum.neighbours import is_connected
from gmmas_core.secure_sum.sealing import open_sealed
from gmmas_core.secure_sum.shamir import PRIME, read_share, rebuild, share_bytes, split
from gmmas_core.secure_sum.terms import may_drop


@given(st.integers(0, 2**256 - 1), st.integers(1, 6), st.integers(0, 4), st.randoms())
@settings(max_examples=30, deadline=None)
def test_any_threshold_of_shares_rebuild_the_secret(secret: int, threshold: int, more: int, chance: object) -> None:
    points = range(1, threshold + more + 1)
    shares = split(secret, points, threshold, os.urandom)
    for chosen in combinations(points, threshold):
        assert rebuild({point: read_share(share_bytes(shares[point])) for point in chosen}) == secret


def next_bytes(numbers: Iterator[int], count: int) -> bytes:
    return next(numbers).to_bytes(count, "big")


def test_fewer_shares_say_nothing_at_all() -> None:
    """All polynomials over the field of 7 elements: any two of three shares are spread alike whatever the secret."""
    spread: dict[int, list[Counter[tuple[int, ...]]]] = {}
    for secret in range(7):
        seen = [Counter[tuple[int, ...]]() for _ in combinations(range(3), 2)]
        for drawn in product(range(7), repeat=2):
            coefficients = iter(drawn)
            shares = split(secret, (1, 2, 3), 3, partial(next_bytes, coefficients), prime=7)
            for counter, pair in zip(seen, combinations((1, 2, 3), 2)):
                counter[tuple(shares[point] for point in pair)] += 1
            assert rebuild(shares, prime=7) == secret
        spread[secret] = seen
    assert all(seen == spread[0] for seen in spread.values())
    assert all(len(counter) == 49 and set(counter.values()) == {1} for counter in spread[0])


def test_the_field_is_a_field() -> None:
    assert all(pow(base, PRIME - 1, PRIME) == 1 for base in (2, 3, 5, 7, 11))  # Fermat; a slip in PRIME shows
    assert PRIME > 2**256


@given(st.integers(2, 30), st.integers(1, 14), st.binary(min_size=1, max_size=8))
def test_neighbours_are_mutual_and_as_many_as_asked(count: int, half: int, seed: bytes) -> None:
    names = [f"s{number}" for number in range(count)]
    graph = neighbours(names, seed, 2 * half)
    assert graph == neighbours(names[::-1], seed, 2 * half)
    assert is_connected(graph, set(names))
    for name, others in graph.items():
        assert len(set(others) - {name}) == min(2 * half, count - 1)
        assert all(name in graph[other] for other in others)


def test_parts_that_nothing_ties_together_are_noticed() -> None:
    graph = neighbours([f"s{number}" for number in range(8)], b"seed", 2)
    ring = ["s0"]
    while len(ring) < 8:
        ring.append(next(name for name in graph[ring[-1]] if name not in ring))
    assert is_connected(graph, set(ring[:5]))
    assert not is_connected(graph, set(ring) - {ring[1], ring[4]})
    assert not is_connected(graph, set())


@pytest.mark.parametrize("count", [2, 3, 4, 9, 32, 64, 200])
@pytest.mark.parametrize("share", [0.0, 0.1, 1 / 3, 0.49])
def test_terms_outlast_the_sites_that_may_drop(count: int, share: float) -> None:
    terms, gone = terms_for(count, share), may_drop(count, share)
    assert terms.degree == count - 1 or count > 32
    assert 2 * terms.threshold > terms.degree + 1
    assert 2 * terms.quorum > count
    if terms.degree == count - 1:
        assert count - gone >= terms.threshold
        return
    draw, misses, tries = np.random.default_rng(0), 0, 2000
    for _ in range(tries):  # survivors among one site's neighbours
        misses += draw.hypergeometric(count - 1 - gone, gone, terms.degree) + 1 < terms.threshold
    assert misses == 0


def test_terms_refuse_what_cannot_hold() -> None:
    assert may_drop(3, 0.333) == 1
    assert threshold_for(2) == 2
    assert degree_for(200, 1 / 3) < 199
    with pytest.raises(ConfigError, match="expected at least"):
        terms_for(200, 1 / 3, degree=40)
    for count, share in ((1, 0.1), (5, 0.5), (5, math.nan)):
        with pytest.raises(ConfigError):
            terms_for(count, share)


@given(st.lists(st.one_of(st.binary(max_size=9), st.text("ab:", max_size=9), st.integers(0, 2**63 - 1)), max_size=5))
def test_lists_have_one_spelling(parts: list[bytes | str | int]) -> None:
    assert list(unpack(pack(*parts))) == parts


@given(st.binary(max_size=120))
def test_no_bytes_from_outside_do_anything_but_a_refusal(data: bytes) -> None:
    keys = {"private": b"p" * 32, "public": b"q" * 32, "context": b"", "sender": "a", "recipient": "b"}
    for decode in (Advert.from_bytes, read_state, lambda d: open_sealed(d, **keys)):  # type: ignore[arg-type]
        with pytest.raises(FederationError):
            decode(data)
    for decode in (unpack, read_share):
        try:
            decode(data)
        except FederationError:
            continue


@given(st.data())
@settings(max_examples=50, deadline=None)
def test_a_state_or_advert_changed_anywhere_is_refused_or_reads_as_it_was_written(data: st.DataObject) -> None:
    one = Member("a", "run", 1, 0, lambda message: b"signed")
    advert = one.advertise()
    for written, read in ((one.to_bytes(), read_state), (advert.to_bytes(), Advert.from_bytes)):
        place = data.draw(st.integers(0, len(written) - 1))
        changed = bytearray(written)
        changed[place] ^= data.draw(st.integers(1, 255))
        try:
            found = read(bytes(changed))
        except FederationError:
            continue
        assert isinstance(found, Advert)  # the digest finds every change of a state; of an advert, the signature does
        assert found.to_bytes() == bytes(changed)
    with pytest.raises(FederationError, match="each answer is given once"):
        Member.from_bytes(one.to_bytes(), lambda message: b"signed").advertise()


def test_terms_of_a_sum_refuse_what_is_not_exact() -> None:
    scale = scale_of(16.0, 100, 8)
    for bad in ([np.nan], [np.inf], [16.1]):
        with pytest.raises(FederationError, match="diverged"):
            to_integers(np.array(bad, np.float32), 1, scale, 16.0)
    with pytest.raises(FederationError, match="unfit weight"):
        to_integers(np.zeros(1, np.float32), MAX_WEIGHT + 1, scale, 16.0)
    with pytest.raises(FederationError, match="total weight"):
        from_integers(np.zeros(1, np.int64), 0, scale)


def test_survivors_whom_no_masks_tie_together_are_refused() -> None:
    """A large federation's graph in small: each part's own sum would show."""
    adverts = {name: Member(name, "run", 1, 0, lambda message: b"signed").advertise() for name in "abcdefgh"}
    context = Attempt(run_id="run", round=1, attempt=0)
    roster = Roster(context=context, adverts=adverts, terms=Terms(degree=2, threshold=2, quorum=5))
    lost = {"a", next(name for name in "bcdefgh" if name not in roster.graph["a"])}
    roster.check_survivors(adverts.keys() - {"a"})
    with pytest.raises(FederationError, match="survivors in parts"):
        roster.check_survivors(adverts.keys() - lost)


def test_a_mask_is_of_one_roster_one_plan_and_its_owners() -> None:
    """Sites that were shown something else derive another key, so their masks do not come off."""
    private, public = os.urandom(32), public_of(os.urandom(32))
    where = {"context": b"roster", "binding": b"plan"}
    keys = [
        pair_mask(private, public, **{**where, **other}, mine="a", theirs=theirs).key
        for other, theirs in (({}, "b"), ({"context": b"other"}, "b"), ({"binding": b"other"}, "b"), ({}, "c"))
    ]
    keys += [
        self_mask(private, **{**where, **other}, name=name).key
        for other, name in (({}, "a"), ({"context": b"other"}, "a"), ({"binding": b"other"}, "a"), ({}, "b"))
    ]
    assert len(set(keys)) == len(keys)
