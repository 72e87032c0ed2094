"""Records of many kinds, all made from one study that the real worker has read."""

import copy
from collections.abc import Callable, Mapping
from dataclasses import replace
from itertools import combinations
from types import SimpleNamespace
from typing import Any

import pytest
from fastapi.testclient import TestClient

from client.reading_room.record import Record, diagnosis_of, open_record
from client.reading_room.room import Room
from client.reading_room.store.decisions import RELEASED, SIGNED, Decision
from client.reading_room.store.pathology import Entry
from gmmas_core.diagnosis.markers import Marker
from gmmas_core.diagnosis.ranking import ranked_diagnoses
from gmmas_core.inference import not_assessable
from gmmas_core.measures.case import NO_TUMOUR
from gmmas_core.types import SEQUENCES, Task

AT = "2026-02-03T04:05:06+00:00"
MEANING = "5th to 95th percentile of 20 stochastic passes, stretched to hold the value"


@pytest.fixture
def enter_role(
    read_study: Callable[..., tuple[Room, str]], enter: Callable[..., TestClient]
) -> Callable[[str], tuple[TestClient, Room, str]]:
    """`enter_role(role)`: the browser of a role, the room, and its one study; "" stays outside."""

    def come_in(role: str) -> tuple[TestClient, Room, str]:
        room, study = read_study()
        return enter(role, room), room, study

    return come_in


@pytest.fixture
def opened(read_study: Callable[..., tuple[Room, str]]) -> tuple[Room, Record]:
    """A room and the record of its one study."""
    room, study = read_study()
    with room.database() as connection:
        return room, open_record(connection, room, study)


@pytest.fixture
def make() -> SimpleNamespace:
    """The functions below: `make.released(record)`, `make.many(record)`, ..."""
    functions = (changed, decided, released, seen_from, without_tumour, with_probabilities, many)
    return SimpleNamespace(**{function.__name__: function for function in functions})


@pytest.fixture
def record(opened: tuple[Room, Record]) -> Record:
    """A study read from four sequences; every region is there, with intervals, whatever the tiny network found."""
    return changed(opened[1], _complete(opened[1].document))


def changed(record: Record, document: Mapping[str, Any], **pathology: str) -> Record:
    """The same study with another document and results on tissue; the diagnosis follows."""
    entries = {
        Marker(name): Entry(marker=Marker(name), value=value, user="clinician", at=AT)
        for name, value in pathology.items()
    }
    return replace(record, document=document, pathology=entries, diagnosis=diagnosis_of(document, entries))


def decided(record: Record, *kinds: str, user: str = "clinician") -> Record:
    """The same study signed or rejected, and released where "released" is named too."""
    made = {
        kind: Decision(
            id=number, study=record.study.id, revision=record.revision.number, kind=kind, user=user, note="", at=AT
        )
        for number, kind in enumerate(kinds, start=1)
    }
    release = made.pop(RELEASED, None)
    return replace(record, decision=next(iter(made.values())), release=release)


def released(record: Record) -> Record:
    """The same study signed and its patient's report released."""
    return decided(record, SIGNED, RELEASED)


def seen_from(record: Record, used: tuple[str, ...]) -> Record:
    """The same study as if it had been read from these sequences alone."""
    document = copy.deepcopy(dict(record.document))
    blocked = not_assessable(used)
    document["sequences_used"] = list(used)
    document["sequences_missing"] = [name for name in SEQUENCES if name not in used]
    document["not_assessable"] = blocked
    measures = document["measures"]
    for part in ("volume", "diameters", "side", "pieces"):
        measures[part] = {
            name: {"reason": blocked[name]} if name in blocked else value for name, value in measures[part].items()
        }
    if "t2_flair_mismatch" in blocked:
        measures["mismatch"] = {"reason": blocked["t2_flair_mismatch"]}
    document["without"] = [each for each in document["without"] if each["sequence"] in used and len(used) > 1]
    return changed(record, document)


def without_tumour(record: Record) -> Record:
    """The same study as if nothing had been outlined."""
    document = copy.deepcopy(dict(record.document))
    reason = {"reason": NO_TUMOUR.reason}
    measures = document["measures"]
    for part in ("volume", "shares", "diameters", "side", "pieces"):
        measures[part] = dict.fromkeys(measures[part], reason)
    measures |= {"margin": reason, "mismatch": reason, "satellites": reason}
    measures["vasari"] = {name: each if "reason" in each else reason for name, each in measures["vasari"].items()}
    document |= {"abstained": {"segmentation": "no tumour found"}, "verdict": "fail"}
    document["suggested"] |= {
        "types": [],
        "histology": None,
        "not_assessable": {task: {"id": "reason.no_outline", "text": ""} for task in document["probability"]},
    }
    return changed(record, document)


