"""What an attacker learns by asking a model about a patient: its losses on a few random crops."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch

from client.data.local_data import LocalData
from gmmas_core.config import Config
from gmmas_core.data.opened_cases import OpenedCases
from gmmas_core.losses import classification_loss_BT, segmentation_loss_B
from gmmas_core.model.gmmas import GMMAS
from gmmas_core.types import Case

_LEAST = 1e-6


@torch.no_grad()
def patient_signals(
    model: GMMAS, cases: Sequence[Case], data: LocalData, config: Config, queries: int
) -> dict[str, Any]:
    """Losses per patient, crops and augmentation drawn as in training.

    Args:
        model: any weights; left in eval mode.
        cases: one per patient, with mask and labels.
        data: where they lie prepared.
        config: of the run.
        queries: crops per patient; the same ones for every model.

    Returns:
        Case id -> {"mean", "least": total loss over the crops; "segmentation": minus its mean loss; "logit": mean logit
        of the probability given to the true classes together, as LiRA wants it}.
    """
    model.eval()
    opened = OpenedCases(cases, data.cache, model=config.model, data=config.data, tasks=config.task_list)
    even = dict.fromkeys(config.task_list, (1.0, 1.0))
    found = {}
    for place, case in enumerate(cases):
        rng = np.random.default_rng([23, *case.case_id.encode()])
        batch = opened.collate([place] * queries, [opened.draw(place, rng) for _ in range(queries)])
        said = model(batch.image_BCXYZ, batch.available_BC, batch.context_BCXYZ, batch.box_B23)
        seg_B = segmentation_loss_B(said.seg_logits_BKXYZ, batch.seg_BXYZ, batch.seg_weight_B)
        class_B = classification_loss_BT(
            said.class_logits, batch.target_BTK, batch.known_BT, batch.weight_BT, even, config.task_list
        ).sum(1)
        truth_B = (-class_B).exp().clamp(_LEAST, 1 - _LEAST)
        total_B = seg_B + class_B
        found[case.case_id] = {
            "mean": float(total_B.mean()),
            "least": float(total_B.min()),
            "segmentation": -float(seg_B.mean()),
            "logit": float(truth_B.logit().mean()),
        }
    return found
