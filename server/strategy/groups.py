"""Which parameter groups belong to one task alone; all others serve every task."""

from gmmas_core.model.log_variances import SEGMENTATION

_UNCERTAINTY = "uncertainty."


def own_group(task: str) -> str:
    """The group that only this task trains; `task` may be "segmentation"."""
    return "decoder" if task == SEGMENTATION else f"head.{task}"


def task_of(group: str) -> str | None:
    """The task whose own group this is, or None."""
    if group == "decoder":
        return SEGMENTATION
    return group.removeprefix("head.") if group.startswith("head.") else None


def log_variance_of(group: str) -> str | None:
    """The task whose learned log-variance this group is, or None."""
    return group.removeprefix(_UNCERTAINTY) if group.startswith(_UNCERTAINTY) else None
