"""A study's report in one language, put together from its record: what the pages and downloads ask for."""

import json
from collections.abc import Mapping
from typing import Any

from client.reading_room.record import Record
from client.reading_room.reports.clinician import Beside, clinician_report
from client.reading_room.reports.content import Report
from client.reading_room.reports.earlier import Earlier
from client.reading_room.reports.patient import patient_report
from client.reading_room.room import Room
from client.reading_room.writer.fact import CLINICIAN, PATIENT
from client.reading_room.writer.facts import facts_of
from client.reading_room.writer.template import template_narrative
from gmmas_core.diagnosis import Requester, population_figures

LANGUAGES = ("en", "de", "zh")


def compose_clinician(
    room: Room, record: Record, language: str, requested_by: Requester | None, earlier: Earlier | None = None
) -> Report:
    """The clinician's report.

    Args:
        room: its site and model.
        record: the study.
        language: one of LANGUAGES.
        requested_by: who asked for published figures; None when nobody did.
        earlier: of `earlier_of`.
    """
    narrative = template_narrative(facts_of(record, language), CLINICIAN)
    figures = None if requested_by is None else population_figures(record.diagnosis, requested_by=requested_by)
    training = training_of(room, record.revision.model_id)
    beside = Beside(site=room.site, training=training, earlier=earlier, figures=figures)
    return clinician_report(record, narrative, beside)


def compose_patient(room: Room, record: Record, language: str) -> Report:
    """The patient's report; it says so itself where it was not released."""
    narrative = template_narrative(facts_of(record, language), PATIENT)
    return patient_report(record, narrative, room.site)


def training_of(room: Room, model_id: str) -> Mapping[str, Any] | None:
    """The training record of the installed model; None where another model made the revision, or there is none."""
    try:
        provenance = json.loads((room.model / "provenance.json").read_text())
    except (OSError, ValueError):
        return None
    training = provenance.get("training") if provenance.get("model_id") == model_id else None
    return training if isinstance(training, dict) else None
