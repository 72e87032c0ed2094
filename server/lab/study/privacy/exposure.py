"""What one update shows of one patient: the attacker's copy of the step, and what each scenario lets it see."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn.attention import SDPBackend, sdpa_kernel

from client.data.local_data import LocalData, open_local_data
from client.site import read_site
from gmmas_core.config import Config, load_config
from gmmas_core.data.opened_cases import OpenedCases
from gmmas_core.losses import multitask_loss
from gmmas_core.model.gmmas import GMMAS, build_training_model
from gmmas_core.training.optimizer import build_optimizer
from gmmas_core.types import SEQUENCES, Batch, DataError
from server.lab.study.data import COMPLETE
from server.lab.study.privacy.inversion import Effort, Images, invert
from server.lab.study.privacy.noise import noise_for
from server.lab.study.privacy.plan import PrivacyCell
from server.lab.study.privacy.resemblance import rank_of, resemblance
from server.lab.study.privacy.sizes import PrivacySize
from server.lab.study.privacy.stage import train_on

CANDIDATES = 20
"""Other patients among whom the true one is looked for."""

EPSILON = 8.0
_STRIDE = 7  # between the numbers of attacked patients, so that classes differ
_LR, _SMOOTHNESS = 0.1, 1e-3


@dataclass(frozen=True, kw_only=True, eq=False)
class Stage:
    """Where an inversion plays: the weights everybody has, and each hospital's patients."""

    config: Config
    model: GMMAS
    hospitals: Sequence[LocalData]

    def patient(self, hospital: int, number: int) -> Batch:
        """The crop that a patient's hospital trains on, and the attacker wants; drawn from a seed of its own."""
        data, config = self.hospitals[hospital], self.config
        case = data.split("train")[number]
        opened = OpenedCases([case], data.cache, model=config.model, data=config.data, tasks=config.task_list)
        return opened.collate([0], [opened.draw(0, np.random.default_rng([41, hospital, number]))])

    def gradients(self, batch: Batch, images: Images | None = None) -> list[Tensor]:
        """Of the multi-task loss in eval mode, one per parameter; differentiable in `images` (crop and context)."""
        image, context = images or (batch.image_BCXYZ, batch.context_BCXYZ)
        mask = batch.available_BC[..., None, None, None]
        with sdpa_kernel(SDPBackend.MATH):  # the fused kernels of attention have no second derivative
            said = self.model(image * mask, batch.available_BC, context * mask, batch.box_B23)
        even = dict.fromkeys(self.config.task_list, (1.0, 1.0))
        loss = multitask_loss(said, batch, self.model.uncertainty, self.config.loss, even, self.config.task_list).total
        parameters = list(self.model.parameters())
        return list(
            torch.autograd.grad(
                loss, parameters, create_graph=images is not None, allow_unused=True, materialize_grads=True
            )
        )


def run_inversion(folder: Path, size: PrivacySize, cell: PrivacyCell) -> dict[str, Any]:
    """Attack one patient in one scenario, and measure the guess beside two that need no update at all."""
    torch.manual_seed(cell.seed)
    stage = _stage(folder, cell)
    number = cell.seed * _STRIDE
    batch = stage.patient(0, number)
    observed = observe(cell.arm, stage, number, size, folder)
    shapes = [batch.image_BCXYZ.shape, batch.context_BCXYZ.shape]
    effort = Effort(steps=size.inversion_steps, lr=_LR, smoothness=_SMOOTHNESS, seed=cell.seed)
    found = invert(lambda images: stage.gradients(batch, images), observed, shapes, effort)
    truth = batch.image_BCXYZ[0]
    there = batch.available_BC[0][:, None, None, None]
    others = [stage.patient(0, number + 1 + step).image_BCXYZ[0] for step in range(CANDIDATES)]
    guess = found.images[0][0] * there
    rng = torch.Generator().manual_seed(cell.seed)
    guesses = {
        "guess": guess,
        "mean": torch.stack(others).mean(0) * there,
        "random": torch.randn(truth.shape, generator=rng) * there,
    }
    return {
        "distance": found.distance,
        "likeness": {name: resemblance(image, truth) for name, image in guesses.items()},
        "rank": rank_of(guess, truth, others),
        "candidates": CANDIDATES + 1,
        "slices": {name: _slice(image, batch) for name, image in {"truth": truth, **guesses}.items()},
    }


