"""A round with its bounds, for the screens; and a small federation's ledger of known scores, for the report."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from gmmas_core.config import ScreeningConfig
from gmmas_core.metrics.evaluation import CaseScore, RegionScore, merge
from gmmas_core.metrics.threshold_baseline import THRESHOLDS
from gmmas_core.model.parameter_groups import GROUPS
from gmmas_core.types import REGIONS, Metric, RoundPlan, Sum, Task
from server.records.ledger_entries import metrics_to_entry

TASKS = (Task.HISTOLOGY, Task.IDH, Task.CODEL)
Entry = dict[str, Any]


@pytest.fixture(scope="session")
def screening() -> ScreeningConfig:
    """The bounds that the screens' tests count with."""
    return ScreeningConfig(
        window=50,
        warm_up=6,
        norm_soft=3,
        norm_hard=10,
        direction_soft=-0.5,
        distance_soft=2,
        distance_hard=4,
        max_log_variance=20,
        quarantine_after=3,
    )


@pytest.fixture(scope="session")
def plan() -> RoundPlan:
    """Round 3 of "run-1": four steps of 0.01 on IDH."""
    return RoundPlan(
        run_id="run-1",
        round=3,
        seed=0,
        weights_hash="",
        stage="supervised",
        local_steps=4,
        lr=0.01,
        tasks=(Task.IDH,),
        deadline_s=1.0,
        config_hash="",
        core_fingerprint="f00d",
    )


def region_scores(dice: float) -> dict[str, RegionScore | None]:
    score = RegionScore(dice=dice, hd95_mm=40 * (1 - dice), lesion_dice=0.8 * dice, lesion_hd95_mm=90 * (1 - dice))
    return dict.fromkeys(REGIONS, score)


def case_scores(number: int, mean_dice: float, skill: float, seed: int) -> list[CaseScore]:
    """Cases around a mean Dice, with probabilities that are right with `skill`."""
    rng = np.random.default_rng(seed)
    scores = []
    for k in range(number):
        label = {task: int(rng.random() < 0.5) for task in TASKS}
        scores.append(
            CaseScore(
                case_id=f"c{k}",
                patient_id=f"p{k}",
                has_reference=True,
                regions=region_scores(float(np.clip(mean_dice + 0.1 * rng.standard_normal(), 0, 1))),
                not_assessable=frozenset(),
                probability={
                    task: float(1 / (1 + np.exp(-(2 * label[task] - 1) * skill - rng.standard_normal())))
                    for task in TASKS
                },
                label=label,
                abstained=frozenset(),
                age=float(60 - 20 * label[Task.IDH] + 8 * rng.standard_normal()),
            )
        )
    return scores


def metrics_of(scores: list[CaseScore]) -> dict[str, Metric]:
    threshold = {f"threshold-dice.{z:g}": Sum(0.1 * len(scores), len(scores)) for z in THRESHOLDS}
    return merge(scores, TASKS) | threshold


@pytest.fixture(scope="session")
def evaluation() -> Callable[..., Entry]:
    """Maker of an evaluation's ledger line: site -> (cases, mean Dice, skill)."""

    def make(sites: Mapping[str, tuple[int, float, float]], **fields: Any) -> Entry:
        scored = {
            site: {"num_cases": number, "metrics": metrics_to_entry(metrics_of(case_scores(number, dice, skill, 1)))}
            for site, (number, dice, skill) in sites.items()
        }
        return {"kind": "evaluation", "split": "holdout", "left_out": {}, "sites": scored} | fields

    return make


@pytest.fixture(scope="session")
def played_round() -> Callable[..., Entry]:
    """Maker of a training round's ledger line: site -> (training cases, validation cases, mean Dice)."""

    def make(number: int, sites: Mapping[str, tuple[int, int, float]], **fields: Any) -> Entry:
        counted = {}
        for site, (num_cases, num_validation, dice) in sites.items():
            losses = {
                f"train-loss.{part}": Sum(4.0 * scale / number, 4)
                for part, scale in (("total", 3.0), ("segmentation", 1.5), *((task, 0.5) for task in TASKS))
            }
            validation = merge(case_scores(num_validation, dice, number, number), TASKS)
            counted[site] = {
                "num_cases": num_cases,
                "weights": dict.fromkeys(GROUPS(TASKS), num_cases)
                | {"contrast": 0}
                | ({"stem.t1": 0, "global.stem.t1": 0} if site == "south" else {}),
                "uncertainty": {"segmentation": 0.0},
                "duration_s": 12.5,
                "norm": 1.0,
                "doubts": [],
                "bytes": 1000,
                "metrics": metrics_to_entry(validation | losses),
            }
        entry = {"kind": "round", "round": number, "stage": "supervised", "lr": 1e-3, "duration_s": 40.0}
        traffic = {"sent": 1000 * len(sites), "received": 1000 * len(sites)}
        entry |= {"weights_hash": "0" * 64, "sites": counted, "left_out": {}, "late": [], "bytes": traffic}
        return entry | fields

    return make


@pytest.fixture(scope="session")
def ledger_entries(evaluation: Callable[..., Entry], played_round: Callable[..., Entry]) -> list[Entry]:
    """A whole run of three hospitals: two rounds, one of them without "south", and three models. Read only."""
    time = "2026-01-02T03:04:05.678+00:00"
    full = {"t1": 9, "t1c": 9, "t2": 9, "flair": 9}
    labels = {"segmentation": 9, "histology": 9, "idh": 8, "codel_1p19q": 5}
    enlisted = {
        "north": {"cases": {"train": 9, "validation": 3, "holdout": 8}, "sequences": full, "labels": labels},
        "east": {"cases": {"train": 9, "validation": 3, "holdout": 6}, "sequences": full, "labels": labels},
        "south": {
            "cases": {"train": 9, "validation": 0, "holdout": 2},
            "sequences": full | {"t1": 0},
            "labels": labels | {"codel_1p19q": 0},
        },
    }
    north_east = {"north": (9, 3, 0.5), "east": (9, 3, 0.4)}
    lines: list[Entry] = [
        {"kind": "begun", "run_id": "ab12", "name": "smoke", "config_hash": "c" * 64, "fingerprint": "f" * 64},
        {"kind": "enlisted", "sites": enlisted, "left_out": {"node 4": "found another configuration"}},
        evaluation({"north": (8, 0.1, 0), "east": (6, 0.1, 0), "south": (2, 0.1, 0)}, subject="global", round=0),
        played_round(1, north_east | {"south": (9, 0, 0.0)}),
        played_round(2, north_east, left_out={"south": "no reply within 600 s"}),
        evaluation({"north": (8, 0.8, 2), "east": (6, 0.7, 2), "south": (2, 0.5, 2)}, subject="global", round=2),
        evaluation({"north": (8, 0.7, 1), "east": (6, 0.6, 1)}, subject="local_only", round=2),
        {"kind": "released", "round": 2, "model_id": "d" * 64, "calibrated_in": None},
        {"kind": "judged", "check": "beats_untrained", "passed": True, "statement": "whole-tumour Dice: higher"},
    ]
    return [{"time": time} | line for line in lines]


@pytest.fixture(scope="session")
def node_key() -> Callable[[], tuple[str, bytes]]:
    """Maker of a hospital's public key: OpenSSH line as in an enrolment, PEM as Flower shows it."""

    def make() -> tuple[str, bytes]:
        public = ec.generate_private_key(ec.SECP384R1()).public_key()
        line = public.public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH).decode()
        return line, public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)

    return make
