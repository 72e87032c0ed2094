"""A series gets its name from evidence that agrees, and none where it contradicts itself."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from gmmas_core.data.grid import Grid, Volume
from gmmas_core.data.nifti import load_volume
from gmmas_core.data.sequences import find_sequences
from gmmas_core.onboarding.choice import choose
from gmmas_core.onboarding.enhancement import brightest_spots, looks
from gmmas_core.onboarding.headers import SeriesHeader, recognize
from gmmas_core.onboarding.recognition import SKIP, Series, decide, guess, guess_all, sidecar_header


def series(label: str, **header: object) -> Series:
    facts = SeriesHeader(words=label, **header) if header else None  # type: ignore[arg-type]
    return Series(label=label, header=facts, thickest_mm=1.0, shortest_mm=150.0)


T2 = {"tr_ms": 4000.0, "te_ms": 100.0}
T1 = {"tr_ms": 500.0, "te_ms": 10.0}


@pytest.mark.parametrize(
    ("one", "sequence", "is_accepted"),
    [
        (series("P1_t1ce.nii.gz"), "t1c", True),
        (series("AX T2 TSE", **T2), "t2", True),
        (series("AX T2 FLAIR", tr_ms=None), "flair", True),
        (series("t1_se_tra KM", has_agent=True, **T1), "t1c", True),
        (series("series 7", **T2), "t2", False),
        (series("AX T1", **T2), None, False),
        (series("AX T2", is_derived=True, **T2), None, False),
        (series("ep2d_diff ADC", **T2), None, False),
        (series("picture.nii.gz"), None, False),
    ],
)
def test_what_a_series_is_taken_for(one: Series, sequence: str | None, is_accepted: bool) -> None:
    found = guess(one)
    assert (found.sequence, found.is_accepted) == (sequence, is_accepted)
    assert found.reasons


def test_agreeing_evidence_adds_up() -> None:
    assert guess(series("AX T2", tr_ms=None)).confidence < guess(series("AX T2", **T2)).confidence < 1


@pytest.mark.parametrize(
    ("words", "sequence"),
    [
        ("AX T1 W/O CONTRAST", "t1"),
        ("T1 pre-contrast", "t1"),
        ("t1 vor KM", "t1"),
        ("AX T1 POSTERIOR FOSSA", "t1"),
        ("AX T1 POST GD", "t1c"),
        ("AX T1 C+", "t1c"),
        ("T1 pre and post contrast", None),
        ("Ax T1 FLAIR", "t1"),
        ("AX T2 FLAIR POST CONTRAST", "flair"),
        ("T2W_TSE SENSE", "t2"),
        ("SENSE Ref", None),
        ("T1 map", None),
    ],
)
def test_words_as_scanners_have_them(words: str, sequence: str | None) -> None:
    assert recognize(SeriesHeader(words=words)) == sequence


def test_an_early_echo_is_no_t2() -> None:
    assert guess(series("PD T2 dual", tr_ms=3000.0, te_ms=15.0)).sequence is None
    assert guess(series("PD T2 dual", tr_ms=3000.0, te_ms=90.0)).is_accepted


def test_a_t1_after_contrast_is_found_by_its_image(draw_head: Callable[..., Volume], model_grid: Grid) -> None:
    """Both are called T1: alone the image makes a guess, together they tell each other apart."""
    volumes = {"a": draw_head(model_grid, "t1"), "b": draw_head(model_grid, "t1c")}
    found = {key: series("AX T1", **T1) for key in volumes}
    _, guesses = guess_all(found, volumes)
    assert {key: (each.sequence, each.is_accepted) for key, each in guesses.items()} == {
        "a": ("t1", True),
        "b": ("t1c", True),
    }
    assert "image looks like t1c" in "; ".join(guesses["b"].reasons)
    _, alone = guess_all({"b": found["b"]}, volumes)
    assert (alone["b"].sequence, alone["b"].is_accepted) == ("t1c", False)
    for words, has_agent in (("AX T1 pre", False), ("AX T1 nativ", False)):
        said = guess(replace(series(words, has_agent=has_agent, **T1), spots=2.0))
        assert (said.sequence, said.confidence) == (None, 0)
    # An agent named in the header of a scan that was taken before it was given.
    assert guess(replace(series("AX T1", has_agent=True, **T1), spots=1.05)).sequence == "t1"


def test_of_several_series_the_thinnest_whole_head_is_taken() -> None:
    thick, slab = replace(series("AX T2", **T2), thickest_mm=5.0), replace(series("HIPPO T2", **T2), shortest_mm=60.0)
    late = replace(series("3D T2", **T2, taken=120000.5), thickest_mm=1.2)
    early = replace(series("3D T2 moved", **T2, taken=115959.0), thickest_mm=1.2)
    found = {"a": thick, "b": slab, "c": late, "d": early}
    choice = choose(found, {key: guess(each) for key, each in found.items()})
    assert (choice.chosen, choice.problems) == ({"t2": "c"}, ())
    assert choice.left == {
        "a": "not used: 3D T2 has thinner slices",
        "b": "not used: 3D T2 covers a whole head",
        "d": "not used: 3D T2 was taken later",
    }


def test_a_person_decides_between_two_and_over_the_rules() -> None:
    found = {"a": series("AX T2", **T2), "b": series("COR T2", **T2), "c": series("series 7", **T1)}
    guesses = {key: guess(each) for key, each in found.items()}
    choice = choose(found, guesses)
    assert choice.chosen == {}
    assert "AX T2, COR T2" in choice.problems[1]
    assert "no sure t1" in choice.problems[0]
    choice = choose(found, decide(guesses, {"b": SKIP, "c": "t1"}))
    assert (choice.chosen, choice.problems) == ({"t1": "c", "t2": "a"}, ())
    assert choose(found, decide(guesses, {"b": "t2", "c": SKIP})).chosen == {"t2": "b"}
    assert "2 series for t2" in choose(found, decide(guesses, {"a": "t2", "b": "t2", "c": SKIP})).problems[0]


def test_a_sidecar_counts_in_seconds() -> None:
    header = sidecar_header({"SeriesDescription": "x", "RepetitionTime": 4, "EchoTime": 0.1, "ImageType": ["DERIVED"]})
    assert (header.tr_ms, header.te_ms, header.is_derived) == (4000, 100, True)
    assert sidecar_header({"RepetitionTime": "soon", "ImageType": "x"}).tr_ms is None


@pytest.mark.realdata
@pytest.mark.slow
def test_contrast_is_told_on_every_real_patient(real_data: Path) -> None:
    """`pytest -s` prints them; the thresholds were set on these."""
    folders = [path for room in ("brats2021", "ood", "tcga", "raw") for path in sorted((real_data / room).iterdir())]
    for folder in folders:
        files = find_sequences(folder).images
        spots = {name: brightest_spots(load_volume(files[name])) for name in ("t1", "t1c")}
        print(folder.name, spots)
        assert {name: looks(value) for name, value in spots.items()} == {"t1": "t1", "t1c": "t1c"}
