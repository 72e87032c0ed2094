"""The findings beside the viewer, on studies that the real worker has read."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from client.reading_room.panel.earlier import earlier_of
from client.reading_room.panel.states import states_of
from client.reading_room.reading.revise import drafting, publish
from client.reading_room.reading.worker import Worker
from client.reading_room.record import MASK, open_record
from client.reading_room.room import Room
from client.reading_room.store import pathology
from client.reading_room.store.database import transaction
from client.reading_room.store.revisions import MODEL, add_revision
from gmmas_core.diagnosis.markers import Marker
from gmmas_core.types import DISCLAIMER

ReadStudy = Callable[..., tuple[Room, str]]
Enter = Callable[..., TestClient]


def revise(room: Room, study: str, change: Callable[[dict[str, Any]], None], author: str = MODEL) -> None:
    """Another revision of a study, with a document that somebody changed."""
    with room.database() as connection:
        record = open_record(connection, room, study)
        document = json.loads(json.dumps(record.document))
        change(document)
        with drafting(room.studies, study) as draft:
            (draft.folder / MASK).write_bytes((record.folder / MASK).read_bytes())
            published = publish(draft, document)
        with transaction(connection):
            add_revision(
                connection,
                study_id=study,
                author=author,
                model_id=record.revision.model_id,
                folder=published.folder,
                sha256=published.sha256,
            )


def enter_pathology(room: Room, study: str, **values: str) -> None:
    with room.database() as connection, transaction(connection):
        pathology.enter(connection, study, {Marker(name): value for name, value in values.items()}, "clinician")


def page(enter: Enter, room: Room, study: str, role: str = "viewer") -> str:
    answer = enter(role, room).get(f"/studies/{study}")
    assert answer.status_code == 200, answer.text
    return answer.text


def test_a_whole_reading_is_shown_in_the_order_of_its_weight(read_study: ReadStudy, enter: Enter) -> None:
    room, study = read_study()
    text = page(enter, room, study)
    ids = ("suggestion", "layers", "sizes", "influence", "checks", "earlier", "facts", "decide", "pathology")
    places = [text.index(f'id="{name}"') for name in ids]
    assert places == sorted(places)
    assert DISCLAIMER in text
    assert "not calibrated" in text
    assert "stochastic passes" in text
    assert text.count('class="bar-chart"') == 6  # three types and three tasks
    assert 'class="whisker"' in text
    assert "style=" not in text
    assert "<script>" not in text
    assert "None" not in text.replace("None in this room", "").replace("None of mine", "")


def test_no_number_stands_without_what_it_rests_on(read_study: ReadStudy, enter: Enter) -> None:
    room, study = read_study()
    with room.database() as connection:
        document = open_record(connection, room, study).document
    text = page(enter, room, study)
    for each in document["suggested"]["types"]:
        assert each["name"] in text
    whole = document["measures"]["volume"]["wt"]
    assert f"{whole['value']:.3f}" not in text  # not more digits than the error allows
    assert "none yet:" in text  # no conformal set without this hospital's own cases
    assert "at least 9 of each answer are needed" in text


def test_what_each_sequence_contributes_is_said_with_arrow_and_words(read_study: ReadStudy, enter: Enter) -> None:
    room, study = read_study()

    def change(document: dict[str, Any]) -> None:
        line = document["without"][1]
        line["probability_change"]["idh"] = -0.123
        line["first_type_changes"], line["first_type"] = True, "entity.astrocytoma_idh_mutant"

    revise(room, study, change)
    text = page(enter, room, study)
    assert '<span class="arrow down" aria-hidden="true"></span>−12\N{NO-BREAK SPACE}points' in text
    assert "<b>becomes</b> Astrocytoma, IDH-mutant" in text


@pytest.mark.parametrize("left_out", [("t1c",), ("t2", "flair"), ("t1", "t1c", "t2")])
def test_what_a_missing_sequence_hides_is_not_assessable_and_never_a_number(
    read_study: ReadStudy, enter: Enter, left_out: tuple[str, ...]
) -> None:
    room, study = read_study(*left_out)
    with room.database() as connection:
        record = open_record(connection, room, study)
    text = page(enter, room, study)
    assert "sequences" in [state.id for state in states_of(record)]
    assert "Insufficient sequences" in text
    for name, reason in record.document["not_assessable"].items():
        assert reason in text, name
    if len(left_out) == 3:
        assert "it takes at least two sequences" in text


def test_a_study_without_a_tumour_says_so_first(read_study: ReadStudy, enter: Enter) -> None:
    room, study = read_study()

    def change(document: dict[str, Any]) -> None:
        reason = {"reason": "no tumour was found"}
        measures = document["measures"]
        for group in ("volume", "shares", "diameters", "pieces", "side", "vasari"):
            measures[group] = dict.fromkeys(measures[group], reason)
        measures |= dict.fromkeys(("satellites", "midline", "margin", "mismatch"), reason)
        document["abstained"] = {"segmentation": "no tumour was found"}
        for check in document["checks"]:
            if check["id"] == "tumour_found":
                check |= {"verdict": "fail", "found": "no tumour", "action": "do not read its answers"}
        document["checks"] = [
            each for each in document["checks"] if each["verdict"] != "fail" or each["id"] == "tumour_found"
        ]
        document["verdict"] = "fail"
        words = {"id": "reason.no_outline", "text": "No tumour was outlined, so there is no place to read from."}
        document["suggested"] |= {
            "types": [],
            "histology": None,
            "not_assessable": dict.fromkeys(("histology", "idh", "codel_1p19q"), words),
        }
        document["without"] = []

    revise(room, study, change)
    text = page(enter, room, study)
    assert "No tumour was found" in text
    assert text.index("No tumour was found") < text.index('id="suggestion"')
    assert 'class="bar-chart"' not in text
    assert "No tumour was outlined" in text
    assert "0 mL" not in text


def test_failed_checks_come_first_and_ask_for_a_second_look(read_study: ReadStudy, enter: Enter) -> None:
    room, study = read_study()

    def change(document: dict[str, Any]) -> None:
        document["checks"][3] |= {"id": "skull", "verdict": "fail", "found": "3012 mL <b>", "action": "strip it"}
        document["verdict"] = "fail"

    revise(room, study, change)
    text = page(enter, room, study, "clinician")
    assert text.index("3012 mL &lt;b&gt;") < text.index('id="suggestion"')
    assert 'class="verdict fail"' in text
    assert "Checks failed: do not rely on this reading" in text
    assert 'name="checks_seen" required' in text
    checks = text[text.index('id="checks"') :]
    assert checks.index("Failed: Skull removed") < checks.index("passed</summary>")


def test_a_corrected_reading_says_what_is_whose(read_study: ReadStudy, enter: Enter) -> None:
    room, study = read_study()
    hostile = {"by": "clinician", "mask": True, "labels": {"idh": 1}, "from_revision": 1, "note": "<img src=x>"}
    revise(room, study, lambda document: document.update(corrected=hostile), author="clinician")
    text = page(enter, room, study)
    assert "Corrected by clinician" in text
    assert "Probabilities remain the model's" in text
    assert "Read by the clinician: IDH: mutant" in text
    assert "&lt;img src=x&gt;" in text
    assert "<img src=x" not in text


def test_pathology_that_contradicts_imaging_decides_and_is_told(read_study: ReadStudy, enter: Enter) -> None:
    room, study = read_study()

    def change(document: dict[str, Any]) -> None:
        names = [
            ("entity.idh_wildtype_group", 0.9),
            ("entity.astrocytoma_idh_mutant", 0.06),
            ("entity.oligodendroglioma_idh_mutant_codeleted", 0.04),
        ]
        document["suggested"]["types"] = [
            {"id": name, "name": name, "probability": p, "interval": None} for name, p in names
        ]
        document["probability"] |= {"idh": 0.1, "codel_1p19q": 0.04}

    revise(room, study, change)
    assert "Tissue contradicts the image" not in page(enter, room, study)
    enter_pathology(room, study, idh="mutant", codel="codeleted")
    text = page(enter, room, study)
    assert "Tissue contradicts the image." in text
    assert "On tissue: Oligodendroglioma, IDH-mutant and 1p/19q-codeleted" in text
    assert "<b>Oligodendroglioma, IDH-mutant and 1p/19q-codeleted" in text
    enter_pathology(room, study, idh="wildtype", codel="codeleted")
    assert "Results contradict each other" in page(enter, room, study)


@pytest.fixture
def followed(read_study: ReadStudy, upload: Callable[..., str], phantom_folder: Path) -> tuple[Room, dict[str, str]]:
    """Three studies of p-001: the first, one read half a year later, one without a date."""
    room, first = read_study()
    later = upload(room, phantom_folder, "p-001", "2026-07-31")
    undated = upload(room, phantom_folder, "p-001", None)
    worker = Worker(room, patience_s=float("inf"))
    while worker.read_next():
        pass
    return room, {"first": first, "later": later, "undated": undated}


def scale(room: Room, study: str, factor: float, error: float) -> None:
    """Give the volumes of a study other values and a small error."""

    def change(document: dict[str, Any]) -> None:
        for measure in document["measures"]["volume"].values():
            measure |= {"value": 20.0 * factor, "error": error, "unit": "mL", "interval": {"reason": "none"}}
            measure.pop("reason", None)

    revise(room, study, change)


def test_earlier_studies_are_compared_without_a_category(followed: tuple[Room, dict[str, str]], enter: Enter) -> None:
    room, ids = followed
    scale(room, ids["first"], 1.0, 0.5)
    scale(room, ids["later"], 2.0, 0.5)
    text = page(enter, room, ids["later"])
    section = text[text.index('id="earlier"') : text.index('id="facts"')]
    assert f'href="/studies/{ids["first"]}"' in section
    assert "Without a known day, not compared" in section
    assert "<b>+100\N{NO-BREAK SPACE}%</b>" in section
    assert "beyond the +40 % over the smallest that RANO 2.0 names" in section
    assert "−65" not in section.split("No category of response")[0]
    for category in ("progressive", "partial response", "stable disease", "complete response"):
        assert category not in section.lower()
    assert "Later: " in page(enter, room, ids["first"])


LEFT_OPEN = "the +40 % over the smallest that RANO 2.0 names by the values, left open by their errors"


@pytest.mark.parametrize(
    ("factor", "error", "words"),
    [
        (1.5, 0.1, "beyond the +40 %"),
        (1.2, 0.1, "not beyond the +40 %"),
        (1.45, 2.0, f"beyond {LEFT_OPEN}"),
        (1.35, 2.0, f"not beyond {LEFT_OPEN}"),
        (0.2, 0.1, "beyond the −65 %"),
        (0.5, 0.1, "not beyond the −65 %"),
    ],
)
def test_a_threshold_is_named_as_far_as_the_errors_tell(
    followed: tuple[Room, dict[str, str]], factor: float, error: float, words: str
) -> None:
    room, ids = followed
    scale(room, ids["first"], 1.0, error)
    scale(room, ids["later"], factor, error)
    with room.database() as connection:
        found = earlier_of(connection, room, open_record(connection, room, ids["later"]))
    (comparison,) = found["changes"][0]["comparisons"]
    (told,) = comparison["change"]["thresholds"]
    assert told.startswith(words)


def test_another_model_or_a_rejected_reading_is_not_compared(
    followed: tuple[Room, dict[str, str]], enter: Enter
) -> None:
    room, ids = followed
    revise(room, ids["first"], lambda document: document["measures"].update(model_id="another"))
    assert "not compared: read by model another" in page(enter, room, ids["later"])
    client = enter("clinician", room)
    body = {"revision": 2, "note": "blurred"}
    assert client.post(f"/api/studies/{ids['first']}/rejection", json=body).status_code == 201
    assert "not compared: its reading was rejected" in page(enter, room, ids["later"])


def test_the_model_s_card_is_shown_as_text(read_study: ReadStudy, enter: Enter, tmp_path: Path) -> None:
    room, study = read_study()
    model = tmp_path / "model"
    model.mkdir()
    table = "| cases of | value |\n|---|---|\n| <b>north</b> | 0.81 |"
    card = f"# Model\n\n## Results on the holdouts\n\n{table}\n\n## Limits\n\n- `x` **y**\n"
    (model / "model_card.md").write_text(card)
    text = page(enter, Room(folder=room.folder, site="north", model=model), study)
    assert "&lt;b&gt;north&lt;/b&gt;</td><td>0.81" in text
    assert "<li><code>x</code> <b>y</b></li>" in text
    assert "nobody has measured this model" not in text
    assert "nobody has measured this model" in page(enter, room, study)


def test_findings_that_were_changed_on_the_disk_are_not_shown(read_study: ReadStudy, enter: Enter) -> None:
    room, study = read_study()
    with room.database() as connection:
        (open_record(connection, room, study).folder / "findings.json").write_text("{}")
    answer = enter("viewer", room).get(f"/studies/{study}")
    assert answer.status_code == 422
    assert "missing or was changed" in answer.text


def test_a_first_look_says_that_more_is_computed(read_study: ReadStudy, enter: Enter) -> None:
    room, study = read_study()

    def first_look(document: dict[str, Any]) -> None:
        document.update(preliminary=True, without=[], intervals={})
        document["reading"]["mc_passes"] = 0
        for each in document["suggested"]["types"]:
            each["interval"] = None

    revise(room, study, first_look)
    text = page(enter, room, study)
    assert "First look" in text
    assert "Intervals are not computed yet." in text
    assert "Not computed yet." in text
    for wrong in ("no stochastic passes were asked for", "it takes at least two sequences"):
        assert wrong not in text
    with room.database() as connection:
        connection.execute("UPDATE studies SET state = 'failed'")
    text = page(enter, room, study)
    assert "First look only: the reading failed" in text
    assert "are still being computed; open the page again later" not in text


def test_a_correction_that_another_reading_put_aside_is_named(read_study: ReadStudy, enter: Enter) -> None:
    room, study = read_study()
    revise(room, study, lambda document: None, author="anna")
    words = "what anna corrected in revision 2 is not part of revision 3"
    assert words not in page(enter, room, study)
    revise(room, study, lambda document: None)
    assert words in page(enter, room, study)
