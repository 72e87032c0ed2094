"""DICOM uploads: series told apart, converted onto the right voxels, nothing of the person kept."""

import gzip
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pydicom
import pytest
from pydicom.uid import DeflatedExplicitVRLittleEndian, MediaStorageDirectoryStorage

from client.reading_room.uploads.archive import Received
from client.reading_room.uploads.dicom import Converted, convert
from gmmas_core.data.nifti import load_volume
from gmmas_core.onboarding.headers import SeriesHeader, recognize, unambiguous
from gmmas_core.types import DataError

VALUES_XYZ = np.random.default_rng(0).integers(0, 4000, (12, 10, 8)).astype(np.uint16)
Writer = Callable[..., list[Path]]
T2 = {"RepetitionTime": 4000, "EchoTime": 90}


def received(files: Sequence[Path]) -> list[Received]:
    return [Received(path=file, label=file.name) for file in files]


def convert_files(tmp_path: Path, files: Sequence[Path]) -> Converted:
    return convert(received(files), tmp_path / "work")


def test_series_become_images_with_their_sequences(write_series: Writer, tmp_path: Path) -> None:
    files = write_series(tmp_path / "in", VALUES_XYZ, "AX T2 TSE", **T2)
    files += write_series(
        tmp_path / "in", VALUES_XYZ, "t1_mprage post", RepetitionTime=2000, EchoTime=3, InversionTime=900
    )
    files += write_series(tmp_path / "in", VALUES_XYZ[:, :, :3], "localizer")
    files += write_series(tmp_path / "in", VALUES_XYZ, "ep2d_diff ADC")
    result = convert_files(tmp_path, files)
    assert dict(zip([image.label for image in result.images], result.sequences)) == {
        "AX T2 TSE": "t2",
        "t1_mprage post": "t1c",
        "ep2d_diff ADC": None,
    }
    assert result.study_date == "2026-01-31"
    assert len(result.skipped) == 1
    assert "3 slices" in result.skipped[0]


def test_every_voxel_lands_where_the_scanner_put_it(write_series: Writer, tmp_path: Path) -> None:
    image = convert_files(tmp_path, write_series(tmp_path / "in", VALUES_XYZ, "T2", **T2)).images[0]
    volume = load_volume(image.path)
    inverse = np.linalg.inv(volume.affine_44)
    for x, y, z in ((0, 0, 0), (11, 0, 0), (0, 9, 0), (0, 0, 7), (3, 4, 5)):
        # DICOM counts to the left and to the back, NIfTI to the right and to the front.
        place = np.array([-2.0 * x, -2.0 * y, 3.0 * z, 1.0])
        i, j, k = np.rint(inverse @ place)[:3].astype(int)
        assert volume.data[i, j, k] == VALUES_XYZ[x, y, z]


def test_nothing_of_the_person_is_in_the_image(write_series: Writer, tmp_path: Path) -> None:
    image = convert_files(tmp_path, write_series(tmp_path / "in", VALUES_XYZ, "T2", **T2)).images[0]
    header = gzip.decompress(image.path.read_bytes())[:1000]
    for secret in (b"Secret", b"4711", b"1950"):
        assert secret not in header


def test_two_studies_are_never_mixed(write_series: Writer, tmp_path: Path) -> None:
    files = write_series(tmp_path / "in", VALUES_XYZ, "T2", **T2)
    files += write_series(tmp_path / "in", VALUES_XYZ, "FLAIR", StudyInstanceUID="1.2.3")
    with pytest.raises(DataError, match="2 studies"):
        convert_files(tmp_path, files)


@pytest.mark.parametrize(
    ("tags", "words"),
    [({"Modality": "CT"}, "found CT"), ({"Modality": "MR\x1b[31m"}, "found MR"), ({"SamplesPerPixel": 3}, "colour")],
)
def test_other_series_are_left_out_with_the_reason(
    write_series: Writer, tmp_path: Path, tags: dict[str, object], words: str
) -> None:
    with pytest.raises(DataError, match=words) as caught:
        convert_files(tmp_path, write_series(tmp_path / "in", VALUES_XYZ, "T2", **tags))
    assert "\x1b" not in str(caught.value)


