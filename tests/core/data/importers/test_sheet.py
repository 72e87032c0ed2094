"""Tables as they are published and as they are broken: BOM, CRLF, titles above the header, blanks, bombs."""

import zipfile
from pathlib import Path

import openpyxl
import pytest

from gmmas_core.data.importers import sheet
from gmmas_core.data.importers.sheet import read_rows
from gmmas_core.types import DataError


@pytest.mark.parametrize("delimiter", [",", "\t", ";"])
def test_text_in_every_dress(tmp_path: Path, delimiter: str) -> None:
    lines = ["Some title, with; signs", "Subject ID|1p/19q", "BT0001| NA ", "", "BT0002|", "BT0003|-1|"]
    text = "\r\n".join(lines).replace("|", delimiter)
    (tmp_path / "t.tsv").write_bytes(b"\xef\xbb\xbf" + text.encode())
    rows = read_rows(tmp_path / "t.tsv", ["Subject ID", "1p/19q"])
    assert [row["subject_id"] for row in rows] == ["BT0001", "BT0002", "BT0003"]
    assert [row["1p_19q"] for row in rows] == ["NA", "", "-1"]


def test_a_workbook_with_a_title_and_numbers(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    book.active.append(["Table S1"])
    second = book.create_sheet("S1A. TCGA discovery dataset")
    for row in (
        ["made in 2016"],
        ["Case", "Age (years at diagnosis)", None],
        ["TCGA-02-0003", 50.0, None],
        [None],
        ["x", 1.5],
    ):
        second.append(row)
    book.save(tmp_path / "mmc2.xlsx")
    rows = read_rows(tmp_path / "mmc2.xlsx", ["Case"])
    assert [row["age_(years_at_diagnosis)"] for row in rows] == ["50", "1.5"]


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.csv", b"ID,ID\n1,2\n", "twice"),
        ("a.csv", b"\xff\xfeI\0D\0", "not UTF-8"),
        ("a.csv", b'ID\n"' + b"x" * 200_000, "broken line"),
        ("a.csv", b"name\nx\n", "no header line with ID"),
        # An unquoted comma, a cell too few, and a quote that swallows a row would each put cells into other columns.
        ("a.csv", b"ID,diagnosis,codel,IDH\n1,Astrocytoma, IDH-mutant,0,wt\n", "rows with more or fewer cells"),
        ("a.csv", b"ID,diagnosis,codel,IDH\n1,0,wt\n", "the first with 3; expected 4"),
        ("a.csv", b'ID,codel,mgmt\n1,"intact,positive\n2,co-deletion",negative\n', "a quote that does not end"),
        ("a.csv", b'ID,codel\n1,intact\n2,"co-deletion\n3,intact\n', "a quote that does not end"),
        ("a.xlsx", b"PK\x03\x04 no zip", "no readable workbook"),
    ],
)
def test_what_cannot_be_read_is_said(tmp_path: Path, name: str, content: bytes, message: str) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(DataError, match=message):
        read_rows(tmp_path / name, ["ID"])


def test_a_bomb_is_not_unpacked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sheet, "MAX_UNPACKED", 2**20)
    with zipfile.ZipFile(tmp_path / "bomb.xlsx", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/sharedStrings.xml", bytes(2**20 + 1))
    with pytest.raises(DataError, match="more than 512 MB"):
        read_rows(tmp_path / "bomb.xlsx", ["ID"])
