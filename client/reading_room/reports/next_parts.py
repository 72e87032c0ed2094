"""What follows from the reading: differentials, tests, follow-up, change since earlier studies, and, only where
somebody asked for them, published figures of groups. Never a treatment.
"""

from collections.abc import Sequence

from client.reading_room.record import Record
from client.reading_room.reports.content import Block, Bullets, Column, Paragraph, Section, Table
from client.reading_room.reports.wording import DASH, Words
from client.reading_room.writer.numbers import SPACE
from gmmas_core.diagnosis import text
from gmmas_core.diagnosis.prognosis import CAVEAT, Figure
from gmmas_core.measures.compare import Change, Comparison, NotComparable
from gmmas_core.measures.values import Missing
from gmmas_core.types import SEQUENCES


def differentials_section(record: Record, words: Words) -> Section:
    """The types behind the first, and what the model does not know."""
    others = record.document["suggested"]["types"][1:]
    blocks: list[Block] = []
    if others:
        rows = tuple((text(each["id"], words.language), words.percent(each["probability"])) for each in others)
        columns = (
            Column(title=words("types.type"), weight=5),
            Column(title=words("types.probability"), weight=2, number=True),
        )
        blocks.append(Table(caption=words("differentials.caption"), columns=columns, rows=rows))
    blocks += [Paragraph(text=words("differentials.beyond")), Paragraph(text=words("differentials.grade"))]
    return Section(id="differentials", title=words("section.differentials"), blocks=tuple(blocks))


def tests_section(record: Record, words: Words) -> Section:
    """Tests on tissue that would settle an open question."""
    tests = tuple(text(test, words.language) for test in record.diagnosis.tests)
    first: Block = Bullets(items=tests) if tests else Paragraph(text=words("tests.none"))
    note = Paragraph(text=words("tests.note"), small=True)
    return Section(id="tests", title=words("section.tests"), blocks=(first, note))


def follow_up_section(record: Record, words: Words) -> Section:
    """Compare, repeat a sequence where a check says so; nothing on response."""
    places = " ".join(
        check["where"] for check in record.document["checks"] if check["verdict"] in ("warn", "fail")
    ).split()
    troubled = [sequence for sequence in SEQUENCES if sequence in places]
    items = [words("follow_up.compare")]
    if troubled:
        items.append(words("follow_up.repeat", sequences=words.sequences(troubled)))
    items.append(words("follow_up.single"))
    return Section(id="follow_up", title=words("section.follow_up"), blocks=(Bullets(items=tuple(items)),))


def comparison_section(comparison: Comparison | NotComparable, baseline: str, words: Words) -> Section:
    """Change of every measure, with the band that both errors allow; never a category of response.

    Args:
        comparison: of `compare`.
        baseline: day of the first study.
        words: of the report's language.
    """
    title = words("section.comparison")
    if isinstance(comparison, NotComparable):
        reasons = Bullets(items=tuple(_without_case(reason, words) for reason in comparison.reasons))
        blocks: tuple[Block, ...] = (Paragraph(text=words("comparison.refused")), reasons)
        return Section(id="comparison", title=title, blocks=blocks)
    weights = {"before": 1.6, "now": 1.6, "change": 1.3, "band": 2.4}
    columns = (
        Column(title=words("comparison.measure"), weight=3.4),
        *(Column(title=words(f"comparison.{name}"), weight=weight, number=True) for name, weight in weights.items()),
        Column(title=words("comparison.resolved"), weight=1.8),
    )
    parts = [(words("comparison.baseline", study=baseline), comparison.against_baseline)]
    if comparison.against_nadir != comparison.against_baseline:
        parts.append((words("comparison.nadir"), comparison.against_nadir))
    tables = tuple(
        Table(
            caption=caption,
            columns=columns,
            rows=tuple(_change(name, change, words) for name, change in changes.items()),
        )
        for caption, changes in parts
    )
    new = Paragraph(
        lead=words("comparison.new_lesions") + words("colon").rstrip(), text=words.said(comparison.new_lesions.reason)
    )
    note = Paragraph(text=f"{words('comparison.caption')}. {words('comparison.note')}", small=True)
    return Section(id="comparison", title=title, blocks=(*tables, new, note))


def _without_case(reason: str, words: Words) -> str:
    """A reason without the study's number before it."""
    return words.said(reason.partition(": ")[2] or reason)


def _change(name: str, change: Change | Missing, words: Words) -> tuple[str, ...]:
    kind, _, region = name.partition(" ")
    label = words(f"comparison.{kind}", region=words(f"region.{region}"))
    if isinstance(change, Missing):
        return label, words.said(change.reason)
    unit, decimals = {"mm2": ("mm²", 0)}.get(change.unit, (change.unit, 1))
    band = change.relative_band
    return (
        label,
        f"{words.number(change.before, decimals)}{SPACE}{unit}",
        f"{words.number(change.now, decimals)}{SPACE}{unit}",
        DASH if change.relative is None else f"{_points(change.relative, words)}{SPACE}%",
        DASH
        if band is None
        else words("range", low=_points(band[0], words), high=_points(band[1], words)) + f"{SPACE}%",
        words("yes") if change.is_resolved else words("no"),
    )


def _points(change: float, words: Words) -> str:
    """A relative change in percent, without the sign for it."""
    return words.number(100 * change, 0, sign=True)


def figures_section(figures: Sequence[Figure], words: Words) -> Section:
    """Published figures with their source and the sentence that stands beside every one of them."""
    title = words("section.figures")
    if not figures:
        return Section(id="figures", title=title, blocks=(Paragraph(text=words("figures.none")),))
    columns = (
        Column(title=words("figures.figure"), weight=3),
        Column(title=words("figures.group"), weight=2.4),
        Column(title=words("figures.source"), weight=5),
    )
    table = Table(
        caption=words("section.figures"), columns=columns, rows=tuple(_figure(each, words) for each in figures)
    )
    caveat = Paragraph(text=text(CAVEAT, words.language))
    return Section(id="figures", title=title, blocks=(caveat, table))


def _figure(figure: Figure, words: Words) -> tuple[str, ...]:
    language, citation = words.language, figure.citation
    source = words(
        "figures.source_text",
        title=citation.title,
        journal=citation.journal,
        year=citation.year,
        doi=citation.doi,
        population=text(citation.population, language).format(num=citation.num_patients),
    )
    told = text(figure.measure, language).format(value=words.number(figure.value, 1))
    group = text(figure.subgroup, language)
    name = f"{text(figure.entity, language)}, {text('frame.grade', language).format(grade=figure.grade)}"
    return f"{name}{words('colon')}{told}", group, source
