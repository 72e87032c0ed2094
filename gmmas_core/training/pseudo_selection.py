"""Which of a model's answers about unlabelled cases are believed: numbers in, accepted and refused answers out.

Uncertainty-aware pseudo-label selection: an answer counts when the mean over the stochastic passes is confident and the
passes agree. Beyond the source: no combination that contradicts biology or pathology, a balance of classes that also
counts the labels the site has, masks by doubt, and a gate that drops a task's pseudo-labels altogether where the same
rules fail on cases with a known answer.

Source: Rizve et al. 2021 (UPS, arXiv 2101.06329); thresholds of GMMAS's UPS_select.py.
"""

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from gmmas_core.config_curriculum import PseudoLabelConfig
from gmmas_core.data.pseudo_labels import PseudoCase
from gmmas_core.data.pseudo_table import PseudoLabel, PseudoMask
from gmmas_core.training.seen import seen_counts
from gmmas_core.types import UNKNOWN, Case, Task

BALANCE, CONTRADICTION = "class balance", "contradicts IDH-wildtype with 1p/19q codeleted"
DOUBTFUL, SMALL = "among the site's most doubtful masks", "whole tumour too small"

_ROUNDING = 1e-9
"""Products of settings and counts: 0.7 * 10 is 7.000000000000001."""
_NEGLIGIBLE = 1e-6
"""Below this P(mutant), the network has no opinion on what a mutant would be."""

ProbM = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class Audit:
    """What the rules were worth on cases with a known answer.

    Attributes:
        total: right answers, or summed Dice of masks.
        count: accepted answers.
    """

    total: float
    count: int


@dataclass(frozen=True, kw_only=True)
class Gate:
    """Whether a task's pseudo-labels are dropped at this site, and why."""

    dropped: bool
    reason: str


def judge_case(
    case_id: str, prob_M: Mapping[Task, ProbM], known: Mapping[Task, int], settings: PseudoLabelConfig
) -> list[PseudoLabel]:
    """An answer for every task that is unknown, accepted or not, never contradicting what is known.

    Where pathology says IDH-mutant, codeletion is asked of the mutant, as the head was trained: the marginal would call
    every mutant intact that the network takes for a wildtype.

    Args:
        case_id: pseudonym.
        prob_M: P(class 1) of every pass per task, (M,); CODEL is the marginal.
        known: class per task, UNKNOWN or absent where nobody determined it.
        settings: thresholds.
    """
    answers = []
    for task, positive_M in prob_M.items():
        if known.get(task, UNKNOWN) != UNKNOWN:
            continue
        if task is Task.CODEL and known.get(Task.IDH) == 1:
            positive_M = _given_mutant(positive_M, prob_M[Task.IDH])
        answers.append(_judge(case_id, task, positive_M, settings))
    return _without_contradiction(answers, known)


def balance(labels: Sequence[PseudoLabel], known: tuple[int, int], ratio: float) -> list[PseudoLabel]:
    """Refuse the least certain answers of the larger class beyond the balance.

    Of class c are kept at most the larger of
        ratio * max(accepted answers of the other class, 1), and
        ratio * (accepted and known labels of the other class) - known labels of class c.
    The second counts the labels that the site has: what training sees is both together, and a hospital that knows only
    wildtypes needs its pseudo-mutants most. The first is the published rule, it counts pseudo-labels alone, and keeps
    the second from refusing everything at a hospital whose known labels are lopsided already. Ties in deviation go by
    confidence, then by pseudonym.

    Args:
        labels: one task's answers over the site, any order.
        known: training cases of class 0 and of class 1 whose label is known.
        ratio: at most so many of the larger class per one of the smaller; 0 refuses none.

    Returns:
        The answers in the order given.
    """
    if ratio == 0:
        return list(labels)
    num = Counter(row.label for row in labels if row.accepted)
    refused: set[str] = set()
    for label in (0, 1):
        other = 1 - label
        limit = max(ratio * max(num[other], 1), ratio * (num[other] + known[other]) - known[label])
        ranked = sorted(
            (row for row in labels if row.accepted and row.label == label),
            key=lambda row: (row.deviation, -row.confidence, row.case_id),
        )
        refused |= {row.case_id for row in ranked[math.floor(limit + _ROUNDING) :]}
    return [replace(row, reason=BALANCE) if row.case_id in refused else row for row in labels]


def judge_mask(
    case_id: str, entropy: float, volume_ml: float, blocked: Mapping[str, str], settings: PseudoLabelConfig
) -> PseudoMask:
    """Whether a predicted mask is a candidate at all.

    Args:
        case_id: pseudonym.
        entropy: mean predictive entropy inside the whole tumour, nats.
        volume_ml: of the whole tumour.
        blocked: region -> why it cannot be assessed with the sequences of this case; such a mask would teach what
            nobody could have seen.
        settings: smallest volume.
    """
    reason = SMALL if not volume_ml >= settings.mask_volume_ml else ""
    if blocked:
        reason = f"not assessable: {', '.join(blocked)}"
    return PseudoMask(case_id=case_id, entropy=entropy, volume_ml=volume_ml, reason=reason)


