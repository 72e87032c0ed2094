"""DICOM SEG: every voxel of the mask is at its place in the patient, read back by three independent readers."""

import io
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import highdicom
import nibabel as nib
import numpy as np
import pydicom
import pytest
from numpy.typing import NDArray
from scipy.spatial import cKDTree
from scipy.spatial.transform import Rotation

from client.reading_room.exports.seg import seg_file
from client.reading_room.record import DICOM, MASK, Record
from gmmas_core.inference.assessability import not_assessable
from gmmas_core.types import DISCLAIMER, DataError

Read = Callable[..., tuple[Record, list[Path]]]

AXIAL = np.eye(3)
SAGITTAL = np.array([[0.0, 0.0, 1.0], [1.0, 0.0, 0.0], [0.0, -1.0, 0.0]])
CORONAL = np.array([[1.0, 0.0, 0.0], [0.0, 0.0, 1.0], [0.0, -1.0, 0.0]])
DOWNWARDS = AXIAL @ np.diag([1.0, 1.0, -1.0])
OBLIQUE = Rotation.from_euler("xyz", [24, -31, 47], degrees=True).as_matrix()

PLACES: dict[str, tuple[NDArray[np.float64], bool]] = {
    "axial": (AXIAL, False),
    "axial, from above": (DOWNWARDS, False),
    "axial, numbered backwards": (AXIAL, True),
    "sagittal": (SAGITTAL, False),
    "sagittal, numbered backwards": (SAGITTAL, True),
    "coronal": (CORONAL, False),
    "oblique": (OBLIQUE, False),
    "oblique, numbered backwards": (OBLIQUE, True),
    "oblique sagittal, from the left": (OBLIQUE @ SAGITTAL @ np.diag([1.0, 1.0, -1.0]), True),
}


def labels_in_mm(record: Record) -> Iterator[tuple[tuple[float, ...], int]]:
    """The NIfTI mask: place of each voxel in LPS, rounded, and its label."""
    image: Any = nib.load(record.folder / MASK)
    values = np.asarray(image.dataobj)
    places = nib.affines.apply_affine(np.diag([-1, -1, 1, 1]) @ image.affine, np.argwhere(values >= 0))
    yield from zip(map(key, places), values.ravel().tolist(), strict=True)


def key(place_mm: NDArray[np.float64]) -> tuple[float, ...]:
    """Half a tenth of a millimetre apart is the same place; voxels are at least 1.5 mm apart."""
    return tuple(np.round(np.asarray(place_mm, dtype=float), 1) + 0.0)


def nearest(found: dict[tuple[float, ...], int], wanted: dict[tuple[float, ...], int]) -> None:
    """Two sets of labelled places are one: each place of one has its match in the other, with the same label."""
    here, there = np.array(list(found)), np.array(list(wanted))
    assert here.shape == there.shape
    distance, match = cKDTree(there).query(here)
    assert distance.max() < 0.15
    assert len(set(match.tolist())) == len(there)
    assert [list(found.values())[i] for i in range(len(here))] == [list(wanted.values())[j] for j in match]


def labels_by_pydicom(content: bytes) -> dict[tuple[float, ...], int]:
    """Frames by hand: each frame's own position, the pixel spacing and the directions of rows and columns."""
    seg = pydicom.dcmread(io.BytesIO(content))
    frames = seg.pixel_array
    shared = seg.SharedFunctionalGroupsSequence[0]
    row, column = np.split(np.array(shared.PlaneOrientationSequence[0].ImageOrientationPatient, dtype=float), 2)
    between_rows, between_columns = map(float, shared.PixelMeasuresSequence[0].PixelSpacing)
    found: dict[tuple[float, ...], int] = {}
    for frame, group in zip(frames, seg.PerFrameFunctionalGroupsSequence, strict=True):
        number = int(group.SegmentIdentificationSequence[0].ReferencedSegmentNumber)
        start = np.array(group.PlanePositionSequence[0].ImagePositionPatient, dtype=float)
        for r, c in np.ndindex(frame.shape):
            place = key(start + row * between_columns * c + column * between_rows * r)
            found[place] = found.get(place, 0) + (number if frame[r, c] else 0)
    return found


def labels_by_highdicom(content: bytes) -> dict[tuple[float, ...], int]:
    volume = highdicom.seg.segread(io.BytesIO(content)).get_volume(combine_segments=True)
    places = nib.affines.apply_affine(volume.affine, np.argwhere(volume.array >= 0))
    return dict(zip(map(key, places), volume.array.ravel().tolist(), strict=True))


