"""The arms of the strategy study: one federation, one curriculum, one seed; what differs is how updates become one.

Every arm walks the same curriculum with the same steps per hospital and starts from the same weights. Pseudo-labels are
part of it for all, because without them the unlabelled hospital says nothing to anybody.
"""

from collections.abc import Sequence

from server.lab.study.arms import CALIBRATE, POOLED, PSEUDO, Arm, StageShare, arms_of

BASELINE = "masked-fedavg"
CURRICULUM = (StageShare("supervised", 9), PSEUDO, StageShare("semi_supervised", 3, 0.5), CALIBRATE)


def _arm(name: str, title: str, *overrides: str, split_by: str = "federated") -> Arm:
    return Arm(name=name, title=title, labelled=100, stages=CURRICULUM, split_by=split_by, overrides=overrides)


UNCERTAINTY, HOMOSCEDASTIC = "strategy=uncertainty_weighted", "strategy.factors=[homoscedastic]"
OPTIMIZER, STEP = "strategy.server_optimizer", "strategy.server_optimizer.lr=0.02"
# An adaptive server moves every weight by about its lr in a round, whatever the sites did; 0.02 is about half of what
# a site's own steps could do. Reasoned, not searched.

STRATEGY_ARMS: tuple[Arm, ...] = (
    _arm(BASELINE, "masked FedAvg (the default)"),
    _arm("uncertainty", "uncertainty weighted, all factors", UNCERTAINTY),
    _arm("uncertainty-doubt", "... doubt alone", UNCERTAINTY, "strategy.factors=[doubt]"),
    _arm("uncertainty-homoscedastic", "... learned variances alone", UNCERTAINTY, HOMOSCEDASTIC, "strategy.signals=[]"),
    _arm("precision", "gradient precision weighted", "strategy=precision_weighted"),
    _arm("adaptive-pid", "adaptive PID", "strategy=adaptive_pid"),
    _arm("semi-supervised", "semi-supervised weights", "strategy=semi_supervised"),
    _arm("trimmed-mean", "trimmed mean", "strategy=trimmed_mean"),
    _arm("median", "coordinate median", "strategy=median"),
    _arm("krum", "Multi-Krum (1 faulty, 4 kept)", "strategy=krum", "strategy.krum_faulty=1", "strategy.krum_kept=4"),
    _arm("adam", "masked FedAvg + server Adam", f"{OPTIMIZER}.name=adam", STEP),
    _arm("yogi", "masked FedAvg + server Yogi", f"{OPTIMIZER}.name=yogi", STEP),
    _arm("fedprox", "masked FedAvg + FedProx (0.01)", "strategy.proximal=0.01"),
    _arm("fedbn", "masked FedAvg, norms stay local (FedBN)", "strategy.local_groups=[uncertainty,norm]"),
    _arm("local-heads", "masked FedAvg, heads stay local", "strategy.local_groups=[uncertainty,head]"),
    _arm("shared-variances", "masked FedAvg, log-variances shared", "strategy.local_groups=[]"),
    _arm("float16", "masked FedAvg, float16 updates", "exchange=float16"),
    _arm("int8", "masked FedAvg, int8 updates", "exchange=int8"),
    _arm("local-only", "each hospital alone (its own cases, its own test cases)", split_by="only"),
    _arm("pooled", "all cases in one place (as many steps as all hospitals together)", split_by=POOLED),
)


def strategy_arms_of(names: Sequence[str]) -> tuple[Arm, ...]:
    """Arms by name and always the baseline, in the table's order; all for none.

    Raises:
        ConfigError: an unknown name.
    """
    return arms_of([*names, BASELINE] if names else [], STRATEGY_ARMS)
