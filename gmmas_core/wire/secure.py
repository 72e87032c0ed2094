"""The messages of a secure sum as Flower records, and back: named byte strings, and one vector of integers.

What the byte strings hold is read by `gmmas_core.secure_sum` and `gmmas_core.secure_round`; here they are bounded in
number and length, so that no message takes more memory than a round may.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from flwr.app import Array, ArrayRecord, ConfigRecord, ConfigRecordValues, RecordDict
from numpy.typing import NDArray

from gmmas_core.npy_bytes import read_npy
from gmmas_core.secure_round.own_weights import SumTerms
from gmmas_core.types import FederationError
from gmmas_core.wire.records import config_record
from gmmas_core.wire.replies import reply_record
from gmmas_core.wire.requests import require_only
from gmmas_core.wire_fields import read_integer, read_string

ADVERTISE, SHARE, MASK, CONFIRM, UNMASK = "advertise", "share", "mask", "confirm", "unmask"
PHASES = (ADVERTISE, SHARE, MASK, CONFIRM, UNMASK)
"""In order; the Flower message type of a phase is "train.<phase>"."""

SUM_TERMS = "secure"
"""The record beside the plan of an advertise question."""

MAX_PARTS = 8192
MAX_NAME = 128
MAX_PART_BYTES = 2**20
MAX_BYTES = 2**24


@dataclass(frozen=True, kw_only=True)
class SecureMessage:
    """A question or an answer of one phase.

    Attributes:
        site: who answers; "" in a question.
        run_id, round, attempt: which sum it belongs to.
        parts: name -> bytes.
    """

    site: str = ""
    run_id: str
    round: int
    attempt: int
    parts: Mapping[str, bytes]

    def under(self, prefix: str) -> dict[str, bytes]:
        """The parts "<prefix>.<name>" by name."""
        start = f"{prefix}."
        return {name.removeprefix(start): part for name, part in self.parts.items() if name.startswith(start)}


def terms_to_record(terms: SumTerms) -> ConfigRecord:
    """Travels as "secure" beside the plan of an advertise question."""
    return ConfigRecord({"attempt": terms.attempt, "max-cases": terms.max_cases, "max-sites": terms.max_sites})


def read_sum_terms(content: RecordDict) -> SumTerms:
    """The terms of an advertise question, or FederationError."""
    record = config_record(content, SUM_TERMS)
    if set(record) != {"attempt", "max-cases", "max-sites"}:
        raise FederationError("secure sum: found other terms than this release knows; expected attempt, cases, sites")
    numbers = [read_integer(record.get(key), key) for key in ("attempt", "max-cases", "max-sites")]
    return SumTerms(attempt=numbers[0], max_cases=numbers[1], max_sites=numbers[2])


def secure_to_content(message: SecureMessage, vector: NDArray[np.int64] | None = None) -> RecordDict:
    """A message of a phase; the answer to "mask" carries the vector instead of parts."""
    names = sorted(message.parts)
    about: dict[str, ConfigRecordValues] = {
        "site": message.site,
        "run-id": message.run_id,
        "round": message.round,
        "attempt": message.attempt,
        "names": names,
        "parts": [message.parts[name] for name in names],
    }
    content = RecordDict({"reply" if message.site else "request": ConfigRecord(about)})
    if vector is not None:
        content["masked"] = ArrayRecord({"values": Array(np.asarray(vector, dtype="<i8"))})
    return content


def read_secure_question(content: RecordDict) -> SecureMessage:
    """What the coordinator asks in a phase after the first, or FederationError."""
    require_only(content, records=("request",), keys=("site", "run-id", "round", "attempt", "names", "parts"))
    return _read(config_record(content, "request"))


def read_secure_answer(content: RecordDict) -> SecureMessage:
    """A site's answer in a phase, or FederationError with a refusing site's own words."""
    return _read(reply_record(content))


def read_masked(content: RecordDict, size: int) -> NDArray[np.int64]:
    """The masked vector of an answer, as a read-only view of its bytes.

    Raises:
        FederationError: none, or one of another length or type.
    """
    record = content.get("masked")
    if not isinstance(record, ArrayRecord) or set(record) != {"values"}:
        raise FederationError("message: found no masked vector; expected an array record 'masked' of 'values'")
    try:
        values = read_npy(record["values"].data)
    except (ValueError, TypeError, EOFError, OSError, MemoryError, RecursionError):
        raise FederationError("masked: found a vector that cannot be decoded; expected whole numbers") from None
    if values.dtype != np.dtype("<i8") or values.shape != (size,):
        raise FederationError(f"masked: found another vector; expected {size} whole numbers of 64 bits")
    return values


def _read(record: ConfigRecord) -> SecureMessage:
    names, parts = record.get("names"), record.get("parts")
    if not isinstance(names, list) or not isinstance(parts, list) or len(names) != len(parts):
        raise FederationError("message: found no list of parts; expected as many as names")
    texts = [name for name in names if isinstance(name, str) and 0 < len(name) <= MAX_NAME]
    if not len(texts) == len(names) <= MAX_PARTS or texts != sorted(set(texts)):
        raise FederationError("message: found unfit names of parts; expected each once, in order")
    read: dict[str, bytes] = {}
    total = 0
    for name, part in zip(texts, parts):
        if not isinstance(part, bytes) or len(part) > MAX_PART_BYTES or (total := total + len(part)) > MAX_BYTES:
            raise FederationError(f"message: found unfit parts; expected bytes, at most {MAX_BYTES} in all")
        read[name] = part
    return SecureMessage(
        site=read_string(record, "site"),
        run_id=read_string(record, "run-id"),
        round=read_integer(record.get("round"), "round"),
        attempt=read_integer(record.get("attempt"), "attempt"),
        parts=read,
    )
