"""One small hospital with everything that makes patients unequal, and the real lesson of every stage."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from importlib import import_module
from pathlib import Path

import pytest

from gmmas_core.config import load_config
from gmmas_core.data.cache import PreparedCache
from gmmas_core.data.manifest import read_cases
from gmmas_core.data.phantom.write import write_federation
from gmmas_core.data.preprocess import PrepareSettings
from gmmas_core.model.gmmas import build_training_model
from gmmas_core.training.lesson import Lesson
from gmmas_core.training.stages import STAGES, StageInput, StageOutput
from gmmas_core.training.training_set import TrainingSet
from gmmas_core.types import UNKNOWN, Case, RoundPlan, Task

OVERRIDES = (
    "model=smallest",
    "curriculum=gmmas",
    "data.spacing_mm=6",
    "training.batch_size=2",
    "training.precision=float32",
    "loss.class_weighting=none",
    "pseudo_labels.balance=0",
    "pseudo_labels.mask_entropy_quantile=1",
    "adaptation.collapse_share=0",
    "adaptation.logits_weight=0.5",
    *(f"model.{part}_dropout=0" for part in ("stem", "transformer", "head")),
)
"""What a protected run asks for, and no dropout, so that two passes agree."""


@pytest.fixture(scope="session")
def patients(tmp_path_factory: pytest.TempPathFactory) -> tuple[Case, ...]:
    """Six studies of five patients: one has two, one lacks sequences, one a mask, one labels, one everything."""
    folder = tmp_path_factory.mktemp("hospital")
    (site,) = write_federation(folder / "sites", sites=1, cases=6, size=32, seed=3)
    cases = read_cases(site, "north", holdout_share=0.0, validation_share=0.0)
    unlabelled = dict.fromkeys(Task, UNKNOWN)
    first, second, no_t2, no_mask, no_label, nothing = cases
    fewer = {name: path for name, path in no_t2.images.items() if name not in ("t2", "t1")}
    return (
        replace(first, patient_id="two-studies"),
        replace(second, patient_id="two-studies"),
        replace(no_t2, images=fewer),
        replace(no_mask, mask=None),
        replace(no_label, labels=unlabelled, label_source={}),
        replace(nothing, mask=None, labels=unlabelled, label_source={}),
    )


@pytest.fixture(scope="session")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Shared by the tests: a case is prepared once."""
    return tmp_path_factory.mktemp("prepared")


@pytest.fixture
def stage_input(patients: tuple[Case, ...], prepared: Path, tmp_path: Path) -> Callable[..., StageInput]:
    """Two steps of a stage from the same weights every time."""

    def make(stage: str, *overrides: str) -> StageInput:
        config = load_config((*OVERRIDES, *overrides))
        settings = PrepareSettings(spacing_mm=6.0, context_size=config.model.context_size, label_convention="brats2021")
        plan = RoundPlan(
            run_id="run",
            round=1,
            seed=0,
            weights_hash="",
            stage=stage,
            local_steps=2,
            lr=1e-3,
            tasks=config.task_list,
            deadline_s=60.0,
            config_hash="",
            core_fingerprint="",
        )
        return StageInput(
            model=build_training_model(config),
            cases=patients,
            cache=PreparedCache(prepared, settings),
            config=config,
            plan=plan,
            site_name="north",
            validation=(),
            state=tmp_path,
        )

    return make


@dataclass(frozen=True)
class Taught:
    """What a stage hands over to training."""

    given: StageInput
    training_set: TrainingSet
    lesson: Lesson


@pytest.fixture
def taught(stage_input: Callable[..., StageInput], monkeypatch: pytest.MonkeyPatch) -> Callable[..., Taught]:
    """The stage's own training set and lesson, taken where it calls `train`."""

    def of(stage: str, *overrides: str) -> Taught:
        handed = []

        def take_note(given: StageInput, training_set: TrainingSet, lesson: Lesson) -> StageOutput:
            handed.append(Taught(given, training_set, lesson))
            return StageOutput(metrics={}, seen=training_set.seen)

        with monkeypatch.context() as patch:
            patch.setattr(import_module(f"gmmas_core.training.stages.{stage}"), "train", take_note)
            STAGES[stage](stage_input(stage, *overrides))
        return handed[0]

    return of
