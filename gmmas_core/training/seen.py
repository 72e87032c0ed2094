"""How many training cases inform each parameter group: what a site may speak for when weights are averaged.

A hospital without T2 has not trained `stem.t2`; its copy is the federation's old one, and counting it would only hold
the others back. Counted on cases, not on the steps that happened to be drawn, so the number does not depend on a seed.
"""

from collections.abc import Sequence

from gmmas_core.types import SEQUENCES, UNKNOWN, Case, Task

_SHARED_GROUPS = ("trunk", "transformer", "attention", "global", "norm")


def informs(case: Case, tasks: Sequence[Task]) -> bool:
    """Whether supervised training can learn anything from a case: it has a mask or a known label."""
    return case.mask is not None or any(case.labels[task] != UNKNOWN for task in tasks)


def seen_counts(cases: Sequence[Case], tasks: Sequence[Task]) -> dict[str, int]:
    """Training cases that inform each parameter group in supervised training.

    Args:
        cases: the site's training cases; those with neither mask nor label inform nothing.
        tasks: image-level tasks trained.

    Returns:
        Every parameter group -> number of cases; 0 where the site has no say. The same keys whatever the site has.
        The contrast group is not trained by this stage.
    """
    informative = [case for case in cases if informs(case, tasks)]
    num_masks = sum(case.mask is not None for case in informative)
    seen = dict.fromkeys(_SHARED_GROUPS, len(informative))
    seen |= {"decoder": num_masks, "uncertainty.segmentation": num_masks, "contrast": 0}
    for sequence in SEQUENCES:
        num_with = sum(sequence in case.images for case in informative)
        seen |= {f"stem.{sequence}": num_with, f"global.stem.{sequence}": num_with}
    for task in tasks:
        num_known = sum(case.labels[task] != UNKNOWN for case in informative)
        seen |= {f"head.{task}": num_known, f"uncertainty.{task}": num_known}
    return seen
