"""Sites speak louder the more cases they have, the more a round improves them and the worse they have fared."""

from collections.abc import Mapping, Sequence
from statistics import fmean, median

from gmmas_core.config import StrategyConfig
from gmmas_core.weighing import plain_share
from server.strategy.factors import require_known
from server.strategy.signals import measured
from server.strategy.strategy import Loudness, Memory
from server.strategy.voice import Voice

WINDOW = 6  # losses in the integral term
FACTORS = {"improvement": 1, "history": 2}  # place in `strategy.pid`; the first is the size's


def adaptive_pid(voices: Sequence[Voice], config: StrategyConfig, memory: Memory) -> Loudness:
    """Weight alpha n_i / sum n + beta d_i / sum d + gamma m_i / sum m over the sites that speak for a group.

        d_i = max(0, loss before - loss after) local training, on the site's own validation cases, in this round
        m_i = mean of the site's last WINDOW losses before training; in proportion the published sum, and fair to a
              site that joined later

    A term that is 0 for all or known of none leaves its share to the others; a site of which it is not known counts as
    the median of those of which it is. Losses are bounded; still d and m count at most `config.cap` times their median.

    Source: FedPIDAvg (FeTS 2022); improvement inside one round, so that no site needs a past, as in FedPOD
    (arXiv 2512.20610).
    """
    require_known(config, FACTORS)
    claims = {"improvement": _improvements(voices), "history": _histories(voices, memory)}
    loudness: Loudness = {voice.site: dict(plain_share(voice.seen)) for voice in voices}
    for group in dict.fromkeys(group for weights in loudness.values() for group in weights):
        plain = {site: weights[group] for site, weights in loudness.items() if weights.get(group, 0) > 0}
        terms = [(config.pid[0], plain)]
        for name in config.factors:
            terms.append(
                (config.pid[FACTORS[name]], _bounded({site: claims[name][site] for site in plain}, config.cap))
            )
        terms = [(share, term) for share, term in terms if share > 0 and sum(term.values()) > 0]
        if terms and terms != [(config.pid[0], plain)]:
            for site in plain:
                loudness[site][group] = sum(share * term[site] / sum(term.values()) for share, term in terms)
    return loudness


def remember_losses(voices: Sequence[Voice], memory: Memory) -> Memory:
    """The last WINDOW losses before training of every site ever heard."""
    losses = dict(memory.get("losses", {}))
    for voice in voices:
        before = measured(voice, "loss_before")
        if before is not None:
            losses[voice.site] = [*losses.get(voice.site, ()), before][-WINDOW:]
    return {"losses": losses}


def _improvements(voices: Sequence[Voice]) -> dict[str, float | None]:
    found: dict[str, float | None] = {}
    for voice in voices:
        before, after = measured(voice, "loss_before"), measured(voice, "loss_after")
        found[voice.site] = None if before is None or after is None else max(0.0, before - after)
    return found


def _histories(voices: Sequence[Voice], memory: Memory) -> dict[str, float | None]:
    losses = remember_losses(voices, memory)["losses"]
    return {voice.site: fmean(losses[voice.site]) if voice.site in losses else None for voice in voices}


def _bounded(claims: Mapping[str, float | None], cap: float) -> dict[str, float]:
    known = [claim for claim in claims.values() if claim is not None]
    middle = median(known) if known else 0.0
    limit = cap * median([claim for claim in known if claim > 0] or [0.0])
    return {site: middle if claim is None else min(claim, limit) for site, claim in claims.items()}
