"""Numbers per sex, age band and scanner, and none about too few."""

import json

import pytest

from gmmas_core.metrics.case_score import CaseScore, RegionScore
from gmmas_core.metrics.evaluation import subgroups
from gmmas_core.metrics.subgroups import UNRECORDED
from gmmas_core.types import UNKNOWN, Task


def case(
    number: int, sex: str | None = "F", age: float | None = 30.0, mutant: int = 1, dice: float | None = 0.8
) -> CaseScore:
    measured = None if dice is None else RegionScore(dice=dice, hd95_mm=1, lesion_dice=dice, lesion_hd95_mm=1)
    return CaseScore(
        case_id=f"c{number}",
        patient_id=f"p{number}",
        has_reference=dice is not None,
        regions={"wt": measured},
        not_assessable=frozenset(),
        probability={Task.IDH: 0.9 if mutant == 1 else 0.2},
        label={Task.IDH: mutant},
        abstained=frozenset(),
        age=age,
        sex=sex,
    )


def test_age_bands_begin_where_they_say() -> None:
    ages = [39.9, 40.0, 54.9, 55.0, 69.9, 70.0, 91.0, None]
    found = subgroups([case(k, age=age) for k, age in enumerate(ages)], [Task.IDH], floor=1)["age"]
    counts = {name: group["n"]["value"] for name, group in found.items()}
    assert list(counts.items()) == [("<40", 1), ("40-54", 2), ("55-69", 2), (">=70", 2), (UNRECORDED, 1)]


def test_numbers_of_a_group_are_those_of_its_cases() -> None:
    women = [case(k, "F", mutant=k % 2, dice=0.1 * k) for k in range(6)]
    men = [case(10 + k, "M", mutant=0, dice=None) for k in range(5)]
    found = subgroups(women + men, [Task.IDH], floor=5)["sex"]
    assert found["F"]["dice_wt"] == {"value": pytest.approx(0.25), "n": 6, "suppressed": False}
    assert found["F"]["classification"]["idh"]["auroc"]["value"] == 1.0
    assert found["F"]["classification"]["idh"]["brier"]["value"] == pytest.approx((0.1**2 + 0.2**2) / 2)
    assert found["M"]["dice_wt"] == {"value": None, "n": 0, "suppressed": False}
    assert found["M"]["classification"]["idh"]["auroc"] == {"value": None, "n": 5, "suppressed": False}


def test_too_few_patients_show_nothing_however_many_cases_they_have() -> None:
    twice = [case(1, "M"), case(1, "M"), case(2, "M")]
    found = subgroups([*twice, case(3, "F"), case(4, "F"), case(5, "F")], [Task.IDH], floor=3)["sex"]
    hidden = {"value": None, "n": None, "suppressed": True}
    assert found["M"] == {"n": hidden, "dice_wt": hidden, "classification": {"idh": {"auroc": hidden, "brier": hidden}}}
    assert found["F"]["n"] == {"value": 3, "n": 3, "suppressed": False}


def test_a_number_over_too_few_of_a_large_group_is_hidden_too() -> None:
    cases = [case(k, mutant=1 if k < 2 else UNKNOWN) for k in range(9)]
    group = subgroups(cases, [Task.IDH], floor=5)["sex"]["F"]
    assert group["n"]["value"] == 9
    assert group["classification"]["idh"]["brier"] == {"value": None, "n": None, "suppressed": True}


def test_a_caller_may_split_by_scanner() -> None:
    scanner = {"c0": "A", "c1": "A", "c2": "B"}
    found = subgroups([case(k) for k in range(4)], [], floor=2, more={"scanner": lambda s: scanner.get(s.case_id)})
    assert list(found) == ["sex", "age", "scanner"]
    assert list(found["scanner"]) == ["A", "B", UNRECORDED]
    assert found["scanner"]["A"]["n"]["value"] == 2
    assert found["scanner"]["B"]["n"]["suppressed"]
    json.dumps(found)


def test_nobody_is_no_group() -> None:
    assert subgroups([], [Task.IDH], floor=5) == {"sex": {}, "age": {}}