def labels_by_dcmqi(content: bytes, folder: Path) -> dict[tuple[float, ...], int]:
    """The ITK-based program that archives and viewers use, as a process of its own."""
    program = shutil.which("segimage2itkimage", path=str(Path(sys.executable).parent))
    assert program is not None
    folder.mkdir()
    (folder / "seg.dcm").write_bytes(content)
    command = [program, "--inputDICOM", str(folder / "seg.dcm"), "--outputDirectory", str(folder), "-t", "nii"]
    subprocess.run(command, check=True, capture_output=True, timeout=120)
    found: dict[tuple[float, ...], int] = {}
    for number in (1, 2, 3):
        image: Any = nib.load(folder / f"{number}.nii.gz")
        values = np.asarray(image.dataobj)
        places = nib.affines.apply_affine(np.diag([-1, -1, 1, 1]) @ image.affine, np.argwhere(values >= 0))
        for place, value in zip(map(key, places), values.ravel().tolist(), strict=True):
            found[place] = found.get(place, 0) + (number if value else 0)
    return found


@pytest.mark.parametrize("name", PLACES)
def test_every_voxel_is_at_its_place_for_three_readers(read_dicom: Read, tmp_path: Path, name: str) -> None:
    directions_33, reverse = PLACES[name]
    record, _ = read_dicom(directions_33, reverse=reverse)
    content = seg_file(record)
    wanted = dict(labels_in_mm(record))
    assert {0, 1, 2, 3} == set(wanted.values())
    nearest(labels_by_pydicom(content), wanted)
    nearest(labels_by_highdicom(content), wanted)
    nearest(labels_by_dcmqi(content, tmp_path / "dcmqi"), wanted)


@pytest.mark.parametrize("name", PLACES)
def test_each_frame_outlines_the_pixels_of_the_image_that_it_refers_to(
    read_dicom: Read, labels_of: Callable[[NDArray[Any]], NDArray[np.uint8]], name: str
) -> None:
    """Without the NIfTI file: the source's own pixel values say what each pixel's label must be."""
    directions_33, reverse = PLACES[name]
    record, files = read_dicom(directions_33, reverse=reverse)
    sources = {str(source.SOPInstanceUID): source for source in map(pydicom.dcmread, files)}
    seg = pydicom.dcmread(io.BytesIO(seg_file(record)))
    seen = set()
    for frame, group in zip(seg.pixel_array, seg.PerFrameFunctionalGroupsSequence, strict=True):
        number = int(group.SegmentIdentificationSequence[0].ReferencedSegmentNumber)
        [reference] = group.DerivationImageSequence[0].SourceImageSequence
        source = sources[str(reference.ReferencedSOPInstanceUID)]
        assert np.array_equal(frame == 1, labels_of(source.pixel_array) == number)
        assert np.allclose(group.PlanePositionSequence[0].ImagePositionPatient, source.ImagePositionPatient, atol=1e-6)
        seen.add((number, str(source.SOPInstanceUID)))
    assert len(seen) == 3 * len(files), "every frame is kept, empty or not"


def test_what_it_says_of_itself(read_dicom: Read) -> None:
    record, files = read_dicom(AXIAL)
    source, seg = pydicom.dcmread(files[0]), pydicom.dcmread(io.BytesIO(seg_file(record)))
    assert (seg.PatientName, seg.PatientID, seg.StudyInstanceUID) == ("Secret^Person", "4711", source.StudyInstanceUID)
    assert seg.FrameOfReferenceUID == source.FrameOfReferenceUID
    assert (seg.SegmentationType, seg.ContentQualification, seg.ContentLabel) == (
        "BINARY",
        "RESEARCH",
        "RESEARCH_GLIOMA",
    )
    assert seg.SeriesDescription.startswith("RESEARCH")
    assert DISCLAIMER in seg.ImageComments
    told = [
        (
            segment.SegmentLabel,
            segment.SegmentedPropertyTypeCodeSequence[0].CodeValue,
            segment.SegmentedPropertyCategoryCodeSequence[0].CodeValue,
            segment.AnatomicRegionSequence[0].CodeValue,
            segment.SegmentAlgorithmType,
        )
        for segment in seg.SegmentSequence
    ]
    assert told == [
        ("necrotic and non-enhancing core", "6574001", "49755003", "12738006", "AUTOMATIC"),
        ("edema", "79654002", "49755003", "12738006", "AUTOMATIC"),
        ("enhancing tumour", "108369006", "49755003", "12738006", "AUTOMATIC"),
    ]
    for segment in seg.SegmentSequence:
        [algorithm] = segment.SegmentationAlgorithmIdentificationSequence
        assert "tiny-0123456789ab" in algorithm.AlgorithmName
        assert algorithm.AlgorithmVersion
        assert segment.SegmentDescription == DISCLAIMER