def with_probabilities(record: Record, mutant: float, codeleted: float) -> Record:
    """The same study with other answers to IDH and 1p/19q; the ranking follows."""
    document = copy.deepcopy(dict(record.document))
    document["probability"] |= {"idh": mutant, "codel_1p19q": codeleted}
    draws = {task: [value, value] for task, value in document["probability"].items()}
    ranking = ranked_diagnoses({Task(task): value for task, value in document["probability"].items()}, draws=draws)
    document["suggested"]["types"] = [
        {
            "id": each.entity.value,
            "name": "",
            "probability": each.probability,
            "interval": {
                "low": max(each.probability - 0.04, 0),
                "high": min(each.probability + 0.04, 1),
                "num_passes": 20,
            },
        }
        for each in ranking.candidates
    ]
    return changed(record, document)


def many(record: Record) -> dict[str, Record]:
    """Name -> record: every combination of sequences, every type first, no tumour, failed checks, results on tissue."""
    sets = [used for number in range(1, 5) for used in combinations(SEQUENCES, number)]
    cases = {f"read from {' '.join(used)}": seen_from(record, used) for used in sets}
    cases["no tumour"] = without_tumour(record)
    for name, mutant, codeleted in (("wildtype", 0.05, 0.01), ("astrocytoma", 0.95, 0.03), ("oligo", 0.96, 0.9)):
        cases[name] = with_probabilities(record, mutant, codeleted)
    cases["tissue"] = changed(record, record.document, idh="mutant", codel="codeleted", grade="2")
    cases["failed"] = changed(record, {**record.document, "verdict": "fail"})
    return cases


def _complete(document: Mapping[str, Any]) -> dict[str, Any]:
    """A document in which every region and every measure has a value, with intervals from passes."""
    whole = copy.deepcopy(dict(document))
    measures = whole["measures"]
    length = {
        "value": 37.9,
        "unit": "mm",
        "error": 1.4,
        "interval": {"reason": "the model's doubt is stated for volumes only"},
    }
    lesion = {
        "longest": length,
        "perpendicular": length | {"value": 28.3},
        "product": length | {"value": 1072.6, "unit": "mm2", "error": 92.7},
        "is_measurable": True,
    }
    for number, region in enumerate(("wt", "tc", "et", "necrosis", "edema"), start=1):
        interval = {"low": 20.3 / number, "high": 27.8 / number, "meaning": MEANING}
        measures["volume"][region] = {"value": 24.2 / number, "unit": "mL", "error": 0.8, "interval": interval}
    for name in measures["shares"]:
        measures["shares"][name] = {"value": 0.42, "unit": "share", "error": 0.06, "interval": {"reason": "-"}}
    for region in ("wt", "tc", "et"):
        measures["diameters"][region] = {
            "lesions": [lesion, lesion],
            "sum_of_products": length | {"value": 2145.2, "unit": "mm2", "error": 185.4},
            "longest_3d": length | {"value": 51.6},
        }
        measures["pieces"][region] = {"lesions": [{}], "specks": 0, "specks_ml": 0.0}
        measures["side"][region] = {"side": "left", "crossing": "no", "midline_error_mm": 1.0}
    measures["satellites"] = 0
    ends = {"low": 2.1, "high": 5.4, "meaning": "10th to 90th percentile along the margin"}
    measures["margin"] = {"thickness": length | {"value": 3.2, "error": 1.0, "interval": ends}, "covered": 0.8}
    measures["mismatch"] = {"share": 0.24, "difference": -0.84, "rim": -1.39, "volume_ml": 14.4}
    whole |= {"abstained": {}, "not_assessable": {}}
    return with_intervals(whole)


def with_intervals(document: dict[str, Any]) -> dict[str, Any]:
    """A document with the answers of twenty passes."""
    document["probability"] |= {"histology": 0.83, "idh": 0.12, "codel_1p19q": 0.02}
    for task, value in document["probability"].items():
        document["intervals"][task] = {"low": max(value - 0.05, 0), "high": min(value + 0.07, 1), "num_passes": 20}
        document["epistemic"][task], document["aleatoric"][task] = 0.0213, 0.4176
    types = (
        ("entity.idh_wildtype_group", 0.88),
        ("entity.astrocytoma_idh_mutant", 0.1),
        ("entity.oligodendroglioma_idh_mutant_codeleted", 0.02),
    )
    document["suggested"] = {
        "types": [
            {
                "id": name,
                "name": "",
                "probability": value,
                "interval": {"low": max(value - 0.05, 0), "high": min(value + 0.05, 1), "num_passes": 20},
            }
            for name, value in types
        ],
        "histology": {"glioblastoma": 0.83, "with_wildtype": [0.71, 0.83]},
        "not_assessable": {},
        "flags": [{"id": "flag.imaging_suggested", "text": ""}],
        "uncalibrated": list(document["probability"]),
    }
    return document
