"""A site speaks for what its cases can teach, and for nothing else."""

from collections.abc import Callable

from gmmas_core.model.parameter_groups import GROUPS
from gmmas_core.training.seen import seen_counts
from gmmas_core.types import Case, Task

TASKS = (Task.HISTOLOGY, Task.IDH, Task.CODEL)
MakeCase = Callable[..., Case]


def test_every_group_of_the_network_whatever_the_site_has(make_case: MakeCase) -> None:
    for cases in ([], [make_case()]):
        assert set(seen_counts(cases, TASKS)) == set(GROUPS(TASKS))


def test_counts(make_case: MakeCase) -> None:
    cases = [
        make_case("a", labels={Task.IDH: 1, Task.CODEL: 0}),
        make_case("b", sequences=("t1", "flair"), has_mask=False, labels={Task.IDH: 0}),
        make_case("c", sequences=("t1c",), labels={}),
        make_case("d", has_mask=False, labels={}),  # nothing to learn from
        make_case("e", sequences=("t2",), has_mask=False, labels={Task.MGMT: 1}),  # not a task of this run
    ]
    seen = seen_counts(cases, TASKS)
    assert {group: seen[group] for group in ("trunk", "transformer", "attention", "global", "norm")} == {
        "trunk": 3,
        "transformer": 3,
        "attention": 3,
        "global": 3,
        "norm": 3,
    }
    assert [seen[f"stem.{sequence}"] for sequence in ("t1", "t1c", "t2", "flair")] == [2, 2, 1, 2]
    assert [seen[f"global.stem.{sequence}"] for sequence in ("t1", "t1c", "t2", "flair")] == [2, 2, 1, 2]
    assert [seen["decoder"], seen["uncertainty.segmentation"], seen["contrast"]] == [2, 2, 0]
    assert [seen[f"head.{task}"] for task in TASKS] == [0, 2, 1]
    assert [seen[f"uncertainty.{task}"] for task in TASKS] == [0, 2, 1]
