"""Whatever arrives over the wire or in a letter, only the documented error comes out: short, before memory is taken.

Readers of `gmmas_core.wire` are found by their names, so that a new one is fuzzed without being added here.
"""

import inspect
import io
import json
import tokenize
import tracemalloc
import zipfile
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from flwr.app import Array, ArrayRecord, ConfigRecord, MetricRecord, RecordDict
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from client.models.release_archive import unpack as unpack_release
from client.policy.overrides import require_plain
from gmmas_core import wire
from gmmas_core.calibration import calibration_text, read_calibration
from gmmas_core.config import config_keys
from gmmas_core.enrolment import Enrolment, Invitation, read_letter
from gmmas_core.npy_bytes import read_npy
from gmmas_core.packed_weights import unpack
from gmmas_core.software import PROTOCOL
from gmmas_core.types import (
    DataError,
    EvaluationPlan,
    FederationError,
    GmmasError,
    RoundPlan,
    SiteScores,
    SiteStatus,
    SiteUpdate,
    Sum,
    Task,
)
from gmmas_core.update_encoding import DTYPES, Encoded, decode

pytestmark = pytest.mark.filterwarnings("ignore::RuntimeWarning", "ignore::UserWarning")
quick = settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))

LONGEST_MESSAGE = 2000
"""Characters of an error: it goes into logs, and back over the wire."""

WEIGHTS = {"a.weight": np.arange(6, dtype=np.float32).reshape(2, 3), "b": np.array(3.5, np.float32)}
FACTS: dict[str, Any] = {"run_id": "r1", "round": 3, "core_fingerprint": "ef"}
ASKED: dict[str, Any] = {**FACTS, "seed": 7, "weights_hash": "ab", "config_hash": "cd", "deadline_s": 60.0}
ROUND = RoundPlan(**ASKED, stage="supervised", local_steps=5, lr=1e-3, tasks=(Task.IDH,), ledger_head="01")
METRICS: dict[str, Any] = {"dice.wt": Sum(3.5, 5), "dice-histogram.wt": (0, 2, 3)}
ENCODED = {
    name: Encoded(
        encoding=name,
        arrays={key: np.zeros(value.shape, dtype) for key, value in WEIGHTS.items()},
        scales={} if name == "float32" else dict.fromkeys(WEIGHTS, 0.5),
    )
    for name, dtype in DTYPES.items()
}


def _update(encoding: str) -> RecordDict:
    more: dict[str, Any] = {"seen": {"stem.t1": 12}, "uncertainty": {"idh": -0.5}, "duration_s": 1.5}
    update = SiteUpdate(site="north", **FACTS, weights=WEIGHTS, num_cases=12, metrics=METRICS, **more)
    return wire.update_to_content(update, ENCODED[encoding])


VALID: Sequence[Callable[[], RecordDict]] = (
    lambda: wire.query_to_content(["experiment=smoke"]),
    lambda: wire.plan_to_content(ROUND, ["experiment=smoke"], WEIGHTS),
    lambda: wire.plan_to_content(EvaluationPlan(**ASKED, split="holdout", subject="global"), [], WEIGHTS),
    *(lambda encoding=encoding: _update(encoding) for encoding in DTYPES),  # type: ignore[misc]
    lambda: wire.scores_to_content(
        SiteScores(site="north", **FACTS, split="holdout", subject="global", num_cases=12, metrics=METRICS)
    ),
    lambda: wire.status_to_content(
        SiteStatus(
            site="north",
            core_fingerprint="ef",
            fingerprint_parts={"code": "1"},
            config_hash="cd",
            num_cases={"train": 9},
            num_sequences={"t1": 9},
            num_labels={"idh": 3},
            protocol=PROTOCOL,
            release="0.1.0",
            image="",
        )
    ),
    lambda: wire.refusal_to_content("policy: no"),
)


ARGUMENTS: dict[str, Any] = {"reference": WEIGHTS, "size": 9}
"""What readers take beside the message."""


