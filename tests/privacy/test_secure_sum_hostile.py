"""A coordinator that lies: keys of its own, other lists, other plans, other survivors, shares held back or moved."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from functools import cache

import numpy as np
import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ec import ECDSA, SECP384R1, EllipticCurvePrivateKey, generate_private_key
from cryptography.hazmat.primitives.hashes import SHA384

from gmmas_core.errors import FederationError
from gmmas_core.secure_sum import Advert, Collector, Member, RoundLost

BINDING = b"b" * 32
SIX = tuple("abcdef")
VECTOR = np.arange(4)
HASH = ECDSA(SHA384())


@cache
def identity(name: str) -> EllipticCurvePrivateKey:
    """As enrolled: ECDSA on P-384."""
    return generate_private_key(SECP384R1())


def signer(name: str) -> Callable[[bytes], bytes]:
    return lambda message: identity(name).sign(message, HASH)


def verify(name: str, message: bytes, signature: bytes) -> None:
    try:
        identity(name).public_key().verify(signature, message, HASH)
    except InvalidSignature:
        raise FederationError(f"signature: found one that is not of {name}") from None


def advertised(names: Iterable[str] = SIX, attempt: int = 0) -> tuple[dict[str, Member], dict[str, Advert]]:
    members = {name: Member(name, "run", 1, attempt, signer(name)) for name in names}
    return members, {name: one.advertise() for name, one in members.items()}


def masked() -> tuple[dict[str, Member], Collector]:
    """Six members that have sent their vectors, to a collector that has added them."""
    members, adverts = advertised()
    collector = Collector("run", 1, 0, size=4, binding=BINDING)
    collector.adverts(adverts, verify)
    sealed = collector.shares({name: one.share(adverts, verify, 3) for name, one in members.items()})
    for name, one in members.items():
        collector.add(name, one.mask(VECTOR, sealed[name], binding=BINDING))
    return members, collector


def swap(adverts: Mapping[str, Advert], name: str, **changes: object) -> dict[str, Advert]:
    return {**adverts, name: replace(adverts[name], **changes)}  # type: ignore[arg-type]


def test_keys_of_the_coordinator_in_a_hospitals_name_are_refused() -> None:
    members, adverts = advertised()
    own = Member("b", "run", 1, 0, signer("coordinator")).advertise()
    _, earlier = advertised(attempt=1)
    for bad, says in (
        ({**adverts, "b": own}, "not of b"),
        (swap(adverts, "b", mask_key=own.mask_key), "not of b"),
        (swap(adverts, "b", seed_digest=own.seed_digest), "not of b"),
        (swap(adverts, "b", about=own.seed_digest), "not of b"),
        ({**adverts, "b": adverts["c"]}, "another site's name"),
        ({**adverts, "b": earlier["b"]}, "another attempt"),
        ({**adverts, "a": advertised()[1]["a"]}, "another advert in this site's name"),
        (swap(adverts, "b", encryption_key=bytes(32)), "small order"),
        (swap(adverts, "b", mask_key=(1).to_bytes(32, "little")), "small order"),
        (swap(adverts, "b", mask_key=adverts["c"].mask_key), "one key in two places"),
        ({name: adverts[name] for name in "ab"}, "policy: found 2 sites"),
        ({name: adverts[name] for name in "bcdef"}, "another advert in this site's name"),
    ):
        with pytest.raises(FederationError, match=says):
            members["a"].share(bad, verify, 3)
    assert members["a"].share(adverts, verify, 3).keys() == set("bcdef")


def test_an_unfit_advert_is_left_out_before_it_spoils_the_list() -> None:
    _, adverts = advertised()
    collector = Collector("run", 1, 0, size=4, binding=BINDING)
    bad = swap(swap(adverts, "b", encryption_key=bytes(32)), "c", signature=b"")
    assert collector.adverts(bad, verify).keys() == set("adef")
    assert collector.refused.keys() == set("bc")


def test_members_that_were_shown_different_lists_cannot_open_each_others_shares() -> None:
    members, adverts = advertised()
    short = {name: adverts[name] for name in "abcde"}
    shares = {name: one.share(short if name in "ab" else adverts, verify, 3) for name, one in members.items()}
    for name in "ac":
        sealed = {sender: shares[sender][name] for sender in "abcde" if sender != name}
        with pytest.raises(FederationError, match="do not open"):
            members[name].mask(VECTOR, sealed, binding=BINDING)


def test_shares_held_back_moved_or_replayed_are_refused() -> None:
    members, adverts = advertised()
    shares = {name: one.share(adverts, verify, 3) for name, one in members.items()}
    good = {sender: shares[sender]["a"] for sender in "bcdef"}
    others, other_adverts = advertised()
    replayed = others["b"].share(other_adverts, verify, 3)["a"]
    flipped = good["b"][:-1] + bytes([good["b"][-1] ^ 1])
    for bad, says in (
        ({**good, "b": good["c"]}, "do not open"),
        ({**good, "b": shares["b"]["c"]}, "do not open"),
        ({**good, "b": replayed}, "do not open"),
        ({**good, "b": flipped}, "do not open"),
        ({**good, "b": b""}, "do not open"),
        ({**good, "z": good["b"]}, "no neighbour"),
        ({name: good[name] for name in "bc"}, "shares of 2 neighbours"),
    ):
        with pytest.raises(FederationError, match=says):
            members["a"].mask(VECTOR, bad, binding=BINDING)
    left = members["a"]
    left.mask(VECTOR, {name: good[name] for name in "bcd"}, binding=BINDING)
    with pytest.raises(FederationError, match="whose shares never came"):
        left.confirm(frozenset("abcef"), 3)


def test_another_plan_at_one_site_leaves_the_sum_masked() -> None:
    members, adverts = advertised()
    collector = Collector("run", 1, 0, size=4, binding=BINDING)
    collector.adverts(adverts, verify)
    sealed = collector.shares({name: one.share(adverts, verify, 3) for name, one in members.items()})
    for name, one in members.items():
        other = b"c" * 32 if name in "abc" else BINDING
        collector.add(name, one.mask(VECTOR, sealed[name], binding=other))
    survivors = collector.survivors()
    signatures = {name: one.confirm(survivors, 3) for name, one in members.items()}
    with pytest.raises(RoundLost):
        collector.confirmations(signatures, verify)
    with pytest.raises(FederationError, match="not of a"):
        members["d"].unmask(survivors, 3, confirmations=signatures, verify=verify)


def test_other_survivors_at_other_sites_unmask_nothing() -> None:
    members, collector = masked()
    all_six = collector.survivors()
    for bad, says in (
        (frozenset("abc"), "3 survivors; expected at least 4"),
        (frozenset("bcdef"), "without this site"),
        (frozenset("abcdez"), "never advertised"),
    ):
        with pytest.raises(FederationError, match=says):
            members["a"].confirm(bad, 3)
    with pytest.raises(FederationError, match="policy: found a sum over 6 sites; expected at least 7"):
        members["a"].confirm(all_six, 7)
    told = {name: frozenset("abcde") if name in "abc" else all_six for name in SIX}
    signatures = {name: one.confirm(told[name], 3) for name, one in members.items()}
    for name, one in members.items():
        agreeing = {other: signatures[other] for other in SIX if told[other] == told[name]}
        with pytest.raises(FederationError, match="found 3 confirmations; expected at least 4"):
            one.unmask(told[name], 3, confirmations=agreeing, verify=verify)
        padded = {other: signatures[other] for other in sorted(told[name])}
        with pytest.raises(FederationError, match="not of"):
            one.unmask(told[name], 3, confirmations=padded, verify=verify)


def test_vectors_and_shares_that_are_unfit_are_refused_and_wrong_ones_void_the_round() -> None:
    members, collector = masked()
    with pytest.raises(FederationError, match="its second"):
        collector.add("a", VECTOR)
    survivors = collector.survivors()
    with pytest.raises(FederationError, match="after the survivors"):
        collector.add("a", VECTOR)
    signed = collector.confirmations({name: one.confirm(survivors, 3) for name, one in members.items()}, verify)
    replies = {name: one.unmask(survivors, 3, confirmations=signed, verify=verify) for name, one in members.items()}
    kind, share = replies["b"]["a"]
    for bad in ((kind, share[:-1]), (kind, b"\xff" * 33), ("pair", share), (kind, "x" * 33), None):
        unfit = {name: {**replies[name], "a": bad} for name in "bcd"}
        with pytest.raises(RoundLost, match="found 3 shares of a secret of a"):
            collector.finish({**replies, **unfit})  # type: ignore[dict-item]
    with pytest.raises(RoundLost, match="do not rebuild"):
        collector.finish({**replies, "b": {**replies["b"], "a": (kind, replies["c"]["a"][1])}})
    np.testing.assert_array_equal(collector.finish(replies), 6 * VECTOR)
    with pytest.raises(FederationError, match="unmasked already"):
        collector.finish(replies)


@pytest.mark.parametrize("vector", [np.zeros(4), np.zeros((2, 2), np.int64), np.zeros(3, np.int64)])
def test_an_unfit_vector_is_refused(vector: np.ndarray) -> None:
    members, adverts = advertised()
    collector = Collector("run", 1, 0, size=4, binding=BINDING)
    collector.adverts(adverts, verify)
    sealed = collector.shares({name: one.share(adverts, verify, 3) for name, one in members.items()})
    with pytest.raises(FederationError, match="unfit vector"):
        collector.add("a", vector)
    if vector.shape != (3,):
        with pytest.raises(FederationError, match="unfit vector"):
            members["a"].mask(vector, sealed["a"], binding=BINDING)
