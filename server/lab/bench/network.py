"""Our network beside its peers: one training step on the same crop, batch, threads and dtype.

Every network runs in a process of its own, so that the peak of its memory is its own. Times are CPU seconds per
sample, the best of the repeats: other work on the machine does not count. Peers train on the loss of their one output;
ours on the sum over its segmentation, the whole-brain segmentation and all task heads.
"""

import json
import sys
from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn

from gmmas_core.config import load_config
from gmmas_core.model.gmmas import GMMAS, build_model
from gmmas_core.types import SEQUENCES
from server.lab.bench.measuring import best_of, in_own_process, peak_rss_mb
from server.lab.bench.peers import PEERS

MODULE = "server.lab.bench.network"
CROP = 64
BATCH = 2
REFERENCE = "SegResNet"
Forward = Callable[[], list[Tensor]]


def bench_network(
    repeats: int, seed: int, threads: int, networks: Sequence[str] | None = None
) -> list[dict[str, object]]:
    """Measure every network at 64 voxels, batch 2, float32.

    A batch of 2, because with a single sample torch leaves oneDNN for most convolutions of this size, ours and the
    peers' (aten's `use_mkldnn`: one sample, kernel of 3, channels x X x Y up to 20,480).

    Args:
        repeats: measured steps per network, after one that warms up.
        seed: of weights and inputs.
        threads: of torch.
        networks: which of NETWORKS, the reference among them; None for all.

    Returns:
        One row per network: network, params_M, forward_s and step_s (CPU seconds per sample), step_wall_s, peak_rss_mb,
        ratio_to_segresnet (of step_s).

    Raises:
        GmmasError: a measuring process failed.
    """
    rows = [in_own_process(MODULE, name, repeats, seed, threads, BATCH, CROP) for name in networks or NETWORKS]
    reference = next(float(str(row["step_s"])) for row in rows if row["network"] == REFERENCE)
    for row in rows:
        row["ratio_to_segresnet"] = round(float(str(row["step_s"])) / reference, 3)
    return rows


def bench_preset(preset: str, *, repeats: int, seed: int, threads: int, batch: int) -> dict[str, object]:
    """One training step of a preset on its own crop size, in a process of its own; the row's keys as above."""
    crop = load_config([f"model={preset}"]).model.crop_size
    return in_own_process(MODULE, f"GMMAS {preset}", repeats, seed, threads, batch, crop)


def _peer(network: Callable[[], nn.Module]) -> Callable[[int, int, int], tuple[nn.Module, Forward]]:
    def build(seed: int, batch: int, crop: int) -> tuple[nn.Module, Forward]:
        torch.manual_seed(seed)
        peer = network()
        image = torch.randn(batch, len(SEQUENCES), crop, crop, crop)
        return peer, lambda: [peer(image)]

    return build


def _ours(preset: str) -> Callable[[int, int, int], tuple[nn.Module, Forward]]:
    def build(seed: int, batch: int, crop: int) -> tuple[nn.Module, Forward]:
        config = load_config([f"model={preset}"])
        model: GMMAS = build_model(config.model, config.task_list, loss=config.loss, seed=seed)
        torch.manual_seed(seed)
        image = torch.randn(batch, len(SEQUENCES), crop, crop, crop)
        context = torch.randn(batch, len(SEQUENCES), *[config.model.context_size] * 3)
        available = torch.ones(batch, len(SEQUENCES), dtype=torch.bool)
        box = torch.tensor([[-0.5] * 3, [0.5] * 3]).expand(batch, 2, 3)

        def forward() -> list[Tensor]:
            seen = model(image, available, context, box)
            return [seen.seg_logits_BKXYZ, seen.context_seg_logits_BKXYZ, *seen.class_logits.values()]

        return model, forward

    return build


NETWORKS: dict[str, Callable[[int, int, int], tuple[nn.Module, Forward]]] = {
    "GMMAS base": _ours("base"),
    **{name: _peer(network) for name, network in PEERS.items()},
}
PRESETS = {"GMMAS tiny": _ours("tiny"), "GMMAS paper": _ours("paper")}


def _measure(name: str, repeats: int, seed: int, threads: int, batch: int, crop: int) -> dict[str, object]:
    torch.set_num_threads(threads)
    network, forward = {**NETWORKS, **PRESETS}[name](seed, batch, crop)

    def step() -> None:
        network.zero_grad(set_to_none=True)
        torch.autograd.backward([output.square().mean() for output in forward()])

    def look() -> None:
        with torch.no_grad():
            forward()

    step_cpu, step_wall = best_of(repeats, step)
    look_cpu, _ = best_of(repeats, look)
    return {
        "network": name,
        "params_M": round(sum(parameter.numel() for parameter in network.parameters()) / 1e6, 2),
        "forward_s": round(look_cpu / batch, 4),
        "step_s": round(step_cpu / batch, 4),
        "step_wall_s": round(step_wall / batch, 4),
        "peak_rss_mb": round(peak_rss_mb()),
    }


if __name__ == "__main__":
    sys.stdout.write(json.dumps(_measure(sys.argv[1], *(int(value) for value in sys.argv[2:]))) + "\n")
