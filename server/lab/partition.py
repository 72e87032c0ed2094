"""Hospitals as unequal as real ones, for the lab: site folders dealt anew by a partition of configs/partition/.

Three rules, the first that applies: the partition's own table beside the cases, what an import noted of each case's
institution, the partition's sizes alone. The last deals whole patients in the order in which they lie, so that patients
of one source hospital, whose scanner they share, stay together as far as the sizes allow.
"""

import csv
import io
import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any

import yaml

from client.site import SITE_FILE, Site, read_site, write_site
from gmmas_core.atomic import write_json, write_text
from gmmas_core.data.importers.crosswalk import patient_key
from gmmas_core.data.importers.fets2022 import read_partition
from gmmas_core.data.importers.ledger import read_ledger
from gmmas_core.data.problems import TABLE, Problem, raise_on_errors
from gmmas_core.data.rows import read_row
from gmmas_core.data.table import read_table
from gmmas_core.types import ConfigError, DataError

RECORD = "partition.json"


@dataclass(frozen=True, kw_only=True)
class _Row:
    """A case of a source site folder: its cells, its folder, and the institution an import noted, or ""."""

    cells: Mapping[str, str]
    case_id: str
    folder: Path
    group: str


def partition_sites(name: str, root: Path, out: Path) -> list[Path]:
    """Make site folders of a partition's hospitals; images are linked, rows keep their labels.

    Args:
        name: of a file of configs/partition/, without ".yaml".
        root: a site folder, or a folder of site folders; may hold the partition's table.
        out: where the site folders go, and partition.json that tells the rule and the sizes; what is there is kept.

    Returns:
        The site folders, sorted; a hospital without a case is none.

    Raises:
        ConfigError: no such partition.
        DataError: no site folder or one with errors in its table, folders that declare different mask conventions or
            hold cases of one name, a table or an import of another partition, or fewer patients than hospitals.
    """
    partition = _read(name)
    if (out / RECORD).exists():
        return sorted(path.parent for path in out.glob(f"*/{SITE_FILE}"))
    sources = _sources(root)
    rows = [row for site in sources for row in _rows(site)]
    _require_names(rows)
    rule, dealt = _deal(rows, partition, root)
    for hospital, own in dealt.items():
        folder = out / hospital
        folder.mkdir(parents=True, exist_ok=True)
        for row in own:
            link = folder / row.case_id
            link.unlink(missing_ok=True)
            link.symlink_to(row.folder.resolve(), target_is_directory=True)
        write_text(folder / TABLE, _table(own))
        (folder / SITE_FILE).unlink(missing_ok=True)  # of a killed run; partition.json was not written yet
        write_site(
            folder,
            name=hospital,
            label_convention=sources[0].label_convention,
            cohort_floor=int(partition["cohort_floor"]),
        )
    taken = {row.case_id for own in dealt.values() for row in own}
    left = sorted(row.case_id for row in rows if row.case_id not in taken)
    sizes = {hospital: len(own) for hospital, own in dealt.items()}
    write_json(out / RECORD, {"partition": name, "rule": rule, "cases": sizes, "left_out": left})
    return [out / hospital for hospital in dealt]


def told(out: Path) -> str:
    """What `partition_sites` did in a folder, in one sentence."""
    record = json.loads((out / RECORD).read_text())
    cases, left = record["cases"], len(record["left_out"])
    return (
        f"data.partition={record['partition']}: {sum(cases.values())} cases dealt to {len(cases)} hospitals by "
        f"{record['rule']}; {left} cases left out"
    )


def apportion(sizes: Sequence[int], patients: int) -> list[int]:
    """Whole numbers in the proportions of `sizes` that add up to `patients`, each at least 1.

    Raises:
        DataError: fewer patients than hospitals.
    """
    if patients < len(sizes):
        raise DataError(
            f"data.partition: found {patients} patients; expected at least one for each of {len(sizes)} hospitals; "
            "add cases, e.g. gmmas-site phantom FOLDER --cases 20"
        )
    # Whoever would get less than one gets one; the others share what is left.
    shared = list(range(len(sizes)))
    while True:
        left = patients - (len(sizes) - len(shared))
        quota = {place: sizes[place] * left / sum(sizes[other] for other in shared) for place in shared}
        small = [place for place in shared if quota[place] < 1]
        if not small:
            break
        shared = [place for place in shared if place not in small]
    counts = [int(quota.get(place, 1)) for place in range(len(sizes))]
    by_remainder = sorted(shared, key=lambda place: counts[place] - quota[place])
    for place in by_remainder[: patients - sum(counts)]:
        counts[place] += 1
    return counts


