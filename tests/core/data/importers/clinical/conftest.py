"""Miniature trees of public data sets: empty files with the real names, for importers that open no image."""

import csv
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

Plant = Callable[[Path, Sequence[str]], Path]
WriteTable = Callable[[str, Sequence[Sequence[str]]], Path]


@pytest.fixture
def plant() -> Plant:
    """`plant(folder, names)` makes the folder with these empty files and returns it."""

    def make(folder: Path, names: Sequence[str]) -> Path:
        for name in names:
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).touch()
        return folder

    return make


@pytest.fixture
def write_table(tmp_path: Path) -> WriteTable:
    """`write_table(name, rows)` writes a CSV with a BOM, or a TSV with CRLF line ends, as its ending says."""

    def write(name: str, rows: Sequence[Sequence[str]]) -> Path:
        path = tmp_path / "tables" / name
        path.parent.mkdir(exist_ok=True)
        is_tsv = name.endswith(".tsv")
        with path.open("w", encoding="utf-8" if is_tsv else "utf-8-sig", newline="") as file:
            ends = {"delimiter": "\t", "lineterminator": "\r\n"} if is_tsv else {"lineterminator": "\n"}
            csv.writer(file, **ends).writerows(rows)
        return path

    return write
