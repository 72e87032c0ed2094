"""Three small phantom hospitals and a configuration that plays a round in about a second."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from gmmas_core.data.phantom import write_federation
from server.lab.engines import in_process
from server.run_folder import RunFolder

OVERRIDES = (
    "experiment=smoke",
    "data.spacing_mm=6",
    "model=smallest",
    "training.local_steps=2",
    "evaluation.overlap=0",
    "evaluation.max_validation_cases=1",
    "evaluation.bootstrap=20",
    "federation.poll_s=0.02",
)

STAGES = (
    "global_pretrain",
    "supervised",
    "calibrate",
    "pseudo_label",
    "semi_supervised",
    "distill",
    "contrast",
    "finetune",
    "calibrate",
)
CURRICULUM = (
    f"curriculum.stages=[{','.join(f'{{stage:{stage},rounds:1}}' for stage in STAGES)}]",
    "data.validation_share=0.25",
    "data.holdout_share=0.25",
    "data.tumor_cutmix=paper",
    "pseudo_labels.mc_passes=2",
    # The network is hardly trained: what it says is believed all the same, so that every path is walked.
    "pseudo_labels.confidence=0.5",
    "pseudo_labels.deviation=1",
    "pseudo_labels.codel_confidence=0.5",
    "pseudo_labels.codel_deviation=1",
    "pseudo_labels.gate_accuracy=0",
    "pseudo_labels.gate_dice=0",
    "pseudo_labels.mask_volume_ml=0",
    "calibration.min_cases=2",
    "calibration.min_per_class=1",
    "adaptation.collapse_share=0",
)


@pytest.fixture(scope="session")
def stages() -> tuple[str, ...]:
    """Every stage once, calibration twice."""
    return STAGES


@pytest.fixture(scope="session")
def curriculum() -> tuple[str, ...]:
    """Overrides that play every stage for one round."""
    return CURRICULUM


@pytest.fixture(scope="session")
def overrides() -> tuple[str, ...]:
    """The smallest configuration that still has every part."""
    return OVERRIDES


@pytest.fixture(scope="session")
def sites(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """east, north and south; south has no T1 and no 1p/19q label at all."""
    return sorted(write_federation(tmp_path_factory.mktemp("fed") / "sites", sites=3, cases=6, size=32, seed=1))


@pytest.fixture
def play(sites: list[Path], overrides: Sequence[str], tmp_path: Path) -> Callable[..., dict[str, Any]]:
    """Play a federation in this process: `play(*extra_overrides, folder=...)` returns the report."""

    def run(*extra: str, folder: Path = tmp_path / "run") -> dict[str, Any]:
        return in_process(sites, [*overrides, *extra], RunFolder(folder), lambda kind, fields: None)

    return run
