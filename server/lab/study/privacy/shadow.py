"""A model trained on a random half of a small pool, for many epochs: where membership is easiest to tell.

A real round takes few steps on many patients. This is the other end, and the control that the attack works at all:
what cannot be told here is not told by these attacks anywhere.
"""

import secrets
from pathlib import Path
from typing import Any

import numpy as np

from client.data.local_data import open_local_data
from client.site import read_site
from gmmas_core.config import load_config
from gmmas_core.model.gmmas import build_training_model
from gmmas_core.training.protection import Protection
from server.lab.study.data import COMPLETE
from server.lab.study.privacy.noise import noise_for
from server.lab.study.privacy.plan import PrivacyCell
from server.lab.study.privacy.signals import patient_signals
from server.lab.study.privacy.sizes import PrivacySize
from server.lab.study.privacy.stage import train_on

_DRAW_SEED = 31


def members_of(number: int, pool: int) -> list[int]:
    """Places in the pool of a model's training patients: half of them; the same with and without protection."""
    drawn = np.random.default_rng([_DRAW_SEED, number]).permutation(pool)[: pool // 2]
    return sorted(int(place) for place in drawn)


def train_shadow(folder: Path, size: PrivacySize, cell: PrivacyCell) -> dict[str, Any]:
    """Train one model and ask it about the whole pool."""
    plain = ("data.flip=false", "data.intensity_scale=0", f"training.batch_size={size.shadow_batch}")
    config = load_config((*cell.training, *plain, f"seed={cell.seed}"))
    home = sorted((folder / "data" / COMPLETE).glob("*/site.yaml"))[0].parent
    data = open_local_data(read_site(home), config)
    pool = data.split("train")[: size.pool]
    members = [pool[place] for place in members_of(cell.seed, len(pool))]
    rate = min(1.0, size.shadow_batch / len(members))
    protection, noise = None, 0.0
    if cell.epsilon is not None:
        noise = noise_for(cell.epsilon, size.shadow_delta, rate, size.shadow_steps)
        protection = Protection(noise_multiplier=noise, max_grad_norm=size.max_grad_norm, secret=secrets.randbits(256))
    model = build_training_model(config)
    train_on(model, members, data, config, steps=size.shadow_steps, state=folder, protection=protection)
    return {
        "members": [case.case_id for case in members],
        "signals": patient_signals(model, pool, data, config, size.queries),
        "noise": noise,
        "rate": rate,
        "steps": size.shadow_steps,
    }
