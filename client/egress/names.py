"""Everything that an answer may hold: the metrics this release knows, and the form of each."""

from collections.abc import Mapping

from client.evaluation.significance import no_significance
from gmmas_core.calibration import no_calibration_metrics
from gmmas_core.losses import part_names
from gmmas_core.metrics.merging import merge
from gmmas_core.metrics.threshold_baseline import flair_threshold_sums
from gmmas_core.model.log_variances import SEGMENTATION
from gmmas_core.model.parameter_groups import GROUPS
from gmmas_core.novelty.held_out import no_distances
from gmmas_core.novelty.sums import no_patients
from gmmas_core.training.loop import GRAD_NORM
from gmmas_core.training.proximal import PROXIMAL
from gmmas_core.training.stages.contrast import PARTS as CONTRAST
from gmmas_core.training.stages.distill import PARTS as DISTILL
from gmmas_core.training.stages.pseudo_label import no_pseudo_metrics
from gmmas_core.types import DataError, Metric, Sum, Task

Tasks = tuple[Task, ...]


def score_names(tasks: Tasks) -> dict[str, Metric]:
    """What an evaluation may hold, every metric empty."""
    return merge([], tasks) | flair_threshold_sums([]) | no_significance(tasks) | no_distances()


def update_names(tasks: Tasks) -> dict[str, Metric]:
    """What a round of any stage may hold, every metric empty."""
    questions = (SEGMENTATION, *(task.value for task in tasks))
    signals = (
        *(f"{kind}.{name}" for kind in ("epistemic", "aleatoric") for name in questions),
        *(f"{kind}.{name}" for kind in ("pseudo_labels", "pseudo_labels_known") for name in questions),
        *(f"gradient_variance.{group}" for group in GROUPS(tasks)),
        *("loss_before", "loss_after"),
    )
    losses = (*part_names(tasks), *DISTILL, *CONTRAST, PROXIMAL, GRAD_NORM)
    sums: dict[str, Metric] = dict.fromkeys((*losses, *(f"signal.{name}" for name in signals)), Sum(0.0, 0))
    return merge([], tasks) | no_calibration_metrics(tasks) | no_pseudo_metrics(tasks) | no_patients() | sums


def require_known(metrics: Mapping[str, Metric], known: Mapping[str, Metric]) -> None:
    """Refuse to send a metric that is on no list, or one of another form.

    Raises:
        DataError: says how many; their names stay here.
    """
    unfit = [key for key, metric in metrics.items() if key not in known or not _is_alike(metric, known[key])]
    if unfit:
        raise DataError(
            f"policy: found {len(unfit)} metrics that this release does not know; expected those on its list; "
            "nothing was sent"
        )


def _is_alike(metric: Metric, known: Metric) -> bool:
    if isinstance(metric, Sum) or isinstance(known, Sum):
        return isinstance(metric, Sum) and isinstance(known, Sum) and _is_count(metric.count)
    return len(metric) == len(known) and all(_is_count(count) for count in metric)


def _is_count(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0