def _read(name: str) -> dict[str, Any]:
    folder = resources.files("configs.partition")
    files = {entry.name: entry for entry in folder.iterdir() if entry.name.endswith(".yaml")}
    if f"{name}.yaml" not in files:
        raise ConfigError(f"data.partition: found {name!r}; expected any of {sorted(entry[:-5] for entry in files)}")
    return dict(yaml.safe_load(files[f"{name}.yaml"].read_text()))


def _sources(root: Path) -> list[Site]:
    folders = [root] if (root / SITE_FILE).exists() else sorted(path.parent for path in root.glob(f"*/{SITE_FILE}"))
    if not folders:
        raise DataError(
            "data.root: found no site folder; expected one, or a folder of them; make one with gmmas-site import or "
            "gmmas-site phantom"
        )
    sites = [read_site(folder) for folder in folders]
    conventions = sorted({site.label_convention for site in sites})
    if len(conventions) > 1:
        raise DataError(
            f"data.root: found masks in {' and '.join(conventions)}; expected one label_convention; "
            "deal such folders one by one"
        )
    return sites


def _rows(site: Site) -> list[_Row]:
    table = read_table(site.folder / TABLE)
    raise_on_errors(table.problems, site.name)
    ledger = read_ledger(site.folder)
    noted = {} if ledger is None else {case: str(told["group"]) for case, told in ledger.cases.items()}
    rows, problems = [], list[Problem]()
    for line, cells in table.rows:
        record = read_row(line, cells, problems)
        if record is not None:
            place, group = site.folder / record.folder, noted.get(record.case_id, "")
            rows.append(_Row(cells=cells, case_id=record.case_id, folder=place, group=group))
    raise_on_errors(problems, site.name)
    return rows


def _require_names(rows: Sequence[_Row]) -> None:
    """Refuse cases of one name: in a new folder one would take the other's place."""
    twice = sum(number > 1 for number in Counter(row.case_id for row in rows).values())
    if twice:
        raise DataError(
            f"data.root: found {twice} case ids more than once in its site folders; expected each once; "
            "rename them, or deal such folders one by one"
        )


def _deal(rows: Sequence[_Row], partition: Mapping[str, Any], root: Path) -> tuple[str, dict[str, list[_Row]]]:
    """(rule, hospital -> its rows)."""
    sizes = [int(size) for size in partition["sizes"]]
    names = [f"institution_{number:02d}" for number in range(1, len(sizes) + 1)]
    table = root / str(partition["table"])
    if table.is_file():
        hospital_of = {patient_key(subject): group for subject, group in read_partition(table).items()}
        hospitals = [hospital_of.get(patient_key(row.case_id) or ("", row.case_id), "") for row in rows]
        rule = "table"
    elif rows and all(row.group.startswith("institution_") for row in rows):
        hospitals, rule = [row.group for row in rows], "import"
    else:
        hospitals, rule = _by_size(rows, names, sizes), "sizes"
    others = sorted({*hospitals} - {"", *names})
    if others:
        raise DataError(
            f"data.partition: found {others[0]}; expected at most {names[-1]}; the {rule} is of another partition: "
            "take site folders that were imported with it as data.root, and leave data.partition out"
        )
    dealt: dict[str, list[_Row]] = {}
    for row, hospital in zip(rows, hospitals, strict=True):
        if hospital:
            dealt.setdefault(hospital, []).append(row)
    if not dealt:
        raise DataError(
            f"data.partition: found no case that {partition['table']} names; expected FeTS2022_NNNNN or "
            "BraTS2021_NNNNN; take the table away to deal by size"
        )
    return rule, dict(sorted(dealt.items()))


def _by_size(rows: Sequence[_Row], names: Sequence[str], sizes: Sequence[int]) -> list[str]:
    patients = list(dict.fromkeys(row.cells["participant_id"] for row in rows))
    turns = [name for name, count in zip(names, apportion(sizes, len(patients)), strict=True) for _ in range(count)]
    hospital_of = dict(zip(patients, turns, strict=True))
    return [hospital_of[row.cells["participant_id"]] for row in rows]


def _table(rows: Iterable[_Row]) -> str:
    own = list(rows)
    columns = list(dict.fromkeys(column for row in own for column in row.cells if column not in ("case_id", "folder")))
    text = io.StringIO(newline="")
    writer = csv.writer(text, delimiter="\t", lineterminator="\n")
    writer.writerow([*columns, "case_id"])
    writer.writerows([[row.cells.get(column, "n/a") for column in columns] + [row.case_id] for row in own])
    return text.getvalue()
