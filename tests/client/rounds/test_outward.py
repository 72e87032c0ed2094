"""What of an error may leave the hospital."""

import pytest

from client.rounds.outward import MAX_LENGTH, outward, scrub
from gmmas_core.types import ConfigError, DataError, FederationError


@pytest.mark.parametrize(
    ("text", "hidden"),
    [
        ("found /mnt/pacs/DOE^JANE/t1.nii.gz; expected", "DOE"),
        ("found C:\\Users\\Jane\\x; expected", "Jane"),
        ("found ~/patients/jane.txt", "jane"),
        ("found ../jane/t1", "jane"),
        ("found jane/t1.nii", "jane"),
        ("file Jane_Doe_t1.nii.gz cannot be read", "Jane"),
        ("case Doe123: found no image", "Doe123"),
        ("sub-0007 is missing", "0007"),
        ("patient 1234 has two", "1234"),
        ("number 19670413 is odd", "19670413"),
        ("a\x1b[2Jb\x00c\nd\u202e", "\x1b"),
    ],
)
def test_what_could_identify_is_replaced(text: str, hidden: str) -> None:
    told = scrub(text)
    assert hidden not in told
    assert told.isprintable()


@pytest.mark.parametrize(
    "text",
    [
        "policy: found this site paused; expected to ask again when it has resumed",
        "policy: found stage 'supervised'; expected any of ['finetune']",
        "policy: found 3 training cases; expected at least the cohort floor, 5",
        "tasks: codel_1p19q needs idh: 1p/19q and/or others",
        "policy: found local_steps 10001 (at most 10000); expected this site's limits; ask for less (local_steps)",
    ],
)
def test_house_style_stays_as_it_is(text: str) -> None:
    assert scrub(text) == outward(FederationError(text)) == outward(ConfigError(text)) == text


def test_a_long_text_is_cut() -> None:
    assert len(scrub("word " * 1000)) == MAX_LENGTH


@pytest.mark.parametrize("text", ["x" * 2_000_000, "'x', " * 400_000, "/a" * 1_000_000, "a" * 2_000_000 + ".nii"])
def test_a_text_of_any_length_is_told_at_once(text: str) -> None:
    """A coordinator can have its own words repeated, millions of signs of them; patterns must not search them all."""
    assert len(scrub(text)) <= MAX_LENGTH
    assert len(outward(DataError(text))) <= MAX_LENGTH


def test_no_half_of_a_name_is_left_where_a_text_is_cut() -> None:
    for length in range(1980, 2020):
        assert "Doe" not in scrub("/" + "a" * length + " Doe_t1.nii.gz")


@pytest.mark.parametrize(
    "text",
    [
        "participants.tsv row 3: found 'Jane Doe'; expected n/a; correct it",
        "case sub-17, t1c: found no file; expected one; copy it",
        "case K7: found its cache unusable (No space left)",
        "participants.tsv: found no column 'Jane'",
        "a\ncase Doe: b",
    ],
)
def test_of_the_hospitals_own_data_only_that_there_are_problems(text: str) -> None:
    told = outward(DataError(text))
    assert told.startswith("data: found problems in this site's cases")


def test_a_value_of_the_hospitals_files_is_not_repeated() -> None:
    told = outward(DataError("site.yaml: device: found 'secret gpu'; expected one of auto, cpu, cuda; correct it"))
    assert told == "site.yaml: device: found '...'; expected one of auto, cpu, cuda; correct it"


def test_neither_an_apostrophe_nor_an_open_quotation_mark_uncovers_a_value() -> None:
    for text in (
        "the site's table: found 'Jane'; expected a number",
        "data: found 'a long value that is cut...; correct it\ndevice: found 'Jane'; correct it",
        'found "Jane\'s"; expected none',
        "found 'Jane",
    ):
        assert "Jane" not in outward(DataError(text)), text
