"""What an import took, left out and why, as numbers and sentences: for import.json and for the person at the screen."""

import os
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from gmmas_core.data.columns import LABEL_COLUMNS, LEGAL, read_label
from gmmas_core.data.importers.found import FoundCase, Skipped
from gmmas_core.data.importers.participants import as_listed, differing, is_readable, row_of
from gmmas_core.data.importers.plan import Duplicate, Plan
from gmmas_core.data.importers.registry import IMPORTERS
from gmmas_core.data.importers.sheet import table_hash
from gmmas_core.data.importers.tree import shown
from gmmas_core.data.sequences import find_sequences
from gmmas_core.types import CLASS_NAMES, SEQUENCES, UNKNOWN, Task


def summarise(
    plan: Plan,
    done: Sequence[FoundCase],
    left: Sequence[Skipped],
    label_convention: str,
    tables: Sequence[Path],
) -> dict[str, Any]:
    """The summary of one data set in one site folder.

    Args:
        plan: that was carried out.
        done: its cases whose folders are there.
        left: its cases that could not be written, with reasons.
        label_convention: that the source declares.
        tables: that were read.

    Returns:
        JSON-able values, the same whenever the same import is run; patients and labels are counted as participants.tsv
        has them, where it lists the case.

    Raises:
        DataError: a participants.tsv that cannot be understood.
    """
    importer = IMPORTERS[plan.data_set]
    without = [case.case_id for case in done if case.mask and _lacks_mask(plan.out / case.case_id)]
    rows = rows_of(plan.data_set, done)
    held = as_listed(plan.out, rows)
    statements = list(plan.statements)
    if without:
        statements.append(f"{len(without)} cases are here without their mask: it held no tumour, or was removed since")
    statements += _edited(held, rows)
    return {
        "from": plan.data_set,
        "title": importer.title,
        "doi": importer.doi,
        "licence": importer.licence,
        "label_convention": label_convention,
        "grade_schema": importer.grade_schema,
        "images": importer.images,
        "treatment": importer.treatment,
        "tables": [{"name": shown(table.name), "sha256": table_hash(table)} for table in tables],
        "counts": _counts(done, held, len(without)),
        "unread": _unread(done),
        "skipped": [{"name": item.name, "reason": item.reason} for item in [*plan.skipped, *left]],
        "duplicates": _twins(plan.duplicates),
        "here_twice": _twins(plan.here_twice),
        "statements": statements,
        "notes": dict(sorted(Counter(note for case in done for note in dict.fromkeys(case.notes)).items())),
    }


def _twins(found: Iterable[Duplicate]) -> list[dict[str, str]]:
    return [{"case": twin.case_id, "same_patient_as": twin.same_as, "in": twin.where} for twin in found]


def rows_of(data_set: str, cases: Iterable[FoundCase]) -> list[dict[str, str]]:
    """What participants.tsv says of cases that it does not list yet."""
    return [row_of(case, data_set, IMPORTERS[data_set].grade_schema) for case in cases]


def _edited(held: Sequence[Mapping[str, str]], rows: Sequence[Mapping[str, str]]) -> list[str]:
    """Where the table that is there and the data set disagree."""
    anew = "remove them from it and import again to have them written anew"
    told = []
    if number := differing(held, rows):
        told.append(f"{number} rows of participants.tsv say something else than the data set does and stay: {anew}")
    if number := differing(held, rows, ["participant_id"]):
        told.append(
            f"{number} rows of participants.tsv name another patient than is known now, so one patient may stand on "
            f"both sides of a split: {anew}"
        )
    return told


def reasons(items: Iterable[Mapping[str, str]]) -> list[tuple[str, int, str]]:
    """(reason, how many, an example's name) of skipped items, the most frequent first."""
    counted: Counter[str] = Counter()
    example: dict[str, str] = {}
    for item in items:
        counted[item["reason"]] += 1
        example.setdefault(item["reason"], item["name"])
    return [(reason, number, example[reason]) for reason, number in counted.most_common()]


def _lacks_mask(folder: Path) -> bool:
    return os.path.isdir(folder) and find_sequences(folder).mask is None


def _counts(cases: Sequence[FoundCase], rows: Sequence[Mapping[str, str]], without_mask: int) -> dict[str, Any]:
    return {
        "cases": len(cases),
        "patients": len({row["participant_id"] for row in rows}),
        "masks": sum(case.mask is not None for case in cases) - without_mask,
        "sequences": {name: sum(name in case.images for case in cases) for name in SEQUENCES},
        "groups": dict(sorted(Counter(case.group for case in cases if case.group).items())),
        "labels": {task.value: _classes(rows, task) for task in Task},
    }


def _classes(rows: Sequence[Mapping[str, str]], task: Task) -> dict[str, int]:
    """Cases per class of a task, `unknown` included."""
    names = [*CLASS_NAMES[task], "unknown"]
    columns = [column for column, of in LABEL_COLUMNS.items() if of == task]
    counted = dict.fromkeys(names, 0)
    for row in rows:
        values = {read_label(column, row.get(column, "")) for column in columns} - {UNKNOWN, None}
        counted[names[int(values.pop() or 0)] if len(values) == 1 else "unknown"] += 1
    return counted


def _unread(cases: Sequence[FoundCase]) -> dict[str, dict[str, int]]:
    """Column -> word that is none of the column's -> how often; such cells are n/a in the table."""
    found: dict[str, Counter[str]] = {}
    for case in cases:
        for column, text in case.labels.items():
            if column in LEGAL and not is_readable(column, text):
                found.setdefault(column, Counter())[shown(text)] += 1
    return {column: dict(sorted(words.items())) for column, words in found.items()}
