"""The arms of the study and what each is compared with: a table, no code that trains.

Every arm takes the same number of optimiser steps per hospital unless its `title` says otherwise: its stages share
twelve twelfths of the configured rounds. Stages with no share take one round and no step.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from gmmas_core.types import ConfigError

EVERYBODY = "federated"
POOLED = "pooled"
ONLY = "only-"
WITHOUT = "without-"


@dataclass(frozen=True)
class StageShare:
    """One stage of an arm's curriculum and its share of the rounds."""

    stage: str
    twelfths: int = 0
    lr_scale: float = 1.0


@dataclass(frozen=True)
class Part:
    """One training run of an arm.

    Attributes:
        group: whose data it trains on; "federated", "pooled", "only-SITE" or "without-SITE".
        test_site: whose test cases it reads; "" for all. The parts of an arm cover every test case once.
    """

    group: str
    test_site: str = ""


@dataclass(frozen=True, kw_only=True)
class Arm:
    """One way to train and to read.

    Attributes:
        name: of files and of `--arms`.
        title: for people.
        labelled: percent of the training cases with labels and mask.
        stages: of the curriculum.
        split_by: how the arm divides into training runs, key of PARTS.
        masks: whether labelled cases keep their masks.
        overrides: of the training configuration.
        reading: of the configuration that test cases are read with; arms that differ in it alone share their training.
    """

    name: str
    title: str
    labelled: int
    stages: tuple[StageShare, ...]
    split_by: str = EVERYBODY
    masks: bool = True
    overrides: tuple[str, ...] = ()
    reading: tuple[str, ...] = ()


@dataclass(frozen=True)
class Comparison:
    """One claim: how `arm` should differ from `baseline` in `measure` (see `tables.MEASURES`).

    Attributes:
        expected: "better", "not worse" or "unknown" (no claim, the number is reported).
    """

    arm: str
    baseline: str
    measure: str
    expected: str
    claim: str


CALIBRATE, PSEUDO = StageShare("calibrate"), StageShare("pseudo_label")
SUPERVISED = (StageShare("supervised", 12), CALIBRATE)
SEMI = (StageShare("supervised", 6), CALIBRATE, PSEUDO, StageShare("semi_supervised", 6, 0.5), CALIBRATE)
SEMI_LATE = (StageShare("supervised", 9), CALIBRATE, PSEUDO, StageShare("semi_supervised", 3, 0.5), CALIBRATE)
DISTILL = (StageShare("supervised", 8), StageShare("distill", 4, 0.5), CALIBRATE)
CONTRAST = (
    StageShare("supervised", 7),
    StageShare("distill", 3, 0.5),
    StageShare("contrast", 1, 0.2),
    StageShare("finetune", 1, 0.1),
    CALIBRATE,
)
START = (StageShare("global_pretrain", 1), StageShare("supervised", 5), CALIBRATE, PSEUDO)
NO_ADAPTATION = (*START, StageShare("semi_supervised", 6, 0.5), CALIBRATE)
GMMAS = (
    *START,
    StageShare("semi_supervised", 2, 0.5),
    StageShare("distill", 2, 0.5),
    StageShare("contrast", 1, 0.2),
    StageShare("finetune", 1, 0.1),
    CALIBRATE,
)
LOOSE = (
    "pseudo_labels.confidence=0.7",
    "pseudo_labels.deviation=0.2",
    "pseudo_labels.codel_confidence=0.9",
    "pseudo_labels.codel_deviation=0.1",
    "pseudo_labels.gate_accuracy=0.7",
)
ANATOMICAL, PAPER = ("data.tumor_cutmix=anatomical",), ("data.tumor_cutmix=paper",)

