"""Uploads: what is good arrives whole, what is hostile or broken leaves nothing behind."""

import gzip
import io
import os
import resource
import signal
import sqlite3
import stat
import zipfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
import pytest
from numpy.typing import NDArray

from client.reading_room.store.studies import Study, worklist
from client.reading_room.uploads import archive
from client.reading_room.uploads.archive import Received, label_of, unpack
from client.reading_room.uploads.intake import IMAGES, Sender, sweep, take_in, waiting_room
from client.reading_room.uploads.kinds import DICOM, NIFTI, OTHER, ZIP, kind_of
from client.reading_room.uploads.offers import look_through
from gmmas_core.types import DataError

SENDER = Sender(user="anna", patient="p1", study_date="2026-01-31")


def receive(folder: Path, files: Sequence[tuple[str, bytes]]) -> list[Received]:
    received = []
    for number, (label, content) in enumerate(files):
        path = folder / f"{number:05}"
        path.write_bytes(content)
        received.append(Received(path=path, label=label))
    return received


def upload(room: sqlite3.Connection, studies: Path, files: Sequence[tuple[str, bytes]]) -> Study:
    with waiting_room(studies) as place:
        return take_in(room, studies, look_through(receive(place, files), place), SENDER)


def zipped(*entries: tuple[str | zipfile.ZipInfo, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as made:
        for name, content in entries:
            made.writestr(name, content)
    return buffer.getvalue()


def test_four_files_become_a_draft_with_their_sequences(room: sqlite3.Connection, tmp_path: Path, nifti: bytes) -> None:
    names = ["x_t1.nii.gz", "x_t1ce.nii.gz", "x_t2.nii.gz", "x_flair.nii.gz"]
    study = upload(room, tmp_path / "studies", [(name, nifti) for name in names])
    assert (study.state, study.sequences) == ("draft", ("t1", "t1c", "t2", "flair"))
    folder = tmp_path / "studies" / study.id / IMAGES
    assert sorted(file.name for file in folder.iterdir()) == [image.file for image in study.images]
    assert all((folder / image.file).read_bytes() == nifti for image in study.images)
    assert [study.id] == [each.name for each in (tmp_path / "studies").iterdir()]


def test_names_that_tell_nothing_or_the_same_are_left_to_a_person(
    room: sqlite3.Connection, tmp_path: Path, nifti: bytes
) -> None:
    files = [("scan1.nii.gz", nifti), ("a_t2.nii.gz", nifti), ("b_t2.nii.gz", nifti), ("x_seg.nii.gz", nifti)]
    study = upload(room, tmp_path, files)
    assert [image.sequence for image in study.images] == [None] * 4


def test_an_uncompressed_file_keeps_the_ending_that_its_content_has(
    room: sqlite3.Connection, tmp_path: Path, nifti: bytes
) -> None:
    study = upload(room, tmp_path, [("x_t2.nii.gz", gzip.decompress(nifti)), ("x_flair.nii", nifti)])
    assert [image.file for image in study.images] == ["01.nii", "02.nii.gz"]


def image_bytes(values: NDArray[Any]) -> bytes:
    return gzip.compress(nib.Nifti1Image(values, np.eye(4)).to_bytes())


RGB = np.zeros((4, 4, 4), dtype=[("R", "u1"), ("G", "u1"), ("B", "u1")])

HOSTILE: dict[str, tuple[Callable[[bytes], bytes], str]] = {
    "truncated": (lambda good: good[: len(good) // 2], "truncated|damaged"),
    "empty": (lambda _: b"", "no image"),
    "text": (lambda _: b"hello" * 100, "no image"),
    "picture": (lambda _: b"\x89PNG\r\n\x1a\n" + bytes(500), "no image"),
    "dicom": (lambda _: bytes(128) + b"DICM" + bytes(500), "one kind"),
    "zip": (lambda good: zipped(("a.nii.gz", good)), "an archive"),
    "four dimensions": (lambda _: image_bytes(np.ones((4, 4, 4, 6), np.float32)), "4-D"),
    "colour": (lambda _: image_bytes(RGB), "real number|RGB"),
    "complex": (lambda _: image_bytes(np.ones((4, 4, 4), np.complex64)), "real number"),
    "constant": (lambda _: image_bytes(np.full((4, 4, 4), 7, np.float32)), "every voxel"),
    "not a number": (lambda _: image_bytes(np.full((4, 4, 4), np.nan, np.float32)), "NaN"),
    "random after header": (lambda good: good[:40] + os.urandom(2000), "damaged|no image"),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_file_that_cannot_be_used_is_named_and_nothing_of_the_upload_stays(
    room: sqlite3.Connection, tmp_path: Path, nifti: bytes, name: str
) -> None:
    make, words = HOSTILE[name]
    with pytest.raises(DataError, match=words) as caught:
        upload(room, tmp_path, [("x_t1.nii.gz", nifti), ("bad_t2.nii.gz", make(nifti))])
    assert "bad_t2" in str(caught.value)
    assert str(tmp_path) not in str(caught.value)
    assert worklist(room) == []
    assert [each for each in tmp_path.iterdir() if each.name != "room"] == []


def test_everything_wrong_is_said_at_once(room: sqlite3.Connection, tmp_path: Path, nifti: bytes) -> None:
    with pytest.raises(DataError) as caught:
        upload(room, tmp_path, [("one", b"x"), ("two", b"y"), ("x_t1.nii.gz", nifti)])
    assert len(str(caught.value).splitlines()) == 2
    with pytest.raises(DataError, match="no file"):
        upload(room, tmp_path, [])
    with pytest.raises(DataError, match="at most"):
        upload(room, tmp_path, [(f"{n}.nii.gz", nifti) for n in range(17)])


def test_a_zip_of_images_becomes_a_draft(room: sqlite3.Connection, tmp_path: Path, nifti: bytes) -> None:
    study = upload(room, tmp_path / "studies", [("x.zip", zipped(("a/x_t1.nii.gz", nifti), ("a/x_t2.nii.gz", nifti)))])
    assert (study.source, study.sequences) == ("nifti", ("t1", "t2"))
    assert [each.name for each in (tmp_path / "studies").iterdir()] == [study.id]


def test_a_zip_of_a_dicom_folder_becomes_a_draft(
    room: sqlite3.Connection, tmp_path: Path, write_series: Callable[..., list[Path]]
) -> None:
    values_XYZ = np.random.default_rng(0).integers(0, 4000, (12, 10, 8)).astype(np.uint16)
    files = write_series(tmp_path / "in", values_XYZ, "AX FLAIR")
    content = zipped(*((f"DICOM/{file.name}", file.read_bytes()) for file in files), ("DICOMDIR", b"directory"))
    study = upload(room, tmp_path / "studies", [("x.zip", content)])
    assert (study.source, study.sequences, study.study_date) == ("dicom", ("flair",), "2026-01-31")
    assert study.images[0].recognized_by == "header"
    assert [each.name for each in (tmp_path / "studies").iterdir()] == [study.id]


def test_a_row_that_cannot_be_written_leaves_no_folder(room: sqlite3.Connection, tmp_path: Path, nifti: bytes) -> None:
    room.execute("DROP TABLE images")
    with pytest.raises(sqlite3.OperationalError):
        upload(room, tmp_path / "studies", [("x_t1.nii.gz", nifti)])
    assert list((tmp_path / "studies").iterdir()) == []


def test_what_a_killed_process_left_is_swept(tmp_path: Path) -> None:
    (tmp_path / ".upload-x" / "deep").mkdir(parents=True)
    (tmp_path / "study").mkdir()
    assert sweep(tmp_path) == 1
    assert [each.name for each in tmp_path.iterdir()] == ["study"]
    assert sweep(tmp_path / "absent") == 0


def unpack_bytes(tmp_path: Path, content: bytes) -> list[Received]:
    (tmp_path / "up.zip").write_bytes(content)
    target = tmp_path / "target"
    target.mkdir()
    return unpack(tmp_path / "up.zip", target)


def test_an_archive_is_unpacked_under_names_of_ours(tmp_path: Path) -> None:
    content = zipped(
        ("a/x_t1.nii.gz", b"1"),
        ("../../etc/passwd", b"2"),
        ("/root/.ssh/key", b"3"),
        ("C:\\windows\\system.ini", b"4"),
        ("__MACOSX/a/._x", b"5"),
        ("a/.DS_Store", b"6"),
        ("a/x_t1.nii.gz", b"7"),
    )
    received = unpack_bytes(tmp_path, content)
    assert [(file.label, file.path.read_bytes()) for file in received] == [
        ("x_t1.nii.gz", b"1"),
        ("passwd", b"2"),
        ("key", b"3"),
        ("system.ini", b"4"),
        ("x_t1.nii.gz", b"7"),
    ]
    assert {file.path.parent for file in received} == {tmp_path / "target"}
    assert sorted(each.name for each in tmp_path.iterdir()) == ["target", "up.zip"]


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


def test_a_full_disk_leaves_nothing(room: sqlite3.Connection, tmp_path: Path, nifti: bytes) -> None:
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
