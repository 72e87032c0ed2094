"""Signals by hand: one bounded loss, and the confidence of what a table accepted."""

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import numpy as np
import pytest

from client.rounds.pseudo_confidence import accepted_confidences
from client.rounds.signals import MEASURES, Subject, bounded_loss
from gmmas_core.config import Config
from gmmas_core.config_federation import SIGNAL_NAMES
from gmmas_core.data.pseudo_table import PseudoLabel, PseudoMask, publish_table, unfinished_table, write_mask
from gmmas_core.metrics.case_score import CaseScore, RegionScore
from gmmas_core.types import UNKNOWN, Case, Sum, Task


def score(dice: tuple[float, ...], probability: dict[Task, float], label: dict[Task, int]) -> CaseScore:
    regions = [RegionScore(dice=value, hd95_mm=0, lesion_dice=0, lesion_hd95_mm=0) for value in dice]
    return CaseScore(
        case_id="a",
        patient_id="a",
        has_reference=bool(dice),
        regions=dict(zip(("wt", "tc", "et"), [*regions, None, None, None])),
        not_assessable=frozenset(),
        probability=probability,
        label={task: label.get(task, UNKNOWN) for task in Task},
        abstained=frozenset(),
        age=None,
    )


def test_every_configurable_signal_is_measured() -> None:
    assert set(MEASURES) == set(SIGNAL_NAMES)


def test_the_bounded_loss_by_hand(tiny_config: Config) -> None:
    both = score((0.8, 0.4), {Task.IDH: 0.75, Task.HISTOLOGY: 0.5}, {Task.IDH: 1, Task.HISTOLOGY: 0})
    assert bounded_loss([both], tiny_config).total == pytest.approx(0.4 + (0.0625 + 0.25) / 2)
    outline = score((0.8,), {Task.IDH: 0.75}, {})
    label = score((), {Task.IDH: 0.0}, {Task.IDH: 1})
    nothing = score((), {Task.IDH: 0.0}, {})
    worst = score((0.0, 0.0, 0.0), {Task.IDH: 0.0}, {Task.IDH: 1})
    found = bounded_loss([both, outline, label, nothing, worst], tiny_config)
    assert found.count == 4
    assert found.total == pytest.approx(0.55625 + 0.2 + 1 + 2)
    assert bounded_loss([], tiny_config) == Sum(0.0, 0)


def case(name: str, **known: int) -> Case:
    labels = {task: known.get(task.value, UNKNOWN) for task in Task}
    return Case(
        case_id=name, patient_id=name, site="n", images={}, mask=None, labels=labels, label_source={}, split="train"
    )


def test_confidence_counts_what_training_uses(tmp_path: Path, tiny_config: Config) -> None:
    idh = PseudoLabel(case_id="a", task=Task.IDH, label=1, confidence=0.875, deviation=0.0)
    with unfinished_table(tmp_path, "aa") as folder:
        write_mask(folder, "a", np.zeros((2, 2, 2), np.uint8))
        publish_table(
            folder,
            round=3,
            model_id="m",
            labels=[idh, replace(idh, case_id="b", confidence=0.75), replace(idh, case_id="c", reason="no")],
            masks=[PseudoMask(case_id="a", entropy=float(np.log(2)), volume_ml=1.0)],
            about={},
        )
    cases = [case("a"), case("b"), case("c")]
    found = accepted_confidences(tmp_path, "aa", 4, cases)
    assert found["idh"] == {"a": 0.875, "b": 0.75}
    assert found["segmentation"] == {"a": pytest.approx(0.5, abs=1e-6)}
    told = []
    for may in (tuple, lambda asked: asked[1:]):  # what may be answered of split and of the accepted ones
        data = SimpleNamespace(split=lambda name: cases, answered=may)
        plan = SimpleNamespace(run_id="aa", round=4)
        subject = SimpleNamespace(site=SimpleNamespace(state=tmp_path), plan=plan, config=tiny_config, data=data)
        told.append(MEASURES["pseudo_labels"](cast("Subject", subject))()["signal.pseudo_labels.idh"])
    assert told == [Sum(1.625, 2), Sum(0.75, 1)], "an accepted case that may not be answered about is in no sum"
    # Pathology came in since, for one of them.
    known = accepted_confidences(tmp_path, "aa", 4, [case("a"), case("b", idh=1)])
    assert known["idh"] == {"a": 0.875}
    assert accepted_confidences(tmp_path, "aa", 3, cases) == {}, "a round does not read its own table"