ARMS: tuple[Arm, ...] = (
    Arm(name="supervised-20", title="supervised, 20 % labelled", labelled=20, stages=SUPERVISED),
    Arm(name="cutmix-20", title="+ Tumor-CutMix", labelled=20, stages=SUPERVISED, overrides=ANATOMICAL),
    Arm(name="pseudo-20", title="+ pseudo-labels (two stages)", labelled=20, stages=SEMI),
    Arm(name="gmmas-20", title="the whole method", labelled=20, stages=GMMAS, overrides=ANATOMICAL),
    Arm(name="supervised-100", title="supervised, all labelled (upper bound)", labelled=100, stages=SUPERVISED),
    Arm(name="pseudo-loose-20", title="+ pseudo-labels, looser rules", labelled=20, stages=SEMI, overrides=LOOSE),
    Arm(name="pseudo-late-20", title="+ pseudo-labels, longer first stage", labelled=20, stages=SEMI_LATE),
    Arm(name="cutmix-paper-20", title="+ Tumor-CutMix as CutMix", labelled=20, stages=SUPERVISED, overrides=PAPER),
    Arm(name="distill-20", title="+ self-distillation", labelled=20, stages=DISTILL),
    Arm(name="contrast-20", title="+ self-distillation and contrast", labelled=20, stages=CONTRAST),
    Arm(
        name="no-adaptation-20",
        title="the whole method without adaptation",
        labelled=20,
        stages=NO_ADAPTATION,
        overrides=ANATOMICAL,
    ),
    Arm(
        name="only-segmentation",
        title="segmentation alone, all labelled",
        labelled=100,
        stages=SUPERVISED,
        overrides=("tasks=[]",),
    ),
    Arm(
        name="only-idh",
        title="IDH alone, all labelled, no masks",
        labelled=100,
        stages=SUPERVISED,
        masks=False,
        overrides=("tasks=[idh]",),
    ),
    Arm(
        name="only-histology",
        title="histology alone, all labelled, no masks",
        labelled=100,
        stages=SUPERVISED,
        masks=False,
        overrides=("tasks=[histology]",),
    ),
    Arm(
        name="local-100",
        title="each hospital alone (its own cases, its own test cases)",
        labelled=100,
        stages=SUPERVISED,
        split_by="only",
    ),
    Arm(
        name="pooled-100",
        title="all cases in one place (as many steps as all hospitals together)",
        labelled=100,
        stages=SUPERVISED,
        split_by=POOLED,
    ),
    Arm(
        name="unseen-100",
        title="leave one hospital out (tested on the one left out)",
        labelled=100,
        stages=SUPERVISED,
        split_by="without",
    ),
    Arm(
        name="gmmas-20-paper-cleaning",
        title="the whole method, components dropped as published",
        labelled=20,
        stages=GMMAS,
        overrides=ANATOMICAL,
        reading=("evaluation.postprocess=paper",),
    ),
    Arm(
        name="gmmas-20-multifocal-cleaning",
        title="the whole method, specks dropped, lesions kept",
        labelled=20,
        stages=GMMAS,
        overrides=ANATOMICAL,
        reading=("evaluation.postprocess=multifocal",),
    ),
)

COMPARISONS: tuple[Comparison, ...] = (
    Comparison("supervised-100", "supervised-20", "auroc_idh", "better", "more labels classify better"),
    Comparison("supervised-100", "supervised-20", "dice_wt", "better", "more labels segment better"),
    Comparison("cutmix-20", "supervised-20", "dice_tc", "better", "Tumor-CutMix makes segmentation more robust"),
    Comparison("cutmix-20", "supervised-20", "ece_idh", "better", "Tumor-CutMix lowers the calibration error"),
    Comparison("cutmix-20", "supervised-20", "brier_idh", "better", "Tumor-CutMix lowers the Brier score"),
    Comparison("pseudo-20", "supervised-20", "dice_wt", "better", "unlabelled cases improve segmentation"),
    Comparison("pseudo-20", "supervised-20", "auroc_idh", "better", "unlabelled cases improve IDH"),
    Comparison("pseudo-loose-20", "supervised-20", "dice_wt", "better", "looser rules improve segmentation"),
    Comparison("pseudo-loose-20", "supervised-20", "auroc_idh", "better", "looser rules improve IDH"),
    Comparison("pseudo-late-20", "supervised-20", "dice_wt", "better", "a longer first stage improves segmentation"),
    Comparison("pseudo-late-20", "supervised-20", "auroc_idh", "better", "a longer first stage improves IDH"),
    Comparison("gmmas-20", "supervised-20", "dice_wt", "better", "the whole method beats supervision alone"),
    Comparison("gmmas-20", "supervised-20", "subset_wt", "better", "adaptation helps where sequences are missing"),
    Comparison("gmmas-20", "supervised-20", "auroc_idh", "better", "the whole method beats supervision in IDH"),
    Comparison("gmmas-20", "pseudo-20", "subset_wt", "better", "what CutMix and adaptation add where sequences miss"),
    Comparison("gmmas-20", "pseudo-20", "dice_wt", "not worse", "... and what they cost with all sequences"),
    Comparison("cutmix-20", "cutmix-paper-20", "dice_tc", "unknown", "one tumour per brain or two blended"),
    Comparison("distill-20", "supervised-20", "subset_wt", "better", "distillation helps where sequences are missing"),
    Comparison("contrast-20", "distill-20", "subset_wt", "better", "contrast helps beyond distillation"),
    Comparison("gmmas-20", "no-adaptation-20", "subset_wt", "better", "what adaptation adds to the whole method"),
    Comparison("gmmas-20", "no-adaptation-20", "dice_wt", "not worse", "adaptation costs nothing on what is there"),
    Comparison("supervised-100", "only-segmentation", "dice_wt", "not worse", "sharing a network costs no overlap"),
    Comparison("supervised-100", "only-idh", "auroc_idh", "better", "segmentation teaches IDH"),
    Comparison("supervised-100", "only-histology", "auroc_histology", "better", "segmentation teaches histology"),
    Comparison("supervised-100", "local-100", "dice_wt", "better", "federating beats being alone"),
    Comparison("supervised-100", "local-100", "auroc_idh", "better", "federating beats being alone in IDH"),
    Comparison("supervised-100", "pooled-100", "dice_wt", "not worse", "federating is as good as pooling"),
    Comparison("supervised-100", "unseen-100", "dice_wt", "better", "what a hospital gains by taking part"),
    Comparison("gmmas-20-paper-cleaning", "gmmas-20", "dice_wt", "unknown", "published cleaning or none"),
    Comparison("gmmas-20-multifocal-cleaning", "gmmas-20", "dice_wt", "unknown", "multifocal cleaning or none"),
)

