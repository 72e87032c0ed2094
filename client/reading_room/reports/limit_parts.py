"""What stands in the way of the result: what is not assessable, what each sequence is worth, and the checks."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from client.reading_room.record import Record
from client.reading_room.reports.content import Block, Column, Paragraph, Section, Table
from client.reading_room.reports.wording import DASH, Words
from gmmas_core.diagnosis import text


def open_section(record: Record, words: Words) -> Section:
    """Everything that cannot be judged, with its reason; what no MRI shows comes last."""
    document = record.document
    rows = [(words.named("finding", name), words.said(why)) for name, why in document["not_assessable"].items()]
    rows += [(_what(name, words), words.said(why)) for name, why in document["abstained"].items()]
    named = set(document["abstained"])
    for task, told in document["suggested"]["not_assessable"].items():
        if task not in named:
            rows.append((_what(task, words), text(told["id"], words.language)))
    side = document["measures"]["side"]["wt"]
    if "reason" in side and "segmentation" not in named:
        rows.append((words("finding.side"), words.said(side["reason"])))
    rows.append((words("finding.molecular"), words("finding.molecular_reason")))
    columns = (
        Column(title=words("open.finding"), weight=3),
        Column(title=words("open.reason"), weight=6),
    )
    table = Table(caption=words("open.caption"), columns=columns, rows=tuple(rows))
    return Section(id="not_assessable", title=words("section.not_assessable"), blocks=(table,))


def _what(name: str, words: Words) -> str:
    return words("finding.segmentation") if name == "segmentation" else words.named("task", name)


def without_section(record: Record, words: Words) -> Section:
    """How the answers change when one sequence is left out."""
    known = record.document["not_assessable"]
    rows = tuple(_without(each, known, words) for each in record.document["without"])
    if not rows:
        blocks: tuple[Block, ...] = (Paragraph(text=words("without.none")),)
    else:
        columns = (
            Column(title=words("without.sequence"), weight=1.2),
            Column(title=words("without.first"), weight=3),
            Column(title=words("without.probabilities"), weight=3),
            Column(title=words("without.dice"), weight=2.8),
            Column(title=words("without.lost"), weight=2.8),
        )
        corrected = record.document["corrected"]
        note = words("without.note_corrected" if corrected and corrected["mask"] else "without.note")
        blocks = (Table(caption=words("without.caption"), columns=columns, rows=rows, note=note),)
    return Section(id="without", title=words("section.without"), blocks=blocks)


def _without(without: Mapping[str, Any], known: Collection[str], words: Words) -> tuple[str, ...]:
    first = DASH if without["first_type"] is None else text(without["first_type"], words.language)
    changes = [
        words("without.change", task=words.named("task", task), points=words.points(change))
        for task, change in without["probability_change"].items()
        if change is not None
    ]
    overlaps = [
        f"{words(f'region.{region}')} {words.number(dice, 2)}"
        for region, dice in without["dice"].items()
        if dice is not None
    ]
    lost = [words.named("finding", name) for name in without["not_assessable"] if name not in known]
    return (
        words.sequences([without["sequence"]]),
        first if without["first_type_changes"] else words("without.same"),
        words.listed(changes),
        words.listed(overlaps),
        words.listed(lost),
    )


def checks_section(record: Record, words: Words) -> Section:
    """Checks that did not pass with what to do, and the names of those that did."""
    checks = record.document["checks"]
    rows = tuple(_check(alike, words) for alike in _alike(checks))
    troubled = {check["id"] for check in checks if check["verdict"] != "pass"}
    passed = dict.fromkeys(check["id"] for check in checks if check["id"] not in troubled)
    columns = (
        Column(title=words("checks.check"), weight=2.4),
        Column(title=words("checks.where"), weight=1.7),
        Column(title=words("checks.verdict"), weight=1.9),
        Column(title=words("checks.found"), weight=4),
        Column(title=words("checks.action"), weight=3.4),
    )
    blocks: list[Block] = []
    if rows:
        blocks.append(Table(caption=words("checks.caption"), columns=columns, rows=rows))
    if passed:
        names = words.listed([words.named("check", name) for name in passed])
        blocks.append(Paragraph(text=words("checks.passed", names=names)))
    blocks.append(Paragraph(text=words("checks.limit"), small=True))
    return Section(id="checks", title=words("section.checks"), blocks=tuple(blocks))


def _alike(checks: Sequence[Mapping[str, str]]) -> list[list[Mapping[str, str]]]:
    """Checks that did not pass, those that differ in nothing but the sequence together."""
    groups: dict[tuple[str, ...], list[Mapping[str, str]]] = {}
    for check in checks:
        if check["verdict"] != "pass":
            same = tuple(check[part] for part in ("id", "verdict", "found", "expected", "action"))
            groups.setdefault(same, []).append(check)
    return list(groups.values())


def _check(alike: Sequence[Mapping[str, str]], words: Words) -> tuple[str, ...]:
    check = alike[0]
    found, expected = words.said(check["found"]), words.said(check["expected"])
    places = [words.said(each["where"]) for each in alike if each["where"]]
    return (
        words.named("check", check["id"]),
        words.listed(places) if places else words("checks.whole"),
        words(f"result.{check['verdict']}"),
        words("checks.found_expected", found=found, expected=expected),
        words.said(check["action"]) if check["action"] else DASH,
    )
