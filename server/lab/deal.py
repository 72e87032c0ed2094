"""Hospitals made out of one folder of public cases, for the lab: links, a table and a site.yaml per hospital."""

import csv
from collections.abc import Mapping
from importlib import resources
from pathlib import Path
from typing import Any

import yaml

from client.site import SITE_FILE, write_site
from gmmas_core.atomic import write_text
from gmmas_core.data.sequences import find_sequences
from gmmas_core.data.splits import SPLITS
from gmmas_core.types import ConfigError, DataError

GRADE_COLUMN = "who_cns_grade_histologic"
LABEL_COLUMNS = ("idh", "codel_1p19q", GRADE_COLUMN)
MASK = "mask"
COLUMNS = ("participant_id", *LABEL_COLUMNS, "age", "split")


def deal_sites(name: str, root: Path, out: Path) -> list[Path]:
    """Make site folders from a file of configs/deal/.

    Images are linked, not copied; a sequence that a hospital is to lack, and a mask that is withheld, is not linked.

    Args:
        name: of the file, without ".yaml".
        root: the folder of cases and their table.
        out: where the site folders go; a site that is there already is kept.

    Returns:
        The site folders, sorted.

    Raises:
        ConfigError: no such deal.
        DataError: a case or the table is not where the deal expects it.
    """
    deal = _read_deal(name)
    table = _read_table(root / str(deal["table"]))
    folders = []
    for site, share in sorted(deal["sites"].items()):
        folder = out / site
        folders.append(folder)
        if (folder / SITE_FILE).exists():
            continue  # a resumed run keeps its hospitals, with their caches and stored replies
        rows = []
        for split in SPLITS:
            for case in share.get(split, []):
                without = [
                    *share.get("without_sequences", []),
                    *([MASK] if case in deal.get("withhold_masks", []) else []),
                ]
                _link_case(root / str(deal["cases"]) / case, folder / case, without)
                rows.append(_row(case, split, table, withheld=case in deal.get("withhold_labels", [])))
        text = "\n".join("\t".join(row) for row in [COLUMNS, *rows]) + "\n"
        write_text(folder / "participants.tsv", text)
        write_site(folder, name=site, label_convention=deal["label_convention"], cohort_floor=deal["cohort_floor"])
    return folders


def _read_deal(name: str) -> dict[str, Any]:
    files = {entry.name: entry for entry in resources.files("configs.deal").iterdir() if entry.name.endswith(".yaml")}
    if f"{name}.yaml" not in files:
        raise ConfigError(f"data.deal: found {name!r}; expected any of {sorted(entry[:-5] for entry in files)}")
    return dict(yaml.safe_load(files[f"{name}.yaml"].read_text()))


def _read_table(path: Path) -> dict[str, Mapping[str, str]]:
    if not path.is_file():
        raise DataError(f"data.root: found no {path.name}; expected the folder that holds it; pass data.root=FOLDER")
    with path.open(newline="", encoding="utf-8-sig") as file:
        return {row["participant_id"]: row for row in csv.DictReader(file, delimiter="\t")}


def _link_case(source: Path, target: Path, without: list[str]) -> None:
    if not source.is_dir():
        raise DataError(f"data.root: found no folder {source.name}; expected every case of the deal")
    found = find_sequences(source)
    there = {**found.images, **({MASK: found.mask} if found.mask else {})}
    target.mkdir(parents=True, exist_ok=True)
    for path in (path for name, path in there.items() if name not in without):
        link = target / path.name
        link.unlink(missing_ok=True)
        link.symlink_to(path.resolve())


def _row(case: str, split: str, table: Mapping[str, Mapping[str, str]], *, withheld: bool) -> tuple[str, ...]:
    if case not in table:
        raise DataError(f"data.root: found no row for {case}; expected every case of the deal in the table")
    labels = ["n/a" if withheld else table[case].get(column, "n/a") for column in LABEL_COLUMNS]
    return (case, *labels, table[case].get("age", "n/a"), split)
