"""Archives, kinds of files and their labels: what is hostile or broken is refused, under names of ours."""

import gzip
import io
import os
import resource
import signal
import stat
import zipfile
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest

from client.reading_room.uploads import archive
from client.reading_room.uploads.archive import Received, label_of, unpack
from client.reading_room.uploads.kinds import DICOM, NIFTI, OTHER, ZIP, kind_of
from gmmas_core.types import DataError


def zipped(*entries: tuple[str | zipfile.ZipInfo, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as made:
        for name, content in entries:
            made.writestr(name, content)
    return buffer.getvalue()


def unpack_bytes(tmp_path: Path, content: bytes) -> list[Received]:
    (tmp_path / "up.zip").write_bytes(content)
    target = tmp_path / "target"
    target.mkdir()
    return unpack(tmp_path / "up.zip", target)


def test_an_archive_is_unpacked_under_names_of_ours(tmp_path: Path) -> None:
    content = zipped(
        ("a/x_t1.nii.gz", b"1"),
        ("a\\b\\passwd", b"2"),
        ("__MACOSX/a/._x", b"5"),
        ("a/.DS_Store", b"6"),
        ("a/x_t1.nii.gz", b"7"),
    )
    received = unpack_bytes(tmp_path, content)
    assert [(file.label, file.path.read_bytes()) for file in received] == [
        ("x_t1.nii.gz", b"1"),
        ("passwd", b"2"),
        ("x_t1.nii.gz", b"7"),
    ]
    assert {file.path.parent for file in received} == {tmp_path / "target"}
    assert sorted(each.name for each in tmp_path.iterdir()) == ["target", "up.zip"]


@pytest.mark.parametrize("name", ["../../etc/passwd", "a/../../x", "/root/.ssh/key", "C:\\windows\\x", "..\\x"])
def test_a_name_that_leads_out_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(DataError, match="leads out"):
        unpack_bytes(tmp_path, zipped(("x_t1.nii.gz", b"1"), (name, b"2")))
    assert list((tmp_path / "target").iterdir()) == []


def linked() -> zipfile.ZipInfo:
    info = zipfile.ZipInfo("link")
    info.external_attr = (stat.S_IFLNK | 0o777) << 16
    return info


def encrypted(content: bytes) -> bytes:
    """The flag set in the local and the central header, as an encrypting program would."""
    changed = bytearray(content)
    changed[6] |= 1
    changed[content.rindex(b"PK\x01\x02") + 8] |= 1
    return bytes(changed)


def damaged(content: bytes) -> bytes:
    changed = bytearray(content)
    changed[60] ^= 0xFF
    return bytes(changed)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "no .zip"),
        (b"PK\x03\x04" + bytes(100), "no .zip"),
        (zipped(), "no file in it"),
        (zipped(("folder/", b"")), "no file in it"),
        (zipped(("a", os.urandom(1000)))[:-30], "no .zip"),
        (damaged(zipped(("a", os.urandom(1000)))), "damaged"),
        (encrypted(zipped(("a", b"secret"))), "encrypted"),
        (zipped((linked(), b"/etc/passwd")), "a link"),
        (zipped(("inner.ZIP", b"PK")), "another archive"),
    ],
)
def test_hostile_archives_are_refused(tmp_path: Path, content: bytes, words: str) -> None:
    with pytest.raises(DataError, match=words):
        unpack_bytes(tmp_path, content)


def test_a_bomb_is_stopped_while_it_unpacks_whatever_it_claims(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archive, "MAX_UNPACKED_BYTES", 2**21)
    bomb = zipped(("a", bytes(2**20)), ("b", bytes(2**20)), ("c", bytes(2**20)))
    with pytest.raises(DataError, match="more than"):
        unpack_bytes(tmp_path, bomb)
    honest = (2**20).to_bytes(4, "little")
    (tmp_path / "up.zip").write_bytes(bomb.replace(honest, (16).to_bytes(4, "little")))
    (tmp_path / "second").mkdir()
    with pytest.raises(DataError, match=r"damaged|more than"):
        unpack(tmp_path / "up.zip", tmp_path / "second")
    assert sum(file.stat().st_size for file in (tmp_path / "second").iterdir()) <= 2**21


def test_too_many_files_and_a_withdrawn_upload_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "up.zip").write_bytes(zipped(("a", b"1"), ("b", b"2")))
    target = tmp_path / "target"
    target.mkdir()
    with pytest.raises(DataError, match="taken back"):
        unpack(tmp_path / "up.zip", target, is_stopped=lambda: True)
    monkeypatch.setattr(archive, "MAX_FILES", 1)
    with pytest.raises(DataError, match="found 2 files"):
        unpack(tmp_path / "up.zip", target)


def test_labels_are_short_printable_and_no_paths() -> None:
    assert label_of("a/b\\c.nii") == "c.nii"
    assert label_of("x\n\x1b[31m.nii") == "x??[31m.nii"
    assert label_of("ü" * 500).startswith("...ü")
    assert len(label_of("ü" * 500)) == 120


def test_the_content_tells_the_kind(tmp_path: Path, nifti: bytes) -> None:
    nifti2 = nib.Nifti2Image(np.ones((2, 2, 2), np.int16), np.eye(4)).to_bytes()
    for content, kind in (
        (nifti, NIFTI),
        (gzip.decompress(nifti), NIFTI),
        (nifti2, NIFTI),
        (bytes(128) + b"DICM", DICOM),
        (zipped(("a", b"")), ZIP),
        (b"\x1f\x8b garbage", OTHER),
        (b"", OTHER),
    ):
        (tmp_path / "x").write_bytes(content)
        assert kind_of(tmp_path / "x") == kind


def test_a_full_disk_is_named(tmp_path: Path) -> None:
    """A limit on file sizes stands in for a full disk: the same error at the same place."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    (tmp_path / "up.zip").write_bytes(zipped(("x_t1.nii.gz", os.urandom(2**20))))
    (tmp_path / "target").mkdir()
    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (2**16, before[1]))
        with pytest.raises(DataError, match="free space"):
            unpack(tmp_path / "up.zip", tmp_path / "target")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, handler)
