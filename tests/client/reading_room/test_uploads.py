"""Uploads: what is good arrives whole, what is hostile or broken leaves nothing behind."""

import asyncio
import gzip
import io
import os
import sqlite3
import subprocess
import sys
import zipfile
from collections.abc import AsyncIterator, Callable, Sequence
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
import pytest
from numpy.typing import NDArray

from client.reading_room.store.studies import Study, worklist
from client.reading_room.uploads.desk import LONGEST_S, MAX_OPEN, UploadDesk
from client.reading_room.uploads.intake import IMAGES, ORIGINALS, Sender, sweep, take_in
from client.reading_room.uploads.offers import look_through
from client.reading_room.uploads.presence import serving
from gmmas_core.types import DataError

SENDER = Sender(user="anna", patient="p1", study_date="2026-01-31")


def upload(room: sqlite3.Connection, studies: Path, files: Sequence[tuple[str, bytes]]) -> Study:
    """As the pages do: through the desk."""
    desk = UploadDesk(studies)
    number = desk.begin("anna")
    try:
        for label, content in files:
            asyncio.run(desk.receive(number, "anna", label, in_pieces(content)))
        with desk.taken(number, "anna") as (place, received):
            return take_in(room, studies, look_through(received, place), SENDER)
    finally:
        desk.close()


async def in_pieces(content: bytes) -> AsyncIterator[bytes]:
    for start in range(0, len(content), 1000):
        yield content[start : start + 1000]


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


def test_only_the_originals_of_images_are_kept_and_each_image_knows_its_own(
    room: sqlite3.Connection, tmp_path: Path, write_series: Callable[..., list[Path]]
) -> None:
    values_XYZ = np.random.default_rng(0).integers(0, 4000, (12, 10, 8)).astype(np.uint16)
    localizer = write_series(tmp_path / "in", values_XYZ[:, :, :3], "localizer")
    by_name = {name: write_series(tmp_path / "in", values_XYZ, name) for name in ("AX FLAIR", "AX T2")}
    files = [*localizer, *by_name["AX FLAIR"], *by_name["AX T2"]]
    study = upload(room, tmp_path / "studies", [(file.name, file.read_bytes()) for file in files])
    kept = tmp_path / "studies" / study.id / ORIGINALS
    assert len(list(kept.iterdir())) == 16
    for image in study.images:
        assert image.dicom is not None
        found = {path.read_bytes() for path in kept.glob(f"{image.dicom:03}-*.dcm")}
        assert found == {path.read_bytes() for path in by_name[image.label]}
    assert not any(path.read_bytes() in {each.read_bytes() for each in localizer} for path in kept.iterdir())


def test_images_without_dicom_have_no_originals(room: sqlite3.Connection, tmp_path: Path, nifti: bytes) -> None:
    study = upload(room, tmp_path / "studies", [("x_t1.nii.gz", nifti)])
    assert [image.dicom for image in study.images] == [None]
    assert [each.name for each in (tmp_path / "studies" / study.id).iterdir()] == [IMAGES]


def test_originals_of_a_study_that_cannot_be_made_do_not_stay(
    room: sqlite3.Connection, tmp_path: Path, write_series: Callable[..., list[Path]]
) -> None:
    values_XYZ = np.random.default_rng(0).integers(0, 4000, (12, 10, 8)).astype(np.uint16)
    files = write_series(tmp_path / "in", values_XYZ, "AX FLAIR")
    room.execute("DROP TABLE images")
    with pytest.raises(sqlite3.OperationalError):
        upload(room, tmp_path / "studies", [(file.name, file.read_bytes()) for file in files])
    assert list((tmp_path / "studies").iterdir()) == []


def test_what_a_killed_process_left_is_swept(room: sqlite3.Connection, tmp_path: Path, nifti: bytes) -> None:
    studies = tmp_path / "studies"
    study = upload(room, studies, [("x_t1.nii.gz", nifti)])
    (studies / ".upload-x" / "deep").mkdir(parents=True)
    (studies / "0123456789abcdef01234567").mkdir()
    assert sweep(room, studies) == 2
    assert [each.name for each in studies.iterdir()] == [study.id]
    assert sweep(room, tmp_path / "absent") == 0


