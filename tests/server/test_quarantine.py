"""Offences in a row are counted, redeemed and end in quarantine."""

import dataclasses

from gmmas_core.config import ScreeningConfig
from server.quarantine import after_round
from server.screen_memory import ScreenMemory

CONFIG = ScreeningConfig(
    window=4,
    warm_up=2,
    norm_soft=3,
    norm_hard=10,
    direction_soft=-0.5,
    distance_soft=2,
    distance_hard=4,
    max_log_variance=20,
    quarantine_after=3,
)


def test_the_third_offence_in_a_row_quarantines_with_its_reason() -> None:
    memory = ScreenMemory()
    for number in (1, 2):
        after_round(memory, {"north": 1.0}, {"south": "NaN"}, CONFIG)
        assert memory.offences == {"south": number}
        assert memory.quarantined == {}
    after_round(memory, {"north": 1.0}, {"south": "weights: found NaN"}, CONFIG)
    assert memory.quarantined == {"south": "left out 3 times in a row; last for: weights: found NaN"}


def test_one_good_update_redeems() -> None:
    memory = ScreenMemory(offences={"south": 2, "east": 1})
    after_round(memory, {"south": 1.0}, {}, CONFIG)
    assert memory.offences == {"east": 1}
    after_round(memory, {}, {"south": "NaN"}, CONFIG)
    assert memory.offences == {"east": 1, "south": 1}


def test_a_round_that_trains_nothing_redeems_but_is_not_remembered() -> None:
    memory = ScreenMemory(norms=[2.0], offences={"south": 2})
    after_round(memory, {"south": 0.0}, {}, CONFIG)
    assert memory == ScreenMemory(norms=[2.0])


def test_the_window_keeps_the_newest_in_the_order_of_names() -> None:
    memory = ScreenMemory(norms=[9.0, 8.0, 7.0])
    after_round(memory, {"south": 3.0, "east": 1.0, "north": 2.0}, {}, CONFIG)
    assert memory.norms == [7.0, 1.0, 2.0, 3.0]


def test_a_threshold_of_one_quarantines_at_once() -> None:
    memory = ScreenMemory()
    after_round(memory, {}, {"south": "NaN"}, dataclasses.replace(CONFIG, quarantine_after=1))
    assert list(memory.quarantined) == ["south"]
