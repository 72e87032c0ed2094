"""Measures survive being stored as JSON, whatever is missing in them."""

import dataclasses
import json
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from gmmas_core.data.grid import Volume
from gmmas_core.measures import CaseMeasures, compare, measure_case, measures_from
from gmmas_core.types import SEQUENCES, CaseResult, DataError

Phantom = Callable[..., tuple[dict[str, Volume], Volume]]
MakeResult = Callable[..., CaseResult]


def stored(measures: CaseMeasures) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(json.dumps(dataclasses.asdict(measures)))
    return found


@pytest.mark.parametrize("sequences", [SEQUENCES, ("t1", "t2", "flair"), ("t1", "t1c"), ("t1",)])
def test_what_was_stored_is_what_was_measured(
    sequences: tuple[str, ...], phantom: Phantom, make_result: MakeResult
) -> None:
    images, seg = phantom(1, size=32, enhancement=True, necrosis=True)
    measured = measure_case(make_result(seg, sequences), images)
    assert measures_from(stored(measured)) == measured


def test_an_examination_without_a_tumour_comes_back(phantom: Phantom, make_result: MakeResult) -> None:
    images, seg = phantom(1, size=32)
    measured = measure_case(make_result(Volume(np.zeros_like(seg.data), seg.affine_44)), images)
    assert measures_from(stored(measured)) == measured


def test_stored_examinations_are_compared_like_measured_ones(phantom: Phantom, make_result: MakeResult) -> None:
    images, seg = phantom(1, size=32, enhancement=True, necrosis=True)
    smaller = Volume(np.where(np.indices(seg.data.shape)[0] % 2 == 0, seg.data, 0).astype(np.uint8), seg.affine_44)
    before, now = (measure_case(make_result(each), images) for each in (smaller, seg))
    assert compare([measures_from(stored(before))], measures_from(stored(now))) == compare([before], now)


@pytest.mark.parametrize("broken", [{}, {"volume": 3}, {"side": {"wt": {"side": "up"}}}, {"volume": {"wt": {}}}])
def test_another_form_is_refused(broken: dict[str, Any], phantom: Phantom, make_result: MakeResult) -> None:
    images, seg = phantom(1, size=32)
    whole = stored(measure_case(make_result(seg), images))
    with pytest.raises(DataError, match="stored form"):
        measures_from(whole | broken if broken else {})
