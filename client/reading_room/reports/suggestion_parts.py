"""What the model suggests: the narrative, the diagnosis in layers, the ranking and the single answers."""

from client.reading_room.record import Record
from client.reading_room.reports.content import Bar, Bars, Block, Bullets, Column, Paragraph, Section, Table
from client.reading_room.reports.wording import DASH, Words
from client.reading_room.writer.narrative import TEMPLATE, Narrative
from client.reading_room.writer.words import word
from gmmas_core.diagnosis import layered_report, text
from gmmas_core.diagnosis.describe import value_text
from gmmas_core.diagnosis.markers import Marker
from gmmas_core.types import ConfigError, Task


def narrative_section(narrative: Narrative, words: Words) -> Section:
    """The writer's sentences, section by section, and who wrote them."""
    blocks: list[Block] = [
        Paragraph(
            lead=word(f"section.{name}", words.language) + words("colon").rstrip(),
            text=words.together([each.text for each in sentences]),
        )
        for name, sentences in narrative.sections()
    ]
    return Section(
        id="narrative",
        title=words("section.narrative"),
        blocks=(*blocks, Paragraph(text=written_by(narrative, words), small=True)),
    )


def written_by(narrative: Narrative, words: Words) -> str:
    """Who worded the narrative."""
    if narrative.written_by == TEMPLATE:
        return words("written_by.template")
    return words("written_by.model", name=narrative.written_by)


def diagnosis_section(record: Record, words: Words) -> Section:
    """The four layers, their reasons, flags, and results on tissue."""
    language = words.language
    layers = layered_report(record.diagnosis, language)
    rows = (
        (text("layer.integrated", language), layers.integrated),
        (text("layer.histology", language), layers.histology),
        (text("layer.grade", language), layers.grade),
        *(
            (text(f"marker.{marker}", language), value_text(marker, found, language))
            for marker, found in record.diagnosis.molecular
        ),
        (words("diagnosis.basis"), text(record.diagnosis.basis, language)),
        (words("diagnosis.reasons"), words.together(layers.reasons)),
    )
    blocks: list[Block] = [_pairs(words("diagnosis.caption"), rows)]
    if layers.flags:
        blocks.append(Bullets(items=layers.flags, title=words("diagnosis.flags")))
    return Section(id="diagnosis", title=words("section.diagnosis"), blocks=(*blocks, _pathology(record, words)))


def _pathology(record: Record, words: Words) -> Block:
    if not record.pathology:
        return Paragraph(text=words("diagnosis.no_pathology"), small=True)
    columns = (
        Column(title=words("pathology.marker"), weight=3),
        Column(title=words("pathology.value"), weight=3),
        Column(title=words("pathology.by"), weight=2),
        Column(title=words("pathology.at"), weight=3),
    )
    rows = tuple(
        (
            text(f"marker.{marker}", words.language),
            _entered(marker, entry.value, words),
            entry.user,
            words.moment(entry.at),
        )
        for marker, entry in record.pathology.items()
    )
    return Table(caption=words("diagnosis.pathology"), columns=columns, rows=rows)


def _entered(marker: Marker, value: str, words: Words) -> str:
    """A value as it was entered, in words where the catalogue has some."""
    for key in (f"value.{marker}.{value}", f"value.alteration.{value}", f"state.{value}"):
        try:
            return text(key, words.language)
        except ConfigError:
            continue
    return value


def types_section(record: Record, words: Words) -> Section:
    """The ranking with intervals, and the histology answer beside it."""
    suggested = record.document["suggested"]
    blocks: list[Block] = [_bars(record, words)] if suggested["types"] else [_no_types(record, words)]
    hint = suggested["histology"]
    if hint is not None:
        told = words("types.histology", value=words.percent(hint["glioblastoma"]))
        if hint["with_wildtype"] is not None:
            low, high = hint["with_wildtype"]
            bounds = words("types.histology_bounds", low=words.percent(low), high=words.percent(high))
            told = words.together([told, bounds])
        blocks.append(Paragraph(text=told))
    if suggested["uncalibrated"]:
        tasks = words.listed([words(f"task.{task}") for task in suggested["uncalibrated"]])
        blocks.append(Paragraph(text=words("types.uncalibrated", tasks=tasks)))
    blocks.append(Paragraph(text=words("types.grade")))
    return Section(id="types", title=words("section.types"), blocks=tuple(blocks))


def _bars(record: Record, words: Words) -> Bars:
    types = record.document["suggested"]["types"]
    bars = []
    for each in types:
        told, interval = words.percent(each["probability"]), each["interval"]
        if interval is not None:
            told = f"{told} ({words.percents(interval['low'], interval['high'])})"
        ends = None if interval is None else (interval["low"], interval["high"])
        name = text(each["id"], words.language)
        bars.append(Bar(label=name, value=each["probability"], interval=ends, words=told))
    passes = types[0]["interval"]
    caption = words("types.caption_plain") if passes is None else words("types.caption", passes=passes["num_passes"])
    return Bars(caption=caption, bars=tuple(bars), ends=(words.number(0, 0) + " %", words.number(100, 0) + " %"))


def _no_types(record: Record, words: Words) -> Paragraph:
    told = record.document["suggested"]["not_assessable"].get(Task.IDH.value)
    reason = DASH if told is None else text(told["id"], words.language)
    return Paragraph(text=words("types.none", reason=reason))


def tasks_section(record: Record, words: Words) -> Section:
    """Each question with its probability and how uncertain it is."""
    document = record.document
    closed = document["suggested"]["not_assessable"]
    rows = []
    for task, probability in document["probability"].items():
        interval = document["intervals"].get(task)
        is_closed = task in closed or task in document["abstained"] or "segmentation" in document["abstained"]
        rows.append(
            (
                words(f"task.{task}"),
                words(f"class.{task}.1"),
                text("state.not_assessable", words.language) if is_closed else words.percent(probability),
                DASH if interval is None or is_closed else words.percents(interval["low"], interval["high"]),
                _nats(document["epistemic"].get(task), words),
                _nats(document["aleatoric"].get(task), words),
                words("yes") if task in document["calibrated"] else words("no"),
            )
        )
    titles = (
        "tasks.question",
        "tasks.answer",
        "types.probability",
        "types.interval",
        "tasks.epistemic",
        "tasks.aleatoric",
        "tasks.calibrated",
    )
    weights = (1.9, 3.1, 3.0, 1.9, 1.6, 1.5, 1.8)
    columns = tuple(
        Column(title=words(title), weight=weight, number=2 <= place <= 5)
        for place, (title, weight) in enumerate(zip(titles, weights, strict=True))
    )
    table = Table(caption=words("tasks.caption"), columns=columns, rows=tuple(rows), note=words("tasks.note"))
    return Section(id="tasks", title=words("section.tasks"), blocks=(table,))


def _nats(value: float | None, words: Words) -> str:
    return DASH if value is None else words.number(value, 3)


def _pairs(caption: str, rows: tuple[tuple[str, str], ...]) -> Table:
    return Table(caption=caption, columns=(Column(weight=3), Column(weight=6)), rows=rows)
