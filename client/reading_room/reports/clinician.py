"""The clinician's report: status and verdict first, then what is suggested, measured, open and behind it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from client.reading_room.record import Record
from client.reading_room.reports.content import Report, Section
from client.reading_room.reports.earlier import Earlier
from client.reading_room.reports.head import about, notices
from client.reading_room.reports.limit_parts import checks_section, open_section, without_section
from client.reading_room.reports.measure_parts import signs_section, sizes_section, volumes_section
from client.reading_room.reports.model_parts import model_section, provenance_section
from client.reading_room.reports.next_parts import (
    comparison_section,
    differentials_section,
    figures_section,
    follow_up_section,
    tests_section,
)
from client.reading_room.reports.pictures import clinician_pictures
from client.reading_room.reports.suggestion_parts import (
    diagnosis_section,
    narrative_section,
    tasks_section,
    types_section,
)
from client.reading_room.reports.wording import Words, disclaimer
from client.reading_room.writer.narrative import Narrative
from gmmas_core.diagnosis.prognosis import Figure


@dataclass(frozen=True, kw_only=True)
class Beside:
    """What a report shows beside the record.

    Attributes:
        site: name of the hospital.
        training: record of the model's training, where the installed model made the revision.
        earlier: the comparison with earlier studies, or None.
        figures: published figures that the reader asked for; None when nobody asked.
    """

    site: str
    training: Mapping[str, Any] | None = None
    earlier: Earlier | None = None
    figures: tuple[Figure, ...] | None = None


def clinician_report(record: Record, narrative: Narrative, beside: Beside) -> Report:
    """Everything about one study for a clinician, in the narrative's language."""
    words = Words(narrative.language)
    return Report(
        language=words.language,
        title=words("clinician.title"),
        subtitle=words("clinician.subtitle"),
        about=about(record, beside.site, words),
        notices=notices(record, words),
        sections=(
            narrative_section(narrative, words),
            Section(id="pictures", title=words("section.pictures"), blocks=clinician_pictures(record, words)),
            diagnosis_section(record, words),
            types_section(record, words),
            tasks_section(record, words),
            volumes_section(record, words),
            sizes_section(record, words),
            signs_section(record, words),
            open_section(record, words),
            without_section(record, words),
            checks_section(record, words),
            differentials_section(record, words),
            tests_section(record, words),
            follow_up_section(record, words),
            *_asked_for(beside, words),
            model_section(record, beside.training, words),
            provenance_section(record, narrative, words),
        ),
        disclaimer=disclaimer(words),
        page_words=words("page", page="{page}", pages="{pages}"),
    )


def _asked_for(beside: Beside, words: Words) -> tuple[Section, ...]:
    sections = []
    if beside.earlier is not None:
        day = words.day(beside.earlier.baseline)
        sections.append(comparison_section(beside.earlier.comparison, day, words))
    if beside.figures is not None:
        sections.append(figures_section(beside.figures, words))
    return tuple(sections)
