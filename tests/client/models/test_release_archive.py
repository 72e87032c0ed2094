"""A release as a folder or a zip: copied exactly, or refused before anything is written elsewhere."""

import os
import stat
import zipfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

import client.models.release_archive as archive
from client.models.release_archive import MAX_FILES, unpack
from gmmas_core.types import DataError

FILES = {"model.safetensors": bytes(range(256)) * 40, "config.yaml": b"name: x\n", "signature.json": b"{}"}


def zipped(path: Path, files: dict[str, bytes], compression: int = zipfile.ZIP_DEFLATED) -> Path:
    with zipfile.ZipFile(path, "w", compression) as file:
        for name, content in files.items():
            file.writestr(name, content)
    return path


def unpacked(source: Path, tmp_path: Path) -> dict[str, bytes]:
    target = tmp_path / "target"
    target.mkdir(exist_ok=True)
    unpack(source, target)
    return {path.name: path.read_bytes() for path in target.iterdir()}


@pytest.mark.parametrize("prefix", ["", "v1/"])
@pytest.mark.parametrize("compression", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_LZMA])
def test_a_zip_with_or_without_a_folder(tmp_path: Path, prefix: str, compression: int) -> None:
    source = zipped(tmp_path / "v1.zip", {prefix + name: content for name, content in FILES.items()}, compression)
    assert unpacked(source, tmp_path) == FILES


def test_a_folder_and_a_zip_with_an_entry_for_its_folder(tmp_path: Path) -> None:
    source = tmp_path / "v1"
    source.mkdir()
    for name, content in FILES.items():
        (source / name).write_bytes(content)
    assert unpacked(source, tmp_path) == FILES
    with zipfile.ZipFile(tmp_path / "v1.zip", "w") as file:
        file.write(source, "v1")
        for name in FILES:
            file.write(source / name, f"v1/{name}")
    (tmp_path / "other").mkdir()
    assert unpacked(tmp_path / "v1.zip", tmp_path / "other") == FILES


@pytest.mark.parametrize(
    "name",
    [
        "../evil",
        "v1/../../evil",
        "/etc/evil",
        "v1/sub/evil",
        "C:\\evil",
        "..\\evil",
        ".hidden",
        "-rf",
        "./x",
        "//x",
        "x" * 65,
        "é",
    ],
)
def test_a_name_that_leads_elsewhere_is_refused(tmp_path: Path, name: str) -> None:
    before = set(tmp_path.parent.rglob("*"))
    source = zipped(tmp_path / "bad.zip", {"v1/good" if name.startswith("v1/") else "good": b"1", name: b"evil"})
    with pytest.raises(DataError):
        unpacked(source, tmp_path)
    assert not list((tmp_path / "target").iterdir())
    assert {path.name for path in set(tmp_path.parent.rglob("*")) - before} <= {"bad.zip", "target"}


def test_links_and_devices_are_refused(tmp_path: Path) -> None:
    for kind in (stat.S_IFLNK, stat.S_IFCHR, stat.S_IFIFO):
        entry = zipfile.ZipInfo("link")
        entry.external_attr = (kind | 0o777) << 16
        with zipfile.ZipFile(tmp_path / "bad.zip", "w") as file:
            file.writestr(entry, "/etc/passwd")
        with pytest.raises(DataError, match="link or device"):
            unpacked(tmp_path / "bad.zip", tmp_path)
    source = tmp_path / "folder"
    source.mkdir()
    with pytest.raises(DataError, match=r"found no signature\.json in the folder"):
        unpacked(source, tmp_path)
    (source / "signature.json").write_text("{}")
    (source / "link").symlink_to("/etc/passwd")
    with pytest.raises(DataError, match="link or folder"):
        unpacked(source, tmp_path)
    (source / "link").unlink()
    os.mkfifo(source / "pipe")
    with pytest.raises(DataError, match="link or folder"):
        unpacked(source, tmp_path)


def test_too_many_twice_the_same_and_none(tmp_path: Path) -> None:
    many = zipped(tmp_path / "many.zip", {f"f{number}": b"" for number in range(MAX_FILES + 1)})
    twice = zipped(tmp_path / "twice.zip", {"model": b"", "MODEL": b""})
    none = zipped(tmp_path / "none.zip", {})
    for source, says in ((many, "found 17 files"), (twice, "two files of one name"), (none, "found 0 files")):
        with pytest.raises(DataError, match=says):
            unpacked(source, tmp_path)
    with pytest.raises(DataError, match="no such file or folder"):
        unpacked(tmp_path / "absent.zip", tmp_path)


def test_a_small_file_does_not_become_a_large_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archive, "MAX_TOTAL_BYTES", 3_000_000)
    source = zipped(tmp_path / "bomb.zip", {"a": bytes(2_000_000), "b": bytes(2_000_000)})
    assert source.stat().st_size < 10_000
    with pytest.raises(DataError, match="found more than 1000000 bytes"):
        unpacked(source, tmp_path)


def test_an_encrypted_zip_is_refused(tmp_path: Path) -> None:
    content = bytearray(zipped(tmp_path / "x.zip", {"a": b"12345"}, zipfile.ZIP_STORED).read_bytes())
    for signature, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        content[content.index(signature) + offset] |= 1
    (tmp_path / "x.zip").write_bytes(content)
    with pytest.raises(DataError, match="cannot be unpacked"):
        unpacked(tmp_path / "x.zip", tmp_path)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(cut=st.floats(0, 1), place=st.floats(0, 1), byte=st.integers(0, 255))
@example(cut=1.0, place=0.0, byte=0)
@example(cut=0.0, place=0.0, byte=0)
def test_damage_anywhere_is_a_data_error_or_gives_the_same_files(
    tmp_path: Path, cut: float, place: float, byte: int
) -> None:
    source = zipped(tmp_path / "v1.zip", {f"v1/{name}": content for name, content in FILES.items()})
    content = bytearray(source.read_bytes())
    content[min(int(place * len(content)), len(content) - 1)] = byte
    source.write_bytes(content[: int(cut * len(content))] if cut < 0.9 else content)
    target = tmp_path / "target"
    target.mkdir(exist_ok=True)
    for old in target.iterdir():
        old.unlink()
    try:
        unpack(source, target)
    except DataError:
        return
    # A damaged name or attribute is the signature's business; contents are covered by checksums.
    assert sorted(path.read_bytes() for path in target.iterdir()) == sorted(FILES.values())
