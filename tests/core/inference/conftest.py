"""A small brain on disk, in any orientation, and a tiny network to read it with."""

from collections.abc import Callable, Sequence
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
from numpy.typing import NDArray

from gmmas_core.config import Config
from gmmas_core.data.preprocess import Prepared, PrepareSettings, prepare_case
from gmmas_core.model.gmmas import GMMAS, build_model
from gmmas_core.types import SEQUENCES, UNKNOWN, Case, Task

MakePrepared = Callable[..., Prepared]


def brain(shape: Sequence[int], seed: int) -> NDArray[np.float32]:
    """An ellipsoid of positive noise, one image per sequence, (C, X, Y, Z)."""
    axes = np.meshgrid(*(np.linspace(-1, 1, n) for n in shape), indexing="ij")
    inside = sum(axis**2 for axis in axes) < 1
    noise = np.random.default_rng(seed).gamma(4.0, 50.0, (len(SEQUENCES), *shape))
    return (noise * inside).astype(np.float32)


@pytest.fixture
def tiny_model(tiny_config: Config) -> GMMAS:
    """Random weights, the same in every test."""
    return build_model(tiny_config.model, tiny_config.task_list, loss=tiny_config.loss, seed=11).eval()


@pytest.fixture
def make_prepared(tmp_path: Path, tiny_config: Config) -> MakePrepared:
    """Write a brain to disk and prepare it."""

    def make(
        shape: Sequence[int] = (30, 40, 28),
        *,
        affine_44: NDArray[np.float64] | None = None,
        sequences: Sequence[str] = SEQUENCES,
        spacing_mm: float = 4.0,
        case_id: str = "case-1",
        seed: int = 0,
    ) -> Prepared:
        affine = np.diag([4.0, 4.0, 4.0, 1.0]) if affine_44 is None else affine_44
        images = {}
        for channel, sequence in enumerate(SEQUENCES):
            if sequence in sequences:
                images[sequence] = tmp_path / f"{case_id}_{sequence}.nii.gz"
                nib.save(nib.Nifti1Image(brain(shape, seed)[channel], affine), images[sequence])
        case = Case(
            case_id=case_id,
            patient_id=case_id,
            site="site",
            images=images,
            mask=None,
            labels=dict.fromkeys(Task, UNKNOWN),
            label_source={},
            split="holdout",
        )
        settings = PrepareSettings(
            spacing_mm=spacing_mm, context_size=tiny_config.model.context_size, label_convention="canonical"
        )
        return prepare_case(case, settings)

    return make
