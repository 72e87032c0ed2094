"""A signed folder is read back, and everything that is not exactly what was signed is refused."""

import base64
import json
import stat
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gmmas_core.signing import (
    SIGNATURE,
    key_fingerprint,
    make_key,
    read_private_key,
    read_public_key,
    sign_folder,
    verify_folder,
)
from gmmas_core.types import DataError

ABOUT = {"version": "v1", "round": 3}


@pytest.fixture(scope="module")
def key(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("keys") / "coordinator.key"
    make_key(path)
    return path


@pytest.fixture
def public(key: Path) -> Any:
    return read_public_key(key.with_name("coordinator.key.pub"))


@pytest.fixture
def folder(tmp_path: Path, key: Path) -> Path:
    (tmp_path / "release").mkdir()
    (tmp_path / "release" / "a.txt").write_bytes(b"one")
    (tmp_path / "release" / "b.bin").write_bytes(bytes(range(256)))
    sign_folder(tmp_path / "release", read_private_key(key), ABOUT)
    return tmp_path / "release"


def test_what_was_signed_is_read_back(folder: Path, public: Any) -> None:
    assert verify_folder(folder, public) == ABOUT
    document = json.loads((folder / SIGNATURE).read_text())
    assert document["key_fingerprint"] == key_fingerprint(public)
    assert len(base64.b64decode(document["signature"])) == 64


def test_a_private_key_is_for_its_owner_and_is_never_written_over(key: Path) -> None:
    assert stat.S_IMODE(key.stat().st_mode) == 0o600
    with pytest.raises(DataError, match="found one already"):
        make_key(key)
    loose = key.with_name("loose.key")
    loose.write_bytes(key.read_bytes())
    loose.chmod(0o644)
    with pytest.raises(DataError, match="others may read it"):
        read_private_key(loose)


def test_a_key_of_the_other_kind_or_no_key_is_refused(key: Path, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="public key"):
        read_public_key(key)
    noise = tmp_path / "noise"
    noise.write_bytes(b"\x00" * 100)
    noise.chmod(0o600)
    for read in (read_public_key, read_private_key):
        with pytest.raises(DataError, match="found something else"):
            read(noise)
        with pytest.raises(DataError, match="cannot be read"):
            read(tmp_path / "absent")


def test_another_key_is_named(folder: Path, tmp_path: Path) -> None:
    other = read_public_key(make_key(tmp_path / "other.key"))
    with pytest.raises(DataError, match="signature of another key"):
        verify_folder(folder, other)


def test_resigned_by_another_key_under_our_fingerprint_is_refused(folder: Path, public: Any, tmp_path: Path) -> None:
    make_key(tmp_path / "other.key")
    (folder / "a.txt").write_bytes(b"two")
    sign_folder(folder, read_private_key(tmp_path / "other.key"), ABOUT)
    document = json.loads((folder / SIGNATURE).read_text())
    (folder / SIGNATURE).write_text(json.dumps(document | {"key_fingerprint": key_fingerprint(public)}))
    with pytest.raises(DataError, match="does not fit"):
        verify_folder(folder, public)


def test_missing_added_linked_and_unsigned_files_are_refused(folder: Path, public: Any) -> None:
    (folder / "extra").write_text("x")
    with pytest.raises(DataError, match="1 added"):
        verify_folder(folder, public)
    (folder / "extra").unlink()
    (folder / "a.txt").rename(folder.parent / "a.txt")
    with pytest.raises(DataError, match=r"1 files missing \(a.txt\)"):
        verify_folder(folder, public)
    (folder / "a.txt").symlink_to(folder.parent / "a.txt")
    with pytest.raises(DataError, match="link or folder"):
        verify_folder(folder, public)
    (folder / SIGNATURE).unlink()
    with pytest.raises(DataError, match="expected a signed release"):
        verify_folder(folder, public)


def _same(altered: bytes, content: bytes) -> bool:
    try:
        return bool(json.loads(altered) == json.loads(content))
    except ValueError:
        return False


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(place=st.integers(min_value=0), bit=st.integers(0, 7), name=st.sampled_from(("a.txt", "b.bin", SIGNATURE)))
def test_any_flipped_bit_is_found_or_changes_nothing(
    folder: Path, public: Any, place: int, bit: int, name: str
) -> None:
    content = (folder / name).read_bytes()
    altered = bytearray(content)
    altered[place % len(content)] ^= 1 << bit
    (folder / name).write_bytes(bytes(altered))
    try:
        if name == SIGNATURE and _same(bytes(altered), content):
            assert verify_folder(folder, public) == ABOUT  # only white space between two values differs
        else:
            with pytest.raises(DataError):
                verify_folder(folder, public)
    finally:
        (folder / name).write_bytes(content)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    key=st.sampled_from(("format", "about", "files", "key_fingerprint", "signature")),
    value=st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=8), lambda inner: st.lists(inner, max_size=3)
    ),
)
def test_any_other_value_is_a_data_error(folder: Path, public: Any, key: str, value: object) -> None:
    content = (folder / SIGNATURE).read_bytes()
    document = json.loads(content)
    if document[key] == value:
        return
    (folder / SIGNATURE).write_text(json.dumps(document | {key: value}))
    with pytest.raises(DataError):
        verify_folder(folder, public)
    (folder / SIGNATURE).write_bytes(content)


@pytest.mark.parametrize("content", [b"", b"[]", b"7", b"{", b"[" * 100_000, b"\xff\xfe", b'{"format": 1}'])
def test_no_signature_at_all_is_refused(folder: Path, public: Any, content: bytes) -> None:
    (folder / SIGNATURE).write_bytes(content)
    with pytest.raises(DataError, match=r"signature\.json: found something else"):
        verify_folder(folder, public)


def test_a_signed_name_that_leads_elsewhere_is_refused(folder: Path, public: Any, key: Path) -> None:
    (folder / "-rf").write_text("x")
    sign_folder(folder, read_private_key(key), ABOUT)
    with pytest.raises(DataError, match="other characters"):
        verify_folder(folder, public)


def test_a_signature_has_one_spelling(folder: Path, public: Any) -> None:
    """The last letter before the padding holds four bits that decoding ignores."""
    document = json.loads((folder / SIGNATURE).read_text())
    text = document["signature"]
    assert text.endswith("==")
    letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
    other = letters[letters.index(text[-3]) ^ 1]
    (folder / SIGNATURE).write_text(json.dumps(document | {"signature": text[:-3] + other + "=="}))
    with pytest.raises(DataError, match="does not fit"):
        verify_folder(folder, public)