def observe(scenario: str, stage: Stage, number: int, size: PrivacySize, folder: Path) -> list[Tensor]:
    """What the attacker sees in a scenario, as a gradient of any scale.

    Raises:
        DataError: a scenario that is none.
    """
    own = stage.gradients(stage.patient(0, number))
    if scenario == "one-patient":
        return own
    if scenario == "noise":
        return _noised(own, size, stage.config)
    if scenario == "sum":
        all_sites = [stage.gradients(stage.patient(hospital, number)) for hospital in range(len(stage.hospitals))]
        return [torch.stack(parts).sum(0) for parts in zip(*all_sites, strict=True)]
    if scenario == "one-step":
        return _one_step(stage, own)
    if scenario == "round":
        return _round(stage, folder)
    raise DataError(f"inversion: found scenario {scenario!r}; expected one of the study's")


def _noised(gradients: Sequence[Tensor], size: PrivacySize, config: Config) -> list[Tensor]:
    """Clipped and noised as one step of a run that spends EPSILON; the noise is all that hides this one patient."""
    steps = config.rounds * config.training.local_steps
    noise = noise_for(EPSILON, size.delta, min(1.0, config.training.batch_size / size.train), steps)
    norm = float(torch.stack([(part**2).sum() for part in gradients]).sum().sqrt())
    scale = min(1.0, size.max_grad_norm / norm)
    return [part * scale + noise * size.max_grad_norm * torch.randn_like(part) for part in gradients]


def _one_step(stage: Stage, gradients: Sequence[Tensor]) -> list[Tensor]:
    """Weights before minus weights after one step of the hospital's own optimiser."""
    trained = build_training_model(stage.config)
    for parameter, gradient in zip(trained.parameters(), gradients, strict=True):
        parameter.grad = gradient.clone()
    torch.nn.utils.clip_grad_norm_(trained.parameters(), stage.config.training.clip_norm)
    build_optimizer(trained, stage.config.training.lr, stage.config.training.weight_decay).step()
    return _change(stage.model, trained)


def _round(stage: Stage, folder: Path) -> list[Tensor]:
    """The same after a whole round of the hospital's own training; along the gradient, as far as AdamW keeps it."""
    trained, data = build_training_model(stage.config), stage.hospitals[0]
    train_on(trained, data.split("train"), data, stage.config, steps=stage.config.training.local_steps, state=folder)
    return _change(stage.model, trained)


def _change(before: GMMAS, after: GMMAS) -> list[Tensor]:
    return [(old - new).detach() for old, new in zip(before.parameters(), after.parameters(), strict=True)]


def _stage(folder: Path, cell: PrivacyCell) -> Stage:
    """Crops are neither mirrored nor changed in brightness: that, too, is on the attacker's side."""
    config = load_config((*cell.training, "data.flip=false", "data.intensity_scale=0", "data.tumour_share=1"))
    homes = sorted((folder / "data" / COMPLETE).glob("*/site.yaml"))
    hospitals = [open_local_data(read_site(home.parent), config) for home in homes]
    return Stage(config=config, model=build_training_model(config).eval(), hospitals=hospitals)


def _slice(image_CXYZ: Tensor, batch: Batch) -> list[list[float]]:
    """The axial FLAIR slice with most tumour, to two decimals."""
    level = int((batch.seg_BXYZ[0] > 0).sum((0, 1)).argmax())
    flair_XY = image_CXYZ[SEQUENCES.index("flair"), :, :, level]
    return [[round(float(value), 2) for value in row] for row in flair_XY]
