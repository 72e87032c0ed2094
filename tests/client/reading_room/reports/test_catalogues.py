"""Three languages say the same things, and the fonts can write all of it."""

import ast
import hashlib
import string
from collections.abc import Iterator
from pathlib import Path

import pytest
from fontTools.ttLib import TTFont

from client.reading_room.reports import phrases
from client.reading_room.reports.catalogues import CATALOGUES
from client.reading_room.reports.fonts import NAMES, path_of, subset
from client.reading_room.reports.phrases import is_known, translated
from client.reading_room.writer.words import WORDS
from gmmas_core.diagnosis.texts import CATALOGUES as DIAGNOSES
from gmmas_core.inference.assessability import not_assessable
from gmmas_core.measures import vasari
from gmmas_core.types import SEQUENCES

ROOT = Path(phrases.__file__).parents[3]
SPOKEN = ("quality", "measures")
"""Folders of gmmas_core whose English phrases reach a report."""

FOR_ENGINEERS = {"case", "placement", "acquisition", "alignment", "cavity", "scan_likeness"}
"""Files of gmmas_core/quality behind `check_case`, which speaks on the page of whoever prepares data, in English."""

ENHANCES = "enhancement was found; whether it is mild or marked is judged on the image, not on a mask"


def gaps(words: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(words) if name is not None}


@pytest.mark.parametrize("language", ["de", "zh"])
def test_every_language_has_the_keys_and_braces_of_english(language: str) -> None:
    english, other = CATALOGUES["en"], CATALOGUES[language]
    assert set(other) == set(english)
    assert [key for key in english if gaps(english[key]) != gaps(other[key])] == []
    assert all(words.strip() for words in other.values())


def test_german_and_chinese_know_the_same_phrases() -> None:
    german, chinese = phrases.TABLES["de"], phrases.TABLES["zh"]
    assert set(german) == set(chinese)
    for english in german:
        places = {str(number) for number in range(english.count("{}"))}
        assert gaps(german[english]) <= places
        assert gaps(german[english]) == gaps(chinese[english]), english


def phrases_said() -> Iterator[str]:
    """English phrases in the source of checks and measures, a number in every gap."""
    for folder in SPOKEN:
        for path in sorted((ROOT / "gmmas_core" / folder).glob("*.py")):
            if folder == "quality" and path.stem in FOR_ENGINEERS:
                continue
            for node in ast.walk(ast.parse(path.read_text())):
                if isinstance(node, ast.Call):
                    yield from _of_call(node)


def _of_call(call: ast.Call) -> Iterator[str]:
    name = call.func.id if isinstance(call.func, ast.Name) else ""
    wanted = [each.value for each in call.keywords if each.arg in ("found", "expected", "action", "meaning")]
    if name == "Missing" or name == "NotComparable":
        wanted += call.args
    if name == "_check":
        wanted += call.args[2:5]
    for value in wanted:
        yield from _texts(value)


def _texts(node: ast.expr) -> Iterator[str]:
    if isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value:
        yield node.value
    elif isinstance(node, ast.JoinedStr):
        yield "".join(str(part.value) if isinstance(part, ast.Constant) else "0.5" for part in node.values)
    elif isinstance(node, ast.IfExp):
        yield from _texts(node.body)
        yield from _texts(node.orelse)


def test_the_source_is_searched_where_phrases_are() -> None:
    found = set(phrases_said())
    assert {"0.5 mL of content", "no tumour was found", "a whole brain", "judge it by eye"} <= found
    assert len(found) > 60


def test_the_reading_room_makes_no_check_that_speaks_english_only() -> None:
    room = ROOT / "client" / "reading_room"
    spoken = [ROOT / "gmmas_core" / "quality" / name for name in ("images.py", "result.py", "single.py", "together.py")]
    for path in [*room.rglob("*.py"), *spoken]:
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("gmmas_core.quality"):
                names = {(node.module or "").rpartition(".")[2], *(alias.name for alias in node.names)}
                assert not names & {*FOR_ENGINEERS, "check_case"}, path


