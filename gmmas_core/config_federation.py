"""What the coordinator's round control is made of: waiting, weighing, screening, bytes and release gates."""

from dataclasses import dataclass

from gmmas_core.config_require import require

STRATEGY_NAMES = (
    "masked_fedavg",
    "uncertainty_weighted",
    "precision_weighted",
    "adaptive_pid",
    "semi_supervised",
    "trimmed_mean",
    "median",
    "krum",
)
"""What `server.strategy` can play."""

SIGNAL_NAMES = ("doubt", "gradient_variance", "improvement", "pseudo_labels")
"""What a site can measure for a strategy, see `client.rounds.signals`."""


@dataclass(kw_only=True, slots=True)
class ServerOptimizerConfig:
    """What is done with the mean of the updates before it becomes the global weights."""

    name: str  # "none", "adam" or "yogi"
    lr: float
    beta1: float
    beta2: float
    tau: float  # adaptivity: added to the root of the second moment

    def __post_init__(self) -> None:
        valid = ("none", "adam", "yogi")
        require(
            self.name in valid, f"strategy.server_optimizer.name: found {self.name!r}; expected any of {list(valid)}"
        )
        require(self.lr > 0 and self.tau > 0, "strategy.server_optimizer.lr and tau: expected above 0")
        require(
            0 <= self.beta1 < 1 and 0 <= self.beta2 < 1,
            "strategy.server_optimizer.beta1 and beta2: expected 0 up to below 1",
        )


@dataclass(kw_only=True, slots=True)
class StrategyConfig:
    """How loudly each site speaks, and what it keeps to itself."""

    name: str
    signals: list[str]  # what every site measures for this strategy, any of SIGNAL_NAMES
    factors: list[str]  # of the weight beyond the plain share; each strategy names its own, [] leaves the plain share
    cap: float  # a claimed factor counts at most so many times the median of the sites'
    pid: list[float]  # shares of size, improvement and history in adaptive_pid
    dispersity: float  # semi_supervised: weight shrinks as exp(-dispersity * |update| / cases)
    trim: float  # trimmed_mean: share of the values cut off at either end
    krum_faulty: int  # krum: sites that may be wrong
    krum_kept: int  # krum: sites averaged at the end; 1 is the published Krum, more is Multi-Krum
    proximal: float  # FedProx: weight mu of the distance to the received weights in the local loss; 0 for none
    local_groups: list[str]  # parameter groups, or their first words, that never leave a site: uncertainty, norm, head
    server_optimizer: ServerOptimizerConfig

    def __post_init__(self) -> None:
        require(
            self.name in STRATEGY_NAMES,
            f"strategy.name: found {self.name!r}; expected any of {', '.join(STRATEGY_NAMES)}",
        )
        unknown = [name for name in self.signals if name not in SIGNAL_NAMES]
        require(not unknown, f"strategy.signals: found {unknown}; expected any of {list(SIGNAL_NAMES)}")
        require(self.cap >= 1, f"strategy.cap: found {self.cap}; expected at least 1")
        require(
            len(self.pid) == 3 and min(self.pid) >= 0 and sum(self.pid) > 0,
            f"strategy.pid: found {self.pid}; expected three shares of at least 0, not all of them 0",
        )
        require(self.dispersity >= 0, f"strategy.dispersity: found {self.dispersity}; expected 0 or more")
        require(0 <= self.trim < 0.5, f"strategy.trim: found {self.trim}; expected 0 up to below 0.5")
        require(self.krum_faulty >= 0, f"strategy.krum_faulty: found {self.krum_faulty}; expected 0 or more")
        require(self.krum_kept >= 1, f"strategy.krum_kept: found {self.krum_kept}; expected at least 1")
        require(self.proximal >= 0, f"strategy.proximal: found {self.proximal}; expected 0 or more")


