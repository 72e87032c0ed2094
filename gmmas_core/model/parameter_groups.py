"""Names every parameter once: the groups in which sites speak, are masked, clipped and reported.

A group is decided by the parameter's name alone, so that the coordinator, who has arrays and no network, decides
alike.
"""

import re
from collections.abc import Sequence

from gmmas_core.model.log_variances import SEGMENTATION
from gmmas_core.types import SEQUENCES, FederationError, Task

_SEQUENCE = "|".join(SEQUENCES)
_STEM = re.compile(rf"(?P<branch>global_unet\.)?fusion\.(?:stem\.weight|weights\.v)_(?P<sequence>{_SEQUENCE})")
_NORM = re.compile(r"(?:.*\.)?norm(?:_\w+)?\.(?:weight|bias)")
_HEAD = re.compile(r"heads\.of\.(?P<task>\w+)\..+")
_UNCERTAINTY = re.compile(r"uncertainty\.log_variance_(?P<task>\w+)")
_PREFIXES = {
    "encoder.": "trunk",
    "transformer.": "transformer",
    "attention.": "attention",
    "decoder.": "decoder",
    "global_unet.": "global",
    "contrast.": "contrast",
}


def GROUPS(tasks: Sequence[Task]) -> tuple[str, ...]:
    """All groups of a network with these tasks, in a fixed order."""
    return (
        *(f"stem.{sequence}" for sequence in SEQUENCES),
        *(f"global.stem.{sequence}" for sequence in SEQUENCES),
        *_PREFIXES.values(),
        "norm",
        *(f"head.{task.value}" for task in tasks),
        *(f"uncertainty.{name}" for name in (SEGMENTATION, *(task.value for task in tasks))),
    )


def group_of(parameter_name: str) -> str:
    """The group of one parameter of the network.

    Raises:
        FederationError: a name that belongs to no group.
    """
    if match := _STEM.fullmatch(parameter_name):
        return f"{'global.' if match['branch'] else ''}stem.{match['sequence']}"
    if match := _HEAD.fullmatch(parameter_name):
        return f"head.{match['task']}"
    if match := _UNCERTAINTY.fullmatch(parameter_name):
        return f"uncertainty.{match['task']}"
    if _NORM.fullmatch(parameter_name):
        return "norm"
    for prefix, group in _PREFIXES.items():
        if parameter_name.startswith(prefix):
            return group
    raise FederationError(f"parameter {parameter_name}: belongs to no group; expected a name of the GMMAS network")
