"""Record-level differential privacy of one round at one site: what is asked for, what it costs, and where it holds.

A record is a patient. In every step each patient of the site's training split takes part with the same probability,
independently of all others; the gradient of one patient, whatever it learned from, is clipped to `max_grad_norm`; noise
is added to the sum. That bounds what a patient can do to the result only if nobody's gradient depends on another's
data, so settings that mix patients are refused rather than ignored:

    data.tumor_cutmix          a composite carries two patients, the host and the donor. Whoever of the two leaves the
                               data set, the composite turns into another sample: one clipped gradient is replaced by
                               a different one, which moves the sum by up to 2 C, and a patient can be donor to any
                               number of hosts in one step. The accountant counts adding or removing one contribution
                               of norm C; nothing of that is covered by it.
    loss.class_weighting       the weight of a class comes from all training cases' labels: every gradient changes when
                               one patient leaves
    pseudo_labels.balance      which answers are kept is decided by ranking the site's cases against one another
    pseudo_labels.mask_entropy_quantile
                               the same for masks
    adaptation.collapse_share  the stage stops when the projections of many patients have collapsed: that it stopped is
                               an answer about them, without noise

Source: Abadi et al. 2016 (arXiv 1607.00133); Poisson sampling as Mironov et al. 2019 (arXiv 1908.10530) count it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass

from gmmas_core.config import Config
from gmmas_core.types import Case, FederationError

PSEUDO_LABEL_STAGES = ("semi_supervised", "distill", "contrast", "finetune")
"""Stages that also learn from pseudo-labels, where a run has some."""

GRADIENT_STAGES = ("global_pretrain", "supervised", *PSEUDO_LABEL_STAGES)
"""Stages that take gradient steps, and so nothing without protection where a site demands it."""


@dataclass(frozen=True, kw_only=True)
class Protection:
    """How single patients are hidden in what a round trains.

    Attributes:
        noise_multiplier: standard deviation of the noise on the summed gradients, in clipping norms.
        max_grad_norm: L2 norm to which one patient's gradient is clipped.
        secret: seeds the choice of patients and the noise; fresh from the operating system for every round that is
            trained, known to nobody else and kept by nobody. At least 128 bits, or the noise could be guessed.
    """

    noise_multiplier: float
    max_grad_norm: float
    secret: int


@dataclass(frozen=True, kw_only=True)
class Spent:
    """What a round of noisy steps costs, for the accountant.

    Attributes:
        noise_multiplier: as in Protection.
        sample_rate: probability with which each patient is part of a step.
        steps: noisy steps taken.
    """

    noise_multiplier: float
    sample_rate: float
    steps: int


def protected_patients(cases: Sequence[Case]) -> tuple[str, ...]:
    """The records of a site: its patients, each once, whatever number of studies they have and whatever these teach.

    Args:
        cases: of the training split, all of them.
    """
    return tuple(sorted({case.patient_id for case in cases}))


def sample_rate(config: Config, num_patients: int) -> float:
    """Probability with which each patient takes part in a step: on average a batch's worth of patients does.

    Args:
        config: of the run.
        num_patients: of the site's training split, above 0; the number is not a secret, the coordinator is told it.
    """
    return min(1.0, config.training.batch_size / num_patients)


def require_separable(config: Config, stage: str) -> None:
    """Refuse settings under which one patient's data reaches another patient's gradient.

    Raises:
        FederationError: some of the settings that matter in this stage do; all are named.
    """
    found: list[tuple[str, object, object]] = []
    if stage in GRADIENT_STAGES and config.data.tumor_cutmix != "none":
        found.append(("data.tumor_cutmix", config.data.tumor_cutmix, "none"))
    if stage in GRADIENT_STAGES and stage != "global_pretrain" and config.loss.class_weighting != "none":
        found.append(("loss.class_weighting", config.loss.class_weighting, "none"))
    if stage in PSEUDO_LABEL_STAGES:
        found += ranking_rules(asdict(config.pseudo_labels))
    if stage == "contrast" and config.adaptation.collapse_share > 0:
        found.append(("adaptation.collapse_share", config.adaptation.collapse_share, 0))
    if found:
        raise FederationError(
            f"stage {stage}: found settings that mix patients ("
            + ", ".join(f"{name}={value}" for name, value, _ in found)
            + "); expected none where this site protects single patients; start the run with "
            + " ".join(f"{name}={wanted}" for name, _, wanted in found)
        )


def require_unranked(thresholds: Mapping[str, float], where: str) -> None:
    """Refuse pseudo-labels that were chosen by ranking patients against one another.

    A request brings its own settings, so those of now say nothing about the ones of an earlier round.

    Args:
        thresholds: the settings they were made under; {} where there are none.
        where: named in the error.

    Raises:
        FederationError: they were ranked.
    """
    rules = ranking_rules(thresholds) if thresholds else []
    if rules:
        raise FederationError(
            f"{where}: found a table made with "
            + ", ".join(f"{name}={value}" for name, value, _ in rules)
            + "; expected one made patient by patient where this site protects single patients; repeat the "
            "pseudo_label round with " + " ".join(f"{name}={wanted}" for name, _, wanted in rules)
        )


def ranking_rules(thresholds: Mapping[str, float]) -> list[tuple[str, object, object]]:
    """Rules of pseudo-labelling that rank cases against one another and are on: (name, value, what switches it off)."""
    return [
        (f"pseudo_labels.{name}", thresholds.get(name), off)
        for name, off in (("balance", 0), ("mask_entropy_quantile", 1))
        if thresholds.get(name) != off
    ]
