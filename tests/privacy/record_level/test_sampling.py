"""Who takes part: every patient by an own coin, whatever number of studies there is, and whoever else is there."""

import itertools
import math
from collections.abc import Callable

import torch

from gmmas_core.data.opened_cases import OpenedCases
from gmmas_core.data.poisson_stream import PoissonStream
from gmmas_core.training.lesson import as_drawn
from gmmas_core.training.protection import protected_patients
from gmmas_core.training.stages import StageInput
from gmmas_core.types import Case

STEPS = 4000
StageOf = Callable[..., StageInput]


def stream_of(given: StageInput, cases: tuple[Case, ...], patients: tuple[str, ...], *, rate: float) -> PoissonStream:
    """The stream of some cases of some patients."""
    opened = OpenedCases(
        cases, given.cache, model=given.config.model, data=given.config.data, tasks=given.config.task_list
    )
    return PoissonStream(opened, patients, rate=rate, secret=7, view=as_drawn, batch_size=2)


def test_every_patient_takes_part_with_the_same_probability_and_independently(stage_input: StageOf) -> None:
    patients, rate = ("a", "b", "c", "d"), 0.3
    stream = stream_of(stage_input("supervised"), (), patients, rate=rate)
    drawn = [stream.drawn(step) for step in range(STEPS)]
    for patient in patients:
        share = sum(patient in each for each in drawn) / STEPS
        assert abs(share - rate) < 5 * math.sqrt(rate * (1 - rate) / STEPS)
    together = sum({"a", "b"} <= set(each) for each in drawn) / STEPS
    assert abs(together - rate**2) < 5 * math.sqrt(rate**2 * (1 - rate**2) / STEPS)
    after = [later for each, later in itertools.pairwise(drawn) if "a" in each]
    share = sum("a" in later for later in after) / len(after)
    assert abs(share - rate) < 5 * math.sqrt(rate * (1 - rate) / len(after))
    assert () in drawn
    assert set(map(len, drawn)) == {0, 1, 2, 3, 4}


def test_two_studies_are_one_record_and_each_is_shown_at_times(
    stage_input: StageOf, patients: tuple[Case, ...]
) -> None:
    both = tuple(case for case in patients if case.patient_id == "two-studies")
    assert protected_patients(both) == ("two-studies",)
    stream = stream_of(stage_input("supervised"), both, ("two-studies",), rate=1.0)
    shown = [batch.case_ids for step in range(12) for batch in stream.batches(step)]
    assert all(len(names) == 1 for names in shown)
    assert {name for names in shown for name in names} == {case.case_id for case in both}


def test_who_is_gone_changes_nothing_for_the_others(stage_input: StageOf, patients: tuple[Case, ...]) -> None:
    given = stage_input("supervised")
    names = protected_patients(patients)
    stays = patients[4]
    all_there = stream_of(given, patients, names, rate=0.6)
    alone = stream_of(given, (stays,), (stays.patient_id,), rate=0.6)
    compared = 0
    for step in range(6):
        among = [
            (batch, batch.case_ids.index(stays.case_id))
            for batch in all_there.batches(step)
            if stays.case_id in batch.case_ids
        ]
        single = list(alone.batches(step))
        assert len(among) == len(single)
        for (batch, row), own in zip(among, single):
            assert torch.equal(batch.image_BCXYZ[row], own.image_BCXYZ[0])
            assert torch.equal(batch.box_B23[row], own.box_B23[0])
            compared += 1
    assert 0 < compared < 6


def test_a_patient_with_nothing_to_teach_is_drawn_and_shows_nothing(
    stage_input: StageOf, patients: tuple[Case, ...]
) -> None:
    names = protected_patients(patients)
    stream = stream_of(stage_input("supervised"), patients[:1], names, rate=1.0)
    assert stream.drawn(1) == names
    assert [batch.case_ids for batch in stream.batches(1)] == [(patients[0].case_id,)]
    without = stream_of(stage_input("supervised"), (), names, rate=1.0)
    assert list(without.batches(1)) == []