def _readers() -> dict[str, Callable[[RecordDict], Any]]:
    """Every reader of a message, with each encoding where it takes one."""
    found: dict[str, Callable[[RecordDict], Any]] = {}
    for name in sorted(name for name in dir(wire) if name.startswith("read_")):
        read = getattr(wire, name)
        parameters = list(inspect.signature(read).parameters)
        if parameters[:1] != ["content"]:
            continue
        more = {key: value for key, value in ARGUMENTS.items() if key in parameters}
        if "encoding" in parameters:
            found |= {f"{name}, {encoding}": partial(read, encoding=encoding, **more) for encoding in DTYPES}
        else:
            found[name] = partial(read, **more)
    return found


READERS = _readers()

numbers = st.integers(-(2**63), 2**63 - 1) | st.floats()
scalars = numbers | st.booleans() | st.text(max_size=20) | st.binary(max_size=20) | st.just("x" * 5000)
lists = st.lists(numbers, max_size=5) | st.lists(st.text(max_size=9), max_size=5) | st.just(["y"] * 5000)
names = st.text(max_size=9) | st.sampled_from(
    ["sum.a", "sum.", "histogram.b", "seen.x", "part.y", "cases.z", "num-cases", "values", "index", "k" * 9000]
)


@st.composite
def array_files(draw: st.DrawFn) -> bytes:
    """Bytes that are, or nearly are, an array as numpy writes it."""
    header = draw(
        st.text(max_size=80)
        | st.builds(
            "{{'descr': {}, 'fortran_order': {}, 'shape': {}, }}".format,
            st.sampled_from(
                ["'<f4'", "'|O'", "'|u1'", "'<U9'", "[('a', '<f4')]", "'('", "'<f4'*9", "{", "'0V'", "None"]
            ),
            st.sampled_from(["True", "False", "0", "'x'"]),
            st.sampled_from(
                ["(3,)", "()", "(0, -1)", "(1099511627776,)", "(-2,)", "(True,)", "(2**9,)", "3", "((3,),)"]
            ),
        )
    ).encode("utf-8", "replace")
    version = draw(st.sampled_from([b"\x01\x00", b"\x02\x00", b"\x03\x00", b"\x09\x09"]))
    length = len(header).to_bytes(2 if version[0] == 1 else 4, "little")
    return b"\x93NUMPY" + version + length + header + draw(st.binary(max_size=16))


arrays = st.builds(
    Array,
    st.sampled_from(["float32", "uint8", "object", "?"]),
    st.lists(st.integers(-1, 9), max_size=2).map(tuple),
    st.sampled_from(["numpy.ndarray", "pickle", ""]),
    st.binary(max_size=60) | array_files(),
)


def read_or_refuse(read: Callable[[], Any], refusal: type[GmmasError] = FederationError) -> None:
    """Read; a refusal is the documented one and short, everything else is a defect."""
    told = ""
    try:
        read()
    except refusal as error:
        told = str(error)
    assert len(told) <= LONGEST_MESSAGE


def _put(record: Any, key: str, value: Any) -> None:
    """Flower itself refuses what its records cannot hold."""
    with suppress(TypeError, KeyError, ValueError):
        record[key] = value


@st.composite
def anything(draw: st.DrawFn) -> RecordDict:
    """Records of any kind under any name."""
    content = RecordDict({})
    for name in draw(
        st.lists(st.sampled_from(["request", "reply", "refusal", "counts", "metrics", "weights"]) | names)
    ):
        record: Any = draw(st.sampled_from([ConfigRecord, MetricRecord, ArrayRecord]))()
        for key in draw(st.lists(names, max_size=4)):
            _put(record, key, draw(arrays if isinstance(record, ArrayRecord) else scalars | lists))
        content[name] = record
    return content


