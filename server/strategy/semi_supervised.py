"""Labels count fully, pseudo-labels as far as they are trusted, and scattered updates less."""

from collections.abc import Mapping, Sequence
from math import exp, log, sqrt
from statistics import median

from gmmas_core.config import StrategyConfig
from gmmas_core.weighing import log_variance_of, own_group, plain_share, task_of
from server.strategy.factors import require_known
from server.strategy.signals import counted, measured
from server.strategy.strategy import Loudness, Memory
from server.strategy.voice import Voice

FACTORS = {"pseudo_labels": 0, "dispersity": 1}


def semi_supervised(voices: Sequence[Voice], config: StrategyConfig, memory: Memory) -> Loudness:
    """Weight (labelled + min(accepted x trust, median labelled)) exp(-dispersity x |update| / cases).

        trust      mean confidence of the accepted pseudo-labels
        median     of the labelled counts of the sites that have such labels: pseudo-labels of one site never outweigh
                   a usual site's labels
        |update|   L2 norm over the groups the site speaks for; the factor counts between 1/cap and cap of its median

    A task's own group takes its task's count. A group that serves every task takes the largest of the site's tasks, in
    proportion to the cases that inform the group (half of them, where half have T2). Where a site reports no counts
    (no pseudo-labels in this stage) its plain share stands; a log-variance takes its task's count.

    Source: CBAFed (CVPR 2023), client weights; RSCFed (CVPR 2022), dispersity, to the received weights in place of the
    subset's mean, which the server would have to wait for.
    """
    require_known(config, FACTORS)
    loudness: Loudness = {voice.site: dict(plain_share(voice.seen)) for voice in voices}
    if "pseudo_labels" in config.factors:
        counts = _counts(voices)
        loudness = {site: _weights(plain, counts[site]) for site, plain in loudness.items()}
    if "dispersity" in config.factors:
        scatter = _scatter(voices, config)
        loudness = {site: {g: w * scatter[site] for g, w in weights.items()} for site, weights in loudness.items()}
    return loudness


def _counts(voices: Sequence[Voice]) -> dict[str, dict[str, float]]:
    """Site -> task -> labels plus trusted pseudo-labels, for the tasks it speaks for and has reported."""
    counts: dict[str, dict[str, float]] = {voice.site: {} for voice in voices}
    for task in dict.fromkeys(task for voice in voices for group in voice.seen if (task := task_of(group))):
        speaking = [voice for voice in voices if voice.seen.get(own_group(task), 0) > 0]
        labelled = {voice.site: _labelled(voice, task) for voice in speaking}
        limit = median([count for count in labelled.values() if count > 0] or [float("inf")])
        for voice in speaking:
            count = labelled[voice.site] + min(_trusted(voice, task), limit)
            if count > 0:
                counts[voice.site][task] = count
    return counts


def _weights(plain: Mapping[str, float], counts: Mapping[str, float]) -> dict[str, float]:
    own = {group: task_of(group) or log_variance_of(group) for group in plain}
    informed = max((count for group, count in plain.items() if own[group] is None), default=0)
    weights = {}
    for group, count in plain.items():
        task = own[group]
        if task is not None:
            weights[group] = counts.get(task, count) if count else 0.0
        else:
            weights[group] = max(counts.values()) * count / informed if counts and informed else count
    return weights


def _labelled(voice: Voice, task: str) -> int:
    """Labels from pathology (or masks that were given), never more than the cases that inform the task's group."""
    return min(counted(voice, f"pseudo_labels_known.{task}"), voice.seen[own_group(task)])


def _trusted(voice: Voice, task: str) -> float:
    """Accepted pseudo-labels, no more than the site has cases, times their mean confidence."""
    confidence = measured(voice, f"pseudo_labels.{task}") or 0.0
    return min(confidence, 1.0) * min(counted(voice, f"pseudo_labels.{task}"), voice.num_cases)


def _scatter(voices: Sequence[Voice], config: StrategyConfig) -> dict[str, float]:
    """Each site's factor over the median one, in logarithms: a far update must not underflow to silence."""
    spread = {v.site: sqrt(sum(v.norms[g] ** 2 for g, n in v.seen.items() if n)) / max(1, v.num_cases) for v in voices}
    middle, limit = (median(spread.values()) if spread else 0.0), log(config.cap)
    return {site: exp(min(limit, max(-limit, -config.dispersity * (x - middle)))) for site, x in spread.items()}
