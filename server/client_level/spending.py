"""What client-level privacy has cost each site, from the run's ledger, and whether a further round may begin.

Which sites a round asks is drawn from the run's seed, and every hospital knows the seed: nobody is hidden by not being
asked, so there is no amplification by sampling. A site pays, in full, for every round to which it has answered; epsilon
is the exact one of as many Gaussian mechanisms. Lines of rounds that were played twice (a crash between ledger and
checkpoint) count twice: the noise was drawn twice.

Epsilon is about the weights. Exact and not covered by it: metrics, counts and norms in ledger and report, the scores by
which a round is chosen, temperatures fitted on validation cases, and everything the coordinator itself sees.
"""

from collections.abc import Collection, Iterable, Mapping
from typing import Any

from gmmas_core.config import ClientLevelConfig
from gmmas_core.privacy.accounting import Steps, epsilon_of
from server.run import RunPaused

KEY = "client_level"
"""Of a round's line in the ledger."""

Entry = Mapping[str, Any]


def spent(entries: Iterable[Entry], config: ClientLevelConfig, further: Collection[str] = ()) -> dict[str, float]:
    """Site -> epsilon of what it has paid, and with one round more for the `further` ones.

    Args:
        entries: of the ledger.
        config: noise multiplier of a further round, and delta.
        further: sites that would pay for another round.
    """
    paid: dict[str, list[Steps]] = {site: [Steps(config.noise_multiplier, 1.0, 1)] for site in further}
    for entry in entries:
        if entry["kind"] == "round" and KEY in entry:
            for site in entry[KEY]["paid"]:
                paid.setdefault(site, []).append(Steps(float(entry[KEY]["noise_multiplier"]), 1.0, 1))
    return {site: epsilon_of(steps, config.delta).epsilon for site, steps in sorted(paid.items())}


def require_left(entries: Iterable[Entry], config: ClientLevelConfig, asked: Collection[str], number: int) -> None:
    """Let a round begin only if afterwards no asked site has spent more than the run may.

    Raises:
        RunPaused: one would have; the rounds until now can be released.
    """
    if not config.max_epsilon:
        return
    after = max(spent(entries, config, asked).values(), default=0.0)
    if after > config.max_epsilon:
        raise RunPaused(
            f"privacy: found that round {number} would bring epsilon to {after:.3f}; expected at most "
            f"privacy.client_level.max_epsilon ({config.max_epsilon:g}); release a round of what there is "
            "(gmmas-coordinator release), nothing more can be trained in this run"
        )