def test_damaged_files_are_named(write_series: Writer, tmp_path: Path) -> None:
    files = write_series(tmp_path / "in", VALUES_XYZ, "T2", **T2)
    files[2].write_bytes(bytes(128) + b"DICM" + b"\xff" * 50)
    with pytest.raises(DataError, match=files[2].name):
        convert_files(tmp_path, files)


def test_a_file_that_may_become_any_size_is_refused_unread(write_series: Writer, tmp_path: Path) -> None:
    files = write_series(tmp_path / "in", VALUES_XYZ, "T2", **T2)
    bomb = pydicom.dcmread(files[0])
    bomb.file_meta.TransferSyntaxUID = DeflatedExplicitVRLittleEndian
    bomb.PixelData = bytes(50_000_000)
    bomb.save_as(files[0])
    assert files[0].stat().st_size < 100_000
    with pytest.raises(DataError, match="any size"):
        convert_files(tmp_path, files)


def test_a_dicomdir_is_no_image(write_series: Writer, tmp_path: Path) -> None:
    files = write_series(tmp_path / "in", VALUES_XYZ, "T2", **T2)
    directory = pydicom.dcmread(files[0])
    directory.file_meta.MediaStorageSOPClassUID = directory.SOPClassUID = MediaStorageDirectoryStorage
    directory.save_as(tmp_path / "in" / "DICOMDIR")
    assert convert_files(tmp_path, [*files, tmp_path / "in" / "DICOMDIR"]).sequences == ("t2",)


def test_a_series_whose_pixels_are_cut_off_gives_no_image(write_series: Writer, tmp_path: Path) -> None:
    files = write_series(tmp_path / "in", VALUES_XYZ, "T2", **T2)
    for file in files:
        file.write_bytes(file.read_bytes()[:-100])
    with pytest.raises(DataError, match="converts"):
        convert_files(tmp_path, files)


def header(words: str, **more: object) -> SeriesHeader:
    return SeriesHeader(words=words, **more)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("series", "sequence"),
    [
        (header("t2_tirm_tra_dark-fluid", tr_ms=9000, te_ms=90, ti_ms=2500), "flair"),
        (header("Ax T2 FLAIR"), "flair"),
        (header("Ax T2 FRFSE", tr_ms=4000, te_ms=100), "t2"),
        (header("t1_se_tra", tr_ms=500, te_ms=10), "t1"),
        (header("t1_se_tra_KM", tr_ms=500, te_ms=10), "t1c"),
        (header("t1_mprage_sag_p2_iso", has_agent=True), "t1c"),
        (header("BRAVO +C"), "t1c"),
        (header("T1 pre Gd"), "t1"),
        (header("T1 Gd and pre"), None),
        (header("T1 nativ", has_agent=True), None),
        (header("", tr_ms=9000, te_ms=120, ti_ms=2400), "flair"),
        (header("", tr_ms=5000, te_ms=100), "t2"),
        (header("", tr_ms=2000, te_ms=3, ti_ms=900), "t1"),
        (header("", tr_ms=2000, te_ms=40), None),
        (header("T1 axial", tr_ms=4000, te_ms=100), None),
        (header("ep2d_diff_b1000"), None),
        (header("T2* GRE"), None),
        (header("T1 SUB"), None),
        (header("T2 axial", is_derived=True), None),
        (header(""), None),
    ],
)
def test_what_a_header_tells(series: SeriesHeader, sequence: str | None) -> None:
    assert recognize(series) == sequence


def test_two_series_of_one_sequence_are_left_to_a_person() -> None:
    assert unambiguous({"a": "t2", "b": "t2", "c": "t1"}) == {"a": None, "b": None, "c": "t1"}
