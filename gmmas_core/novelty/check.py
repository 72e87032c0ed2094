"""Whether a case's images are like those that the model was trained on, as a check beside those of `quality`."""

from collections.abc import Mapping

from gmmas_core.novelty.features import Floats, sequences_of
from gmmas_core.novelty.gaussian import distance
from gmmas_core.novelty.held_out import subset_name
from gmmas_core.novelty.stored import Distribution
from gmmas_core.quality.check import Check, Verdict
from gmmas_core.types import Task

ID = "unlike_training"
OUT_OF_DISTRIBUTION = "out of distribution: the images are unlike those of the training sites"
"""Reason of `CaseResult.abstained`."""


def check_novelty(distribution: Distribution, features_F: Floats) -> Check:
    """Compare a case with the training patients, by the sequences that both have.

    Args:
        distribution: of the model folder.
        features_F: of the case.

    Returns:
        A warning beyond the limit that 95 % of held-out patients keep, a failure beyond that of 99 %; not assessable
        where too few patients of the training sites had these sequences.
    """
    judged = sequences_judged(distribution, features_F)
    limits = distribution.limits.get(subset_name(judged))
    far = distance(distribution.gaussian, features_F)
    if limits is None or far is None:
        return _open(", ".join(judged) or "none of its sequences")
    verdict = Verdict.FAIL if far > limits.out else Verdict.WARN if far > limits.warn else Verdict.PASS
    return Check(
        id=ID,
        verdict=verdict,
        found=f"a distance of {far:.1f} from the training sites' patients",
        expected=f"at most {limits.warn:.1f}, as 95 % of patients held out there",
        action=_ACTIONS[verdict],
    )


_ACTIONS: Mapping[Verdict, str] = {
    Verdict.PASS: "",
    Verdict.WARN: "look whether scanner, protocol and preparation are usual before believing the result",
    Verdict.FAIL: "do not believe the result: the model has not learned from such images; look at their preparation",
}


def sequences_judged(distribution: Distribution, features_F: Floats) -> tuple[str, ...]:
    """Sequences that the case has and the training sites' patients had."""
    return tuple(name for name in sequences_of(features_F) if name in distribution.gaussian.sequences)


def abstentions(check: Check, tasks: tuple[Task, ...]) -> dict[str, str]:
    """Task -> reason, where the images are too unlike for answers about type and genes."""
    return dict.fromkeys((task.value for task in tasks), OUT_OF_DISTRIBUTION) if check.verdict is Verdict.FAIL else {}


def _open(judged: str) -> Check:
    return Check(
        id=ID,
        verdict=Verdict.NOT_ASSESSABLE,
        found=f"too few patients of the training sites to compare {judged} with",
        expected="enough training patients and patients held out with the same sequences",
        action="judge by eye whether the images are usual",
    )
