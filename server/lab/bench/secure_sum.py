"""Secure sums at the size of a real network: bytes per site, seconds per step, memory of the coordinator.

Every site of an attempt runs in this one process, one after another, so a step's seconds are given per site, as each
hospital would spend them on one core, and for the coordinator as a whole. Vectors are all zeros, which costs the same:
the sum is checked. Nothing travels; `sent_mb` and `received_mb` are what one site would send and get, and
`factor` is what it sends over the float32 of a plain update. A third drops after its shares are dealt, which is the
dearest place: the coordinator must take off all its masks with everybody. `peak_mb` is what the process held beyond
its start: the coordinator's sum, and one site's masked vector as it arrives, however many sites there are.
"""

import json
import statistics
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, TypeVar

import numpy as np
from cryptography.hazmat.primitives.asymmetric.ec import ECDSA, SECP384R1, EllipticCurvePrivateKey, generate_private_key
from cryptography.hazmat.primitives.hashes import SHA384

from gmmas_core.secure_sum import Collector, Member
from gmmas_core.secure_sum.terms import may_drop, terms_for
from gmmas_core.types import ConfigError, FederationError
from server.lab.bench.measuring import in_own_process, own_peak

SITES = (4, 16, 64)
PARAMETERS = 5_000_000
BINDING = bytes(32)
_HASH = ECDSA(SHA384())

T = TypeVar("T")


def bench_secure_sum(repeats: int, sites: Sequence[int] = (), parameters: int = PARAMETERS) -> list[dict[str, Any]]:
    """Measure one attempt for each number of sites, with none and with as many as may dropped.

    Args:
        repeats: processes per row; medians are reported.
        sites: numbers of sites; none for SITES.
        parameters: elements of each vector.

    Returns:
        A row per number of sites and of dropped ones: `sent_mb`, `received_mb`, `factor` of one site; `advertise_s`,
        `share_s`, `mask_s`, `confirm_s`, `unmask_s`, medians of one site; `add_s` of the coordinator per site,
        `finish_s` and `peak_mb`.

    Raises:
        ConfigError: fewer than 2 sites.
    """
    wanted = tuple(sorted(set(sites or SITES)))
    if wanted[0] < 2:
        raise ConfigError(f"--sites: found {wanted[0]}; expected numbers of at least 2")
    return [_row(number, dropped, parameters, repeats) for number in wanted for dropped in (0, may_drop(number, 1 / 3))]


def _row(sites: int, dropped: int, parameters: int, repeats: int) -> dict[str, Any]:
    runs = [
        in_own_process("server.lab.bench.secure_sum", sites, dropped, parameters, environment={"OMP_NUM_THREADS": "1"})
        for _ in range(repeats)
    ]
    measured = {key: round(statistics.median(run[key] for run in runs), 4) for key in runs[0]}
    return {"sites": sites, "dropped": dropped, "neighbours": terms_for(sites).degree, **measured}


def measure(sites: int, dropped: int, parameters: int) -> dict[str, float]:
    """One attempt from adverts to the sum, in this process."""
    identities = {f"site-{number:03}": generate_private_key(SECP384R1()) for number in range(sites)}
    clock = _Clock()
    with own_peak() as start:
        pass
    with own_peak() as peak:
        sent, received = _attempt(identities, dropped, parameters, clock)
    return {
        "sent_mb": sent / 1e6,
        "received_mb": received / 1e6,
        "factor": sent / (4 * parameters),
        **{f"{step}_s": statistics.median(spent) for step, spent in clock.seconds.items()},
        "peak_mb": peak[0] - start[0],
    }


class _Clock:
    """Wall seconds per step."""

    def __init__(self) -> None:
        self.seconds: dict[str, list[float]] = {}

    def time(self, step: str, work: Callable[[], T]) -> T:
        start = time.perf_counter()
        done = work()
        self.seconds.setdefault(step, []).append(time.perf_counter() - start)
        return done


def _signer(key: EllipticCurvePrivateKey) -> Callable[[bytes], bytes]:
    return lambda message: key.sign(message, _HASH)


def _attempt(
    identities: dict[str, EllipticCurvePrivateKey], dropped: int, parameters: int, clock: _Clock
) -> tuple[int, int]:
    """Bytes that one site sends and gets over an attempt."""

    def verify(name: str, message: bytes, signature: bytes) -> None:
        identities[name].public_key().verify(signature, message, _HASH)

    members = {name: Member(name, "bench", 1, 0, _signer(key)) for name, key in identities.items()}
    collector = Collector("bench", 1, 0, size=parameters, binding=BINDING)
    adverts = collector.adverts({name: clock.time("advertise", one.advertise) for name, one in members.items()}, verify)
    shares = {name: clock.time("share", partial(one.share, adverts, verify, 2)) for name, one in members.items()}
    sealed = collector.shares(shares)
    left = dict(list(members.items())[dropped:])
    vector = np.zeros(parameters, np.int64)
    for name, one in left.items():
        masked = clock.time("mask", partial(one.mask, vector, sealed[name], binding=BINDING))
        clock.time("add", partial(collector.add, name, masked))
        del masked
    survivors = collector.survivors()
    signed = {name: clock.time("confirm", partial(one.confirm, survivors, 2)) for name, one in left.items()}
    collector.confirmations(signed, verify)
    replies = {
        name: clock.time("unmask", partial(one.unmask, survivors, 2, confirmations=signed, verify=verify))
        for name, one in left.items()
    }
    if clock.time("finish", partial(collector.finish, replies)).any():
        raise FederationError("bench secure-sum: found a sum that is not the members'; expected zeros")
    last, names = max(left), sum(map(len, survivors))
    pieces = sum(len(name) + len(kind) + len(share) for name, (kind, share) in replies[last].items())
    sent = len(adverts[last].to_bytes()) + _bytes_of(shares[last]) + vector.nbytes + len(signed[last]) + pieces
    listed = sum(len(advert.to_bytes()) for advert in adverts.values())
    return sent, listed + _bytes_of(sealed[last]) + 2 * names + _bytes_of(signed)


def _bytes_of(contents: Mapping[str, bytes]) -> int:
    return sum(map(len, contents.values()))


if __name__ == "__main__":
    sys.stdout.write(json.dumps(measure(*map(int, sys.argv[1:4]))) + "\n")
