"""What cannot be judged without which sequence: the only table of these rules.

A network fills every voxel with some label whatever it was given; here is written what it could not have seen. A
finding that is not assessable is reported as such with its reason and never as zero.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from gmmas_core.types import REGIONS, SEQUENCES


@dataclass(frozen=True)
class Rule:
    """A finding and what it needs.

    Attributes:
        finding: key in CaseResult.not_assessable; regions use their own names.
        needs: groups of sequences; one of each group must be there.
        because: reason, completed by the names of what is missing.
    """

    finding: str
    needs: tuple[tuple[str, ...], ...]
    because: str


RULES = (
    Rule("et", (("t1c",),), "enhancement shows only after contrast"),
    Rule("tc", (("t1c",),), "the core is bounded by enhancement and necrosis, which show only after contrast"),
    Rule("necrosis", (("t1c",),), "necrosis is told from solid tumour by the enhancing rim around it"),
    Rule(
        "label_1_versus_3",
        (("t1c",),),
        "labels 1 and 3 in the segmentation are told apart by enhancement; read neither alone",
    ),
    Rule("wt", (("t2", "flair"),), "the outer border of the tumour is the border of its T2/FLAIR signal"),
    Rule("edema", (("t2", "flair"),), "edema and infiltration are seen as T2/FLAIR signal"),
    Rule("t2_flair_mismatch", (("t2",), ("flair",)), "the sign compares T2 with FLAIR"),
    Rule("enhancement_versus_blood", (("t1",), ("t1c",)), "signal that is bright before contrast is not enhancement"),
)
"""Sources: BraTS annotation protocol for the regions; every published model's ET Dice falls below 0.5 without T1c."""


def not_assessable(available: Iterable[str]) -> dict[str, str]:
    """Findings that cannot be judged from these sequences, each with its reason.

    Args:
        available: names out of SEQUENCES.

    Returns:
        Finding -> reason, e.g. {"et": "no t1c: enhancement shows only after contrast"}, in the order of RULES.
    """
    there = set(available)
    found = {}
    for rule in RULES:
        lacking = [group for group in rule.needs if not there & set(group)]
        if lacking:
            found[rule.finding] = f"no {' and no '.join(' or '.join(group) for group in lacking)}: {rule.because}"
    return found


def assessable_regions(blocked: Mapping[str, str]) -> tuple[str, ...]:
    """Regions whose volume may be stated."""
    return tuple(region for region in REGIONS if region not in blocked)


def present(available_C: Iterable[bool]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Names of the sequences that are there and of those that are missing, in SEQUENCES' order."""
    flags = dict(zip(SEQUENCES, map(bool, available_C), strict=True))
    return tuple(s for s in SEQUENCES if flags[s]), tuple(s for s in SEQUENCES if not flags[s])
