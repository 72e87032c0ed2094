"""A series gets its name from evidence that agrees, and none where it contradicts itself."""

import pytest

from gmmas_core.onboarding.headers import SeriesHeader
from gmmas_core.onboarding.recognition import SKIP, Series, choose, decide, guess, sidecar_header


def series(label: str, **header: object) -> Series:
    facts = SeriesHeader(words=label, **header) if header else None  # type: ignore[arg-type]
    return Series(label=label, header=facts, thickest_mm=1.0)


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


def test_a_person_decides_between_two_and_over_the_rules() -> None:
    found = {"a": series("AX T2", **T2), "b": series("COR T2", **T2), "c": series("series 7", **T1)}
    guesses = {key: guess(each) for key, each in found.items()}
    chosen, problems = choose(found, guesses)
    assert chosen == {}
    assert "AX T2, COR T2" in problems[1]
    assert "no sure t1" in problems[0]
    chosen, problems = choose(found, decide(guesses, {"b": SKIP, "c": "t1"}))
    assert (chosen, problems) == ({"t1": "c", "t2": "a"}, [])
    assert choose(found, decide(guesses, {"b": "t2", "c": SKIP})) == ({"t2": "b"}, [])


def test_a_sidecar_counts_in_seconds() -> None:
    header = sidecar_header({"SeriesDescription": "x", "RepetitionTime": 4, "EchoTime": 0.1, "ImageType": ["DERIVED"]})
    assert (header.tr_ms, header.te_ms, header.is_derived) == (4000, 100, True)
    assert sidecar_header({"RepetitionTime": "soon", "ImageType": "x"}).tr_ms is None