@st.composite
def nearly_valid(draw: st.DrawFn) -> RecordDict:
    """A message as this release writes it, with a few fields gone, replaced, added or cut."""
    content = draw(st.sampled_from(VALID))()
    for _ in range(draw(st.integers(1, 3))):
        name = draw(st.sampled_from(sorted(content)))
        record: Any = content[name]
        key = draw(st.sampled_from(sorted(record)) | names) if len(record) else draw(names)
        match draw(st.sampled_from(["gone", "replaced", "cut", "all gone"])):
            case "gone":
                record.pop(key, None)
            case "all gone":
                content[name] = draw(st.sampled_from([ConfigRecord, MetricRecord, ArrayRecord]))()
            case "cut" if isinstance(record.get(key), Array):
                data = bytearray(record[key].data)
                place = draw(st.integers(0, len(data)))
                data[place : place + draw(st.integers(0, 3))] = draw(st.binary(max_size=4))
                record[key] = Array(record[key].dtype, record[key].shape, record[key].stype, bytes(data))
            case _:
                _put(record, key, draw(arrays if isinstance(record, ArrayRecord) else scalars | lists))
    return content


def test_every_kind_of_message_has_a_reader_here() -> None:
    assert {"read_round_plan", "read_evaluation_plan", "read_overrides", "read_coordinator"} <= set(READERS)
    assert {"read_status", "read_scores", "read_weights"} <= set(READERS)
    assert {f"read_update, {encoding}" for encoding in DTYPES} <= set(READERS)
    assert all(any(_reads(read, make()) for read in READERS.values()) for make in VALID[:-1]), "a refusal is no answer"


def _reads(read: Callable[[RecordDict], Any], content: RecordDict) -> bool:
    try:
        read(content)
    except FederationError:
        return False
    return True


@quick
@given(anything())
def test_records_of_any_kind_are_refused_in_words(content: RecordDict) -> None:
    for read in READERS.values():
        read_or_refuse(partial(read, content))


def _with_metric(key: str, value: list[float]) -> RecordDict:
    content = _update("float32")
    content["metrics"] = MetricRecord({key: value})
    return content


@settings(quick, max_examples=150)
@given(nearly_valid())
@example(_with_metric("sum." + "k" * 9000, [1.0]))
@example(_with_metric("sum." + "k" * 9000, [float("nan"), 1.0]))
@example(_with_metric("histogram." + "k" * 9000, [0.5]))
def test_a_damaged_message_is_read_or_refused_in_words(content: RecordDict) -> None:
    for read in READERS.values():
        read_or_refuse(partial(read, content))


@settings(quick, max_examples=300)
@given(array_files() | st.binary(max_size=80))
def test_an_array_file_is_read_or_is_a_value_error(data: bytes) -> None:
    with suppress(ValueError):
        read_npy(data)


def test_a_small_message_that_claims_to_be_large_takes_no_memory() -> None:
    tracemalloc.start()
    try:
        for shape in ("(1099511627776,)", "(2199023255552, 2199023255552)", "(0, 1099511627776)"):
            header = f"{{'descr': '<f4', 'fortran_order': False, 'shape': {shape}, }}".encode()
            with suppress(ValueError):
                read_npy(b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header + bytes(64))
        index = np.frombuffer(json.dumps([["a", [0] * 8], ["b", [1 << 39] * 8]]).encode(), np.uint8)
        with pytest.raises(ValueError, match="another number"):
            unpack(np.zeros(4, np.float32), index)
        assert tracemalloc.get_traced_memory()[1] < 2**20
    finally:
        tracemalloc.stop()


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5) | st.just(10**400),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


@settings(quick, max_examples=200)
@given(st.binary(max_size=60) | json_values.map(lambda value: json.dumps(value).encode()))
@example(b"[[[[" * 9000)
@example(b'[["a", [0, 1099511627775, 1099511627775]]]')
def test_an_index_is_read_or_is_a_value_error(index: bytes) -> None:
    with suppress(ValueError, RecursionError):
        unpack(np.zeros(3, np.float32), np.frombuffer(index, np.uint8))


