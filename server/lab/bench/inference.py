"""A whole case through our network beside MONAI's sliding window of SegResNet, on the same brain crop.

Ours is all of `predict_case`: context, segmentation, image-level answers, entropies, and the labels on the native
grid. The peer's is the segmentation of the brain crop alone. Every way runs in a process of its own, so that the peak
of its memory is its own; ratios are of CPU seconds, the best of the repeats, because other work on the machine does
not count there.
"""

import dataclasses
import json
import sys
from collections.abc import Callable, Sequence

import numpy as np
import torch
from monai.inferers import sliding_window_inference
from monai.networks.nets import SegResNet

from gmmas_core.config import load_config
from gmmas_core.data.geometry import Grid, ras_grid
from gmmas_core.data.preprocess import Prepared, make_context
from gmmas_core.inference import predict_case
from gmmas_core.model.gmmas import build_model
from gmmas_core.types import NUM_SEG_CLASSES, SEQUENCES
from server.lab.bench.measuring import best_of, in_own_process, peak_rss_mb

NATIVE_SHAPE = (240, 240, 155)
BRAIN_SHAPE = (140, 175, 145)
BRAIN_START = (50, 35, 5)
PEER_WINDOW, PEER_OVERLAP = 96, 0.5
REFERENCE = "SegResNet, sliding window"
Work = Callable[[], object]


def bench_inference(
    repeats: int, seed: int, threads: int, brain: Sequence[int] = BRAIN_SHAPE
) -> list[dict[str, object]]:
    """Read one random brain, four sequences at 1 mm, in every way.

    Args:
        repeats: measured runs per way, after one that warms up (none for a single repeat).
        seed: of weights and values.
        threads: of torch.
        brain: voxels of the brain's box.

    Returns:
        One row per way: `way`, `seconds` (wall) and `cpu_seconds`, `peak_rss_mb`, `ratio` of CPU seconds to the peer's
        sliding window.

    Raises:
        GmmasError: a measuring process failed.
    """
    rows = [in_own_process("server.lab.bench.inference", way, repeats, seed, threads, *brain) for way in WAYS]
    reference = next(float(str(row["cpu_seconds"])) for row in rows if row["way"] == REFERENCE)
    for row in rows:
        row["ratio"] = round(float(str(row["cpu_seconds"])) / reference, 3)
    return rows


def random_brain(seed: int, context_size: int, brain: Sequence[int] = BRAIN_SHAPE) -> Prepared:
    """Noise in place of a brain, as prepared from an LPS case in the common 240 x 240 x 155 space."""
    native = Grid(NATIVE_SHAPE, np.diag([-1.0, -1.0, 1.0, 1.0]))
    noise = np.random.default_rng(seed).standard_normal((len(SEQUENCES), *brain), dtype=np.float32)
    image_CXYZ = noise.astype(np.float16)
    frame, context_CXYZ, _ = make_context(image_CXYZ, None, context_size)
    return Prepared(
        case_id="bench",
        image_CXYZ=image_CXYZ,
        seg_XYZ=None,
        context_CXYZ=context_CXYZ,
        context_seg_XYZ=None,
        available_C=np.ones(len(SEQUENCES), dtype=bool),
        native=native,
        inside=ras_grid(native, 1.0),
        crop_start=BRAIN_START,
        context_frame=frame,
    )


def _ours(inference: str) -> Callable[[int, Sequence[int]], Work]:
    def build(seed: int, brain: Sequence[int]) -> Work:
        config = load_config(["model=base"])
        evaluation = dataclasses.replace(config.evaluation, inference=inference, flips=False, mc_passes=0)
        config = dataclasses.replace(config, evaluation=evaluation)
        model = build_model(config.model, config.task_list, loss=config.loss, seed=seed)
        prepared = random_brain(seed, config.model.context_size, brain)
        return lambda: predict_case(prepared, model, config, model_id="bench")

    return build


def _segresnet(read: Callable[[torch.Tensor, SegResNet], torch.Tensor]) -> Callable[[int, Sequence[int]], Work]:
    def build(seed: int, brain: Sequence[int]) -> Work:
        torch.manual_seed(seed)
        network = SegResNet(init_filters=16, in_channels=len(SEQUENCES), out_channels=NUM_SEG_CLASSES).eval()
        prepared = random_brain(seed, 48, brain)

        def work() -> torch.Tensor:
            image_BCXYZ = torch.from_numpy(prepared.image_CXYZ).float()[None]
            with torch.inference_mode():
                return read(image_BCXYZ, network).argmax(1)

        return work

    return build


def _by_window(image_BCXYZ: torch.Tensor, network: SegResNet) -> torch.Tensor:
    logits = sliding_window_inference(image_BCXYZ, [PEER_WINDOW] * 3, 1, network, overlap=PEER_OVERLAP)
    return torch.as_tensor(logits)


def _in_one_pass(image_BCXYZ: torch.Tensor, network: SegResNet) -> torch.Tensor:
    padding = [amount for n in reversed(image_BCXYZ.shape[2:]) for amount in (0, -n % 8)]
    return torch.as_tensor(network(torch.nn.functional.pad(image_BCXYZ, padding)))


WAYS: dict[str, Callable[[int, Sequence[int]], Work]] = {
    "GMMAS base, one pass": _ours("one_pass"),
    "GMMAS base, windows": _ours("window"),
    REFERENCE: _segresnet(_by_window),
    "SegResNet, one pass": _segresnet(_in_one_pass),
}


def _measure(way: str, repeats: int, seed: int, threads: int, *brain: int) -> dict[str, object]:
    torch.set_num_threads(threads)
    cpu, wall = best_of(repeats, WAYS[way](seed, brain))
    return {
        "way": way,
        "seconds": round(wall, 3),
        "cpu_seconds": round(cpu, 3),
        "peak_rss_mb": round(peak_rss_mb()),
    }


if __name__ == "__main__":
    sys.stdout.write(json.dumps(_measure(sys.argv[1], *(int(value) for value in sys.argv[2:]))) + "\n")
