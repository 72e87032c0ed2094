"""Sums under masks: exact for every pattern of dropouts that is allowed, lost beyond it, and nothing else to see."""

import random
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from typing import Any

import numpy as np
import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from gmmas_core.errors import FederationError
from gmmas_core.fixed_point import bound_of, from_integers, scale_of, to_integers
from gmmas_core.secure_sum import Advert, Collector, Kind, Member, RoundLost, terms_for
from gmmas_core.secure_sum.terms import may_drop
from server.aggregation.exact_mean import Accumulator

BINDING = b"b" * 32
PHASES = ("share", "mask", "confirm", "unmask")
SEVEN = tuple(f"site-{number}" for number in range(7))

Vector = NDArray[np.int64]


@cache
def identity(name: str) -> Ed25519PrivateKey:
    return Ed25519PrivateKey.generate()


def verify(name: str, message: bytes, signature: bytes) -> None:
    try:
        identity(name).public_key().verify(signature, message)
    except InvalidSignature:
        raise FederationError(f"signature: found one that is not of {name}") from None


def member(name: str, attempt: int = 0, **options: Any) -> Member:
    return Member(name, "federation/run", 3, attempt, identity(name).sign, **options)


def collector(size: int, **options: Any) -> Collector:
    return Collector("federation/run", 3, 0, size=size, binding=BINDING, **options)


class Sum:
    """One attempt, step by step, with real members; each step skips those in `gone` and restarts the others."""

    def __init__(self, vectors: Mapping[str, Vector], *, min_sites: int = 2, degree: int = 0) -> None:
        self.vectors, self.min_sites, self.degree = dict(vectors), min_sites, degree
        self.members = {name: member(name) for name in vectors}
        self.collector = collector(next(iter(vectors.values())).size, min_sites=min_sites, degree=degree)
        self.adverts: dict[str, Advert] = self.collector.adverts(self._each(lambda m, _: m.advertise()), verify)
        self.sealed: dict[str, dict[str, bytes]] = {}

    def _each(self, answer: Callable[[Member, str], Any], gone: frozenset[str] = frozenset()) -> dict[str, Any]:
        self.members = {
            name: Member.from_bytes(one.to_bytes(), identity(name).sign)
            for name, one in self.members.items()
            if name not in gone
        }
        return {name: answer(one, name) for name, one in self.members.items()}

    def share(self, gone: frozenset[str] = frozenset()) -> None:
        shares = self._each(lambda m, _: m.share(self.adverts, verify, self.min_sites, degree=self.degree), gone)
        self.sealed = self.collector.shares(shares)

    def mask(self, gone: frozenset[str] = frozenset()) -> dict[str, Vector]:
        masked: dict[str, Vector] = self._each(
            lambda m, name: m.mask(self.vectors[name], self.sealed[name], binding=BINDING), gone
        )
        for name, vector in masked.items():
            self.collector.add(name, vector)
        return masked

    def confirm(self, gone: frozenset[str] = frozenset()) -> dict[str, bytes]:
        survivors = self.collector.survivors()
        return self.collector.confirmations(self._each(lambda m, _: m.confirm(survivors, self.min_sites), gone), verify)

    def unmask(self, confirmations: Mapping[str, bytes], gone: frozenset[str] = frozenset()) -> dict[str, Any]:
        survivors = self.collector.survivors()
        return self._each(
            lambda m, _: m.unmask(survivors, self.min_sites, confirmations=confirmations, verify=verify), gone
        )

    def play(self, gone: Mapping[str, frozenset[str]]) -> Vector:
        """All of it; phase -> who drops before answering it."""
        self.share(gone["share"])
        self.mask(gone["mask"])
        confirmations = self.confirm(gone["confirm"])
        return self.collector.finish(self.unmask(confirmations, gone["unmask"]))


def vectors_of(names: tuple[str, ...], size: int = 5, seed: int = 0) -> dict[str, Vector]:
    draw = np.random.default_rng(seed)
    return {name: draw.integers(-(2**51), 2**51, size) for name in names}


def dropping(where: Mapping[str, str]) -> dict[str, frozenset[str]]:
    return {phase: frozenset(name for name in where if where[name] == phase) for phase in PHASES}