def test_the_same_revision_gives_the_same_file(read_dicom: Read) -> None:
    record, _ = read_dicom(OBLIQUE)
    assert seg_file(record) == seg_file(record)


def test_a_corrected_outline_is_called_semiautomatic(read_dicom: Read) -> None:
    corrected = {"by": "anna", "mask": True, "labels": {}, "from_revision": 1, "note": ""}
    record, _ = read_dicom(AXIAL, document={"corrected": corrected})
    seg = pydicom.dcmread(io.BytesIO(seg_file(record)))
    assert {segment.SegmentAlgorithmType for segment in seg.SegmentSequence} == {"SEMIAUTOMATIC"}


def test_labels_that_cannot_be_told_apart_are_left_out_and_the_whole_is_outlined(read_dicom: Read) -> None:
    blocked = not_assessable(("t1", "t2", "flair"))
    record, files = read_dicom(AXIAL, document={"not_assessable": blocked})
    seg = pydicom.dcmread(io.BytesIO(seg_file(record)))
    assert [segment.SegmentLabel for segment in seg.SegmentSequence] == ["whole tumour", "edema"]
    for name in ("necrotic and non-enhancing core", "enhancing tumour"):
        assert f"left out: {name}: no t1c" in seg.ImageComments
    whole = labels_by_pydicom(seg_file(record))
    wanted = {place: (0, 1, 3, 1)[label] for place, label in labels_in_mm(record)}  # edema: 1 + 2
    nearest(whole, wanted)
    assert len(seg.PerFrameFunctionalGroupsSequence) == 2 * len(files)


def test_nothing_is_outlined_where_nothing_can_be_assessed(read_dicom: Read) -> None:
    record, _ = read_dicom(AXIAL, document={"not_assessable": not_assessable(("t1",))})
    with pytest.raises(DataError, match="no part"):
        seg_file(record)


@pytest.mark.parametrize(
    ("keyword", "value"),
    [
        ("PatientName", "Müller^Jürgen"),
        ("PatientSex", "unknown"),
        ("PatientBirthDate", "about 1950"),
        ("StudyTime", "noon"),
        ("ReferringPhysicianName", None),
    ],
)
def test_headers_against_the_rules_are_no_reason_not_to_export(
    read_dicom: Read, keyword: str, value: str | None, capfd: pytest.CaptureFixture[str]
) -> None:
    record, _ = read_dicom(AXIAL, SpecificCharacterSet="ISO_IR 192", **{keyword: value})
    seg = pydicom.dcmread(io.BytesIO(seg_file(record)))
    assert keyword in seg
    if keyword == "PatientName":
        assert str(seg.PatientName) == value
    assert "Secret" not in "".join(capfd.readouterr())


def test_a_series_of_another_grid_is_refused(read_dicom: Read) -> None:
    record, _ = read_dicom(AXIAL)
    originals = record.folder.parent.parent / DICOM
    for path in originals.iterdir():
        header = pydicom.dcmread(path)
        header.ImagePositionPatient = [header.ImagePositionPatient[0] + 0.4, *header.ImagePositionPatient[1:]]
        header.save_as(path)
    with pytest.raises(DataError, match="no series whose grid"):
        seg_file(record)


@pytest.mark.parametrize("lost", ["file", "frame of reference"])
def test_an_incomplete_series_is_refused(read_dicom: Read, lost: str) -> None:
    record, _ = read_dicom(AXIAL)
    path = next((record.folder.parent.parent / DICOM).iterdir())
    if lost == "file":
        path.unlink()
    else:
        header = pydicom.dcmread(path)
        del header.FrameOfReferenceUID
        header.save_as(path)
    with pytest.raises(DataError, match="no series whose grid"):
        seg_file(record)


def test_a_changed_mask_is_refused(read_dicom: Read) -> None:
    record, _ = read_dicom(AXIAL)
    path = record.folder / MASK
    path.write_bytes(path.read_bytes() + b"x")
    with pytest.raises(DataError, match="missing or changed"):
        seg_file(record)


