"""A site's part of the federated calibration: gradients of a one-dimensional fit, summed over its validation cases.

No weight changes. For every temperature of a fixed grid the site sends how the loss of its validation cases changes
with the inverse temperature, as sums; the coordinator adds them up and finds where they vanish. What leaves the site
is the same whatever its cases look like, and the result equals the fit on all cases in one place.

Image-level tasks: gradient of the cross-entropy. The codeletion head answers P(codeleted | mutant), so it is calibrated
on the cases known to be mutant. Regions: gradient of the binary cross-entropy of the region's probability, averaged
over the voxels near the tumour (background would swamp it), one vote per case.

Source: Guo et al. 2017 (arXiv 1706.04599).
"""

from collections.abc import Iterator, Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from scipy import ndimage, special

from gmmas_core.calibration import INVERSE_TEMPERATURES, class_key, gradient_key, no_calibration_metrics
from gmmas_core.config import Config
from gmmas_core.data.preprocess import Prepared
from gmmas_core.inference.logits import CaseLogits, read_logits
from gmmas_core.model.parameter_groups import GROUPS
from gmmas_core.training.stages.stage import StageInput, StageOutput
from gmmas_core.types import REGIONS, UNKNOWN, Case, Metric, Sum, Task

MARGIN = 3
"""Voxels around tumour and prediction within which the regions are calibrated."""

Gradients = NDArray[np.float64]
"""(G,), one value per entry of INVERSE_TEMPERATURES."""


def calibrate(given: StageInput) -> StageOutput:
    """Sum the gradients over the site's validation cases; the model is read only."""
    config = given.config
    metrics = no_calibration_metrics(config.task_list)
    given.model.to(given.device).eval()
    for case in given.validation:
        prepared = given.cache.open(case).full()
        logits = read_logits(prepared, given.model, config, device=given.device)
        for name, gradient_G, is_positive in _of_case(case, prepared, logits, config):
            _count(metrics, name, gradient_G, is_positive)
    return StageOutput(metrics=metrics, seen=dict.fromkeys(GROUPS(config.task_list), 0))


def binary_gradient_G(logit_N: NDArray[np.floating], positive_N: NDArray[np.bool_]) -> Gradients:
    """Mean over observations of d cross-entropy / d beta, for p = sigmoid(beta logit) at every beta of the grid.

    d/d beta of -log sigmoid(beta s m) is -s m sigmoid(-beta s m), with margin m and s = 1 for a positive, -1 else.
    """
    signed_N = np.where(positive_N, logit_N, -np.asarray(logit_N)).astype(np.float64)
    return np.array([-np.mean(signed_N * special.expit(-beta * signed_N)) for beta in INVERSE_TEMPERATURES])


def _of_case(
    case: Case, prepared: Prepared, logits: CaseLogits, config: Config
) -> Iterator[tuple[str, Gradients, bool | None]]:
    for task in config.task_list:
        if _may_calibrate(case, task):
            margin = np.array([logits.class_margin[task]])
            positive = case.labels[task] == 1
            yield task.value, binary_gradient_G(margin, np.array([positive])), positive
    if prepared.seg_XYZ is None:
        return
    reference_XYZ = prepared.seg_XYZ
    roi = _near(reference_XYZ > 0, logits.seg_KXYZ.argmax(0).numpy() > 0)
    if not roi.any():
        return
    for region in REGIONS:
        if region not in logits.not_assessable:
            logit_N = region_logit_XYZ(logits.seg_KXYZ, REGIONS[region])[roi]
            yield region, binary_gradient_G(logit_N, np.isin(reference_XYZ[roi], REGIONS[region])), None


def _may_calibrate(case: Case, task: Task) -> bool:
    if case.labels[task] == UNKNOWN or case.label_source.get(task) == "pseudo":
        return False
    return task is not Task.CODEL or case.labels[Task.IDH] == 1


def region_logit_XYZ(seg_logits_KXYZ: torch.Tensor, labels: Sequence[int]) -> NDArray[np.float32]:
    """Logit of the summed probability of some labels against the others."""
    inside = [label in labels for label in range(len(seg_logits_KXYZ))]
    chosen = torch.tensor(inside, device=seg_logits_KXYZ.device)
    logit = seg_logits_KXYZ[chosen].logsumexp(0) - seg_logits_KXYZ[~chosen].logsumexp(0)
    return np.asarray(logit.cpu().numpy())


def _near(reference_XYZ: NDArray[np.bool_], predicted_XYZ: NDArray[np.bool_]) -> NDArray[np.bool_]:
    either = reference_XYZ | predicted_XYZ
    return np.asarray(ndimage.binary_dilation(either, iterations=MARGIN)) if either.any() else either


def _count(metrics: dict[str, Metric], name: str, gradient_G: Gradients, is_positive: bool | None) -> None:
    additions = {gradient_key(name, place): Sum(float(value), 1) for place, value in enumerate(gradient_G)}
    if is_positive is not None:
        additions[class_key(name)] = Sum(float(is_positive), 1)
    for key, addition in additions.items():
        held = metrics[key]
        assert isinstance(held, Sum)
        metrics[key] = held + addition
