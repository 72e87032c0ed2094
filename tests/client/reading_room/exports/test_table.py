"""CSV and JSON: the document's numbers, exactly, with what people decided; nothing that a spreadsheet would run."""

import csv
import io
import json
from collections.abc import Callable
from typing import Any

import pytest

from client.reading_room.exports.rows import rows_of
from client.reading_room.exports.table import COLUMNS, csv_file, json_file
from client.reading_room.record import Record
from client.reading_room.room import Room
from client.reading_room.store.database import transaction
from client.reading_room.store.decisions import reject, sign
from client.reading_room.store.pathology import enter
from gmmas_core.diagnosis.markers import Marker
from gmmas_core.types import DISCLAIMER

ReadStudy = Callable[..., tuple[Room, str]]
RecordOf = Callable[[Room, str], Record]


def table_of(record: Record) -> dict[str, dict[str, str]]:
    read = list(csv.DictReader(io.StringIO(csv_file(record).decode(), newline="")))
    assert len({row["id"] for row in read}) == len(read), "each finding has a row of its own"
    return {row["id"]: row for row in read}


def with_document(record: Record, **changes: Any) -> Record:
    return Record(**{**record.__dict__, "document": {**record.document, **changes}})


def all_numbers(value: Any) -> set[float]:
    if isinstance(value, dict):
        return set().union(*map(all_numbers, value.values())) if value else set()
    if isinstance(value, list):
        return set().union(*map(all_numbers, value)) if value else set()
    return {value} if isinstance(value, int | float) else set()


@pytest.mark.parametrize("left_out", [(), ("t1c",), ("t2", "flair")])
def test_every_number_of_the_table_is_in_the_document(
    read_study: ReadStudy, record_of: RecordOf, left_out: tuple[str, ...]
) -> None:
    record = record_of(*read_study(*left_out))
    known = all_numbers(record.document)
    counts = {len(found["lesions"]) for found in record.document["measures"]["pieces"].values() if "lesions" in found}
    for row in table_of(record).values():
        assert set(row) == set(COLUMNS)
        assert row["notice"] == DISCLAIMER
        assert bool(row["value"]) != bool(row["not_assessable"])
        for column in ("value", "error", "interval_low", "interval_high"):
            if row[column] and not (column == "value" and row["id"].startswith(("side.", "checks", "decision"))):
                assert float(row[column]) in known | counts, row


def test_each_measure_has_its_unit_error_and_interval(read_study: ReadStudy, record_of: RecordOf) -> None:
    record = record_of(*read_study())
    found, volume = table_of(record), record.document["measures"]["volume"]["et"]
    told = found["volume.et"]
    assert (float(told["value"]), told["unit"], float(told["error"])) == (volume["value"], "mL", volume["error"])
    assert float(told["interval_low"]) == volume["interval"]["low"]
    assert told["interval_meaning"] == volume["interval"]["meaning"]
    assert found["probability.idh"]["interval_meaning"].startswith("calibrated; 5th to 95th percentile of 5")
    assert found["probability.codel_1p19q"]["interval_meaning"].startswith("not calibrated")


def test_what_is_not_assessable_has_a_reason_and_no_number(read_study: ReadStudy, record_of: RecordOf) -> None:
    record = record_of(*read_study("t1c"))
    told = table_of(record)["volume.et"]
    assert (told["value"], told["error"], told["interval_low"]) == ("", "", "")
    assert told["not_assessable"] == record.document["not_assessable"]["et"]
    assert table_of(record)["sequence.t1c"]["not_assessable"]


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r", "|", "%", "\n"])
def test_no_cell_is_a_formula(read_study: ReadStudy, record_of: RecordOf, start: str) -> None:
    record = record_of(*read_study("t1c"))
    bad = f"{start}HYPERLINK(1)"
    measures = {**record.document["measures"], "satellites": {"reason": bad}}
    told = table_of(with_document(record, measures=measures))["satellites"]
    assert told["not_assessable"] == f"'{bad}"
    for row in table_of(record).values():
        assert not any(cell.startswith(("=", "+", "@")) for cell in row.values())


def test_pathology_and_corrections_are_rows_of_their_own(read_study: ReadStudy, record_of: RecordOf) -> None:
    room, study = read_study()
    with room.database() as connection, transaction(connection):
        enter(connection, study, {Marker.IDH: "mutant"}, "clinician")
    corrected = {"by": "clinician", "mask": True, "labels": {"idh": 0}, "from_revision": 1, "note": "seen by Dr X"}
    record = with_document(record_of(room, study), corrected=corrected)
    found = table_of(record)
    assert (found["pathology.idh"]["value"], found["pathology.idh"]["source"]) == ("mutant", "pathology")
    assert (found["label.idh"]["value"], found["label.idh"]["source"]) == ("wildtype", "clinician")
    assert found["volume.wt"]["source"] == "outline, corrected by a clinician"
    assert found["probability.idh"]["source"] == "model"
    assert b"Dr X" not in csv_file(record) + json_file(record)


def test_the_json_is_the_document_with_what_people_decided(read_study: ReadStudy, record_of: RecordOf) -> None:
    room, study = read_study()
    with room.database() as connection, transaction(connection):
        enter(connection, study, {Marker.IDH: "mutant", Marker.GRADE: "4"}, "clinician")
        sign(connection, study, "clinician", 1)
    record = record_of(room, study)
    told = json.loads(json_file(record))
    assert told["document"] == record.document
    assert (told["disclaimer"], told["use"]) == (DISCLAIMER, "RESEARCH")
    assert (told["decision"]["kind"], told["decision"]["user"]) == ("signed", "clinician")
    assert {marker: each["value"] for marker, each in told["pathology"].items()} == {"idh": "mutant", "grade": "4"}


def test_the_reason_of_a_rejection_stays_in_the_room(read_study: ReadStudy, record_of: RecordOf) -> None:
    room, study = read_study()
    with room.database() as connection, transaction(connection):
        reject(connection, study, "clinician", 1, "Frau Muster moved")
    content = json_file(record_of(room, study))
    assert json.loads(content)["decision"]["kind"] == "rejected"
    assert b"Muster" not in content


def test_names_and_ids_tell_findings_apart(read_study: ReadStudy, record_of: RecordOf) -> None:
    rows = rows_of(record_of(*read_study()).document)
    assert len({row.id for row in rows}) == len({row.name for row in rows}) == len(rows)


def test_the_table_says_who_stands_for_it(read_study: ReadStudy, record_of: RecordOf) -> None:
    room, study = read_study()
    assert table_of(record_of(room, study))["decision"]["value"] == "not signed"
    with room.database() as connection, transaction(connection):
        reject(connection, study, "clinician", 1, "Mrs X moved")
    row = table_of(record_of(room, study))["decision"]
    assert (row["value"], row["source"]) == ("rejected: revision 1", "clinician")
