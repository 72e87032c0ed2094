"""The patient's report: plain words, what was measured and what is not known; no probability, no survival."""

from collections.abc import Mapping
from typing import Any

from client.reading_room.record import Record
from client.reading_room.reports.content import Bullets, Column, Notice, Paragraph, Report, Section, Table, Tone
from client.reading_room.reports.measure_parts import half_width
from client.reading_room.reports.pictures import patient_picture
from client.reading_room.reports.suggestion_parts import written_by
from client.reading_room.reports.wording import Words, disclaimer
from client.reading_room.writer.narrative import Narrative
from client.reading_room.writer.words import word
from gmmas_core.types import DataError

QUESTIONS = 7
GLOSSARY = ("mri", "dye", "tumour", "glioma", "tissue", "gene", "edema", "team")


def require_released(record: Record) -> None:
    """Refuse a report that no clinician released.

    Raises:
        DataError: no release stands, or it is of another revision than the one shown.
    """
    if record.release is None or record.release.revision != record.revision.number:
        raise DataError(
            "patient's report: found no release of it; expected that of a clinician after signing; "
            "ask the clinician who reads this study"
        )


def patient_report(record: Record, narrative: Narrative, site: str) -> Report:
    """One study in plain words, in the narrative's language; marked where it was not released."""
    words = Words(narrative.language)
    picture = patient_picture(record, words)
    return Report(
        language=words.language,
        title=words("patient.title"),
        subtitle=words("patient.subtitle"),
        about=_about(record, site, words),
        notices=(
            *_release_notice(record, words),
            Notice(title=words("patient.first"), text=words("patient.first_text"), tone=Tone.PLAIN),
        ),
        sections=(
            *_told(narrative, words),
            Section(id="measured", title=words("patient.section.measured"), blocks=(_measured(record, words),)),
            *([Section(id="picture", title=words("patient.section.picture"), blocks=picture)] if picture else []),
            Section(id="questions", title=words("patient.section.questions"), blocks=(_questions(words),)),
            Section(
                id="words",
                title=words("patient.section.words"),
                blocks=(_glossary(words), _origin(record, narrative, words)),
            ),
        ),
        disclaimer=disclaimer(words),
        page_words=words("page", page="{page}", pages="{pages}"),
        roomy=True,
    )


def _about(record: Record, site: str, words: Words) -> tuple[tuple[str, str], ...]:
    rows = [
        (words("about.patient"), record.study.patient),
        (words("about.day"), words.day(record.study.study_date)),
        (words("about.site"), site),
    ]
    if not _release_notice(record, words) and record.release is not None:
        told = words("patient.about.released_text", user=record.release.user, at=words.day(record.release.at))
        rows.append((words("patient.about.released"), told))
    return tuple(rows)


def _release_notice(record: Record, words: Words) -> tuple[Notice, ...]:
    try:
        require_released(record)
    except DataError:
        text = words("patient.not_released_text")
        return (Notice(title=words("patient.not_released"), text=text, tone=Tone.BAD),)
    return ()


def _told(narrative: Narrative, words: Words) -> list[Section]:
    return [
        Section(
            id=name,
            title=word(f"section.{name}", words.language),
            blocks=(Paragraph(text=words.together([each.text for each in sentences])),),
        )
        for name, sentences in narrative.sections()
    ]


def _measured(record: Record, words: Words) -> Table:
    measures = record.document["measures"]
    rows = [(words(f"patient.measured.{name}"), _size(measures["volume"][name], words)) for name in ("wt", "tc", "et")]
    longest = measures["diameters"]["wt"]
    rows.append((words("patient.measured.longest"), _size(longest.get("longest_3d", longest), words)))
    side = measures["side"]["wt"]
    told = words(f"side.{side['side']}") if "side" in side else words("patient.measured.open")
    rows.append((words("patient.measured.side"), told))
    columns = (Column(weight=5), Column(weight=4))
    caption, note = words("patient.measured.caption"), words("patient.measured.note")
    return Table(caption=caption, columns=columns, rows=tuple(rows), note=note)


def _size(measure: Mapping[str, Any], words: Words) -> str:
    if "value" not in measure:
        return words("patient.measured.open")
    if measure["value"] <= 0:
        return words("patient.measured.zero")
    value = words.quantity(measure["value"], half_width(measure), measure["unit"])
    return words("patient.measured.about", value=value)


def _questions(words: Words) -> Bullets:
    return Bullets(items=tuple(words(f"patient.question.{number}") for number in range(1, QUESTIONS + 1)))


def _glossary(words: Words) -> Table:
    rows = tuple((words(f"patient.word.{name}"), words(f"patient.word.{name}_text")) for name in GLOSSARY)
    return Table(caption=words("patient.words.caption"), columns=(Column(weight=2), Column(weight=7)), rows=rows)


def _origin(record: Record, narrative: Narrative, words: Words) -> Paragraph:
    """What a clinician needs to find the findings again; no patient has to read it."""
    revision = record.revision
    told = f"{revision.model_id} · {words('about.revision')} {revision.number} · sha256 {revision.sha256[:16]}"
    return Paragraph(text=f"{told} · {written_by(narrative, words)}", small=True)