@given(st.lists(st.sampled_from((*PHASES, "stays", "stays")), min_size=2, max_size=7), st.integers(0, 2**32 - 1))
@settings(max_examples=25, deadline=None)
def test_any_dropouts_give_the_exact_sum_or_no_sum(fate: list[str], seed: int) -> None:
    names = SEVEN[: len(fate)]
    vectors, gone = vectors_of(names, seed=seed), dropping(dict(zip(names, fate)))
    before = sum(len(gone[phase]) for phase in PHASES[:-1])
    left = fate.count("stays")
    survivors = [name for name in names if name not in gone["share"] | gone["mask"]]
    terms = terms_for(len(names))
    if before <= may_drop(len(names), 1 / 3) and left >= terms.threshold:
        total = Sum(vectors).play(gone)
        np.testing.assert_array_equal(total, sum(vectors[name] for name in survivors))
    else:
        with pytest.raises(RoundLost):
            Sum(vectors).play(gone)


@pytest.mark.parametrize("phase", PHASES)
@pytest.mark.parametrize("count", [3, 6])
def test_a_third_may_drop_in_any_phase_and_one_more_before_the_end_voids_the_round(phase: str, count: int) -> None:
    vectors = vectors_of(SEVEN[:count])
    allowed = dict.fromkeys(SEVEN[: count // 3], phase)
    assert Sum(vectors).play(dropping(allowed)).size
    lost = Sum(vectors)
    with pytest.raises(RoundLost, match="begin a new attempt"):
        lost.play(dropping(dict.fromkeys(SEVEN[: count // 2 + 1], phase)))


@pytest.mark.slow
def test_beyond_small_federations_a_third_of_the_neighbours_is_enough() -> None:
    names = tuple(f"site-{number:02}" for number in range(40))
    vectors = vectors_of(names)
    with_ring = Sum(vectors, degree=34)
    assert {len(others) for others in with_ring.collector.roster.graph.values()} == {34}
    gone = dropping({name: PHASES[place % 4] for place, name in enumerate(names[5:18])})
    total = with_ring.play(gone)
    np.testing.assert_array_equal(
        total, sum(vectors[name] for name in names if name not in gone["share"] | gone["mask"])
    )


@given(
    st.lists(
        st.tuples(
            st.lists(st.floats(-16, 16, width=32), min_size=3, max_size=3), st.integers(1, 500), st.integers(0, 9)
        ),
        min_size=3,
        max_size=6,
    ),
    st.booleans(),
)
@settings(max_examples=10, deadline=None)
def test_a_sum_under_masks_is_the_weighted_mean_bit_for_bit(
    updates: list[tuple[list[float], int, int]], one_drops: bool
) -> None:
    """Two groups of parameters, each with a weight of its own, 0 for silent; weights travel in the same vector."""
    reference = {key: np.array([0.5, -3.0, 0.0], np.float32) for key in ("shared", "head")}
    bounds = {key: bound_of(key, array) for key, array in reference.items()}
    scales = {key: scale_of(bound, 500, len(updates)) for key, bound in bounds.items()}
    plain = Accumulator(reference, max_weight=500, max_sites=len(updates))
    vectors = {}
    for name, (values, *weights) in zip(SEVEN, updates):
        array, weight_of = np.array(values, np.float32), dict(zip(reference, weights))
        terms = [to_integers(array, weight_of[key], scales[key], bounds[key]) for key in reference]
        vectors[name] = np.concatenate([*terms, np.array(weights)])
        if not (one_drops and name == SEVEN[0]):
            plain.add(dict.fromkeys(reference, array), weight_of)
    total = Sum(vectors).play(dropping({SEVEN[0]: "mask"} if one_drops else {}))
    weight_sums = dict(zip(reference, total[6:]))
    assume(all(weight_sums.values()))
    for place, (key, mean) in enumerate(plain.result().items()):
        ours = from_integers(total[3 * place : 3 * place + 3], int(weight_sums[key]), scales[key])
        assert ours.tobytes() == mean.tobytes()


def held_by(thing: object, seen: set[int]) -> Iterator[bytes]:
    """Every array and byte string that can be reached from an object."""
    if id(thing) in seen:
        return
    seen.add(id(thing))
    if isinstance(thing, np.ndarray | bytes | bytearray):
        yield bytes(thing.tobytes() if isinstance(thing, np.ndarray) else thing)
    elif isinstance(thing, Mapping):
        for key, value in thing.items():
            yield from held_by(key, seen)
            yield from held_by(value, seen)
    elif isinstance(thing, list | tuple | set | frozenset):
        for part in thing:
            yield from held_by(part, seen)
    elif hasattr(thing, "__dict__"):
        yield from held_by(vars(thing), seen)


def test_the_coordinator_never_holds_the_vector_of_one_site() -> None:
    vectors = vectors_of(SEVEN, size=64)
    attempt = Sum(vectors)
    attempt.share()
    seen_at: list[set[bytes]] = []
    for name, one in attempt.members.items():
        masked = one.mask(vectors[name], attempt.sealed[name], binding=BINDING)
        if name != SEVEN[0]:
            attempt.collector.add(name, masked)
        seen_at.append(set(held_by(attempt.collector, set())))
    replies = attempt.unmask(attempt.confirm(frozenset({SEVEN[0]})))
    total = attempt.collector.finish(replies)
    seen_at += [set(held_by(attempt.collector, set())), set(held_by(replies, set()))]
    assert total.tobytes() in seen_at[-2]
    for held in seen_at:
        for name, vector in vectors.items():
            assert not any(vector.tobytes() in content or vector[:3].tobytes() in content for content in held)
            assert not any(secret in content for secret in secrets_of(attempt, name) for content in held)


def secrets_of(attempt: Sum, name: str) -> tuple[bytes, ...]:
    kept = attempt.members.get(name)
    return () if kept is None else (kept._state.secrets.seed, kept._state.secrets.mask, kept._state.secrets.encryption)


def test_a_masked_vector_is_uniform_noise_and_never_the_same_twice() -> None:
    zeros = {name: np.zeros(2**16, np.int64) for name in SEVEN[:3]}
    for make in (lambda name: member(name, entropy=random.Random(name).randbytes), member):
        attempt = Sum(zeros)
        attempt.members = {name: make(name) for name in zeros}
        attempt.collector = collector(2**16)
        adverts = {name: one.advertise() for name, one in attempt.members.items()}
        attempt.adverts = attempt.collector.adverts(adverts, verify)
        attempt.share()
        masked = attempt.mask()
        noise = [vector.tobytes() for vector in masked.values()]
        assert len(set(noise)) == 3
        if make is not member:  # the same noise in every run of this test, so its statistic cannot be unlucky
            first = noise[0]
            counts = np.bincount(np.frombuffer(first, np.uint8), minlength=256)
            expected = len(first) / 256
            assert ((counts - expected) ** 2 / expected).sum() < 345  # 1 in 10^4 of a chi-square of 255 degrees
        else:
            assert not {first} & set(noise)


def test_each_site_gives_one_kind_of_share_of_each_and_only_once() -> None:
    attempt = Sum(vectors_of(SEVEN))
    attempt.share()
    attempt.mask(frozenset(SEVEN[:1]))
    confirmations, survivors = attempt.confirm(), attempt.collector.survivors()
    one = attempt.members[SEVEN[4]]
    with pytest.raises(FederationError, match="other survivors than this site confirmed"):
        one.unmask(survivors - {SEVEN[6]}, 2, confirmations=confirmations, verify=verify)
    replies = attempt.unmask(confirmations)
    for reply in replies.values():
        assert {name: kind for name, (kind, _) in reply.items()} == {
            name: Kind.PAIR if name in SEVEN[:1] else Kind.SELF for name in SEVEN
        }
    for name, one in attempt.members.items():
        again = Member.from_bytes(one.to_bytes(), identity(name).sign)
        for asked in (survivors, survivors - {SEVEN[6]}):
            with pytest.raises(FederationError, match="each answer is given once"):
                again.unmask(asked, 2, confirmations=confirmations, verify=verify)
            with pytest.raises(FederationError, match="each answer is given once"):
                again.confirm(asked, 2)
