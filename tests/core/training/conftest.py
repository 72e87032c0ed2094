"""A batch of two small gliomas that differ in what can be learned from them."""

from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
import torch

from gmmas_core.config import Config
from gmmas_core.model.gmmas import GMMAS, build_model
from gmmas_core.types import SEQUENCES, UNKNOWN, Batch, Case, Task


@pytest.fixture
def model(tiny_config: Config) -> GMMAS:
    """The tiny network, untrained."""
    return build_model(tiny_config.model, tiny_config.task_list, loss=tiny_config.loss, seed=0)


@pytest.fixture
def batch() -> Batch:
    """Two 16-voxel crops; the tumour is visible, class 1 of every task is a brighter one."""
    size = 16
    generator = torch.Generator().manual_seed(0)
    seg = torch.zeros(2, size, size, size, dtype=torch.int64)
    seg[0, 3:11, 4:12, 4:12] = 2
    seg[0, 5:9, 6:10, 6:10] = 3
    seg[1, 6:14, 3:9, 5:13] = 2
    seg[1, 8:12, 4:8, 7:11] = 1
    image = 0.3 * torch.randn(2, 4, size, size, size, generator=generator)
    image[:, 3] += 2.0 * (seg > 0)
    image[:, 1] += 3.0 * (seg == 3)
    image[:, 0] -= 3.0 * (seg == 1)
    target = torch.tensor([[[1.0, 0.0]] * 3, [[0.0, 1.0]] * 3])
    return Batch(
        image_BCXYZ=image,
        available_BC=torch.ones(2, 4, dtype=torch.bool),
        context_BCXYZ=image.clone(),
        box_B23=torch.tensor([[[-1.0] * 3, [1.0] * 3]]).repeat(2, 1, 1),
        seg_BXYZ=seg,
        has_seg_B=torch.ones(2, dtype=torch.bool),
        target_BTK=target,
        known_BT=torch.ones(2, 3, dtype=torch.bool),
        weight_BT=torch.ones(2, 3),
        seg_weight_B=torch.ones(2),
        case_ids=("a", "b"),
    )


@pytest.fixture
def make_case() -> Callable[..., Case]:
    """A case as a site's table describes it; its files are never opened."""

    def make(
        case_id: str = "a",
        sequences: tuple[str, ...] = SEQUENCES,
        has_mask: bool = True,
        labels: Mapping[Task, int] | None = None,
    ) -> Case:
        known = labels or {}
        return Case(
            case_id=case_id,
            patient_id=case_id,
            site="north",
            images={sequence: Path(f"{sequence}.nii.gz") for sequence in sequences},
            mask=Path("seg.nii.gz") if has_mask else None,
            labels={task: known.get(task, UNKNOWN) for task in Task},
            label_source=dict.fromkeys(known, "pathology"),
            split="train",
        )

    return make
