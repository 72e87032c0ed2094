"""The best round: scores belong to the round before the reply, holdouts never choose, equals go to the later."""

from collections.abc import Callable
from typing import Any

import pytest

from gmmas_core.metrics.evaluation import add, value_of
from gmmas_core.types import REGIONS, Task
from server.records.ledger_entries import metrics_from_entry
from server.release.best_round import history_of, in_order, scores_of

TASKS = (Task.HISTOLOGY, Task.IDH, Task.CODEL)
Entry = dict[str, Any]
Make = Callable[..., Entry]


def hashed(number: int) -> dict[str, str]:
    return {"weights_hash": f"{number:064x}"}


@pytest.fixture
def three_rounds(played_round: Make, evaluation: Make) -> list[Entry]:
    """Results of the rounds have a Dice of about 0.8 (round 1), 0.4 (round 2) and 0.6 (round 3)."""
    return [
        played_round(1, {"north": (9, 5, 0.1), "east": (9, 5, 0.1)}, **hashed(1)),
        played_round(2, {"north": (9, 5, 0.8), "east": (9, 5, 0.8)}, **hashed(2)),
        played_round(3, {"north": (9, 5, 0.4), "east": (9, 5, 0.4)}, **hashed(3)),
        evaluation({"north": (5, 0.6, 3), "east": (5, 0.6, 3)}, subject="global", split="validation", round=3),
    ]


def test_a_reply_scores_the_round_before_it(three_rounds: list[Entry]) -> None:
    first, second, third = scores_of(history_of(three_rounds), TASKS)
    assert [score.round for score in (first, second, third)] == [1, 2, 3]
    for score, entry in ((first, three_rounds[1]), (second, three_rounds[2]), (third, three_rounds[3])):
        north, east = (metrics_from_entry(entry["sites"][site]["metrics"]) for site in ("north", "east"))
        keys = [key for key in north if key in east and not key.startswith("train-loss")]
        pooled = add({key: north[key] for key in keys}, {key: east[key] for key in keys})
        dice = [value_of(pooled, f"dice.{region}") or 0.0 for region in REGIONS]
        auroc = [value_of(pooled, f"auroc.{task}") for task in TASKS]
        known = [value for value in auroc if value is not None]
        assert score.dice == pytest.approx(sum(dice) / 3)
        assert score.auroc == pytest.approx(sum(known) / len(known))
        assert score.score == pytest.approx(sum(dice) / 3 + sum(known) / len(known))
        assert (score.cases, score.set_aside) == (10, "")


def test_the_best_is_first_whatever_the_holdouts_say(three_rounds: list[Entry], evaluation: Make) -> None:
    holdout = evaluation({"north": (5, 0.99, 3), "east": (5, 0.99, 3)}, subject="global", split="holdout", round=2)
    history = history_of([*three_rounds, holdout])
    scores = scores_of(history, TASKS)
    ranked = sorted(scores, key=lambda score: score.score or 0.0, reverse=True)
    assert in_order(scores, history) == [score.round for score in ranked]
    assert scores == scores_of(history_of(three_rounds), TASKS)


def test_of_equals_the_later_wins(played_round: Make, evaluation: Make) -> None:
    twice = {"north": (9, 5, 0.7)}
    second, third = played_round(2, twice, **hashed(2)), played_round(3, twice, **hashed(3))
    third["sites"] = second["sites"]
    last = evaluation({"north": (5, 0.1, 0)}, subject="global", split="validation", round=3)
    history = history_of([played_round(1, twice, **hashed(1)), second, third, last])
    assert in_order(scores_of(history, TASKS), history)[:2] == [2, 1]


def test_the_last_round_without_a_score_is_set_aside(three_rounds: list[Entry]) -> None:
    history = history_of(three_rounds[:-1])
    scores = scores_of(history, TASKS)
    assert scores[-1].set_aside == "not scored on validation cases"
    assert scores[-1].score is None
    assert in_order(scores, history)[0] == 1


def test_a_round_is_not_better_because_a_site_was_away(played_round: Make, three_rounds: list[Entry]) -> None:
    alone = played_round(2, {"north": (9, 5, 0.99)}, **hashed(2))
    fewer = played_round(3, {"north": (9, 5, 0.99), "east": (9, 4, 0.99)}, **hashed(3))
    history = history_of([three_rounds[0], alone, fewer, three_rounds[3]])
    scores = scores_of(history, TASKS)
    assert [bool(score.set_aside) for score in scores] == [True, True, False]
    assert "(east)" in scores[0].set_aside
    assert in_order(scores, history) == [3, 2, 1]


def test_a_site_that_joined_since_sets_nobody_aside_before_it_counts(played_round: Make, evaluation: Make) -> None:
    more = played_round(2, {"north": (9, 5, 0.7), "west": (9, 5, 0.0)}, **hashed(2))
    last = evaluation({"north": (5, 0.2, 0)}, subject="global", split="validation", round=2)
    history = history_of([played_round(1, {"north": (9, 5, 0.1)}, **hashed(1)), more, last])
    first, second = scores_of(history, TASKS)
    assert (first.set_aside, first.cases, second.cases) == ("", 5, 5)  # west is in neither


def test_rounds_with_the_same_weights_are_one_choice_named_by_the_last(
    played_round: Make, evaluation: Make, three_rounds: list[Entry]
) -> None:
    fitted = {"temperature": {"idh": 2.0}, "region_temperature": {}, "fit": {}}
    calibrated = played_round(2, {"north": (9, 5, 0.8), "east": (9, 5, 0.8)}, **hashed(1)) | {
        "stage": "calibrate",
        "calibration": fitted,
    }
    history = history_of([three_rounds[0], calibrated, *three_rounds[2:]])
    scores = scores_of(history, TASKS)
    assert [score.calibrated_in for score in scores] == [2, 2, None]
    assert in_order(scores, history).count(1) == 0
    assert set(in_order(scores, history)) == {2, 3}
    assert history.calibration_of(hashed(1)["weights_hash"]) == (2, fitted)
    assert history.calibration_of(hashed(3)["weights_hash"]) == (None, {})


def test_a_round_played_again_replaces_what_was_built_on_it(three_rounds: list[Entry], played_round: Make) -> None:
    again = played_round(2, {"north": (9, 5, 0.3), "east": (9, 5, 0.3)}, **hashed(7))
    history = history_of([*three_rounds, again])
    assert sorted(history.rounds) == [1, 2]
    assert history.evaluations == []
    assert history.hash_after(2) == hashed(7)["weights_hash"]


def test_evaluations_are_found_by_weights(three_rounds: list[Entry], evaluation: Make) -> None:
    one = evaluation({"north": (5, 0.5, 1)}, subject="global", round=1)
    subset = evaluation({"north": (5, 0.9, 1)}, subject="global", round=1, sequences=["t1"])
    alone = evaluation({"north": (5, 0.9, 1)}, subject="local_only", round=1)
    untrained = evaluation({"north": (5, 0.1, 1)}, subject="global", round=0)
    history = history_of([untrained, *three_rounds, one, subset, alone])
    assert history.newest("holdout", hashed(1)["weights_hash"]) is one
    assert history.newest("holdout", hashed(2)["weights_hash"]) is None


def test_without_validation_cases_the_last_round_it_is(played_round: Make) -> None:
    history = history_of([played_round(number, {"north": (9, 0, 0.0)}, **hashed(number)) for number in (1, 2)])
    scores = scores_of(history, TASKS)
    assert all(score.set_aside for score in scores)
    assert in_order(scores, history) == [2, 1]