def least_doubtful(masks: Sequence[PseudoMask], share: float) -> list[PseudoMask]:
    """Keep the given share of the candidates, rounded down but at least one; ties go by pseudonym."""
    candidates = sorted((mask for mask in masks if mask.accepted), key=lambda mask: (mask.entropy, mask.case_id))
    num_kept = max(1, math.floor(share * len(candidates) + _ROUNDING))
    refused = {mask.case_id for mask in candidates[num_kept:]}
    return [replace(mask, reason=DOUBTFUL) if mask.case_id in refused else mask for mask in masks]


def gate(audit: Audit, least: float, needed: int) -> Gate:
    """Whether audited answers are too bad; fewer than `needed` of them decide nothing."""
    if audit.count < max(1, needed):
        return Gate(dropped=False, reason=f"not audited ({audit.count} of {max(1, needed)} needed)")
    score = audit.total / audit.count
    word = "below" if score < least else "not below"
    return Gate(dropped=score < least, reason=f"{score:.3f} over {audit.count} audited cases, {word} {least:g}")


def still_unknown(pseudo: Mapping[str, PseudoCase], cases: Sequence[Case]) -> dict[str, PseudoCase]:
    """The pseudo-labels of cases that nothing better exists for now: a table may have grown since they were made.

    A pseudo-label never overrides a known label or a mask that was given, and never contradicts one.
    """
    kept = {}
    for case in cases:
        found = pseudo.get(case.case_id)
        if found is None:
            continue
        labels = {task: label for task, label in found.labels.items() if case.labels[task] == UNKNOWN}
        culprit = _contradiction(labels, case.labels)
        if culprit is not None:
            del labels[culprit]
        mask_XYZ = found.mask_XYZ if case.mask is None else None
        if labels or mask_XYZ is not None:
            kept[case.case_id] = PseudoCase(labels=labels, mask_XYZ=mask_XYZ)
    return kept


def seen_with_pseudo(
    cases: Sequence[Case], pseudo: Mapping[str, PseudoCase], tasks: Sequence[Task], weight: float
) -> dict[str, int]:
    """`seen_counts` where a case that informs a parameter group by pseudo-labels alone counts `weight`, rounded up.

    Args:
        cases: the site's training cases.
        pseudo: of `read_pseudo_labels`; what is known by now does not count twice.
        tasks: image-level tasks trained.
        weight: of a pseudo-label beside one from pathology.
    """
    found = still_unknown(pseudo, cases)
    plain = seen_counts(cases, tasks)
    filled = seen_counts([_filled(case, found.get(case.case_id)) for case in cases], tasks)
    return {group: num + math.ceil(weight * (filled[group] - num) - _ROUNDING) for group, num in plain.items()}


def _filled(case: Case, found: PseudoCase | None) -> Case:
    """The case as if its pseudo-labels were its labels; the mask's path is never opened."""
    if found is None:
        return case
    mask = case.mask if found.mask_XYZ is None else Path("pseudo")
    source = {**case.label_source, **dict.fromkeys(found.labels, "pseudo")}
    return replace(case, labels={**case.labels, **found.labels}, label_source=source, mask=mask)


def _given_mutant(codel_M: ProbM, mutant_M: ProbM) -> ProbM:
    """P(codeleted | mutant) from the marginal; one half where it cannot be told."""
    told_M = mutant_M >= _NEGLIGIBLE
    return np.where(told_M, np.minimum(codel_M / np.where(told_M, mutant_M, 1.0), 1.0), 0.5)


def _judge(case_id: str, task: Task, positive_M: ProbM, settings: PseudoLabelConfig) -> PseudoLabel:
    least, limit = settings.confidence, settings.deviation
    if task is Task.CODEL:
        least, limit = settings.codel_confidence, settings.codel_deviation
    label = int(positive_M.mean() > 0.5)
    predicted_M = positive_M if label else 1 - positive_M
    confidence, deviation = float(predicted_M.mean()), float(predicted_M.std())
    reason = ""
    if not confidence >= least:
        reason = f"confidence below {least:g}"
    elif not deviation < limit:
        reason = f"deviation not below {limit:g}"
    return PseudoLabel(
        case_id=case_id, task=task, label=label, confidence=confidence, deviation=deviation, reason=reason
    )


def _without_contradiction(answers: Iterable[PseudoLabel], known: Mapping[Task, int]) -> list[PseudoLabel]:
    answers = list(answers)
    culprit = _contradiction({row.task: row.label for row in answers if row.accepted}, known)
    return [replace(row, reason=CONTRADICTION) if row.task is culprit else row for row in answers]


def _contradiction(pseudo: Mapping[Task, int], known: Mapping[Task, int]) -> Task | None:
    """The pseudo-label to drop from IDH-wildtype with codeletion: the codeletion, or IDH where codeletion is known."""
    together = {**known, **pseudo}
    if together.get(Task.IDH) != 0 or together.get(Task.CODEL) != 1:
        return None
    return next((task for task in (Task.CODEL, Task.IDH) if task in pseudo), None)
