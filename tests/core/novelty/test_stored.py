"""distribution.json comes back as it was written, or is refused; the check says what it can and no more."""

import json
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from gmmas_core.novelty.check import OUT_OF_DISTRIBUTION, abstentions, check_novelty
from gmmas_core.novelty.features import NAMES, Floats, known_from
from gmmas_core.novelty.gaussian import distance, fit
from gmmas_core.novelty.held_out import limits_of, sum_distances
from gmmas_core.novelty.stored import Distribution, read_content, read_pieces, to_content, to_pieces
from gmmas_core.novelty.sums import sum_patients
from gmmas_core.quality import Verdict
from gmmas_core.types import DataError, FederationError, Task

Change = Callable[[dict[str, Any]], object]


def rows(count: int, seed: int) -> list[Floats]:
    return list(0.3 + 0.2 * np.random.default_rng(seed).standard_normal((count, len(NAMES))))


@pytest.fixture(scope="module")
def distribution() -> Distribution:
    """Of 60 patients, of whom none had T1; 40 were held out."""
    seen = ("t1c", "t2", "flair")
    gaussian = fit(sum_patients([known_from(row, seen) for row in rows(60, 1)]))
    assert gaussian is not None
    held = sum_distances(gaussian, [known_from(row, seen) for row in rows(40, 2)])
    return Distribution(gaussian=gaussian, spacing_mm=2.0, limits=limits_of(held))


def test_it_comes_back_as_it_was_written(distribution: Distribution) -> None:
    content = json.loads(json.dumps(to_content(distribution), allow_nan=False))
    for back in (read_content(content, 2.0), read_pieces(to_pieces(content), 2.0)):
        assert back is not None
        np.testing.assert_array_equal(back.gaussian.mean_F, distribution.gaussian.mean_F)
        np.testing.assert_array_equal(back.gaussian.covariance_FF, distribution.gaussian.covariance_FF)
        assert (back.limits, back.gaussian.patients) == (distribution.limits, distribution.gaussian.patients)
    assert read_content({}, 2.0) is None
    assert max(map(len, to_pieces(content))) <= 4096


def _put(*path: Any, value: Any) -> Change:
    def change(content: dict[str, Any]) -> None:
        place: Any = content
        for step in path[:-1]:
            place = place[step]
        place[path[-1]] = value

    return change


@pytest.mark.parametrize(
    "change",
    [
        _put("version", value=2),
        _put("version", value=True),
        _put("spacing_mm", value=1.0),
        _put("more", value=1),
        _put("features", 0, value="t1-mood"),
        _put("features", value=[]),
        _put("features", 0, value="volume"),
        _put("mean", 0, value=float("nan")),
        _put("mean", 0, value=1e9),
        _put("mean", 0, value="0"),
        _put("mean", value=[0.0]),
        _put("covariance", 0, 1, value=3.0),
        _put("covariance", 0, 0, value=-1.0),
        _put("covariance", 0, 0, value=float("inf")),
        _put("covariance", value=[[1.0]]),
        _put("covariance", value="none"),
        _put("patients", "t2", value=-1),
        _put("patients", value={"t2": 5}),
        _put("shrinkage", value=2),
        _put("limits", "t2", "warn", value=99.0),
        _put("limits", "t2", "out", value=-20.0),
        _put("limits", "t2", value={"warn": 1.0}),
        _put("limits", "t9", value={"warn": 1.0, "out": 2.0, "patients": 30}),
        lambda content: content.pop("mean"),
    ],
)
def test_anything_else_is_refused(distribution: Distribution, change: Change) -> None:
    content = json.loads(json.dumps(to_content(distribution)))
    change(content)
    with pytest.raises(DataError, match=r"distribution\.json: found"):
        read_content(content, 2.0)
    with pytest.raises(FederationError, match="distribution"):
        read_pieces(to_pieces(content), 2.0)


@pytest.mark.parametrize("pieces", [(), ("[" * 4000,) * 30, ("{", "}"), ("1e999",), ("{}",) * 65])
def test_a_question_without_a_usable_distribution_is_refused(pieces: tuple[str, ...]) -> None:
    with pytest.raises(FederationError, match="distribution"):
        read_pieces(pieces, 2.0)


def test_the_check_passes_warns_fails_or_is_not_made(distribution: Distribution) -> None:
    usual = rows(1, 3)[0]
    assert check_novelty(distribution, usual).verdict is Verdict.PASS
    strange = usual + 3 * (usual - distribution.gaussian.mean_F.clip(0, 1))
    steps = [check_novelty(distribution, usual + share * (strange - usual)) for share in np.linspace(0, 6, 200)]
    order = [Verdict.PASS, Verdict.WARN, Verdict.FAIL]
    assert list(dict.fromkeys(step.verdict for step in steps)) == order
    assert abstentions(steps[-1], (Task.IDH,)) == {"idh": OUT_OF_DISTRIBUTION}
    assert abstentions(steps[0], (Task.IDH,)) == {}

    unseen = check_novelty(distribution, known_from(usual, ("t1",)))
    assert unseen.verdict is Verdict.NOT_ASSESSABLE
    assert "none of its sequences" in unseen.found
    told = check_novelty(distribution, known_from(usual, ("t1", "t2"))).found
    far = distance(distribution.gaussian, known_from(usual, ("t1", "t2")))
    assert told == f"a distance of {far:.1f} from the training sites' patients"
    before = Distribution(gaussian=distribution.gaussian, spacing_mm=2.0)
    assert check_novelty(before, usual).verdict is Verdict.NOT_ASSESSABLE