def test_the_standard_s_own_checker_finds_no_error(read_dicom: Read, tmp_path: Path) -> None:
    record, _ = read_dicom(
        OBLIQUE,
        StudyID="1",
        AccessionNumber="",
        PatientSex="F",
        ReferringPhysicianName="",
        PositionReferenceIndicator="",
    )
    (tmp_path / "seg.dcm").write_bytes(seg_file(record))
    program = shutil.which("dciodvfy", path=str(Path(sys.executable).parent))
    assert program is not None
    done = subprocess.run(
        [program, str(tmp_path / "seg.dcm")], capture_output=True, text=True, timeout=120, check=False
    )
    said = (done.stdout + done.stderr).splitlines()
    assert "Segmentation" in said
    assert [line for line in said if line.startswith("Error")] == []


@pytest.mark.parametrize("name", ["axial", "oblique", "sagittal"])
def test_a_series_in_one_file_of_many_frames_keeps_its_places(
    tmp_path: Path,
    write_series: Callable[..., list[Path]],
    labels_of: Callable[[NDArray[Any]], NDArray[np.uint8]],
    uploaded_record: Callable[[Sequence[Path]], Record],
    in_place: Callable[..., list[Path]],
    name: str,
) -> None:
    values_XYZ = np.random.default_rng(5).integers(1, 4000, (10, 8, 7)).astype(np.uint16)
    tags = {"RepetitionTime": 500, "EchoTime": 10, "ContrastBolusAgent": "Gd", "StudyID": "1", "PatientSex": "F"}
    files = in_place(
        write_series(tmp_path / "single", values_XYZ, "T1 post", AccessionNumber="", **tags), PLACES[name][0]
    )
    enhanced = highdicom.legacy.LegacyConvertedEnhancedMRImage(
        [pydicom.dcmread(file) for file in files],
        series_instance_uid=highdicom.UID(),
        series_number=7,
        sop_instance_uid=highdicom.UID(),
        instance_number=1,
    )
    enhanced.SeriesDescription, enhanced.RepetitionTime, enhanced.EchoTime = "T1 post", 500, 10
    enhanced.save_as(tmp_path / "many.dcm")
    record = uploaded_record([tmp_path / "many.dcm"])
    content = seg_file(record)
    nearest(labels_by_pydicom(content), dict(labels_in_mm(record)))
    seg = pydicom.dcmread(io.BytesIO(content))
    [series] = seg.ReferencedSeriesSequence
    assert series.SeriesInstanceUID == enhanced.SeriesInstanceUID
    for group, frame in zip(seg.PerFrameFunctionalGroupsSequence, seg.pixel_array, strict=True):
        [reference] = group.DerivationImageSequence[0].SourceImageSequence
        [number] = np.atleast_1d(reference.ReferencedFrameNumber)
        segment = int(group.SegmentIdentificationSequence[0].ReferencedSegmentNumber)
        assert np.array_equal(frame == 1, labels_of(enhanced.pixel_array[number - 1]) == segment)


def test_empty_frames_are_kept(
    tmp_path: Path,
    write_series: Callable[..., list[Path]],
    uploaded_record: Callable[[Sequence[Path]], Record],
) -> None:
    """Viewers count frames; a segment of which nothing was found is told apart from one that was left out."""
    values_XYZ = np.random.default_rng(5).integers(1, 2400, (10, 8, 7)).astype(np.uint16)
    values_XYZ[3:6, 2:5, 2:4] = 3000
    files = write_series(tmp_path / "in", values_XYZ, "T1 post", RepetitionTime=500, EchoTime=10)
    record = uploaded_record(files)
    seg = pydicom.dcmread(io.BytesIO(seg_file(record)))
    assert seg.NumberOfFrames == 3 * 7
    assert int(seg.pixel_array.sum()) == 3 * 3 * 2
    nearest(labels_by_pydicom(seg_file(record)), dict(labels_in_mm(record)))
    nearest(labels_by_dcmqi(seg_file(record), tmp_path / "dcmqi"), dict(labels_in_mm(record)))


def test_an_outline_of_nothing_is_refused(
    tmp_path: Path,
    write_series: Callable[..., list[Path]],
    uploaded_record: Callable[[Sequence[Path]], Record],
) -> None:
    values_XYZ = np.random.default_rng(5).integers(1, 2400, (10, 8, 7)).astype(np.uint16)
    files = write_series(tmp_path / "in", values_XYZ, "T1 post", RepetitionTime=500, EchoTime=10)
    with pytest.raises(DataError, match="no tumour in the mask"):
        seg_file(uploaded_record(files))
