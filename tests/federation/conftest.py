"""Three small phantom hospitals, and a curriculum with every stage."""

from pathlib import Path

import pytest

from gmmas_core.data.phantom import write_federation

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
def sites(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """east, north and south; south has no T1 and no 1p/19q label at all."""
    return sorted(write_federation(tmp_path_factory.mktemp("fed") / "sites", sites=3, cases=6, size=32, seed=1))
