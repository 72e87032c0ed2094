"""DICOM SR: the document's numbers, exactly, on the segments of the SEG, read back by two independent readers."""

import io
import json
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import highdicom
import pydicom
import pytest
from pydicom.dataset import Dataset

from client.reading_room.exports.rows import rows_of
from client.reading_room.exports.seg import seg_file
from client.reading_room.exports.sr import sr_file
from client.reading_room.record import Record
from client.reading_room.room import Room
from gmmas_core.types import DISCLAIMER

ReadStudy = Callable[..., tuple[Room, str]]
RecordOf = Callable[[Room, str], Record]


@pytest.fixture
def record(read_dicom_study: ReadStudy, record_of: RecordOf) -> Record:
    return record_of(*read_dicom_study())


def items(content: Dataset) -> Iterator[Dataset]:
    yield content
    for each in content.get("ContentSequence", ()):
        yield from items(each)


def numbers(content: bytes) -> dict[str, tuple[float, str]]:
    """Concept of each numeric item within its group -> value at full precision and unit."""
    found = {}
    for group in items(pydicom.dcmread(io.BytesIO(content))):
        names = [each.TextValue for each in group.get("ContentSequence", ()) if name(each) == "Tracking Identifier"]
        for item in group.get("ContentSequence", ()) if names else ():
            if item.ValueType == "NUM":
                [measured] = item.MeasuredValueSequence
                unit = measured.MeasurementUnitsCodeSequence[0].CodeValue
                found[f"{names[0]}: {name(item)}"] = (measured.FloatingPointValue, unit)
    return found


def name(item: Dataset) -> str:
    sequence = item.get("ConceptNameCodeSequence")
    return str(sequence[0].CodeMeaning) if sequence else ""


def texts(content: bytes) -> list[str]:
    return [str(item.TextValue) for item in items(pydicom.dcmread(io.BytesIO(content))) if item.ValueType == "TEXT"]


def test_every_number_is_the_document_s(record: Record) -> None:
    found = numbers(sr_file(record))
    volume = record.document["measures"]["volume"]
    place = {
        "wt": "whole tumour",
        "tc": "tumour core",
        "et": "enhancing tumour",
        "necrosis": "necrotic and non-enhancing core",
        "edema": "edema",
    }
    for key, group in place.items():
        measure = f"volume of {group}"
        assert found[f"{group}: Volume"] == (volume[key]["value"], "mL")
        assert found[f"{group}: grid error +/-: {measure}"] == (volume[key]["error"], "mL")
        assert found[f"{group}: interval low: {measure}"] == (volume[key]["interval"]["low"], "mL")
        assert found[f"{group}: interval high: {measure}"] == (volume[key]["interval"]["high"], "mL")
    for task, words in (("idh", "IDH mutant"), ("codel_1p19q", "1p/19q codeleted")):
        assert found[f"Imaging probabilities: imaging probability of {words}"] == (
            record.document["probability"][task],
            "1",
        )
    for number, kind in enumerate(record.document["suggested"]["types"], 1):
        probability = found[f"Imaging-suggested type {number}: Probability of the type, by imaging"]
        assert probability == (kind["probability"], "1")
    longest = record.document["measures"]["diameters"]["et"]["longest_3d"]["value"]
    assert found["enhancing tumour: longest diameter in space of enhancing tumour"] == (longest, "mm")
    known = {
        value
        for row in rows_of(record.document)
        for value in (row.value, row.error, row.low, row.high)
        if isinstance(value, int | float)
    }
    assert {value for value, _ in found.values()} <= known, "no number that the document does not hold"


def test_segments_are_those_of_the_seg(record: Record) -> None:
    seg = pydicom.dcmread(io.BytesIO(seg_file(record)))
    report = highdicom.sr.srread(io.BytesIO(sr_file(record)))
    groups = report.content.get_volumetric_roi_measurement_groups()
    assert [group.tracking_identifier for group in groups] == [each.SegmentLabel for each in seg.SegmentSequence]
    assert [group.tracking_uid for group in groups] == [each.TrackingUID for each in seg.SegmentSequence]
    for number, group in enumerate(groups, 1):
        assert group.referenced_segment.referenced_sop_instance_uid == seg.SOPInstanceUID
        [segment] = group.referenced_segment[0].ReferencedSOPSequence
        assert segment.ReferencedSegmentNumber == number
        assert group.finding_sites[0].topographical_modifier is None
    assert (report.StudyInstanceUID, report.PatientID) == (seg.StudyInstanceUID, seg.PatientID)


def test_it_is_marked_as_research_and_verified_by_nobody(record: Record) -> None:
    report = pydicom.dcmread(io.BytesIO(sr_file(record)))
    assert (report.CompletionFlag, report.VerificationFlag) == ("PARTIAL", "UNVERIFIED")
    assert report.PreliminaryFlag == "PRELIMINARY"
    assert report.SeriesDescription.startswith("RESEARCH")
    assert report.ContentSequence[-1].TextValue == f"RESEARCH. {DISCLAIMER}"
    assert [item for item in report.ContentSequence if item.ValueType == "PNAME"] == []
    assert sr_file(record) == sr_file(record)


def test_what_is_not_assessable_has_its_reason_and_no_number(read_dicom_study: ReadStudy, record_of: RecordOf) -> None:
    record = record_of(*read_dicom_study("t1c"))
    content = sr_file(record)
    assert not any("enhancing tumour" in key for key in numbers(content))
    told = "\n".join(texts(content))
    assert f"volume of enhancing tumour: not assessable: {record.document['not_assessable']['et']}" in told
    assert "MRI sequence t1c: not assessable: the study has none" in told
    groups = highdicom.sr.srread(io.BytesIO(content)).content.get_volumetric_roi_measurement_groups()
    assert [group.tracking_identifier for group in groups] == ["whole tumour", "edema"]


def test_no_name_of_a_concept_is_cut(record: Record) -> None:
    names = {row.name for row in rows_of(record.document)}
    for item in items(pydicom.dcmread(io.BytesIO(sr_file(record)))):
        meaning = name(item)
        assert len(meaning) < 64 or meaning in names, meaning


def test_the_program_of_archives_reads_it(record: Record, tmp_path: Path) -> None:
    program = shutil.which("tid1500reader", path=str(Path(sys.executable).parent))
    assert program is not None
    (tmp_path / "sr.dcm").write_bytes(sr_file(record))
    command = [program, "--inputDICOM", str(tmp_path / "sr.dcm"), "--outputMetadata", str(tmp_path / "out.json")]
    subprocess.run(command, check=True, capture_output=True, timeout=120)
    read: dict[str, Any] = json.loads((tmp_path / "out.json").read_text())
    told = {
        group["TrackingIdentifier"]: {
            item["quantity"]["CodeMeaning"]: float(item["value"]) for item in group.get("measurementItems", ())
        }
        for group in read["Measurements"]
    }
    volume = record.document["measures"]["volume"]["et"]["value"]
    assert told["enhancing tumour"]["Volume"] == pytest.approx(volume, rel=1e-9)  # it reads the short form


def test_the_standard_s_own_checker_finds_no_error(record: Record, tmp_path: Path) -> None:
    program = shutil.which("dciodvfy", path=str(Path(sys.executable).parent))
    assert program is not None
    (tmp_path / "sr.dcm").write_bytes(sr_file(record))
    done = subprocess.run([program, str(tmp_path / "sr.dcm")], capture_output=True, text=True, timeout=120, check=False)
    said = (done.stdout + done.stderr).splitlines()
    assert "EnhancedSR" in said
    assert [line for line in said if line.startswith("Error")] == []
