"""A missing sequence never gives zero: what it takes away is a written table."""

from itertools import combinations

import pytest

from gmmas_core.inference.assessability import RULES, assessable_regions, not_assessable, present
from gmmas_core.types import REGIONS, SEQUENCES


@pytest.mark.parametrize(
    ("available", "blocked", "regions"),
    [
        (SEQUENCES, set(), {"wt", "tc", "et"}),
        (("t1", "t2", "flair"), {"et", "tc", "necrosis", "label_1_versus_3", "enhancement_versus_blood"}, {"wt"}),
        (("t1", "t1c"), {"wt", "edema", "t2_flair_mismatch"}, {"tc", "et"}),
        (("t1", "t1c", "t2"), {"t2_flair_mismatch"}, {"wt", "tc", "et"}),
        (("t1", "t1c", "flair"), {"t2_flair_mismatch"}, {"wt", "tc", "et"}),
        (("t1c", "t2", "flair"), {"enhancement_versus_blood"}, {"wt", "tc", "et"}),
        (("t1",), {rule.finding for rule in RULES}, set()),
    ],
)
def test_rules(available: tuple[str, ...], blocked: set[str], regions: set[str]) -> None:
    found = not_assessable(available)
    assert set(found) == blocked
    assert set(assessable_regions(found)) == regions


def test_reasons_name_what_is_missing() -> None:
    assert not_assessable(("t1", "t2", "flair"))["et"] == "no t1c: enhancement shows only after contrast"
    assert not_assessable(("t1", "t1c"))["wt"].startswith("no t2 or flair: ")
    assert not_assessable(("t1", "t1c"))["t2_flair_mismatch"].startswith("no t2 and no flair: ")


def test_more_sequences_never_take_anything_away() -> None:
    subsets = [set(chosen) for count in range(5) for chosen in combinations(SEQUENCES, count)]
    for small in subsets:
        for large in subsets:
            if small <= large:
                assert set(not_assessable(large)) <= set(not_assessable(small))


def test_every_region_is_in_the_table_and_nothing_is_there_twice() -> None:
    findings = [rule.finding for rule in RULES]
    assert set(REGIONS) <= set(findings)
    assert len(findings) == len(set(findings))
    assert {name for rule in RULES for group in rule.needs for name in group} <= set(SEQUENCES)


def test_present_keeps_the_order_of_the_channels() -> None:
    assert present([True, False, True, False]) == (("t1", "t2"), ("t1c", "flair"))
