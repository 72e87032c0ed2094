"""What may be entered: hostile values, sources that cannot know, and combinations that contradict each other."""

import math
from typing import Any

import numpy as np
import pytest

from gmmas_core.diagnosis.findings import (
    ABSTAINED,
    INCONCLUSIVE,
    UNTESTED,
    Finding,
    Findings,
    from_imaging,
    from_record,
    from_tissue,
)
from gmmas_core.diagnosis.markers import Alteration, Codel, Idh, Location, Source, State
from gmmas_core.types import DataError


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf, -0.001, 1.001, "0.5", None, True, 1 + 0j, [0.5]])
def test_a_probability_that_is_none_is_refused(bad: Any) -> None:
    if bad is None:
        assert from_imaging(Idh.MUTANT, bad).probability is None
    else:
        with pytest.raises(DataError, match="from 0 to 1"):
            from_imaging(Idh.MUTANT, bad)


@pytest.mark.parametrize(
    "bad",
    [math.nan, math.inf, -1, 120.1, "60", True, 10**400, 10**5000],
    ids=["nan", "inf", "negative", "121", "text", "bool", "long", "huge"],
)
def test_an_age_that_is_none_is_refused(bad: Any) -> None:
    with pytest.raises(DataError, match="age: found"):
        Findings(age=from_record(bad))


def test_a_message_holds_no_flood() -> None:
    with pytest.raises(DataError) as caught:
        Findings(age=from_record("x" * 999), idh=from_tissue("y" * 999))  # type: ignore[arg-type]
    assert max(map(len, str(caught.value).splitlines())) < 130


@pytest.mark.parametrize("bad", [0, 1, 5, 2.0, "3", True, np.int64(3)])
def test_a_grade_that_is_none_is_refused(bad: Any) -> None:
    with pytest.raises(DataError, match="grade: found"):
        Findings(grade=from_tissue(bad))


@pytest.mark.parametrize("bad", ["mutant", "MUTANT", Codel.CODELETED, 1, True, Alteration.PRESENT])
def test_only_the_answers_of_the_question_count(bad: Any) -> None:
    with pytest.raises(DataError, match=r"idh: found .*; expected mutant, wildtype as a Idh"):
        Findings(idh=from_tissue(bad))


@pytest.mark.parametrize("name", ["atrx", "cdkn2a", "tert", "egfr", "chr7_10", "proliferation", "necrosis"])
@pytest.mark.parametrize("source", [Source.IMAGING, Source.RECORD])
def test_no_image_shows_what_only_tissue_can(name: str, source: Source) -> None:
    finding = Finding(value=Alteration.PRESENT, state=State.KNOWN, source=source)
    with pytest.raises(DataError, match=f"{name}: found a value from {source}; expected one from tissue"):
        Findings(**{name: finding})


def test_no_image_gives_a_grade_and_no_microscope_a_place() -> None:
    with pytest.raises(DataError, match="grade: found a value from imaging"):
        Findings(grade=from_imaging(3))
    with pytest.raises(DataError, match="location: found a value from tissue; expected one from imaging or record"):
        Findings(location=from_tissue(Location.MIDLINE))


def test_all_problems_are_listed_at_once() -> None:
    with pytest.raises(DataError) as caught:
        Findings(grade=from_tissue(7), age=from_record(-3), idh="mutant")  # type: ignore[arg-type]
    assert [line.split(":")[0] for line in str(caught.value).splitlines()] == ["grade", "idh", "age"]


@pytest.mark.parametrize(
    "parts",
    [
        {"value": Idh.MUTANT},
        {"state": State.KNOWN, "source": Source.TISSUE},
        {"value": Idh.MUTANT, "state": State.KNOWN},
        {"value": Idh.MUTANT, "state": State.NOT_ASSESSABLE, "source": Source.TISSUE},
        {"value": Idh.MUTANT, "state": State.KNOWN, "source": Source.TISSUE, "probability": 0.9},
        {"probability": 0.9},
    ],
)
def test_a_finding_that_contradicts_itself_is_refused(parts: dict[str, Any]) -> None:
    with pytest.raises(DataError, match="finding: found"):
        Finding(**parts)


def test_three_ways_of_knowing_nothing_differ() -> None:
    assert {UNTESTED.state, INCONCLUSIVE.state} == {State.UNKNOWN, State.NOT_ASSESSABLE}
    assert (INCONCLUSIVE.source, ABSTAINED.source) == (Source.TISSUE, Source.IMAGING)
    assert not any(finding.known or finding.imaged for finding in (UNTESTED, INCONCLUSIVE, ABSTAINED))
