"""What a run is made of: one checked dataclass per group of configs/.

Plain, mutable, without defaults for required values; each class refuses bad values in its own words when it is built.
"""

from dataclasses import dataclass, field

from gmmas_core.config_curriculum import AdaptationConfig, CalibrationConfig, CurriculumConfig, PseudoLabelConfig
from gmmas_core.config_federation import (
    ExchangeConfig,
    FederationConfig,
    ReleaseConfig,
    ScreeningConfig,
    StrategyConfig,
)
from gmmas_core.config_privacy import PrivacyConfig, require_plain_mean, require_summable
from gmmas_core.config_require import require
from gmmas_core.types import Task

_COUNTS = ("transformer_layers", "transformer_heads", "mlp_dim", "token_grid", "crop_size", "context_size")


@dataclass(kw_only=True, slots=True)
class ModelConfig:
    """The network; one preset per file in configs/model/."""

    name: str
    channels: list[int]  # of the CNN encoder's levels, finest first
    blocks: list[int]  # residual blocks per level
    stem_stride: int  # 1 as published, 2 for speed
    embed_dim: int
    transformer_layers: int
    transformer_heads: int
    mlp_dim: int
    token_grid: int  # edge of the learned positional table; resampled to other grids
    global_channels: list[int]
    global_embed_dim: int
    global_stem_stride: int
    head_channels: int  # per task after reading encoder and bottleneck
    stem_dropout: float
    transformer_dropout: float
    head_dropout: float
    crop_size: int  # voxels, edge of a training crop and of an inference window
    context_size: int  # voxels, edge of the down-sampled whole brain

    def __post_init__(self) -> None:
        require(self.stem_stride in (1, 2), f"model.stem_stride: found {self.stem_stride}; expected 1 or 2")
        require(
            self.global_stem_stride in (1, 2),
            f"model.global_stem_stride: found {self.global_stem_stride}; expected 1 or 2",
        )
        require(
            len(self.channels) == len(self.blocks) == 4, "model.channels and model.blocks: expected four levels each"
        )
        require(len(self.global_channels) == 4, "model.global_channels: expected four levels")
        counts = {"blocks": min(self.blocks)} | {name: getattr(self, name) for name in _COUNTS}
        for name, count in counts.items():
            require(count >= 1, f"model.{name}: found {count}; expected at least 1")
        widths = [*self.channels, *self.global_channels, self.embed_dim, self.global_embed_dim, self.head_channels]
        require(
            all(width > 0 and width % 8 == 0 for width in widths),
            f"model: found widths {sorted(set(widths))}; expected multiples of 8 (channel attention reduces by 8)",
        )
        require(self.head_channels >= 16, f"model.head_channels: found {self.head_channels}; expected at least 16")
        factor = 8 * self.stem_stride
        require(
            self.crop_size % factor == 0,
            f"model.crop_size: found {self.crop_size}; expected a multiple of {factor} (8 x stem_stride)",
        )
        require(
            self.context_size % (8 * self.global_stem_stride) == 0,
            f"model.context_size: found {self.context_size}; expected a multiple of {8 * self.global_stem_stride}",
        )
        require(
            self.embed_dim % self.transformer_heads == 0,
            f"model.embed_dim: found {self.embed_dim}; expected a multiple of the {self.transformer_heads} heads",
        )

    @property
    def smallest_edge(self) -> int:
        """Voxels along an edge of the deepest feature map, of the crop's branch or of the whole brain's."""
        return min(self.crop_size // (8 * self.stem_stride), self.context_size // (8 * self.global_stem_stride))


@dataclass(kw_only=True, slots=True)
class DataConfig:
    """From the site's files to batches."""

    root: str  # the lab's folder of site folders, or of cases to deal; a hospital's own folder is in its site.yaml
    deal: str  # "" or the name of a file in configs/deal/ that makes hospitals out of one folder of cases
    spacing_mm: float  # grid inside; 1.0 unless an experiment says otherwise
    holdout_share: float
    validation_share: float
    tumour_share: float  # share of training crops that are placed on the tumour
    flip: bool
    intensity_scale: float  # per sequence x * U(1-s, 1+s) + U(-s, s)
    sequence_drop: float  # probability that a training sample loses one or two of its sequences
    tumor_cutmix: str  # "none", "paper" (two tumours blended) or "anatomical" (one tumour per brain)
    cutmix_share: float  # of training samples that become composites
    workers: int  # processes that prepare cases; 0 means one per core
    partition: str = ""  # "" or the name of a file in configs/partition/: the lab deals its sites anew by it

    def __post_init__(self) -> None:
        require(not (self.deal and self.partition), "data: found a deal and a partition; expected at most one of them")
        require(0.25 <= self.spacing_mm <= 8, f"data.spacing_mm: found {self.spacing_mm}; expected 0.25 to 8")
        shares = self.holdout_share, self.validation_share
        require(
            min(shares) >= 0 and sum(shares) < 1,
            f"data.holdout_share and validation_share: found {shares}; expected non-negative with a sum below 1",
        )
        for name in ("tumour_share", "sequence_drop", "cutmix_share"):
            value = getattr(self, name)
            require(0 <= value <= 1, f"data.{name}: found {value}; expected 0 to 1")
        require(
            self.tumor_cutmix in ("none", "paper", "anatomical"),
            f"data.tumor_cutmix: found {self.tumor_cutmix!r}; expected 'none', 'paper' or 'anatomical'",
        )


@dataclass(kw_only=True, slots=True)
class LossConfig:
    """Weights and forms of the multi-task loss."""

    regulariser: str  # "half_s" (Kendall et al.) or "s" (the published ancestor)
    log_variance_limit: float  # learned log-variances are clamped to +- this
    context_weight: float  # of the global branch's own segmentation loss
    class_weighting: str  # "inverse_frequency" from the site's own counts, or "none"

    def __post_init__(self) -> None:
        require(
            self.regulariser in ("half_s", "s"),
            f"loss.regulariser: found {self.regulariser!r}; expected 'half_s' or 's'",
        )
        require(
            self.class_weighting in ("inverse_frequency", "none"),
            f"loss.class_weighting: found {self.class_weighting!r}; expected 'inverse_frequency' or 'none'",
        )


@dataclass(kw_only=True, slots=True)
class TrainingConfig:
    """Local optimisation."""

    local_steps: int
    batch_size: int
    lr: float
    weight_decay: float
    poly_power: float  # lr of a round = lr * (1 - (round - 1) / rounds) ** poly_power
    clip_norm: float
    precision: str  # "auto", "float32" or "bfloat16"

    def __post_init__(self) -> None:
        require(self.local_steps >= 1, f"training.local_steps: found {self.local_steps}; expected at least 1")
        require(self.batch_size >= 1, f"training.batch_size: found {self.batch_size}; expected at least 1")
        require(0 < self.lr < 1, f"training.lr: found {self.lr}; expected above 0 and below 1")
        require(self.clip_norm > 0, f"training.clip_norm: found {self.clip_norm}; expected above 0")
        require(
            self.precision in ("auto", "float32", "bfloat16"),
            f"training.precision: found {self.precision!r}; expected 'auto', 'float32' or 'bfloat16'",
        )


@dataclass(kw_only=True, slots=True)
class EvaluationConfig:
    """How a case is read and scored."""

    inference: str  # "window" or "one_pass"
    overlap: float
    flips: bool
    postprocess: str  # "none", "paper" (drop small components of a sparse tumour) or "multifocal"
    max_one_pass_voxels: int  # larger brains are read in windows
    mc_passes: int  # stochastic passes for uncertainty; 0 for none
    bootstrap: int  # resamples for intervals
    local_only: bool  # also train and score a model per site that never federates
    subsets: bool  # also score the final model on all 15 subsets of the sequences, and what each sequence is worth
    max_validation_cases: int  # per site and round

    def __post_init__(self) -> None:
        require(
            self.inference in ("window", "one_pass"),
            f"evaluation.inference: found {self.inference!r}; expected 'window' or 'one_pass'",
        )
        require(
            self.postprocess in ("none", "paper", "multifocal"),
            f"evaluation.postprocess: found {self.postprocess!r}; expected 'none', 'paper' or 'multifocal'",
        )
        require(0 <= self.overlap < 1, f"evaluation.overlap: found {self.overlap}; expected 0 up to below 1")
        require(self.mc_passes != 1, "evaluation.mc_passes: found 1; expected 0 or at least 2")


@dataclass(kw_only=True, slots=True)
class AcceptanceConfig:
    """What a run must reach for its command to exit 0."""

    check: str  # "none", "beats_untrained" or "learns_training_cases"
    split: str = "holdout"  # split that is evaluated beside the holdout for the check

    def __post_init__(self) -> None:
        valid = ("none", "beats_untrained", "learns_training_cases")
        require(self.check in valid, f"acceptance.check: found {self.check!r}; expected any of {list(valid)}")


@dataclass(kw_only=True, slots=True)
class Config:
    """The whole resolved configuration of a run."""

    name: str
    notice: str  # shown in every report of this run, e.g. "public test data"
    seed: int
    rounds: int
    tasks: list[str]
    model: ModelConfig
    data: DataConfig
    loss: LossConfig
    training: TrainingConfig
    curriculum: CurriculumConfig
    pseudo_labels: PseudoLabelConfig
    adaptation: AdaptationConfig
    calibration: CalibrationConfig
    strategy: StrategyConfig
    federation: FederationConfig
    screening: ScreeningConfig
    exchange: ExchangeConfig
    evaluation: EvaluationConfig
    release: ReleaseConfig
    acceptance: AcceptanceConfig = field(default_factory=lambda: AcceptanceConfig(check="none"))
    privacy: PrivacyConfig = field(default_factory=PrivacyConfig)

    def __post_init__(self) -> None:
        valid = [task.value for task in Task]
        for task in self.tasks:
            require(task in valid, f"tasks: found {task!r}; expected any of {valid}")
        require(len(set(self.tasks)) == len(self.tasks), f"tasks: found {self.tasks}; expected each task once")
        if Task.CODEL.value in self.tasks:
            require(
                Task.IDH.value in self.tasks,
                "tasks: found codel_1p19q without idh; expected both, codeletion is predicted given IDH",
            )
        require_plain_mean(self.privacy, self.strategy.name)
        require_summable(self.privacy, self.strategy.name, self.exchange.encoding)

    @property
    def has_contrast(self) -> bool:
        """Whether a stage needs the projector and the predictor beside the network."""
        return any(entry.stage == "contrast" for entry in self.curriculum.stages)

    @property
    def task_list(self) -> tuple[Task, ...]:
        """The image-level tasks, in the order of the heads."""
        return tuple(Task(task) for task in self.tasks)
