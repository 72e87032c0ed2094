"""However a coordinator asks, no two answers of a site differ by a few of its patients, nor do any sums of answers."""

import json
from collections.abc import Iterable
from dataclasses import replace
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest

from client.egress.populations import POPULATIONS, answered
from client.site import Site
from gmmas_core.subsets import SUBSETS
from gmmas_core.types import SEQUENCES, Case, DataError, Task

FLOOR = 5


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return Site(
        name="north",
        folder=tmp_path,
        state=tmp_path / "state",
        label_convention="canonical",
        device="cpu",
        threads=1,
        cohort_floor=FLOOR,
        allowed_stages=None,
    )


def case(number: int, sequences: Iterable[str] = SEQUENCES) -> Case:
    return Case(
        case_id=f"case-{number:03d}",
        patient_id=f"patient-{number:03d}",
        site="north",
        images={sequence: Path(sequence) for sequence in sequences},
        mask=None,
        labels=dict.fromkeys(Task, -1),
        label_source={},
        split="train",
    )


def told(site: Site, numbers: Iterable[int]) -> frozenset[str]:
    return frozenset(each.case_id for each in answered(site, [case(number) for number in numbers]))


def few(size: int) -> bool:
    return 0 < size < FLOOR


def test_one_patient_cannot_be_found_as_the_difference_of_two_questions(site: Site) -> None:
    everybody = told(site, range(20))
    assert len(everybody) == 20
    without_one = told(site, range(19))
    assert len(without_one) == 15, "four others stay out with the one"
    assert "case-019" not in without_one
    assert told(site, range(19)) == without_one, "the same again"
    assert told(site, range(20)) == everybody
    assert told(site, [19]) == frozenset()


def test_new_patients_wait_for_each_other_and_those_that_are_gone_take_others_with_them(site: Site) -> None:
    assert len(told(site, range(20))) == 20
    assert len(told(site, range(23))) == 20
    assert len(told(site, range(25))) == 25
    after = told(site, range(1, 25))
    assert (len(after), "case-000" in after) == (20, False)
    assert told(site, range(25)) >= after, "whoever comes back is known"


def test_three_questions_tell_no_more_than_two(site: Site) -> None:
    """All, and two of three parts: the third part of three patients would be what is left."""
    train, validation = told(site, range(40)), told(site, range(40, 50))
    assert (len(train), len(validation)) == (40, 10)
    assert told(site, range(50, 53)) == frozenset()
    assert len(told(site, range(53))) == 50


def test_no_sum_of_answers_is_about_fewer_patients_than_the_floor(site: Site) -> None:
    """Sums of answers over the integers live in the span of the blocks; each block is large."""
    rng = np.random.default_rng(3)
    populations: list[frozenset[str]] = []
    for step in range(60):
        there = range(step // 6, 30 + step // 3)  # some go, some come
        populations.append(told(site, [n for n in there if rng.random() < rng.choice([0.3, 0.9, 0.97])]))
    for left, right in combinations(populations, 2):
        assert not few(len(left - right))
        assert not few(len(right - left))
    cases = sorted(frozenset().union(*populations))
    rows = {tuple(each in population for population in populations) for each in cases}
    for row in rows:  # cases that no sum of answers can tell apart
        alike = [each for each in cases if tuple(each in population for population in populations) == row]
        assert len(alike) >= FLOOR
    assert any(populations[40:]), "there still are answers"


def test_the_fifteen_subsets_of_the_sequences_stay_answerable(site: Site) -> None:
    cases = [case(number) for number in range(36)]
    cases += [case(number, ("t1c", "flair")) for number in (36, 37)] + [case(38, ("t1", "t1c", "flair"))]
    sizes = []
    for _ in range(2):
        asked = [[each for each in cases if set(subset) <= set(each.images)] for subset in reversed(SUBSETS)]
        sizes.append([len(answered(site, each)) for each in asked])
    assert sizes[0] == sizes[1]
    assert min(sizes[0]) >= 25
    complete = [[each for each in cases[:36] if set(subset) <= set(each.images)] for subset in SUBSETS]
    assert len({len(answered(replace(site, state=site.state / "b"), each)) for each in complete}) == 1


def test_patients_are_counted_and_not_their_studies(site: Site) -> None:
    studies = [replace(case(number), patient_id=f"patient-{number // 3}") for number in range(12)]
    assert answered(site, studies) == ()
    more = [*studies, replace(case(12), patient_id="patient-4")]
    assert len(answered(site, more)) == 13


def test_a_site_with_a_floor_of_one_remembers_nothing(site: Site) -> None:
    open_site = replace(site, cohort_floor=1)
    assert len(told(open_site, range(3))) == 3
    assert len(told(open_site, range(2))) == 2
    assert not site.state.exists()


def test_what_is_remembered_names_nobody_and_is_not_for_others(site: Site) -> None:
    told(site, range(9))
    file = site.state / POPULATIONS
    assert "patient" not in file.read_text()
    assert "case-0" not in file.read_text()
    assert file.stat().st_mode & 0o077 == 0


@pytest.mark.parametrize("damage", ["{", '{"format": 1, "key": "00", "blocks": []}', "[]"])
def test_nothing_is_answered_from_a_damaged_memory(site: Site, damage: str) -> None:
    told(site, range(9))
    (site.state / POPULATIONS).write_text(damage)
    with pytest.raises(DataError, match="damaged memory"):
        told(site, range(9))


def test_nothing_is_answered_that_cannot_be_remembered(site: Site) -> None:
    site.state.write_text("a file, so that nothing can be in it")
    with pytest.raises(DataError, match="cannot write down"):
        told(site, range(9))


def test_blocks_never_share_a_case(site: Site) -> None:
    for stop in (20, 19, 31, 12, 40):
        told(site, range(stop))
    blocks = json.loads((site.state / POPULATIONS).read_text())["blocks"]
    cases = [each for block in blocks for each in block]
    assert len(cases) == len(set(cases))
    assert all(len(set(block.values())) >= FLOOR for block in blocks)