@pytest.mark.parametrize("language", ["de", "zh"])
def test_every_phrase_of_checks_and_measures_is_translated(language: str) -> None:
    joined = (": 0.5", "or marked 0.5", ": 0.5; the skull is removed")  # by vasari.py, of parts; whole ones follow
    said = {words for words in phrases_said() if not words.endswith(joined)}
    said |= {missing.reason for missing in vasari.NOT_DERIVABLE.values()} | {ENHANCES}
    for number in range(1, len(SEQUENCES)):
        said |= set(not_assessable(SEQUENCES[:number]).values()) | set(not_assessable(SEQUENCES[number:]).values())
    assert sorted(words for words in said - {"0.5 (0.5)"} if not is_known(words, language)) == []


def test_a_phrase_keeps_its_numbers_and_takes_the_language_s_decimal_mark() -> None:
    english = "no t2 or flair: edema and infiltration are seen as T2/FLAIR signal"
    assert translated(english, "en").startswith("no T2 or FLAIR: ")
    assert translated(english, "de").startswith("ohne T2 oder FLAIR: ")
    assert translated(english, "zh").startswith("缺少T2或FLAIR：")
    assert translated("two estimates of the midline lie 7.5 mm apart", "de").count("7,5") == 1
    assert translated("voxels of 1x1x2.5 mm", "de") == "Voxel von 1x1x2,5 mm"
    assert translated("t1 and t1c", "zh") == "T1和T1c"


def test_an_unknown_phrase_stays_as_it_is() -> None:
    assert translated("something new was seen at 0.5 of the frontal border there", "de").startswith("something new")


def words_of_all() -> set[str]:
    """Every text that a report may show, in three languages."""
    said = {text for catalogue in (*CATALOGUES.values(), *DIAGNOSES.values()) for text in catalogue.values()}
    said |= {text for table in phrases.TABLES.values() for text in table.values()}
    return said | {text for words in WORDS.values() for text in words.values()}


def test_the_font_has_every_character_that_is_ever_written() -> None:
    known = set(TTFont(path_of("regular")).getBestCmap())
    assert {character for text in words_of_all() for character in text if ord(character) not in known} == set()


def test_bold_has_every_character_of_headings_and_labels() -> None:
    known = set(TTFont(path_of("bold")).getBestCmap())
    headings = {text for catalogue in CATALOGUES.values() for text in catalogue.values()}
    headings |= {text for words in WORDS.values() for key, text in words.items() if key.startswith("section.")}
    assert {character for text in headings for character in text if ord(character) not in known} == set()


def test_the_fonts_are_the_ones_whose_sums_are_kept_and_open_to_all() -> None:
    folder = path_of("regular").parent
    sums = dict(reversed(line.split()) for line in (folder / "SHA256SUMS").read_text().splitlines())
    assert sums == {f"{n}.ttf": hashlib.sha256(path_of(n).read_bytes()).hexdigest() for n in NAMES}
    assert "SIL OPEN FONT LICENSE Version 1.1" in (folder / "OFL.txt").read_text()
    assert sum(path_of(name).stat().st_size for name in NAMES) < 3.5e6


@pytest.mark.parametrize("name", NAMES)
def test_a_font_holds_what_its_recipe_says(name: str) -> None:
    font = TTFont(path_of(name))
    asked = subset.characters(subset.FONTS[f"{name}.ttf"][1])
    assert len(set(font.getBestCmap()) - asked) < 5  # two mathematical marks share the glyph of a letter
    assert set(map(ord, "äöüßÄÖÜ±²µ–’“”胶质母细胞瘤")) <= set(font.getBestCmap())
    assert font["OS/2"].fsType == 0  # embedding is not restricted
    assert "glyf" in font
