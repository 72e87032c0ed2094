"""Class weights from a site's own counts."""

from collections.abc import Callable

import pytest

from gmmas_core.training.class_weights import class_weights
from gmmas_core.types import Case, ConfigError, Task

MakeCase = Callable[..., Case]


def idh_cases(make_case: MakeCase, wildtype: int, mutant: int, unknown: int) -> list[Case]:
    """Cases that differ in their IDH label only."""
    labels = [{Task.IDH: 0}] * wildtype + [{Task.IDH: 1}] * mutant + [{}] * unknown
    return [make_case(labels=label) for label in labels]


def test_the_published_counts(make_case: MakeCase) -> None:
    weights = class_weights(idh_cases(make_case, 245, 112, 30), (Task.IDH,), "inverse_frequency")[Task.IDH]
    assert weights == pytest.approx((0.627451, 1.372549), abs=1e-6)


@pytest.mark.parametrize(("wildtype", "mutant"), [(3, 0), (0, 3), (0, 0)])
def test_one_class_has_nothing_to_balance(make_case: MakeCase, wildtype: int, mutant: int) -> None:
    cases = idh_cases(make_case, wildtype, mutant, 2)
    assert class_weights(cases, (Task.IDH,), "inverse_frequency") == {Task.IDH: (1.0, 1.0)}


def test_none_is_equal(make_case: MakeCase) -> None:
    tasks = (Task.IDH, Task.CODEL)
    assert class_weights(idh_cases(make_case, 5, 1, 0), tasks, "none") == dict.fromkeys(tasks, (1.0, 1.0))


def test_unknown_name(make_case: MakeCase) -> None:
    with pytest.raises(ConfigError, match="inverse_frequency"):
        class_weights([], (Task.IDH,), "focal")
