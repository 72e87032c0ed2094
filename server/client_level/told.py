"""What a report and a model card say of client-level privacy."""

from collections.abc import Mapping, Sequence
from typing import Any

from gmmas_core.config import ClientLevelConfig
from server.client_level.spending import KEY

Entry = Mapping[str, Any]

COVERS = (
    "It holds for one hospital's training data as a whole, against whoever sees the models; leaving a hospital's data "
    "out is the change it hides."
)
OPEN = (
    "Not covered: metrics, counts, norms and temperatures, the choice of a round by its scores, who took part, what "
    "other runs with the same hospitals have spent, and anything the coordinator itself sees."
)


def client_level_told(entries: Sequence[Entry], config: ClientLevelConfig) -> dict[str, Any] | None:
    """For report.json; None for a run without it."""
    if config.name == "none":
        return None
    noisy = [entry[KEY] for entry in entries if entry["kind"] == "round" and KEY in entry]
    return {
        "name": config.name,
        "noise_multiplier": config.noise_multiplier,
        "delta": config.delta,
        "epsilon": noisy[-1]["epsilon"] if noisy else 0.0,
        "max_epsilon": config.max_epsilon or None,
        "rounds": len(noisy),
        "clip_norm": noisy[-1]["clip_norm"] if noisy else config.clip_norm,
        "covers": COVERS,
        "open": OPEN,
    }


def in_words(told: Entry | None) -> str:
    """One paragraph."""
    if told is None:
        return "No noise was added to the mean of the hospitals' updates."
    return (
        f"Client-level differential privacy ({told['name']}): epsilon {told['epsilon']:.3f} at delta {told['delta']:g} "
        f"for the hospital that took part most, over {told['rounds']} noisy rounds at noise multiplier "
        f"{told['noise_multiplier']:g}. {told['covers']} {told['open']}"
    )


PRIVACY = """<h2>Noise on the mean</h2>
<p>{{ privacy }}</p>
"""
"""The part of the report's page; needs `privacy`, in words."""