@quick
@given(
    st.sampled_from(sorted(DTYPES)),
    st.dictionaries(st.sampled_from([*WEIGHTS, "c"]), st.lists(st.floats(width=32), max_size=6), max_size=3),
    st.dictionaries(st.sampled_from([*WEIGHTS, "c"]), st.floats(), max_size=3),
)
def test_an_encoded_update_is_decoded_or_refused(
    encoding: str, values: dict[str, list[float]], scales: dict[str, float]
) -> None:
    with np.errstate(all="ignore"):
        given_arrays = {name: np.array(value, np.float32).astype(DTYPES[encoding]) for name, value in values.items()}
        with suppress(FederationError):
            decode(Encoded(encoding=encoding, arrays=given_arrays, scales=scales), WEIGHTS)


tables = st.dictionaries(st.sampled_from(["temperature", "region_temperature", "fit", "x"]), json_values, max_size=3)


@settings(quick, max_examples=200)
@given(st.text(max_size=40) | json_values.map(json.dumps) | tables.map(json.dumps))
@example(json.dumps({"temperature": {"idh": 10**400}}))
@example("[" * 99999)
def test_a_calibration_is_read_or_refused(text: str) -> None:
    read_or_refuse(lambda: calibration_text(read_calibration(text, [Task.IDH])))


@settings(quick, max_examples=200)
@given(
    st.lists(
        st.text(max_size=60)
        | st.builds("{}={}".format, st.sampled_from([*config_keys(), "model", "privacy"]), st.text(max_size=30)),
        max_size=4,
    )
)
@example(["training.lr=" + "[" * 1900])
@example(["k" * 10**6 + "=1"])
def test_overrides_are_plain_or_refused(overrides: list[str]) -> None:
    read_or_refuse(lambda: require_plain(overrides))


LETTER_FIELDS = ["kind", "format", "federation", "site", "invitation", "public_key", "created", "proof", "server", "id"]


@quick
@given(
    st.binary(max_size=60)
    | json_values.map(lambda value: json.dumps(value).encode())
    | st.dictionaries(st.sampled_from(LETTER_FIELDS), json_values, max_size=9).map(
        lambda given: json.dumps({"kind": Enrolment.kind, "format": 1, **given}).encode()
    )
    | st.fixed_dictionaries({name: st.text(max_size=30) | st.just("north") for name in LETTER_FIELDS[2:8]}).map(
        lambda given: json.dumps({"kind": Enrolment.kind, "format": 1, **given}).encode()
    )
)
@example(b"[" * 99999)
def test_a_letter_is_read_or_refused(tmp_path_factory: pytest.TempPathFactory, content: bytes) -> None:
    path = tmp_path_factory.getbasetemp() / "letter.json"
    path.write_bytes(content)
    for kind in (Invitation, Enrolment):
        read_or_refuse(partial(read_letter, path, kind), DataError)


def _zipped() -> bytes:
    memory = io.BytesIO()
    with zipfile.ZipFile(memory, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("v1/weights.safetensors", b"w" * 500)
        archive.writestr("v1/signature.json", b"{}")
    return memory.getvalue()


ZIPPED = _zipped()


@quick
@given(st.lists(st.tuples(st.integers(0, len(ZIPPED) - 1), st.binary(min_size=1, max_size=4)), min_size=1, max_size=4))
def test_a_damaged_archive_is_unpacked_inside_its_folder_or_refused(
    tmp_path_factory: pytest.TempPathFactory, changes: list[tuple[int, bytes]]
) -> None:
    home = tmp_path_factory.mktemp("release")
    data = bytearray(ZIPPED)
    for place, piece in changes:
        data[place : place + len(piece)] = piece
    source, target = home / "release.zip", home / "outer" / "target"
    source.write_bytes(data)
    target.mkdir(parents=True)
    with suppress(DataError):
        unpack_release(source, target)
    assert sorted(home.rglob("*"))[0:2] == [home / "outer", target]
    assert all(path.parent == target for path in _files(home) if path != source)


def _files(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


def test_a_header_that_python_cannot_even_split_into_words_is_a_value_error() -> None:
    """What numpy's older reader of headers lets through: found by the fuzzer above."""
    header = b"{'descr': '<f4', 'fortran_order': False, 'shape': (3,"
    with pytest.raises(ValueError, match="npy: found"):
        read_npy(b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header)
    assert not issubclass(tokenize.TokenError, ValueError), "else this test shows nothing"
