"""What the curriculum is made of: its stages, and the settings of those beyond plain supervision."""

from dataclasses import dataclass

from gmmas_core.config_require import require

STAGE_NAMES = (
    "global_pretrain",
    "supervised",
    "calibrate",
    "pseudo_label",
    "semi_supervised",
    "distill",
    "contrast",
    "finetune",
)
"""What `training.stages` can play."""


@dataclass(kw_only=True, slots=True)
class StagePlan:
    """One entry of the curriculum."""

    stage: str
    rounds: int
    lr_scale: float = 1.0
    local_steps: int = 0  # 0 means training.local_steps

    def __post_init__(self) -> None:
        require(
            self.stage in STAGE_NAMES,
            f"curriculum.stages.stage: found {self.stage!r}; expected any of {', '.join(STAGE_NAMES)}",
        )
        require(self.rounds >= 1, f"curriculum.stages.rounds: found {self.rounds}; expected at least 1")
        require(
            self.local_steps >= 0,
            f"curriculum.stages.local_steps: found {self.local_steps}; expected 0 (training.local_steps) or more",
        )
        require(self.lr_scale > 0, f"curriculum.stages.lr_scale: found {self.lr_scale}; expected above 0")


@dataclass(kw_only=True, slots=True)
class CurriculumConfig:
    """Which stages, in which order, for how many rounds."""

    name: str
    stages: list[StagePlan]

    def __post_init__(self) -> None:
        require(len(self.stages) > 0, "curriculum.stages: found none; expected at least one stage")


@dataclass(kw_only=True, slots=True)
class PseudoLabelConfig:
    """When a site believes what the global model says about its unlabelled cases."""

    mc_passes: int  # stochastic passes per case
    confidence: float  # least mean probability of the predicted class
    deviation: float  # the passes' standard deviation must stay below this
    codel_confidence: float  # 1p/19q has thresholds of its own
    codel_deviation: float
    balance: float  # at most so many cases of the larger class per case of the smaller; 0 for no balance
    weight: float  # of a pseudo-label's loss; pathology counts 1
    mask_entropy_quantile: float  # share of a site's pseudo-masks that is kept, the least doubtful first
    mask_volume_ml: float  # smallest whole tumour of an accepted pseudo-mask
    gate_accuracy: float  # least audited accuracy on labelled validation cases
    gate_dice: float  # least audited whole-tumour Dice of accepted masks
    gate_cases: int  # fewer audited cases than this decide nothing

    def __post_init__(self) -> None:
        require(self.mc_passes >= 2, f"pseudo_labels.mc_passes: found {self.mc_passes}; expected at least 2")
        for name in ("confidence", "codel_confidence"):
            value = getattr(self, name)
            require(0.5 <= value <= 1, f"pseudo_labels.{name}: found {value}; expected 0.5 to 1")
        for name in ("weight", "mask_entropy_quantile", "gate_accuracy", "gate_dice"):
            value = getattr(self, name)
            require(0 <= value <= 1, f"pseudo_labels.{name}: found {value}; expected 0 to 1")
        require(
            self.balance == 0 or self.balance >= 1,
            f"pseudo_labels.balance: found {self.balance}; expected 0 (no balance) or at least 1",
        )


@dataclass(kw_only=True, slots=True)
class AdaptationConfig:
    """How the network learns to do without some sequences."""

    availability: str  # subsets a sample is shown with: "uniform" over all, or "paper" (one or two are lost)
    feature_weight: float  # of the features' mean squared error between the two paths
    logits_weight: float  # of distilling class logits; 0 as published
    logits_temperature: float
    contrast_weight: float  # of the Siamese loss beside the multi-task loss
    collapse_share: float  # of the healthy spread of projections, below which the contrast stage stops

    def __post_init__(self) -> None:
        require(
            self.availability in ("uniform", "paper"),
            f"adaptation.availability: found {self.availability!r}; expected 'uniform' or 'paper'",
        )
        for name in ("feature_weight", "logits_weight", "contrast_weight"):
            value = getattr(self, name)
            require(value >= 0, f"adaptation.{name}: found {value}; expected 0 or more")
        require(
            self.logits_temperature > 0,
            f"adaptation.logits_temperature: found {self.logits_temperature}; expected above 0",
        )
        require(
            0 <= self.collapse_share < 1,
            f"adaptation.collapse_share: found {self.collapse_share}; expected 0 up to below 1",
        )


@dataclass(kw_only=True, slots=True)
class CalibrationConfig:
    """When validation cases are enough to fit a temperature; otherwise it stays 1 and the file says so."""

    min_cases: int
    min_per_class: int

    def __post_init__(self) -> None:
        require(self.min_cases >= 1, f"calibration.min_cases: found {self.min_cases}; expected at least 1")
        require(self.min_per_class >= 1, f"calibration.min_per_class: found {self.min_per_class}; expected at least 1")