GAPS: tuple[tuple[str, str, str], ...] = tuple(
    (arm, "supervised-20", "supervised-100")
    for arm in ("cutmix-20", "pseudo-20", "pseudo-loose-20", "pseudo-late-20", "gmmas-20")
)
"""(arm, baseline, upper bound): how much of what the missing labels cost the arm wins back."""


def arms_of(names: Sequence[str], table: Sequence[Arm] = ARMS) -> tuple[Arm, ...]:
    """Arms by name, in the table's order; all for an empty list.

    Raises:
        ConfigError: an unknown name.
    """
    known = {arm.name: arm for arm in table}
    unknown = [name for name in names if name not in known]
    if unknown:
        raise ConfigError(f"--arms: found {', '.join(unknown)}; expected any of {', '.join(known)}")
    return tuple(arm for arm in table if arm.name in names or not names)


def parts_of(arm: Arm, names: Sequence[str]) -> tuple[Part, ...]:
    """The training runs of an arm among the hospitals of these names."""
    return {
        EVERYBODY: (Part(EVERYBODY),),
        POOLED: (Part(POOLED),),
        "only": tuple(Part(ONLY + name, name) for name in names),
        "without": tuple(Part(WITHOUT + name, name) for name in names),
    }[arm.split_by]


def curriculum_overrides(arm: Arm, rounds: int) -> list[str]:
    """The arm's curriculum with its shares of the training rounds.

    Raises:
        ConfigError: fewer rounds than training stages.
    """
    training = [share.twelfths for share in arm.stages if share.twelfths]
    if rounds < len(training):
        raise ConfigError(f"rounds: found {rounds}; expected at least {len(training)} for arm {arm.name}")
    counts = iter(share_rounds(training, rounds))
    plan = [(share, next(counts) if share.twelfths else 1) for share in arm.stages]
    entries = [f"{{stage:{share.stage},rounds:{count},lr_scale:{share.lr_scale}}}" for share, count in plan]
    # Arms that train alike carry one name, so that they can share a run.
    name = "-".join(f"{share.stage}{count}" for share, count in plan)
    return [f"curriculum.name={name}", f"curriculum.stages=[{','.join(entries)}]"]


def share_rounds(twelfths: Sequence[int], rounds: int) -> list[int]:
    """At least one round each, `rounds` in all, otherwise as near to the shares as whole rounds allow."""
    counts = [1] * len(twelfths)
    while sum(counts) < rounds:
        lacking: Mapping[int, float] = {
            place: share * rounds / 12 - count for place, (share, count) in enumerate(zip(twelfths, counts))
        }
        counts[max(lacking, key=lambda place: lacking[place])] += 1
    return counts