@dataclass(kw_only=True, slots=True)
class FederationConfig:
    """Round control: who is asked, how long is waited, and what makes a round count."""

    min_sites: int  # sites that must be online before the first round
    quorum: int  # good replies without which a round is void
    mandatory: list[str]  # sites without whose good reply a round is void
    sample_share: float  # share of the known sites asked in a training round, at least the quorum; 1 asks all
    deadline_s: float  # longest wait for a reply, whatever was observed
    least_deadline_s: float  # shortest wait before a round closes without the slow sites, never above deadline_s
    soft_factor: float  # the soft deadline is so many times the slowest site's usual time; at it, a quorum is enough
    hard_factor: float  # the hard deadline is so many times the soft one; at it, the round closes
    void_repeats: int  # a void round is repeated so often before the run pauses
    start_timeout_s: float  # for min_sites to come online
    poll_s: float
    keep_best: int  # checkpoints kept beside the newest: those best on validation

    def __post_init__(self) -> None:
        require(self.quorum >= 1, f"federation.quorum: found {self.quorum}; expected at least 1")
        require(
            self.min_sites >= self.quorum,
            f"federation.min_sites: found {self.min_sites}; expected at least federation.quorum ({self.quorum})",
        )
        require(
            0 < self.sample_share <= 1, f"federation.sample_share: found {self.sample_share}; expected above 0 up to 1"
        )
        for name in ("deadline_s", "least_deadline_s"):
            value = getattr(self, name)
            require(value > 0, f"federation.{name}: found {value}; expected above 0")
        for name in ("soft_factor", "hard_factor"):
            value = getattr(self, name)
            require(value >= 1, f"federation.{name}: found {value}; expected at least 1")
        require(self.keep_best >= 1, f"federation.keep_best: found {self.keep_best}; expected at least 1")
        require(self.void_repeats >= 0, f"federation.void_repeats: found {self.void_repeats}; expected 0 or more")


@dataclass(kw_only=True, slots=True)
class ScreeningConfig:
    """What makes an update look odd (counted with its plain share, with an alert) and what leaves it out."""

    window: int  # accepted norms remembered
    warm_up: int  # fewer remembered norms than this judge nobody
    norm_soft: float  # times the median of the remembered norms: odd beyond
    norm_hard: float  # left out beyond
    direction_soft: float  # odd when the cosine with the last global step is below
    distance_soft: float  # times the median distance to the coordinate median of the round's updates: odd beyond
    distance_hard: float  # left out beyond
    max_log_variance: float  # largest magnitude of a reported log-variance
    quarantine_after: int  # offences in a row after which a site is not asked until the coordinator readmits it

    def __post_init__(self) -> None:
        require(self.window >= 1, f"screening.window: found {self.window}; expected at least 1")
        require(1 <= self.warm_up <= self.window, "screening.warm_up: expected 1 up to screening.window")
        for name in ("norm", "distance"):
            soft, hard = getattr(self, f"{name}_soft"), getattr(self, f"{name}_hard")
            require(1 <= soft <= hard, f"screening.{name}_soft: found {soft}; expected 1 up to {name}_hard ({hard})")
        require(-1 <= self.direction_soft <= 1, "screening.direction_soft: expected -1 to 1")
        require(self.max_log_variance > 0, "screening.max_log_variance: expected above 0")
        require(self.quarantine_after >= 1, "screening.quarantine_after: expected at least 1")


@dataclass(kw_only=True, slots=True)
class ExchangeConfig:
    """In which form updates travel."""

    encoding: str  # "float32" (weights, exact), "float16" or "int8" (deltas with error feedback)

    def __post_init__(self) -> None:
        valid = ("float32", "float16", "int8")
        require(self.encoding in valid, f"exchange.encoding: found {self.encoding!r}; expected any of {list(valid)}")


@dataclass(kw_only=True, slots=True)
class ReleaseConfig:
    """What a model must reach on the hospitals' holdouts before it is released without a named person's override."""

    worst_site_dice: float  # least whole-tumour Dice at the worst site
    max_ece: float  # largest expected calibration error of any image-level task, pooled
    min_cases: int  # fewer holdout cases than this decide nothing, which refuses too

    def __post_init__(self) -> None:
        for name in ("worst_site_dice", "max_ece"):
            value = getattr(self, name)
            require(0 <= value <= 1, f"release.{name}: found {value}; expected 0 to 1")
        require(self.min_cases >= 1, f"release.min_cases: found {self.min_cases}; expected at least 1")