def test_an_upload_is_its_owner_s_and_does_not_last(tmp_path: Path) -> None:
    now = 0.0
    desk = UploadDesk(tmp_path, clock=lambda: now)
    number = desk.begin("anna")
    desk.drop(number, "bert")
    with pytest.raises(DataError, match="none of this number"), desk.taken(number, "bert"):
        pass
    with desk.taken(number, "anna") as (folder, received):
        assert received == []
        desk.drop(number, "anna")
        assert folder.is_dir(), "whoever makes a study of it has it alone"
        with pytest.raises(DataError, match="none of this number"), desk.taken(number, "anna"):
            pass
    assert list(tmp_path.iterdir()) == []
    desk.begin("anna")
    for _ in range(MAX_OPEN - 1):
        desk.begin("anna")
    with pytest.raises(DataError, match="under way"):
        desk.begin("bert")
    now = LONGEST_S + 1
    desk.begin("bert")
    assert len(list(tmp_path.iterdir())) == 1
    desk.close()
    assert list(tmp_path.iterdir()) == []


def test_an_upload_is_not_finished_while_a_file_arrives(tmp_path: Path) -> None:
    desk = UploadDesk(tmp_path)
    number = desk.begin("anna")

    async def impatient() -> AsyncIterator[bytes]:
        yield b"half "
        with pytest.raises(DataError, match="1 of its files still arriving"), desk.taken(number, "anna"):
            pass
        yield b"whole"

    asyncio.run(desk.receive(number, "anna", "x.nii", impatient()))
    with desk.taken(number, "anna") as (_, received):
        assert [file.path.read_bytes() for file in received] == [b"half whole"]
        with pytest.raises(DataError, match="none of this number"):
            asyncio.run(desk.receive(number, "anna", "late.nii", in_pieces(b"late")))


def test_a_second_server_leaves_the_uploads_of_the_first_alone(
    room: sqlite3.Connection, tmp_path: Path, nifti: bytes
) -> None:
    folder, studies = tmp_path / "room", tmp_path / "room" / "studies"

    def clean() -> None:
        sweep(room, studies)

    with serving(folder, clean):
        desk = UploadDesk(studies)
        number = desk.begin("anna")
        asyncio.run(desk.receive(number, "anna", "x_t1.nii.gz", in_pieces(nifti)))
        script = (
            "import sys; from pathlib import Path; from contextlib import closing\n"
            "from client.reading_room.store.database import open_database\n"
            "from client.reading_room.uploads.intake import sweep\n"
            "from client.reading_room.uploads.presence import serving\n"
            "folder = Path(sys.argv[1])\n"
            "with closing(open_database(folder)) as room, serving(folder, lambda: sweep(room, folder / 'studies')):\n"
            "    print('serves')\n"
        )
        second = subprocess.run([sys.executable, "-c", script, str(folder)], capture_output=True, text=True, check=True)
        assert second.stdout == "serves\n"
        with desk.taken(number, "anna") as (place, received):
            study = take_in(room, studies, look_through(received, place), SENDER)
    (studies / ".upload-left").mkdir()
    with serving(folder, clean):
        assert [each.name for each in studies.iterdir()] == [study.id]


def test_a_sender_who_goes_away_leaves_nothing(tmp_path: Path) -> None:
    async def broken() -> AsyncIterator[bytes]:
        yield b"some"
        raise RuntimeError("gone")

    desk = UploadDesk(tmp_path)
    number = desk.begin("anna")
    with pytest.raises(RuntimeError):
        asyncio.run(desk.receive(number, "anna", "x.nii", broken()))
    assert list(tmp_path.iterdir()) == []


def test_too_much_is_refused_while_it_arrives(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("client.reading_room.uploads.desk.MAX_UPLOAD_BYTES", 1500)
    desk = UploadDesk(tmp_path)
    number = desk.begin("anna")
    with pytest.raises(DataError, match="more than"):
        asyncio.run(desk.receive(number, "anna", "x.nii", in_pieces(bytes(5000))))
    assert list(tmp_path.iterdir()) == []
