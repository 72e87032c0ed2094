"""Would the network's own features find more? An arm of the study and no more: no hospital gathers or tells them.

Of a case with all four sequences, the encoder's coarsest features: their mean over the brain, scaled to length one and
turned by a fixed orthonormal matrix into K numbers. None is beyond 1, so a sum of products would move by at most 1 with
a patient, and few patients are enough for K of them. Their Gaussian shrinks as that of the images does.

Both detectors' distances are made comparable by mean and spread of the validation patients'. The two together rank a
case by the larger, and would warn where either is beyond what 97.5 % of these keep.
"""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
from torch.nn.functional import adaptive_avg_pool3d

from gmmas_core.checkpoint import LoadedModel
from gmmas_core.novelty.features import Floats
from gmmas_core.novelty.gaussian import Gaussian, distance, normal_distance, shrunk
from gmmas_core.types import DataError
from server.lab.study.novelty.groups import USUAL, Groups, Seen
from server.lab.study.novelty.patients import Patient
from server.lab.study.novelty.ranked import Statistic, area, resampled, share

K = 16
SEED = 0
EITHER_Z = 1.9599639845400545
DETECTORS = ("images", "network", "both")
Table = np.ndarray[tuple[int, int], np.dtype[np.float64]]


def network_reader(loaded: LoadedModel) -> Callable[[Patient], Floats | None]:
    """What reads a patient's (K,) features; None without all four sequences.

    Args:
        loaded: any trained network of the study's spacing; it is left in evaluation mode.
    """
    model, step = loaded.model.eval(), 8 * loaded.config.model.stem_stride
    size = loaded.config.model.channels[-1]
    square_FF = np.random.default_rng(SEED).standard_normal((size, size))
    turn_KF = np.linalg.qr(square_FF)[0][:K]

    @torch.no_grad()
    def read(patient: Patient) -> Floats | None:
        if not patient.available_C.all():
            return None
        edges = [(0, 0), *((0, -edge % step) for edge in patient.image_CXYZ.shape[1:])]
        image_BCXYZ = torch.from_numpy(np.pad(patient.image_CXYZ.astype(np.float32), edges))[None]
        encoded = model.encoder(model.fusion(image_BCXYZ, torch.ones(1, 4, dtype=torch.bool)))[-1]
        brain = adaptive_avg_pool3d((image_BCXYZ != 0).any(1, keepdim=True).float(), encoded.shape[2:])
        mean_F = ((encoded * brain).sum((0, 2, 3, 4)) / brain.sum()).double().numpy()
        return np.asarray(turn_KF @ (mean_F / np.linalg.norm(mean_F)))

    return read


def compare(
    gaussian: Gaussian, train: Sequence[Seen], validation: Sequence[Seen], groups: Groups, resamples: int
) -> dict[str, Any]:
    """AUROC of images, network and both on the same cases, those with network features.

    Raises:
        DataError: too few patients have them.
    """
    rows_NK = np.array([case.network_K for case in train if case.network_K is not None])
    if len(rows_NK) < 2:
        raise DataError("--model: found too few patients with all four sequences; expected more; choose a larger mode")
    mean_K, spread_K = rows_NK.mean(axis=0), rows_NK.std(axis=0)
    shrunk_KK, _ = shrunk(np.corrcoef(rows_NK.T), len(rows_NK))
    covariance_KK = shrunk_KK * np.outer(spread_K, spread_K)

    def far(case: Seen) -> tuple[float | None, float]:
        return distance(gaussian, case.features_F), normal_distance(case.network_K - mean_K, covariance_KK)

    def distances(cases: Sequence[Seen]) -> Table:
        return np.array([far(case) for case in cases if case.network_K is not None], dtype=np.float64)

    held = distances(validation)

    def scored(cases: Sequence[Seen]) -> Table:
        both = (distances(cases) - held.mean(axis=0)) / held.std(axis=0, ddof=1)
        return np.column_stack([both, both.max(axis=1)])

    usual = [case for case in groups[USUAL] if case.network_K is not None]
    usual_scores, rows = scored(usual), []
    for name, cases in groups.items():
        strange = [case for case in cases if case.network_K is not None]
        if name != USUAL and strange:
            scores = np.concatenate([scored(strange), usual_scores])
            label_N = np.array([1] * len(strange) + [0] * len(usual))
            patients = [case.patient for case in (*strange, *usual)]
            areas = {detector: area(scores[:, place], label_N) for place, detector in enumerate(DETECTORS)}
            told = {detector: resampled(statistic, patients, resamples) for detector, statistic in areas.items()}
            gain = resampled(_difference(areas["both"], areas["images"]), patients, resamples)
            rows.append({"name": name, "cases": len(strange), **told, "gain": gain})
    alarms = share([bool(score > EITHER_Z) for score in usual_scores[:, 2]])
    return {"train": len(rows_NK), "usual": len(usual), "alarms": alarms, "groups": rows}


def _difference(one: Statistic, other: Statistic) -> Statistic:
    def statistic(chosen: np.ndarray[tuple[int], np.dtype[np.int64]]) -> float | None:
        first, second = one(chosen), other(chosen)
        return None if first is None or second is None else first - second

    return statistic
