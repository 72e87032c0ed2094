"""A clinician's outline: exactly what was sent, measured anew, or a refusal that leaves nothing behind."""

import gzip
import json
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
import pytest
from fastapi.testclient import TestClient
from numpy.typing import NDArray

from client.predicting.result_files import nifti_bytes
from client.reading_room.reading.correct import MAX_MASK_BYTES, MAX_NOTE, NO_INTERVAL, NO_TUMOUR
from client.reading_room.reading.read import write_volume
from client.reading_room.reading.revise import drafting, publish
from client.reading_room.record import MASK, UNCERTAINTY, Record, open_record
from client.reading_room.room import Room
from client.reading_room.store.database import transaction
from client.reading_room.store.decisions import reject, sign
from client.reading_room.store.revisions import MODEL, add_revision, revisions_of
from gmmas_core.data.grid import Volume
from gmmas_core.data.nifti import load_volume
from gmmas_core.types import DISCLAIMER

Enter = Callable[..., TestClient]
ReadStudy = Callable[..., tuple[Room, str]]
Array = NDArray[Any]


def record_of(room: Room, study: str, number: int | None = None) -> Record:
    with room.database() as connection:
        return open_record(connection, room, study, number)


def outline_of(room: Room, study: str, number: int | None = None) -> Volume:
    return load_volume(record_of(room, study, number).folder / MASK)


def put(client: TestClient, study: str, content: bytes, from_revision: int = 1, note: str = "") -> Any:
    return client.put(
        f"/api/studies/{study}/mask",
        params={"from_revision": from_revision},
        content=content,
        headers={"X-Note": note} if note else {},
    )


