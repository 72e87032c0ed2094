"""VASARI scores from what was measured, one feature at a time."""

import dataclasses

import pytest

from gmmas_core.measures.lesions import Lesion, Pieces
from gmmas_core.measures.margin import Margin
from gmmas_core.measures.sides import Crossing, Side, SideShare
from gmmas_core.measures.values import NO_DOUBT_GIVEN, Missing, Quantity
from gmmas_core.measures.vasari import MaskFacts, Score, derive_vasari


def ml(value: float) -> Quantity:
    return Quantity(value=value, unit="mL", error=0.1, interval=NO_DOUBT_GIVEN)


def side(where: Side = Side.LEFT, crossing: Crossing = Crossing.NO) -> SideShare:
    return SideShare(
        side=where, right=0.1, left=0.9, undecided=0.0, crossing=crossing, beyond_mm=3.0, midline_error_mm=2.5
    )


def pieces(count: int) -> Pieces:
    lesion = Lesion(volume_ml=1.0, centre_mm=(0.0, 0.0, 0.0), distance_mm=0.0)
    return Pieces(lesions=(lesion,) * count, specks=0, specks_ml=0.0)


FACTS = MaskFacts(
    volume={"wt": ml(100), "tc": ml(60), "et": ml(20), "necrosis": ml(40), "edema": ml(40)},
    side=dict.fromkeys(("wt", "tc", "et"), side()),
    cores=pieces(1),
    margin=Margin(thickness=dataclasses.replace(ml(4), unit="mm"), covered=1.0),
    satellites=0,
)


def score(name: str, facts: MaskFacts) -> int | str:
    found = derive_vasari(facts)[name]
    return found.score if isinstance(found, Score) else found.reason


def test_a_usual_glioblastoma() -> None:
    expected = {"F2": 3, "F5": 4, "F9": 1, "F11": 4, "F14": 5, "F23": 2, "F24": 1}
    assert {name: score(name, FACTS) for name in expected} == expected
    assert "mild or marked" in str(score("F4", FACTS))


@pytest.mark.parametrize(
    ("enhancing", "expected"), [(0, 2), (5, 3), (5.1, 4), (33, 4), (50, 5), (95, 6), (99, 7), (100, 8)]
)
def test_proportions(enhancing: float, expected: int) -> None:
    facts = dataclasses.replace(FACTS, volume={**FACTS.volume, "et": ml(enhancing)})
    assert score("F5", facts) == expected


@pytest.mark.parametrize(("mm", "expected"), [(1.0, 3), (2.9, 3), (3.0, 4)])
def test_margins(mm: float, expected: int) -> None:
    margin = Margin(thickness=dataclasses.replace(ml(mm), unit="mm"), covered=1.0)
    assert score("F11", dataclasses.replace(FACTS, margin=margin)) == expected


def test_a_solid_and_a_missing_margin() -> None:
    none = Missing("enhancement lines 3% of the border of label 1; that is no margin")
    solid = dataclasses.replace(FACTS, volume={**FACTS.volume, "necrosis": ml(0)}, margin=none)
    assert score("F11", solid) == 5
    assert score("F11", dataclasses.replace(FACTS, margin=none)) == none.reason


@pytest.mark.parametrize(("where", "expected"), [(Side.RIGHT, 1), (Side.BOTH, 2), (Side.MIDLINE, 2), (Side.LEFT, 3)])
def test_sides(where: Side, expected: int) -> None:
    assert score("F2", dataclasses.replace(FACTS, side=dict.fromkeys(FACTS.side, side(where)))) == expected


def test_a_crossing_within_the_midlines_error_is_open() -> None:
    across = {
        name: dataclasses.replace(FACTS, side=dict.fromkeys(FACTS.side, side(crossing=name))) for name in Crossing
    }
    assert score("F23", across[Crossing.YES]) == 3
    assert "error of 2.5 mm" in str(score("F23", across[Crossing.OPEN]))


def test_several_cores_and_satellites() -> None:
    assert score("F9", dataclasses.replace(FACTS, cores=pieces(3))) == 2
    assert "no tumour core" in str(score("F9", dataclasses.replace(FACTS, cores=pieces(0))))
    assert score("F24", dataclasses.replace(FACTS, satellites=2)) == 2
