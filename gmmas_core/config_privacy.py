"""What the coordinator's side adds to privacy: noise on the mean, and sums that nobody sees the parts of.

What a hospital demands for its own patients (record-level noise, floors, which sums it joins) is no part of this: it
lives in that hospital's site.yaml alone, see `client.policy.privacy`.
"""

from dataclasses import dataclass, field

from gmmas_core.config_require import require

SUMMABLE = ("masked_fedavg", "uncertainty_weighted")
"""Strategies in which a site can compute its own weight, without a number of any other site."""

CLIENT_LEVEL_NAMES = ("none", "fixed_clipping", "adaptive_clipping")
MOST_DROPPED = 1 / 3
"""A site composes the configuration from the coordinator's overrides; at one half, one liar among five is enough."""

SECURE_SUM_NAMES = ("none", "pairwise_masks")


@dataclass(kw_only=True, slots=True)
class ClientLevelConfig:
    """Differential privacy of a whole hospital: its update is clipped and the coordinator adds noise to the sum."""

    name: str = "none"  # any of CLIENT_LEVEL_NAMES
    noise_multiplier: float = 1.0  # standard deviation of the noise on the sum, in clipping norms
    clip_norm: float = 1.0  # largest L2 norm of a site's change; the first one, where it adapts
    quantile: float = 0.5  # adaptive_clipping: share of the sites whose change is to be within the norm
    clip_lr: float = 0.2  # adaptive_clipping: rate of the geometric update of the norm
    count_noise: float = 0.0  # adaptive_clipping: deviation of the count's noise; 0: asked sites / 20, at least z
    delta: float = 1e-5
    max_epsilon: float = 0.0  # the run ends before more than this is spent; 0 for no limit

    def __post_init__(self) -> None:
        require(
            self.name in CLIENT_LEVEL_NAMES,
            f"privacy.client_level.name: found {self.name!r}; expected any of {', '.join(CLIENT_LEVEL_NAMES)}",
        )
        for name in ("noise_multiplier", "clip_norm", "clip_lr"):
            value = getattr(self, name)
            require(value > 0, f"privacy.client_level.{name}: found {value}; expected above 0")
        for name in ("quantile", "delta"):
            value = getattr(self, name)
            require(0 < value < 1, f"privacy.client_level.{name}: found {value}; expected above 0 and below 1")
        for name in ("count_noise", "max_epsilon"):
            value = getattr(self, name)
            require(value >= 0, f"privacy.client_level.{name}: found {value}; expected 0 or more")
        require(
            self.name != "adaptive_clipping" or not 0 < 2 * self.count_noise <= self.noise_multiplier,
            f"privacy.client_level.count_noise: found {self.count_noise}; expected above half the noise multiplier, or "
            "0: a more exact count alone would cost more than the round may",
        )


@dataclass(kw_only=True, slots=True)
class SecureSumConfig:
    """Whether the coordinator sees single updates, or only their sum."""

    name: str = "none"  # any of SECURE_SUM_NAMES
    neighbours: int = 0  # other sites that each site shares masks with; 0 takes as many as drop_share needs
    drop_share: float = 1 / 3  # of the sites, that may vanish in any phase; at most MOST_DROPPED

    def __post_init__(self) -> None:
        require(
            self.name in SECURE_SUM_NAMES,
            f"privacy.secure_sum.name: found {self.name!r}; expected any of {', '.join(SECURE_SUM_NAMES)}",
        )
        require(self.neighbours >= 0, f"privacy.secure_sum.neighbours: found {self.neighbours}; expected 0 or more")
        require(
            0 <= self.drop_share <= MOST_DROPPED,
            f"privacy.secure_sum.drop_share: found {self.drop_share}; expected 0 to 1/3: the more sites may vanish, "
            "the fewer in league with the coordinator can open a single update",
        )


@dataclass(kw_only=True, slots=True)
class PrivacyConfig:
    """One file of configs/privacy/."""

    client_level: ClientLevelConfig = field(default_factory=ClientLevelConfig)
    secure_sum: SecureSumConfig = field(default_factory=SecureSumConfig)


def require_plain_mean(privacy: PrivacyConfig, strategy: str) -> None:
    """Refuse client-level noise beside a strategy that it does not fit.

    Raises:
        ConfigError: the strategy is no plain mean.
    """
    require(
        privacy.client_level.name == "none" or strategy == "masked_fedavg",
        f"privacy.client_level: found strategy {strategy}; expected masked_fedavg: noise covers a sum in which every "
        "site counts once and within the norm, not weights or choices that depend on what other sites sent",
    )


def require_summable(privacy: PrivacyConfig, strategy: str, encoding: str) -> None:
    """Refuse what a secure sum cannot do, because nobody sees a single update.

    Screening is no part of this: what needs single updates (distance to the others, doubts about one site, quarantine
    for what it sent) does not take place in such a run, and its report says so.

    Raises:
        ConfigError: a strategy that compares sites, changes in a coarse encoding, or noise by clipping each update.
    """
    if privacy.secure_sum.name == "none":
        return
    require(
        strategy in SUMMABLE,
        f"privacy.secure_sum: found strategy {strategy}; expected any of {', '.join(SUMMABLE)}: in a secure sum the "
        "coordinator sees no single update, so it can neither compare sites (median, trimmed_mean, krum) nor weigh one "
        "by what others sent; choose another strategy, or privacy=none",
    )
    require(
        encoding == "float32",
        f"privacy.secure_sum: found exchange.encoding {encoding}; expected float32: masks hide whole numbers, which "
        "cannot be made smaller afterwards",
    )
    require(
        privacy.client_level.name == "none",
        f"privacy.secure_sum: found client_level {privacy.client_level.name}; expected none: the coordinator cannot "
        "clip updates that it does not see; use record-level noise at the sites, or privacy=client_level alone",
    )