def with_cube(seg: Volume, label: int = 3) -> Array:
    """The outline with 4 x 4 x 4 voxels of one label in its middle, which is inside the phantom's brain."""
    labels = seg.data.copy()
    labels[tuple(slice(n // 2 - 2, n // 2 + 2) for n in labels.shape)] = label
    return labels


@pytest.fixture
def read(read_study: ReadStudy) -> tuple[Room, str]:
    return read_study()


def test_the_new_revision_holds_exactly_what_was_sent(read: tuple[Room, str], enter: Enter) -> None:
    room, study = read
    before, seg = record_of(room, study), outline_of(room, study)
    labels = with_cube(seg)
    answer = put(enter("clinician", room), study, nifti_bytes(labels, seg.affine_44), note="f%C3%BCr%20den%20Rand")
    assert answer.status_code == 201, answer.text
    assert answer.json() | {"created_at": ""} == {
        "number": 2,
        "author": "clinician",
        "created_at": "",
        "notice": DISCLAIMER,
    }
    after, kept = record_of(room, study), outline_of(room, study)
    assert np.array_equal(kept.data, labels)
    assert np.array_equal(kept.affine_44, seg.affine_44)
    assert np.array_equal(outline_of(room, study, 1).data, seg.data), "the older one stays"
    assert (after.folder / UNCERTAINTY).read_bytes() == (before.folder / UNCERTAINTY).read_bytes()
    assert after.document["corrected"] == {
        "by": "clinician",
        "mask": True,
        "labels": {},
        "from_revision": 1,
        "note": "für den Rand",
    }
    same = ("probability", "intervals", "suggested", "uncertainty_map", "not_assessable", "model", "without")
    assert {key: after.document[key] for key in same} == {key: before.document[key] for key in same}
    millilitres = abs(np.linalg.det(seg.affine_44[:3, :3])) / 1000
    for name, values in (("et", [3]), ("tc", [1, 3]), ("wt", [1, 2, 3])):
        expected = np.isin(labels, values).sum() * millilitres
        assert after.document["volume_ml"][name] == pytest.approx(expected)
        assert after.document["measures"]["volume"][name]["value"] == pytest.approx(expected)
        assert after.document["measures"]["volume"][name]["interval"] == {"reason": NO_INTERVAL}
    assert set(after.document["region_uncertainty"].values()) == {None}
    with room.database() as connection:
        line = connection.execute("SELECT user, action, details FROM audit ORDER BY line DESC LIMIT 1").fetchone()
    assert (line["user"], line["action"], json.loads(line["details"])["revision"]) == ("clinician", "revised", 2)


@pytest.mark.parametrize("kind", [np.uint8, np.int16, np.int32, np.float32, np.float64])
@pytest.mark.parametrize("packed", [True, False])
def test_masks_of_other_programs_are_taken(
    read: tuple[Room, str], enter: Enter, kind: type[np.generic], packed: bool
) -> None:
    room, study = read
    seg = outline_of(room, study)
    image: Any = nib.Nifti1Image(with_cube(seg).astype(kind), seg.affine_44)
    content = image.to_bytes()
    answer = put(enter("clinician", room), study, gzip.compress(content) if packed else content)
    assert answer.status_code == 201, answer.text
    assert np.array_equal(outline_of(room, study).data, with_cube(seg))


def hostile(seg: Volume) -> Iterator[tuple[str, bytes, str]]:
    """Name, body, and words that the refusal must have."""
    good, affine = with_cube(seg), seg.affine_44

    def file(values: Array, place: Array = affine) -> bytes:
        image: Any = nib.Nifti1Image(values, place)
        return gzip.compress(bytes(image.to_bytes()))

    moved = affine.copy()
    moved[0, 3] += 2.0
    announced: Any = nib.Nifti1Image(np.zeros((2, 2, 2), np.uint8), affine)
    header = bytearray(announced.to_bytes())
    header[40:56] = np.array([3, 30000, 30000, 30000, 1, 1, 1, 1], "<i2").tobytes()
    yield "empty", b"", "no NIfTI header"
    yield "text", b"<html>hello</html>" * 40, "no NIfTI header"
    packed = bytearray(file(good))
    packed[-8] ^= 1
    yield "damaged", bytes(packed), "gzip data"
    yield "half of it", file(good)[:-40], "truncated"
    yield "truncated", gzip.decompress(file(good))[:-100], "truncated"
    yield "bomb", gzip.compress(bytes(50 * 2**20)), "no NIfTI header"
    yield "announces 27 TB", bytes(header), "announcing"
    yield "4-D", file(np.stack([good, good], axis=3)), "4-D"
    yield "colour", _colour(good, affine), "voxels of type"
    yield "other shape", file(good[1:]), "mask: found 47x"
    yield "moved", file(good, moved), "origin"
    yield "mirrored", file(good[::-1].copy(), affine @ _mirror(good.shape[0])), "expected 48x"
    yield "label 4", file(np.where(good == 3, 4, good).astype(np.uint8)), "values from 0 to 4"
    yield "negative", file(good.astype(np.int16) - 1), "values from -1 to 2"
    yield "halves", file(good.astype(np.float32) / 2), "between whole numbers"
    yield "not a number", file(np.where(good == 3, np.nan, good).astype(np.float32)), "NaN"
    yield "huge values", file(good.astype(np.float64) * 1e300), "infinite"
    yield "unchanged", file(seg.data), "there already"
    yield "too large", bytes(MAX_MASK_BYTES + 1), "more than 64 MB"


def _colour(values: Array, affine: Array) -> bytes:
    colours = np.zeros(values.shape, dtype=[("R", "u1"), ("G", "u1"), ("B", "u1")])
    image: Any = nib.Nifti1Image(colours, affine)
    return bytes(image.to_bytes())


def _mirror(size: int) -> Array:
    flip = np.diag([-1.0, 1.0, 1.0, 1.0])
    flip[0, 3] = size - 1
    return flip


def test_a_mask_that_cannot_be_used_is_refused_in_words_and_leaves_nothing(
    read: tuple[Room, str], enter: Enter
) -> None:
    room, study = read
    client = enter("clinician", room)
    before = sorted(room.studies.rglob("*"))
    for name, content, words in hostile(outline_of(room, study)):
        answer = put(client, study, content)
        assert answer.status_code == 422, name
        error = answer.json()["error"]
        assert words in error, (name, error)
        assert "expected" in error, name
        assert str(room.folder) not in error
        assert sorted(room.studies.rglob("*")) == before, name
    assert record_of(room, study).revision.number == 1


def test_a_note_that_is_too_long_is_refused(read: tuple[Room, str], enter: Enter) -> None:
    room, study = read
    seg = outline_of(room, study)
    answer = put(enter("clinician", room), study, nifti_bytes(with_cube(seg), seg.affine_44), note="x" * (MAX_NOTE + 1))
    assert "note: found 501 characters" in answer.json()["error"]


@pytest.mark.parametrize("decision", ["signed", "rejected"])
def test_a_study_that_is_decided_on_is_not_corrected(read: tuple[Room, str], enter: Enter, decision: str) -> None:
    room, study = read
    seg = outline_of(room, study)
    with room.database() as connection, transaction(connection):
        if decision == "signed":
            sign(connection, study, "clinician", 1)
        else:
            reject(connection, study, "clinician", 1, "motion")
    client = enter("clinician", room)
    answer = put(client, study, nifti_bytes(with_cube(seg), seg.affine_44))
    assert answer.json()["error"].startswith(f"study: found it {decision}")
    assert f"The study is {decision}: withdraw" in client.get(f"/studies/{study}").text
    assert record_of(room, study).revision.number == 1


def test_whoever_saves_second_is_told(read: tuple[Room, str], enter: Enter) -> None:
    room, study = read
    seg, client = outline_of(room, study), enter("clinician", room)
    assert put(client, study, nifti_bytes(with_cube(seg), seg.affine_44)).status_code == 201
    answer = put(client, study, nifti_bytes(with_cube(seg, 1), seg.affine_44))
    assert "found another revision than 1 as the newest" in answer.json()["error"]
    assert put(client, study, nifti_bytes(with_cube(seg, 1), seg.affine_44), from_revision=2).status_code == 201
    assert record_of(room, study).document["corrected"]["from_revision"] == 2


def test_of_many_at_once_one_is_kept(read: tuple[Room, str], enter: Enter) -> None:
    room, study = read
    seg = outline_of(room, study)
    clients, codes = [enter("clinician", room) for _ in range(4)], []

    def send(place: int) -> None:
        codes.append(put(clients[place], study, nifti_bytes(with_cube(seg, 1 + place % 3), seg.affine_44)).status_code)

    threads = [threading.Thread(target=send, args=(place,)) for place in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(codes) == [201, 422, 422, 422]
    with room.database() as connection:
        folders = {revision.folder for revision in revisions_of(connection, study)}
    assert {path.name for path in record_of(room, study).folder.parent.iterdir()} == folders


def test_an_emptied_outline_closes_what_was_read_from_it(read: tuple[Room, str], enter: Enter) -> None:
    room, study = read
    seg, client = outline_of(room, study), enter("clinician", room)
    assert put(client, study, nifti_bytes(np.zeros_like(seg.data), seg.affine_44)).status_code == 201
    emptied = record_of(room, study)
    assert emptied.document["abstained"] == {"segmentation": NO_TUMOUR}
    assert emptied.document["volume_ml"]["wt"] == 0
    assert emptied.document["suggested"]["types"] == []
    assert emptied.document["verdict"] == "fail"
    assert emptied.document["without"] == []
    page = client.get(f"/studies/{study}").text
    assert "No tumour is outlined: there is nothing that could change." in page
    assert "The model outlined nothing" not in page, "it did, and a person took it out"
    assert "A person emptied the outline" in page
    report = client.get(f"/studies/{study}/report/clinician").text
    assert "The model outlined no tumour" not in report
    assert "No tumour is outlined" in report
    patient = client.get(f"/studies/{study}/report/patient").text
    assert "The computer did not mark a tumour" not in patient
    assert "No tumour is marked." in patient
    assert put(client, study, nifti_bytes(with_cube(seg), seg.affine_44), from_revision=2).status_code == 201
    filled = record_of(room, study).document
    first = record_of(room, study, 1).document
    for key in ("abstained", "suggested", "intervals"):
        assert filled[key] == first[key], "the model had an outline, whoever emptied it"
    assert filled["measures"]["volume"]["et"]["value"] > 0


def test_where_the_model_saw_no_tumour_its_answers_stay_closed(read: tuple[Room, str], enter: Enter) -> None:
    room, study = read
    seg, blind = outline_of(room, study), record_of(room, study)
    with drafting(room.studies, study) as draft:
        written = write_volume(draft.folder / MASK, np.zeros_like(seg.data), seg.affine_44)
        segmentation = {**blind.document["segmentation"], **written}
        changes = {"abstained": {"segmentation": "no tumour found"}, "uncertainty_map": None}
        published = publish(draft, {**blind.document, **changes, "segmentation": segmentation})
    with room.database() as connection, transaction(connection):
        place = {"folder": published.folder, "sha256": published.sha256}
        add_revision(connection, study_id=study, author=MODEL, model_id="m", **place)
    answer = put(enter("clinician", room), study, nifti_bytes(with_cube(seg), seg.affine_44), from_revision=2)
    assert answer.status_code == 201, answer.text
    corrected = record_of(room, study)
    assert set(corrected.document["abstained"]) == set(blind.document["probability"])
    assert corrected.document["measures"]["volume"]["wt"]["value"] > 0
    assert corrected.document["uncertainty_map"] is None


def test_without_contrast_a_correction_still_measures_no_core(read_study: ReadStudy, enter: Enter) -> None:
    room, study = read_study("t1c")
    seg, client = outline_of(room, study), enter("clinician", room)
    assert put(client, study, nifti_bytes(with_cube(seg, 2), seg.affine_44)).status_code == 201
    document = record_of(room, study).document
    assert (document["volume_ml"]["et"], document["volume_ml"]["tc"]) == (None, None)
    assert document["volume_ml"]["wt"] > 0
    page = client.get(f"/studies/{study}").text
    assert "whole tumour, its parts not told apart" in page
    assert "Not assessable: no t1c" in page


def test_the_map_stays_readable_after_a_correction(read: tuple[Room, str], enter: Enter) -> None:
    room, study = read
    seg, client = outline_of(room, study), enter("clinician", room)
    first = client.get(f"/api/studies/{study}/revisions/1/uncertainty.nii.gz").content
    put(client, study, nifti_bytes(with_cube(seg), seg.affine_44))
    assert client.get(f"/api/studies/{study}/revisions/2/uncertainty.nii.gz").content == first
    newest = client.get(f"/api/studies/{study}/revisions/2/seg.nii.gz").content
    assert Path(record_of(room, study).folder / MASK).read_bytes() == newest


def test_no_change_is_told_between_the_models_outlines_and_a_corrected_one(
    read: tuple[Room, str], enter: Enter
) -> None:
    room, study = read
    client = enter("clinician", room)
    seg = outline_of(room, study)
    before = client.get(f"/studies/{study}").text
    put(client, study, nifti_bytes(with_cube(seg), seg.affine_44))
    after = client.get(f"/studies/{study}").text
    assert ("not comparable with a corrected outline" in before, "overlap 0." in before) == (False, True)
    assert after.count("not comparable with a corrected outline") == 4 * 3
    assert "overlap 0." not in after
    report = client.get(f"/studies/{study}/report/clinician").text
    assert "not the corrected outline" in report
