"""Dice on the same phantoms after equal CPU seconds of training: what a step's speed is worth.

Ours trains its whole multi-task loss, the peers their segmentation alone, all on the same crops in the same order with
the same optimiser. CPU seconds of this one process: other work on the machine does not count.
"""

import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from monai.inferers.utils import sliding_window_inference
from torch import Tensor, nn

from client.data.local_data import LocalData, open_local_data
from client.site import read_site
from gmmas_core.config import Config, load_config
from gmmas_core.data.loader import BatchStream
from gmmas_core.data.phantom import write_federation
from gmmas_core.data.preprocess import to_native
from gmmas_core.inference import predict_case
from gmmas_core.losses import multitask_loss, segmentation_loss_B
from gmmas_core.metrics.overlap import dice, region_mask
from gmmas_core.model.gmmas import GMMAS, build_model
from gmmas_core.training.class_weights import class_weights
from gmmas_core.training.optimizer import build_optimizer
from gmmas_core.types import REGIONS, Batch, Case, DataError
from server.lab.bench.peers import PEERS

CPU_SECONDS = 120.0
CASES = 24
# Crops of 64 voxels, because SwinUNETR's normalisation fails on smaller ones (one voxel is left at its depth).
OVERRIDES = ("experiment=smoke", "model=base", "data.spacing_mm=3", "training.lr=1e-3")
SIZE = 64
BOOTSTRAP = 2000
NETWORKS = ("GMMAS base", *PEERS)

Loss = Callable[[Batch], Tensor]
Segment = Callable[[LocalData, Case], Any]


def bench_learning(
    repeats: int,
    seed: int,
    *,
    cpu_seconds: float = CPU_SECONDS,
    cases: int = CASES,
    networks: Sequence[str] = NETWORKS,
) -> list[dict[str, Any]]:
    """Train every network for the same CPU seconds and score it on phantoms that none has seen.

    Args:
        repeats: seeds; each draws its own weights and crops.
        seed: the first of them.
        cpu_seconds: of training per network and seed.
        cases: phantoms, training and held out together.
        networks: which of NETWORKS.

    Returns:
        One row per network: network, cpu_seconds, steps (mean), n (cases x seeds), dice_wt, dice_tc, dice_et (means)
        and dice_wt_low, dice_wt_high (95 % bootstrap over cases).
    """
    config = load_config(OVERRIDES)
    with tempfile.TemporaryDirectory() as name:
        (folder,) = write_federation(Path(name) / "sites", sites=1, cases=cases, size=SIZE, seed=seed)
        data = open_local_data(read_site(folder), config)
        return [_row(network, config, data, range(seed, seed + repeats), cpu_seconds) for network in networks]


def _row(network: str, config: Config, data: LocalData, seeds: Sequence[int], cpu_seconds: float) -> dict[str, Any]:
    train = [case for case in data.cases if case.split == "train"]
    held_out = [case for case in data.cases if case.split != "train" and case.mask is not None]
    scores: list[dict[str, float]] = []
    steps = 0
    for seed in seeds:
        torch.manual_seed(seed)
        model, loss, segment = _ours(config, train, seed) if network == "GMMAS base" else _peer(network, config)
        stream = BatchStream(
            train, data.cache, model=config.model, data=config.data, tasks=config.task_list,
            batch_size=config.training.batch_size, seed=seed,
        )  # fmt: skip
        steps += _train(model, stream, loss, config, cpu_seconds)
        scores += [_score(segment(data, case), data, case) for case in held_out]
    low, high = _interval([score["wt"] for score in scores], seeds[0])
    means = {f"dice_{region}": float(np.mean([score[region] for score in scores])) for region in REGIONS}
    spent = {"network": network, "cpu_seconds": cpu_seconds, "steps": steps // len(seeds), "n": len(scores)}
    return spent | means | {"dice_wt_low": low, "dice_wt_high": high}


def _train(model: nn.Module, stream: BatchStream, loss: Loss, config: Config, cpu_seconds: float) -> int:
    optimizer = build_optimizer(model, config.training.lr, config.training.weight_decay)
    model.train()
    started, steps = time.process_time(), 0
    for batch in stream:
        optimizer.zero_grad(set_to_none=True)
        torch.autograd.backward([loss(batch)])
        nn.utils.clip_grad_norm_(model.parameters(), config.training.clip_norm)
        optimizer.step()
        steps += 1
        if time.process_time() - started >= cpu_seconds:
            break
    model.eval()
    return steps


def _ours(config: Config, train: Sequence[Case], seed: int) -> tuple[GMMAS, Loss, Segment]:
    model = build_model(config.model, config.task_list, loss=config.loss, seed=seed)
    weights = class_weights(train, config.task_list, config.loss.class_weighting)

    def loss(batch: Batch) -> Tensor:
        prediction = model(batch.image_BCXYZ, batch.available_BC, batch.context_BCXYZ, batch.box_B23)
        return multitask_loss(prediction, batch, model.uncertainty, config.loss, weights, config.task_list).total

    def segment(data: LocalData, case: Case) -> Any:
        result = predict_case(data.cache.open(case).full(), model, config, model_id="bench", device="cpu")
        return result.seg_XYZ

    return model, loss, segment


def _peer(network: str, config: Config) -> tuple[nn.Module, Loss, Segment]:
    model = PEERS[network]()
    roi = (config.model.crop_size,) * 3
    windows: Mapping[str, Any] = {"roi_size": roi, "sw_batch_size": 1, "overlap": config.evaluation.overlap}

    def loss(batch: Batch) -> Tensor:
        return segmentation_loss_B(model(batch.image_BCXYZ), batch.seg_BXYZ, batch.has_seg_B).mean()

    def segment(data: LocalData, case: Case) -> Any:
        prepared = data.cache.open(case).full()
        image = torch.from_numpy(np.asarray(prepared.image_CXYZ, np.float32))[None]
        with torch.no_grad():
            logits = sliding_window_inference(image, predictor=model, mode="gaussian", **windows)
        return to_native(logits[0].argmax(0).numpy().astype(np.uint8), prepared, 0)

    return model, loss, segment


def _score(seg_XYZ: Any, data: LocalData, case: Case) -> dict[str, float]:
    prepared = data.cache.open(case).full()
    if prepared.seg_XYZ is None:
        raise DataError(f"case {case.case_id}: found no mask; expected one for scoring")
    reference = to_native(prepared.seg_XYZ, prepared, 0)
    return {region: dice(region_mask(seg_XYZ, region), region_mask(reference, region)) for region in REGIONS}


def _interval(values: Sequence[float], seed: int) -> tuple[float, float]:
    rng = np.random.default_rng(seed)
    means = rng.choice(np.asarray(values), (BOOTSTRAP, len(values))).mean(1)
    low, high = np.quantile(means, [0.025, 0.975])
    return float(low), float(high)
