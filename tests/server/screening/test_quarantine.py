"""Offences in a row are counted, redeemed and end in quarantine."""

import dataclasses

from gmmas_core.config import ScreeningConfig
from server.screening.memory import ScreenMemory
from server.screening.quarantine import after_round


def test_the_third_offence_in_a_row_quarantines_with_its_reason(screening: ScreeningConfig) -> None:
    memory = ScreenMemory()
    for number in (1, 2):
        after_round(memory, {"north": 1.0}, {"south": "NaN"}, screening)
        assert memory.offences == {"south": number}
        assert memory.quarantined == {}
    after_round(memory, {"north": 1.0}, {"south": "weights: found NaN"}, screening)
    assert memory.quarantined == {"south": "left out 3 times in a row; last for: weights: found NaN"}


def test_one_good_update_redeems(screening: ScreeningConfig) -> None:
    memory = ScreenMemory(offences={"south": 2, "east": 1})
    after_round(memory, {"south": 1.0}, {}, screening)
    assert memory.offences == {"east": 1}
    after_round(memory, {}, {"south": "NaN"}, screening)
    assert memory.offences == {"east": 1, "south": 1}


def test_a_round_that_trains_nothing_redeems_but_is_not_remembered(screening: ScreeningConfig) -> None:
    memory = ScreenMemory(norms=[2.0], offences={"south": 2})
    after_round(memory, {"south": 0.0}, {}, screening)
    assert memory == ScreenMemory(norms=[2.0])


def test_the_window_keeps_the_newest_in_the_order_of_names(screening: ScreeningConfig) -> None:
    narrow = dataclasses.replace(screening, window=4, warm_up=2)
    memory = ScreenMemory(norms=[9.0, 8.0, 7.0])
    after_round(memory, {"south": 3.0, "east": 1.0, "north": 2.0}, {}, narrow)
    assert memory.norms == [7.0, 1.0, 2.0, 3.0]


def test_a_threshold_of_one_quarantines_at_once(screening: ScreeningConfig) -> None:
    memory = ScreenMemory()
    after_round(memory, {}, {"south": "NaN"}, dataclasses.replace(screening, quarantine_after=1))
    assert list(memory.quarantined) == ["south"]
